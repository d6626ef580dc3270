import type { AuditEvent } from '../model/auditEvent.ts'
import type { Timestamp } from '../model/time.ts'
import type { RawRecord } from './source.ts'

/** An authority of the inventory that may log here. */
export interface KnownAuthority {
  readonly id: string
  /** Its certificate's subject, RFC 4514. */
  readonly subject: string
}

export interface FormatContext {
  /** When the record was read: the time of records that bear none of their own. */
  readonly received: Timestamp
  readonly authorities: readonly KnownAuthority[]
}

/** What a record means. Pure: the same record and context give the same event. */
export interface Format {
  readonly name: string
  /** Whether this line (without line feed) is the first of a record; all others belong to the record before them. */
  startsRecord(line: Uint8Array): boolean
  /** Never throws: what it does not understand becomes an `unparsed` event. */
  parse(record: RawRecord, context: FormatContext): AuditEvent
}
