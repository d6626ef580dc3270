import type { AuditEvent } from '../model/auditEvent.ts'
import type { Action } from '../model/action.ts'
import type { Finding } from '../model/finding.ts'
import type { Observation } from '../model/observation.ts'
import type { Position, RecordId, SealedRecord } from '../model/record.ts'
import type { Timestamp } from '../model/time.ts'

/** A document with the record it came from. */
export type Stored<T> = T & { readonly id: RecordId; readonly recorded: Timestamp }

/** The newest run of one target: the last full observation, and when it was last repeated unchanged. */
export interface LatestObservation {
  readonly observation: Stored<Observation>
  readonly lastStart: Timestamp
  readonly lastDuration: number
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
  readonly from?: Timestamp
  readonly to?: Timestamp
  readonly authority?: string
  readonly user?: string
  readonly action?: string
  readonly limit: number
}

/**
 * A queryable projection of one journal. Everything in it comes from `apply`, so it can be dropped and rebuilt.
 * Applying a record twice changes nothing.
 */
export interface Store {
  /** Applies sealed records in journal order, and remembers the position in the same transaction. */
  apply(batch: readonly SealedRecord[]): Promise<void>
  /** The last applied position; undefined in an empty store. */
  position(): Promise<Position | undefined>
  latestObservations(): Promise<readonly LatestObservation[]>
  observations(query: {
    subject: string
    from: Timestamp
    limit: number
  }): Promise<readonly Stored<Observation>[]>
  /** The current finding of every rule and subject. */
  findings(): Promise<readonly Stored<Finding>[]>
  /** Changes of findings, newest first. */
  decisions(query: { subject?: string; limit: number }): Promise<readonly Stored<Finding>[]>
  actions(query: { limit: number }): Promise<readonly Stored<Action>[]>
  auditEvents(query: AuditQuery): Promise<readonly Stored<AuditEvent>[]>
  rollUps(query: { from: Timestamp; to: Timestamp }): Promise<readonly RollUp[]>
  /** Where every log source has been read up to: the highest `end` for each source and fingerprint. */
  sourcePositions(): Promise<readonly { source: string; fingerprint: string; end: number }[]>
  close(): Promise<void>
}
