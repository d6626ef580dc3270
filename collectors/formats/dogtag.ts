import { isIP } from 'node:net'
import type { KeyObject } from 'node:crypto'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Format, FormatContext } from '../format.ts'
import { originalOf } from '../text.ts'
import { DOGTAG_EVENTS } from './dogtagEvents.ts'
import { splitDogtagLine, startsDogtagRecord } from './dogtagLine.ts'
import type { DogtagLine } from './dogtagLine.ts'
import { SIGNING, signatureSequence } from './dogtagSignature.ts'
import { OTHER } from './ejbcaEvents.ts'
import { certificateArtifact, heldCertificate } from './heldCertificate.ts'
import { unparsedEvent } from './unparsed.ts'

const ORIGIN = { module: 'dogtag', dataset: 'dogtag.audit' }

/** Dogtag's signed audit log (CA, KRA, OCSP, TKS, TPS alike). `signers`: keys that may have signed it; none: nothing can be verified. */
export function dogtag(signers: readonly KeyObject[]): Format {
  return {
    name: 'dogtag',
    startsRecord: startsDogtagRecord,
    parse(record, context) {
      if (record.damage !== undefined) return unparsedEvent(record, context, ORIGIN, '')
      const { text, original, encoding } = originalOf(record.bytes)
      const line = splitDogtagLine(text, context.timeZone)
      if (line === undefined)
        return unparsedEvent(record, context, ORIGIN, 'not a record of a Dogtag audit log')
      const said = attributesOf(line)
      const outcome = outcomeOf(said)
      const reason = said.once('FailureReason') ?? (outcome === 'failure' ? said.once('Info') : undefined)
      const user = said.once('SubjectID')
      const ip = said.once('ClientIP') ?? said.once('ClientHost')
      const held = heldCertificate(heldText(said.all))
      return {
        '@timestamp': line.time === undefined ? context.received : toTimestamp(line.time),
        event: {
          action: line.eventName,
          // Whoever searches for signatures by their name alone, as Dogtag's own tool does, takes this for one.
          ...(line.eventName !== SIGNING && text.includes(SIGNING) ? { code: 'signature_imitated' } : {}),
          outcome,
          ...classOfEvent(line.eventName, outcome),
          ...ORIGIN,
          original,
          ...(encoding === undefined ? {} : { encoding }),
          ...(reason === undefined ? {} : { reason }),
        },
        ...(user === undefined ? {} : { user: { name: user } }),
        ...(ip !== undefined && isIP(ip) !== 0 ? { source: { ip } } : {}),
        ...(line.message === '' ? {} : { message: line.message }),
        ...(held === undefined ? {} : { x509: held.x509 }),
        pki: {
          ...(held === undefined ? {} : { serial: held.serial, sha256: held.sha256 }),
          ...pkiFields(line, said, context),
        },
        position: record.position,
      }
    },
    artifacts({ pki }) {
      const held = pki?.sha256 === undefined ? undefined : certificateArtifact(heldText(pki.details ?? {}))
      return held === undefined ? [] : [held]
    },
    sequence: signatureSequence(signers),
  }
}

interface Attributes {
  readonly all: Readonly<Record<string, string>>
  /** Value of an attribute that comes exactly once and says something. */
  once(name: string): string | undefined
}

/** What a user could smuggle in shows as an attribute that comes twice: all are kept (`Name`, `Name#2`, …), and no field is taken from any. */
function attributesOf(line: DogtagLine): Attributes {
  const count = new Map<string, number>()
  const all = new Map<string, string>()
  for (const [name, value] of line.attributes) {
    const times = (count.get(name) ?? 0) + 1
    count.set(name, times)
    all.set(times === 1 ? name : `${name}#${times}`, value)
  }
  return {
    all: Object.fromEntries(all),
    once(name) {
      const value = count.get(name) === 1 ? all.get(name) : undefined
      return value === '' || value === '<null>' ? undefined : value
    },
  }
}

function outcomeOf(said: Attributes): AuditEvent['event']['outcome'] {
  const outcome = said.once('Outcome')
  return outcome === 'Success' ? 'success' : outcome === 'Failure' ? 'failure' : 'unknown'
}

function classOfEvent(
  name: string,
  outcome: AuditEvent['event']['outcome'],
): Pick<AuditEvent['event'], 'category' | 'type'> {
  const { category, type } = DOGTAG_EVENTS.get(name) ?? OTHER
  return { category, type: type.length > 0 ? type : [outcome === 'failure' ? 'denied' : 'allowed'] }
}

/** Older versions of Dogtag log the certificate that it issued. */
function heldText({ InfoName: name, InfoValue: value = '' }: Readonly<Record<string, string>>): string {
  return name === 'certificate' ? value : ''
}

type PkiFields = NonNullable<AuditEvent['pki']>

function pkiFields(line: DogtagLine, said: Attributes, { authorities }: FormatContext): PkiFields {
  const only = authorities.length === 1 ? authorities[0]?.id : undefined
  const reason = said.once('RevokeReasonNum')
  return Object.fromEntries(
    Object.entries({
      caId: said.once('AuthorityID') ?? only,
      profile: said.once('ProfileID'),
      serial: serialOf(said.once('CertSerialNum')),
      subject: said.once('CertSubject'),
      key: said.once('SKI') ?? said.once('KeyID'),
      revocationReason: reason !== undefined && /^\d{1,2}$/.test(reason) ? Number(reason) : undefined,
      crlNumber: said.once('CRLnum'),
      details: {
        thread: line.thread,
        ...(line.time === undefined ? { time: line.writtenTime } : {}),
        ...said.all,
      },
    }).filter(([, value]) => value !== undefined),
  )
}

/** Hex after `0x`, else decimal. */
function serialOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const hex = /^0x([0-9A-Fa-f]{1,80})$/.exec(text)?.[1]
  if (hex !== undefined) return hex.toLowerCase().replace(/^0+(?=.)/, '')
  return /^\d{1,60}$/.test(text) ? BigInt(text).toString(16) : undefined
}
