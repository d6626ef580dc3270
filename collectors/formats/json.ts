import { isIP } from 'node:net'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { JsonMapping } from '../../model/logSource.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Timestamp } from '../../model/time.ts'
import type { Format, FormatContext } from '../format.ts'
import { instantIn } from '../localTime.ts'
import { originalOf } from '../text.ts'
import { REVOCATION_REASONS } from '../../pki/crlEntries.ts'
import { OTHER } from './ejbcaEvents.ts'
import { certificateArtifact, heldCertificate } from './heldCertificate.ts'
import type { HeldCertificate } from './heldCertificate.ts'
import { unparsedEvent } from './unparsed.ts'

/** Members of the object that are kept as details; what is more stands in the raw record. */
const MAX_DETAILS = 200
/** Longest name of an event. */
const MAX_ACTION = 200

/** One JSON object a line, read as the configuration says. */
export function jsonFormat(mapping: JsonMapping | undefined): Format {
  if (mapping === undefined) throw new TypeError('format json needs a mapping')
  const origin = { module: mapping.module, dataset: `${mapping.module}.audit` }
  const paths = pathsOf(mapping)
  const top = new Set(Object.values(paths).flatMap((path) => (path.length === 1 ? path : [])))
  return {
    name: 'json',
    startsRecord: () => true,
    parse(record, context) {
      if (record.damage !== undefined) return unparsedEvent(record, context, origin, '')
      const { text, original, encoding } = originalOf(record.bytes)
      const object = parseObject(text)
      if (object === undefined) return unparsedEvent(record, context, origin, 'not a JSON object')
      const of = (name: keyof JsonMapping): string | undefined => textAt(object, paths[name])
      const time = instantOf(valueAt(object, paths.time), context)
      if (time === undefined) return unparsedEvent(record, context, origin, `no time at ${mapping.time}`)
      const action = of('action')
      if (action === undefined || action.length > MAX_ACTION)
        return unparsedEvent(record, context, origin, `no name of an event at ${mapping.action}`)
      const outcome = outcomeOf(mapping, textAt(object, paths.outcome))
      const known = Object.hasOwn(mapping.actions, action) ? mapping.actions[action] : undefined
      const reason = of('reason')
      const [user, ip, message] = [of('user'), of('source_ip'), of('message')]
      const held = heldCertificate(of('certificate') ?? '')
      return {
        '@timestamp': time,
        event: {
          action,
          outcome,
          category: known?.category ?? [],
          type: known === undefined || known.type.length === 0 ? OTHER.type : known.type,
          ...origin,
          original,
          ...(encoding === undefined ? {} : { encoding }),
          ...(reason === undefined ? {} : { reason }),
        },
        ...(user === undefined ? {} : { user: { name: user } }),
        ...(ip !== undefined && isIP(ip) !== 0 ? { source: { ip } } : {}),
        ...(message === undefined ? {} : { message }),
        ...(held === undefined ? {} : { x509: held.x509 }),
        pki: {
          ...present({
            caId: caIdOf(of, held, context),
            caName: of('ca_name'),
            caSubject: of('ca_subject'),
            profile: of('profile'),
            serial: serialOf(of('serial')) ?? held?.serial,
            subject: of('subject') ?? held?.x509.subject.distinguished_name,
            username: of('username'),
            key: of('key'),
            crlNumber: of('crl_number'),
            fingerprint: fingerprintOf(of('fingerprint')),
            sha256: held?.sha256,
          }),
          ...reasonOf(of('revocation_reason')),
          details: detailsOf(object, top),
        },
        position: record.position,
      }
    },
    artifacts(event) {
      if (event.pki?.sha256 === undefined || event.event.encoding !== undefined) return []
      const object = parseObject(event.event.original)
      const held = certificateArtifact(textAt(object, paths.certificate) ?? '')
      return held === undefined ? [] : [held]
    },
  }
}

type Path = readonly string[]
type Paths = Partial<Record<keyof JsonMapping, Path>>

function pathsOf({ outcome, ...mapping }: JsonMapping): Paths {
  const paths: [string, Path][] = []
  for (const [name, value] of Object.entries({ ...mapping, outcome: outcome?.field }))
    if (typeof value === 'string' && name !== 'module') paths.push([name, splitPath(value)])
  return Object.fromEntries(paths)
}

/** `a.b\.c` is b.c in a. */
function splitPath(path: string): Path {
  return (path.match(/(?:\\.|[^.\\])+/g) ?? []).map((step) => step.replace(/\\(.)/g, '$1'))
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function valueAt(object: unknown, path: Path | undefined): unknown {
  if (path === undefined) return undefined
  let value = object
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = Reflect.get(value, step)
  }
  return value
}

/** undefined for what says nothing: absent, null or an empty text. */
function textAt(object: unknown, path: Path | undefined): string | undefined {
  const value = valueAt(object, path)
  return value === undefined || value === null || value === '' ? undefined : textOf(value)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What a number counts since 1970, by its size: seconds until the year 5138, then milliseconds, microseconds, nanoseconds. */
const UNITS: readonly (readonly [below: number, perMs: number])[] = [
  [1e11, 1e-3],
  [1e14, 1],
  [1e17, 1e3],
  [1e20, 1e6],
]
const LAST = Date.UTC(9999, 11, 31)
const WITH_OFFSET = /(?:Z|[+-]\d\d:?\d\d)$/i

function instantOf(value: unknown, { timeZone = 'UTC' }: FormatContext): Timestamp | undefined {
  const ms =
    typeof value === 'number'
      ? fromNumber(value)
      : typeof value === 'string'
        ? fromText(value, timeZone)
        : undefined
  return ms === undefined || Number.isNaN(ms) || ms < 0 || ms > LAST ? undefined : toTimestamp(ms)
}

function fromNumber(value: number): number | undefined {
  const unit = UNITS.find(([below]) => value < below)
  return unit === undefined ? undefined : Math.floor(value / unit[1])
}

function fromText(text: string, timeZone: string): number | undefined {
  if (/^\d{1,20}(?:\.\d{1,9})?$/.test(text)) return fromNumber(Number(text))
  const [, day, clock, rest = ''] =
    /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)(.{0,6})$/.exec(text) ?? []
  if (day === undefined || clock === undefined) return undefined
  // Three digits are as exact as a timestamp is.
  const local = `${day}T${clock.replace(',', '.').replace(/(\.\d{3})\d+/, '$1')}`
  if (rest === '') return instantIn(timeZone, local)
  return WITH_OFFSET.test(rest)
    ? Date.parse(`${local}${rest.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2').toUpperCase()}`)
    : undefined
}

function outcomeOf({ outcome }: JsonMapping, text: string | undefined): AuditEvent['event']['outcome'] {
  if (outcome === undefined || text === undefined) return 'unknown'
  if (outcome.success.includes(text)) return 'success'
  return outcome.failure.includes(text) ? 'failure' : 'unknown'
}

/** Of a CA that is named by its subject, or by a certificate that it issued, the id in the inventory; of a log of one CA that never names it, that one's. */
function caIdOf(
  of: (name: keyof JsonMapping) => string | undefined,
  held: HeldCertificate | undefined,
  { authorities }: FormatContext,
): string | undefined {
  const subject = of('ca_subject') ?? held?.x509.issuer.distinguished_name
  const named = of('ca_id') ?? authorities.find((a) => a.subject === subject)?.id
  if (named !== undefined || subject !== undefined || of('ca_name') !== undefined) return named
  return authorities.length === 1 ? authorities[0]?.id : undefined
}

function serialOf(text: string | undefined): string | undefined {
  const hex = text?.replace(/^0x/i, '').replaceAll(':', '')
  return hex !== undefined && /^[0-9A-Fa-f]{1,80}$/.test(hex)
    ? hex.toLowerCase().replace(/^0+(?=.)/, '')
    : undefined
}

function fingerprintOf(text: string | undefined): string | undefined {
  const hex = text?.replaceAll(':', '').toLowerCase()
  return hex !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(hex) ? hex : undefined
}

const REASONS: ReadonlyMap<string, number> = new Map(
  REVOCATION_REASONS.flatMap((name, number) =>
    name === undefined
      ? []
      : [
          [String(number), number],
          [name.toLowerCase(), number],
        ],
  ),
)

/** `keyCompromise`, `KEY_COMPROMISE`, `key-compromise` or 1. */
function reasonOf(text: string | undefined): Pick<NonNullable<AuditEvent['pki']>, 'revocationReason'> {
  const reason = text === undefined ? undefined : REASONS.get(text.toLowerCase().replace(/[_ -]/g, ''))
  return reason === undefined ? {} : { revocationReason: reason }
}

/** Members that no field was taken from whole. */
function detailsOf(object: object, taken: ReadonlySet<string>): Readonly<Record<string, string>> {
  const rest = Object.entries(object).filter(([name]) => !taken.has(name))
  return Object.fromEntries(
    rest.slice(0, MAX_DETAILS).map(([name, value]: [string, unknown]) => [name, textOf(value)]),
  )
}

function present(fields: Readonly<Record<string, string | undefined>>): NonNullable<AuditEvent['pki']> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
