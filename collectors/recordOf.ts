import type { AuditEvent } from '../model/auditEvent.ts'
import type { RawRecord } from './source.ts'

/** The record that an event was made of, as far as the event tells: without its damage. */
export function recordOf({ event, position }: AuditEvent): RawRecord {
  return { kind: 'record', bytes: Buffer.from(event.original, event.encoding ?? 'utf8'), position }
}
