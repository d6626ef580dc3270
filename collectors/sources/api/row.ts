import type { SourcePosition } from '../../../model/auditEvent.ts'
import type { RawRecord } from '../../source.ts'
import { sha256 } from '../identity.ts'
import { MAX_RECORD_OCTETS } from '../records.ts'

/**
 * A record of what an API gives as an object: its JSON, as the API orders it. `key` is what the API itself knows it by; with the octets it makes the
 * id of the event.
 */
export function rowRecord(row: unknown, key: string, position: SourcePosition): RawRecord {
  const bytes = Buffer.from(JSON.stringify(row))
  const id = sha256(`|position.source|${position.source}|key|${key}|message|`, bytes)
  if (bytes.length <= MAX_RECORD_OCTETS) return { kind: 'record', bytes, position, id }
  return { kind: 'record', bytes: bytes.subarray(0, MAX_RECORD_OCTETS), position, id, damage: 'cut' }
}
