import { isTimestamp } from '../journal/record.ts'
import type { AuditEvent, Shipper } from '../model/auditEvent.ts'
import { messageOf } from '../model/thrown.ts'
import { eventId } from './eventId.ts'
import { fitEvent } from './fit.ts'
import type { Format, FormatContext } from './format.ts'
import { unparsedEvent } from './formats/unparsed.ts'
import type { RawRecord } from './source.ts'

/**
 * The event of a record, with its id, and made to fit into the journal. A mistake in a format must not stop the intake: what it fails on is kept like
 * anything else that is not understood.
 */
export function interpret(format: Format, record: RawRecord, context: FormatContext): AuditEvent {
  const event = fitEvent(wellFormed(parseSafely(format, record, context), record.bytes), record.bytes)
  const { place, position, bytes, shipper } = record
  const id = record.id ?? (place === undefined ? undefined : eventId(position.source, place, bytes))
  return {
    ...event,
    event: id === undefined ? event.event : { id, ...event.event },
    ...(shipper === undefined ? {} : { tls: { client: shipperOf(shipper) } }),
  }
}

function shipperOf({ subject, sha256 }: Shipper): NonNullable<AuditEvent['tls']>['client'] {
  return { subject, hash: { sha256 } }
}

function parseSafely(format: Format, record: RawRecord, context: FormatContext): AuditEvent {
  try {
    const event = format.parse(record, context)
    const time: unknown = event['@timestamp']
    if (!isTimestamp(time)) throw new RangeError(`${String(time)} is out of range`)
    return event
  } catch (error) {
    const reason = messageOf(error)
    const origin = { module: format.name, dataset: `${format.name}.audit` }
    return unparsedEvent(record, context, origin, `the format failed: ${reason}`)
  }
}

/** The event in texts that JSON can hold: JSON's escapes, and names in certificates, can make half of a character. */
function wellFormed(event: AuditEvent, bytes: Uint8Array): AuditEvent {
  const octets = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isDoubtful = event.x509 !== undefined || octets.includes('\\ud') || octets.includes('\\uD')
  return isDoubtful ? mended(event) : event
}

function mended<T>(value: T): T
function mended(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (Array.isArray(value)) return value.map((item: unknown) => mended(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [mended(name), mended(member)]))
}
