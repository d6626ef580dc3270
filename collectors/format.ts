import type { KeyObject } from 'node:crypto'
import type { AuditEvent } from '../model/auditEvent.ts'
import type { JsonMapping } from '../model/logSource.ts'
import type { Artifact } from '../model/observation.ts'
import type { Timestamp } from '../model/time.ts'
import type { RawRecord } from './source.ts'

/** An authority of the inventory that may log here. */
export interface KnownAuthority {
  readonly id: string
  /** Its certificate's subject, RFC 4514. */
  readonly subject: string
}

/** What a format is told of its log. */
export interface FormatSettings {
  /** Keys that may have signed the log. */
  readonly signers?: readonly KeyObject[]
  readonly json?: JsonMapping | undefined
}

export interface FormatContext {
  /** When the record was read: the time of records that bear none of their own. */
  readonly received: Timestamp
  readonly authorities: readonly KnownAuthority[]
  /** IANA time zone of times without offset. Default: what the format says, else UTC, as servers of a CA should run. */
  readonly timeZone?: string
}

/** What a record means. Pure: the same record and context give the same event. */
export interface Format {
  readonly name: string
  /** Whether this line (without line feed) is the first of a record; all others belong to the record before them. */
  startsRecord(line: Uint8Array): boolean
  /** Never throws: what it does not understand becomes an `unparsed` event. */
  parse(record: RawRecord, context: FormatContext): AuditEvent
  /** Objects that the record of this event holds, which are to be kept under their digest. */
  artifacts?(event: AuditEvent): readonly Artifact[]
  /** At the beginning of a log. Only where the order of the records says something. */
  readonly sequence?: Sequence
}

/**
 * What only the order of the records of one log shows: a signature over those before it, a number that is missing. Pure: the collector takes over what
 * comes next when the events are durable, and steps again when they are not.
 */
export interface Sequence {
  /** The events to be journaled for this record, and the sequence for the next one. */
  step(
    record: RawRecord,
    event: AuditEvent,
  ): { readonly events: readonly AuditEvent[]; readonly next: Sequence }
}
