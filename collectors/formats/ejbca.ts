import { isIP } from 'node:net'
import { isUtf8 } from 'node:buffer'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Timestamp } from '../../model/time.ts'
import type { Format, FormatContext } from '../format.ts'
import type { RawRecord } from '../source.ts'
import { originalOf } from '../text.ts'
import type { Original } from '../text.ts'
import { authorityId } from './ejbcaAuthority.ts'
import { EJBCA_EVENTS, OTHER } from './ejbcaEvents.ts'
import { splitEjbcaLine } from './ejbcaLine.ts'
import type { EjbcaLine } from './ejbcaLine.ts'
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
    const time = instant(line.time)
    if (time === undefined) return unparsedEvent(record, context, AUDIT, `no such time: ${line.time}`)
    return auditEvent(record, context, original, line, time)
  },
}

/** From 1970, which also keeps the year at four digits whatever the offset. */
const EARLIEST_MS = 0
const LATEST_MS = Date.UTC(9999, 11, 31)

/** undefined when there is no such day or hour, which Date would move to the next. */
function instant(time: string): Timestamp | undefined {
  const ms = Date.parse(time)
  if (!(ms >= EARLIEST_MS && ms < LATEST_MS)) return undefined
  const day = Date.parse(`${time.slice(0, 10)}T00:00:00Z`)
  return Number(time.slice(8, 10)) === new Date(day).getUTCDate() && Number(time.slice(11, 13)) < 24
    ? toTimestamp(ms)
    : undefined
}

const OUTCOMES = { SUCCESS: 'success', FAILURE: 'failure', VOID: 'unknown' } as const

function auditEvent(
  record: RawRecord,
  context: FormatContext,
  original: Original,
  line: EjbcaLine,
  time: Timestamp,
): AuditEvent {
  const outcome = OUTCOMES[line.status]
  const { category, type } = EJBCA_EVENTS.get(line.eventType) ?? OTHER
  const { details, once } = detailsOf(line)
  const message = once('msg')
  const ip = once('remoteip')
  const reason = once('reason') ?? (outcome === 'failure' ? message : undefined)
  const facts = messageFacts(line, message ?? '')
  if (message !== undefined) delete details['msg']
  return {
    '@timestamp': time,
    event: {
      action: line.eventType,
      outcome,
      category,
      type: line.eventType === 'ACCESS_CONTROL' ? [outcome === 'failure' ? 'denied' : 'allowed'] : type,
      ...AUDIT,
      ...original.event,
      ...(reason === undefined ? {} : { reason }),
    },
    ...(line.authToken === '' ? {} : { user: { name: line.authToken } }),
    ...(ip === undefined || isIP(ip) === 0 ? {} : { source: { ip } }),
    ...(message === undefined ? {} : { message }),
    pki: pkiFields(line, details, once, facts, context),
    position: record.position,
  }
}

type Details = Record<string, string>
/** Value of a key that comes exactly once and is not empty. */
type Once = (key: string) => string | undefined

/**
 * Details by key. EJBCA escapes nothing, so what a user could smuggle in shows as a key that comes twice: all are kept
 * (`key`, `key#2`, …), and no field is taken from any of them.
 */
function detailsOf(line: EjbcaLine): { details: Details; once: Once } {
  const details: Details = { module: line.module, service: line.service }
  const counts = new Map<string, number>()
  for (const [key, raw] of line.details) {
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    details[detailName(key, count)] = decodeB64(raw)
  }
  return {
    details,
    once: (key) => {
      const value = counts.get(key) === 1 ? details[detailName(key, 1)] : undefined
      return value === '' ? undefined : value
    },
  }
}

/** EJBCA's own `module` and `service` details, should there be any, must not replace the fields of the line. */
function detailName(key: string, count: number): string {
  const nth = key === 'module' || key === 'service' ? count + 1 : count
  return nth === 1 ? key : `${key}#${nth}`
}

const B64 = /^B64:([A-Za-z0-9+/]+={0,2})$/

function decodeB64(value: string): string {
  const encoded = value.startsWith('B64:') ? B64.exec(value)?.[1] : undefined
  if (encoded === undefined) return value
  const bytes = Buffer.from(encoded, 'base64')
  return isUtf8(bytes) ? bytes.toString('utf8') : value
}

function pkiFields(
  line: EjbcaLine,
  details: Details,
  once: Once,
  facts: MessageFacts,
  context: FormatContext,
): NonNullable<AuditEvent['pki']> {
  const token = line.eventType.startsWith('CRYPTOTOKEN_')
  const customId = token ? '' : line.customId
  const subject = once('subjectdn') ?? once('subjectDN') ?? facts.subject
  const serial = line.eventType === 'EJBCA_STARTING' ? undefined : hexSerial(line.detail1)
  const caId = authorityId(context.authorities, customId, facts.caSubject) ?? customId
  const profile = once('certprofile') ?? once('certificateprofileid')
  const username = line.detail2 === '' ? once('username') : line.detail2
  const key = token ? keyName(line, once) : undefined
  const revocationReason = facts.revocationReason ?? issuedRevoked(once('issuancerevocationreason'))
  if (line.customId !== '') details['customId'] = line.customId
  if (line.detail1 !== '' && serial === undefined) details['detail1'] = line.detail1
  if (facts.fingerprint !== undefined) details['fingerprint'] ??= facts.fingerprint
  return {
    ...(caId === '' ? {} : { caId }),
    ...(facts.caName === undefined ? {} : { caName: facts.caName }),
    ...(facts.caSubject === undefined ? {} : { caSubject: facts.caSubject }),
    ...(profile === undefined ? {} : { profile }),
    ...(serial === undefined ? {} : { serial }),
    ...(subject === undefined ? {} : { subject }),
    ...(username === undefined ? {} : { username }),
    ...(key === undefined ? {} : { key }),
    ...(revocationReason === undefined ? {} : { revocationReason }),
    ...(facts.crlNumber === undefined ? {} : { crlNumber: facts.crlNumber }),
    details,
  }
}

function hexSerial(text: string): string | undefined {
  if (!/^[0-9A-Fa-f]{1,80}$/.test(text)) return undefined
  return text.toLowerCase().replace(/^0+(?=.)/, '')
}

/** The crypto token by name where the line has it, else by id, and the key in it: `IssuingCA1/signKey`. */
function keyName(line: EjbcaLine, once: Once): string | undefined {
  const token = once('name') ?? once('tokenName') ?? line.customId
  const alias = once('keyAlias')
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
  return {
    // The prefix bears local time without offset; servers of a CA run in UTC, and ours is only right for those that do.
    '@timestamp':
      prefix.localTime === undefined
        ? context.received
        : (instant(`${prefix.localTime}Z`) ?? context.received),
    event: {
      action: category,
      outcome: 'unknown',
      category: [],
      type: [level === 'ERROR' || level === 'FATAL' ? 'error' : 'info'],
      ...SERVER,
      ...original.event,
    },
    message,
    pki: { details: { level, thread } },
    position: record.position,
  }
}
