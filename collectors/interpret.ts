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
  const event = fitEvent(parseSafely(format, record, context), record.bytes)
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
    return format.parse(record, context)
  } catch (error) {
    const reason = messageOf(error)
    const origin = { module: format.name, dataset: `${format.name}.audit` }
    return unparsedEvent(record, context, origin, `the format failed: ${reason}`)
  }
}
