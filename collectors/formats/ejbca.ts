import { isIP } from 'node:net'
import { isUtf8 } from 'node:buffer'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Artifact } from '../../model/observation.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Timestamp } from '../../model/time.ts'
import { instantIn } from '../localTime.ts'
import type { Format, FormatContext } from '../format.ts'
import type { RawRecord } from '../source.ts'
import { originalOf } from '../text.ts'
import type { Original } from '../text.ts'
import { authorityId } from './ejbcaAuthority.ts'
import { EJBCA_EVENTS, OTHER } from './ejbcaEvents.ts'
import { splitEjbcaLine } from './ejbcaLine.ts'
import type { EjbcaLine } from './ejbcaLine.ts'
import { serverLine } from './ejbcaServer.ts'
import type { ServerField } from './ejbcaServer.ts'
import { certificateArtifact, heldCertificate } from './heldCertificate.ts'
import { messageFacts } from './ejbcaMessage.ts'
import type { MessageFacts } from './ejbcaMessage.ts'
import { unparsedEvent } from './unparsed.ts'
import { parsePrefix, startsWithTime } from './wildfly.ts'
import type { WildflyPrefix } from './wildfly.ts'

const AUDIT = { module: 'ejbca', dataset: 'ejbca.audit' }
const SERVER = { module: 'ejbca', dataset: 'ejbca.server' }
const AUDIT_CATEGORY = 'org.cesecore.audit.impl.log4j.Log4jDevice'

/**
 * EJBCA's audit log (Log4jDevice, 7.11 and near versions) and the server.log it may stand in: audit messages with or
 * without WildFly's prefix, and WildFly's other lines.
 */
export const ejbca: Format = {
  name: 'ejbca',
  startsRecord: startsWithTime,
  parse(record, context) {
    if (record.damage !== undefined) return unparsedEvent(record, context, AUDIT, '')
    const original = originalOf(record.bytes)
    const text = original.text.endsWith('\r') ? original.text.slice(0, -1) : original.text
    const prefix = parsePrefix(text)
    const message = prefix === undefined ? text : text.slice(prefix.length)
    if (prefix !== undefined && prefix.category !== AUDIT_CATEGORY)
      return serverEvent(record, context, original, prefix, message)
    const line = splitEjbcaLine(message)
    if (line === undefined) return unparsedEvent(record, context, AUDIT, 'not an audit message of EJBCA')
    const time = instant(line)
    if (time === undefined) return unparsedEvent(record, context, AUDIT, `no such time: ${line.date}`)
    return auditEvent(record, context, original, line, time)
  },
  artifacts: issuedCertificates,
}

/** The certificate that CERT_CREATION holds. */
export function issuedCertificates({ pki }: AuditEvent): readonly Artifact[] {
  const held = pki?.sha256 === undefined ? undefined : certificateArtifact(pki.details?.['cert'] ?? '')
  return held === undefined ? [] : [held]
}

const DAY = /^\d{4}-\d\d-\d\d$/
/** The day that was last found to exist; a log asks for the same one again and again. */
let existingDay = ''

/** Whether there is such a day, from 1970 to 9998: then no offset can move the time out of four-digit years. */
function isDay(day: string): boolean {
  if (day === existingDay) return true
  const ms = Date.parse(`${day}T00:00:00Z`)
  // Date moves the 31st of February into March.
  if (!DAY.test(day) || Number.isNaN(ms) || toTimestamp(ms).slice(0, 10) !== day) return false
  if (day < '1970-01-02' || day > '9998-12-31') return false
  existingDay = day
  return true
}

/** undefined when there is no such day. */
function instant(line: EjbcaLine): Timestamp | undefined {
  if (!isDay(line.date)) return undefined
  if (line.offset === '+00:00') return `${line.date}T${line.clock}.000Z`
  const ms = Date.parse(`${line.date}T${line.clock}${line.offset}`)
  return Number.isNaN(ms) ? undefined : toTimestamp(ms)
}

/** The prefix bears local time without offset. */
function prefixInstant(prefix: WildflyPrefix, timeZone = 'UTC'): Timestamp | undefined {
  if (prefix.date === undefined || !isDay(prefix.date)) return undefined
  const local = `${prefix.date}T${prefix.clock.replace(',', '.')}`
  if (timeZone === 'UTC') return `${local}Z`
  const ms = instantIn(timeZone, local)
  return ms === undefined ? undefined : toTimestamp(ms)
}

const OUTCOMES = { SUCCESS: 'success', FAILURE: 'failure', VOID: 'unknown' } as const
const ALLOWED = ['allowed']
const DENIED = ['denied']

type Draft<T> = { -readonly [K in keyof T]: T[K] }

/** The event of an audit message that was taken apart. */
export function auditEvent(
  record: RawRecord,
  context: FormatContext,
  original: Original,
  line: EjbcaLine,
  time: Timestamp,
): AuditEvent {
  const outcome = OUTCOMES[line.status]
  const { category, type } = EJBCA_EVENTS.get(line.eventType) ?? OTHER
  const said = new Details(line)
  const { message } = said
  const event: Draft<AuditEvent['event']> = {
    action: line.eventType,
    outcome,
    category,
    type: line.eventType === 'ACCESS_CONTROL' ? (outcome === 'failure' ? DENIED : ALLOWED) : type,
    module: AUDIT.module,
    dataset: AUDIT.dataset,
    original: original.original,
  }
  if (original.encoding !== undefined) event.encoding = original.encoding
  const reason = said.once('reason') ?? (outcome === 'failure' ? message : undefined)
  if (reason !== undefined) event.reason = reason
  const result: Draft<AuditEvent> = {
    '@timestamp': time,
    event,
    pki: pkiFields(line, said, context),
    position: record.position,
  }
  const held = heldCertificate(said.once('cert') ?? '')
  if (held !== undefined) {
    result.x509 = held.x509
    result.pki = { ...result.pki, sha256: held.sha256 }
  }
  if (line.authToken !== '') result.user = { name: line.authToken }
  const ip = said.once('remoteip')
  if (ip !== undefined && isIP(ip) !== 0) result.source = { ip }
  if (message !== undefined) result.message = message
  return result
}

/**
 * Details by key. EJBCA escapes nothing, so what a user could smuggle in shows as a key that comes twice: all are kept
 * (`key`, `key#2`, …), and no field is taken from any of them.
 */
class Details {
  /** All but `message`. */
  readonly all: Record<string, string>
  /** The value of `msg`, if that comes exactly once and is not empty. */
  readonly message: string | undefined
  #repeated: Map<string, number> | undefined

  constructor(line: EjbcaLine) {
    this.all = { module: line.module, service: line.service }
    const message = line.details.filter(([key]) => key === 'msg')
    this.message = message.length === 1 ? message[0]?.[1] : undefined
    if (this.message === '') this.message = undefined
    for (const [key, value] of line.details) {
      if (key === 'msg' && this.message !== undefined) continue
      if (Object.hasOwn(this.all, key)) this.#repeat(key, value)
      else this.all[key] = decodeB64(value)
    }
  }

  /** Value of a key that comes exactly once and is not empty. */
  once(key: string): string | undefined {
    const value = Object.hasOwn(this.all, key) ? this.all[key] : undefined
    return value === '' || this.#repeated?.has(key) === true ? undefined : value
  }

  #repeat(key: string, value: string): void {
    this.#repeated ??= new Map()
    const count = (this.#repeated.get(key) ?? 1) + 1
    this.#repeated.set(key, count)
    this.all[`${key}#${count}`] = decodeB64(value)
  }
}

const B64 = /^B64:([A-Za-z0-9+/]+={0,2})$/

function decodeB64(value: string): string {
  const encoded = value.startsWith('B64:') ? B64.exec(value)?.[1] : undefined
  if (encoded === undefined) return value
  const bytes = Buffer.from(encoded, 'base64')
  return isUtf8(bytes) ? bytes.toString('utf8') : value
}

type PkiFields = NonNullable<AuditEvent['pki']>

function pkiFields(line: EjbcaLine, said: Details, context: FormatContext): PkiFields {
  const facts: MessageFacts = said.message === undefined ? {} : messageFacts(line, said.message)
  const details = said.all
  const fields: Draft<PkiFields> = {}
  const aboutToken = line.eventType.startsWith('CRYPTOTOKEN_')
  const customId = aboutToken ? '' : line.customId
  const caId = authorityId(context.authorities, customId, facts.caSubject) ?? customId
  if (caId !== '') fields.caId = caId
  if (facts.caName !== undefined) fields.caName = facts.caName
  if (facts.caSubject !== undefined) fields.caSubject = facts.caSubject
  const profile = said.once('certprofile') ?? said.once('certificateprofileid')
  if (profile !== undefined) fields.profile = profile
  const serial = line.eventType === 'EJBCA_STARTING' ? undefined : hexSerial(line.detail1)
  if (serial !== undefined) fields.serial = serial
  const subject = said.once('subjectdn') ?? said.once('subjectDN') ?? facts.subject
  if (subject !== undefined) fields.subject = subject
  const username = line.detail2 === '' ? said.once('username') : line.detail2
  if (username !== undefined) fields.username = username
  const key = aboutToken ? keyName(line, said) : undefined
  if (key !== undefined) fields.key = key
  const revocationReason = facts.revocationReason ?? issuedRevoked(said.once('issuancerevocationreason'))
  if (revocationReason !== undefined) fields.revocationReason = revocationReason
  if (facts.crlNumber !== undefined) fields.crlNumber = facts.crlNumber
  if (line.customId !== '') details['customId'] ??= line.customId
  if (line.detail1 !== '' && serial === undefined) details['detail1'] ??= line.detail1
  if (facts.fingerprint !== undefined) fields.fingerprint = facts.fingerprint
  fields.details = details
  return fields
}

function hexSerial(text: string): string | undefined {
  if (text === '' || !/^[0-9A-Fa-f]{1,80}$/.test(text)) return undefined
  return text.toLowerCase().replace(/^0+(?=.)/, '')
}

/** The crypto token by name where the line has it, else by id, and the key in it: `IssuingCA1/signKey`. */
function keyName(line: EjbcaLine, said: Details): string | undefined {
  const token = said.once('name') ?? said.once('tokenName') ?? line.customId
  const alias = said.once('keyAlias')
  if (token === '') return alias
  return alias === undefined ? token : `${token}/${alias}`
}

/** A certificate may be issued revoked; -1 says that it was not. */
function issuedRevoked(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,2}$/.test(text) ? Number(text) : undefined
}

/** A line of server.log that is no audit message: what it says, under the name of its category. */
function serverEvent(
  record: RawRecord,
  context: FormatContext,
  original: Original,
  prefix: WildflyPrefix,
  message: string,
): AuditEvent {
  const { level, thread, category } = prefix
  const known = serverLine(category, message)
  const isError = level === 'ERROR' || level === 'FATAL'
  const event: Draft<AuditEvent['event']> = {
    action: category,
    outcome: known?.line.outcome ?? 'unknown',
    category: known?.line.eventClass.category ?? [],
    type: known?.line.eventClass.type ?? [isError ? 'error' : 'info'],
    ...SERVER,
    original: original.original,
  }
  if (known !== undefined) event.code = known.line.code
  if (original.encoding !== undefined) event.encoding = original.encoding
  const pki: Draft<PkiFields> = {}
  const details: Record<string, string> = { level, thread }
  const result: Draft<AuditEvent> = {
    '@timestamp': prefixInstant(prefix, context.timeZone) ?? context.received,
    event,
    message,
    pki,
    position: record.position,
  }
  for (const [field, value] of known?.values ?? []) {
    if (field === 'user.name') result.user = { name: value }
    else if (field === 'source.ip') Object.assign(result, isIP(value) === 0 ? {} : { source: { ip: value } })
    else if (field === 'event.reason') event.reason = value
    else if (isDetail(field)) details[field.slice(DETAILS.length)] = value
    else Object.assign(pki, pkiField(field, value, context))
  }
  pki.details = details
  return result
}

const DETAILS = 'details.'

function isDetail(field: ServerField): field is `details.${string}` {
  return field.startsWith(DETAILS)
}

/** Values that name a CA are looked up in the inventory. */
function pkiField(
  field: Extract<ServerField, `pki.${string}`>,
  value: string,
  { authorities }: FormatContext,
): PkiFields {
  switch (field) {
    case 'pki.caId':
      return { caId: authorityId(authorities, value, undefined) ?? value }
    case 'pki.caSubject': {
      const caId = authorityId(authorities, '', value)
      return caId === undefined ? { caSubject: value } : { caSubject: value, caId }
    }
    case 'pki.caName':
      return { caName: value }
    case 'pki.serial': {
      const serial = hexSerial(value)
      return serial === undefined ? {} : { serial }
    }
    case 'pki.username':
      return { username: value }
    case 'pki.key':
      return { key: value }
    case 'pki.crlNumber':
      return { crlNumber: value }
    case 'pki.fingerprint':
      return { fingerprint: value }
  }
}
