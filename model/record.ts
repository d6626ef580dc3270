import type { Action } from './action.ts'
import type { AuditEvent } from './auditEvent.ts'
import type { Finding } from './finding.ts'
import type { ArtifactRef, Observation } from './observation.ts'
import type { Position, RecordId } from './recordId.ts'
import type { Timestamp } from './time.ts'

/**
 * Runs whose facts equal the previous run's. Each item refers to the full observation record that it repeats:
 * [entry, n, start relative to the record's `time` in ms, duration in ms]. Under 40 bytes an item.
 */
export interface Unchanged {
  readonly items: readonly (readonly [entry: number, n: number, startOffset: number, duration: number])[]
}

/** The configuration in force from here on, secrets removed. */
export interface ConfigurationChange {
  readonly by: string
  readonly product: string
  /** `vigil.yaml` (as parsed, secrets removed), `inputs.json` (what judging follows from, with the public files it names) and one per rule pack. */
  readonly artifacts: readonly (ArtifactRef & { readonly name: string })[]
}

/** First record of an epoch. */
export interface EpochStart {
  readonly reason: 'new' | 'restore' | 'loss'
  /** Last known checkpoint text of the epoch before, when there was one. */
  readonly previous: string | null
}

/** From here on another key signs the checkpoints. */
export interface KeyChange {
  readonly by: string
  /** The next key, named and signed by the one before: a signed note (docs/journal-format.md). */
  readonly endorsement: string
}

/** What was taken out of the journal, or may not be; the log itself stays whole (docs/journal-format.md, "Retention"). */
export type Retention =
  | (RetentionBasis & {
      /** The oldest segments are gone, all below a number, with all entries below an index. */
      readonly action: 'prune'
      readonly segments: number
      readonly entries: number
      /** What the `key` records among them said. */
      readonly keys: readonly { readonly entry: number; readonly endorsement: string }[]
      /** Digests of artifacts that no other record names. */
      readonly artifacts: readonly string[]
    })
  | (RetentionBasis & {
      /** Single records are gone; each is [entry, n]. */
      readonly action: 'erase'
      readonly records: readonly (readonly [entry: number, n: number])[]
      readonly artifacts: readonly string[]
    })
  | (RetentionBasis & {
      /** What was journaled in [from, to) is neither pruned nor erased. */
      readonly action: 'hold'
      readonly from: Timestamp
      readonly to: Timestamp
    })
  | (RetentionBasis & { readonly action: 'release'; readonly hold: RecordId })

interface RetentionBasis {
  readonly by: string
  readonly reason: string
}

/** The engine's clock: written before the evaluation that uses it. */
export interface Tick {
  readonly reason: 'interval' | 'start' | 'stop'
}

export interface RecordBodies {
  epoch: EpochStart
  configuration: ConfigurationChange
  key: KeyChange
  retention: Retention
  tick: Tick
  observation: Observation
  unchanged: Unchanged
  audit: AuditEvent
  decision: Finding
  action: Action
}
export type RecordKind = keyof RecordBodies

/** What may be taken out by kind. Without the others nobody could tell what the rest means, or who signed it. */
export const PRUNABLE_KINDS = [
  'tick',
  'observation',
  'unchanged',
  'audit',
  'decision',
  'action',
] as const satisfies readonly RecordKind[]
export type PrunableKind = (typeof PRUNABLE_KINDS)[number]

/** What a caller hands to the journal. `time` is the time that the source claims. */
export type NewRecord = {
  [K in RecordKind]: { readonly kind: K; readonly time: Timestamp; readonly body: RecordBodies[K] }
}[RecordKind]

/** A record as the journal holds it, after it was made durable. */
export type SealedRecord = NewRecord & {
  readonly id: RecordId
  readonly position: Position
  /** When it was journaled. */
  readonly recorded: Timestamp
}
