import type { AuditEvent } from '../model/auditEvent.ts'
import type { Action } from '../model/action.ts'
import type { Facts } from '../model/facts.ts'
import type { Finding } from '../model/finding.ts'
import type { Observation } from '../model/observation.ts'
import type { SealedRecord } from '../model/record.ts'
import type { Position, RecordId } from '../model/recordId.ts'
import type { Timestamp } from '../model/time.ts'

/** A document with the record it came from. */
export type Stored<T> = T & { readonly id: RecordId; readonly recorded: Timestamp }

/** An action's `id` is its own, the same in all its records; `record` is where this step of it stands. */
export type StoredAction = Action & { readonly record: RecordId; readonly recorded: Timestamp }

/** The newest run of one target: the last full observation, and when it was last repeated unchanged. */
export interface LatestObservation {
  readonly observation: Stored<Observation>
  readonly lastStart: Timestamp
  readonly lastDuration: number
}

/** The newest run of one target, and what is known of it. */
export interface TargetState extends LatestObservation {
  /** Every group of facts as the newest run that established it left it: after a failed run, that of an earlier one. */
  readonly known: Facts
}

/** A position with the journal it belongs to. Within one origin a later epoch comes after all positions of the earlier. */
export interface StorePosition extends Position {
  readonly origin: string
  readonly epoch: number
}

/** Runs of one target within one hour, whatever their outcome. */
export interface RollUp {
  readonly hour: Timestamp
  readonly subject: string
  readonly probe: string
  readonly target: string
  readonly runs: number
  readonly failures: number
  /** Runs by duration: bucket i counts durations below 2^(i/4) ms and not below 2^((i-1)/4) ms; 64 buckets. */
  readonly buckets: readonly number[]
}

export interface AuditQuery {
  /** When it happened: [from, to). */
  readonly from?: Timestamp
  readonly to?: Timestamp
  /** The CA's id, or its name where the source gives no id. */
  readonly authority?: string
  readonly user?: string
  readonly action?: string
  /** The page after this record: only events that come later in the result's order. */
  readonly after?: RecordId
  readonly limit: number
}

/**
 * A queryable projection of one journal. Everything in it comes from `apply`, so it can be dropped and rebuilt.
 * Applying a record twice changes nothing; the same id with other content is refused.
 *
 * `apply` is all or nothing: when it rejects (a StoreError, `error.ts`), neither documents nor position have moved.
 */
export interface Store {
  /** Applies sealed records in journal order, and remembers the position in the same transaction. */
  apply(batch: readonly SealedRecord[]): Promise<void>
  /** The last applied position; undefined in an empty store. */
  position(): Promise<StorePosition | undefined>
  latestObservations(): Promise<readonly TargetState[]>
  /** Changes and failures of a subject's targets that started at or after `from`, newest first. */
  observations(query: {
    subject: string
    from: Timestamp
    limit: number
  }): Promise<readonly Stored<Observation>[]>
  /** The current finding of every rule and subject. */
  findings(): Promise<readonly Stored<Finding>[]>
  /** Changes of findings, newest first. */
  decisions(query: { subject?: string; limit: number }): Promise<readonly Stored<Finding>[]>
  /** Newest first; of one kind or of all. */
  actions(query: { kind?: Action['kind']; limit: number }): Promise<readonly StoredAction[]>
  /** Newest first, by when it happened; events of the same millisecond in reverse journal order. */
  auditEvents(query: AuditQuery): Promise<readonly Stored<AuditEvent>[]>
  /** Hours that begin in [from, to), by hour, subject, probe and target; of one subject or of all. */
  rollUps(query: { from: Timestamp; to: Timestamp; subject?: string }): Promise<readonly RollUp[]>
  /** Where every log source has been read up to: the highest `end` for each source and fingerprint. */
  sourcePositions(): Promise<readonly { source: string; fingerprint: string; end: number }[]>
  close(): Promise<void>
}
