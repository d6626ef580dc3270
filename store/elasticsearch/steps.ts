import { canonicalize } from '../../journal/canonical.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Finding } from '../../model/finding.ts'
import type { Observation } from '../../model/observation.ts'
import type { SealedRecord } from '../../model/record.ts'
import { formatRecordId } from '../../model/recordId.ts'
import type { RecordId } from '../../model/recordId.ts'
import { toTimestamp } from '../../model/time.ts'
import type { RollUp, Stored, StorePosition } from '../contract.ts'
import { StoreError } from '../error.ts'
import { DURATION_BUCKETS, durationBucket } from '../../model/durationBuckets.ts'
import { instantOf, sha256 } from '../sealed.ts'
import type { Located } from '../sealed.ts'
import { keyOf } from './documents.ts'
import type { TargetDocument } from './documents.ts'
import type { Names } from './indices.ts'
import type { Address } from './state.ts'

const HOUR = 3_600_000

/** What one record does to one piece of state: its new value. */
interface Step {
  readonly address: Address
  readonly change: (value: object | undefined) => object
}

/** A full observation, as later records refer to it. */
export interface Observed {
  readonly subject: string
  readonly probe: string
  readonly target: string
  readonly outcome: Observation['outcome']
}

interface Run extends Observed {
  /** Milliseconds since the Unix epoch. */
  readonly start: number
  readonly duration: number
}

/** What a record changes, in order. The values that `change` is handed are those that the same kind of step returned before. */
export function stepsOf(
  { record, at }: Located,
  names: Names,
  observed: (id: RecordId) => Observed | undefined,
): Step[] {
  switch (record.kind) {
    case 'observation': {
      const { body } = record
      const run = { ...body, start: instantOf(body.start, record) }
      return [newestRun(record, body, run.start, names), count(run, names)]
    }
    case 'unchanged':
      return record.body.items.flatMap((item) => repeat(record, at, item, names, observed))
    case 'audit':
      return [sourcePosition(record.body, names)]
    case 'decision':
      return [currentFinding(record, record.body, names)]
    case 'action':
    case 'epoch':
    case 'configuration':
    case 'key':
    case 'retention':
    case 'tick':
      return []
  }
}

/** Records that a record refers to. */
export function referencesOf({ record, at }: Located): RecordId[] {
  if (record.kind !== 'unchanged') return []
  return record.body.items.map(([entry, n]) => formatRecordId(at.origin, at.epoch, { entry, n }))
}

/** Digest of what a run found: equal when nothing changed. */
export function stateOf({ outcome, error, facts }: Observation): string {
  return sha256(canonicalize({ outcome, error, facts })).toString('hex')
}

function targetAddress({ subject, probe, target }: Omit<Observed, 'outcome'>, names: Names): Address {
  return { index: names.single('targets'), id: keyOf(subject, probe, target) }
}

function newestRun(record: SealedRecord, observation: Observation, start: number, names: Names): Step {
  return {
    address: targetAddress(observation, names),
    change: (value): TargetDocument => {
      // Each address is written by steps of one kind only.
      const before = value as TargetDocument | undefined
      const { subject, probe, target, outcome, facts, duration } = observation
      return {
        subject,
        probe,
        target,
        outcome,
        record: record.id,
        recorded: record.recorded,
        observation,
        state: stateOf(observation),
        known: { ...before?.known, ...facts },
        lastStart: start,
        lastDuration: duration,
      }
    },
  }
}

function repeat(
  record: SealedRecord,
  at: StorePosition,
  [entry, n, offset, duration]: readonly [number, number, number, number],
  names: Names,
  observed: (id: RecordId) => Observed | undefined,
): Step[] {
  const id = formatRecordId(at.origin, at.epoch, { entry, n })
  const of = observed(id)
  // Pruned or erased: of which target it was is not known any more.
  if (of === undefined) return []
  const start = instantOf(record.time, record) + offset
  const newest: Step = {
    address: targetAddress(of, names),
    change: (value) => {
      if (value === undefined)
        throw new StoreError('corrupt', `expected the newest run of ${of.target}, got none`)
      const before = value as TargetDocument
      // An item may come later than the change that followed it; then the newest run is the change.
      if (before.record !== id || before.lastStart > start) return before
      return { ...before, lastStart: start, lastDuration: duration }
    },
  }
  return [newest, count({ ...of, start, duration }, names)]
}

function count({ subject, probe, target, outcome, start, duration }: Run, names: Names): Step {
  const hour = toTimestamp(Math.floor(start / HOUR) * HOUR)
  return {
    address: { index: names.month('rollups', hour), id: keyOf(hour, subject, probe, target) },
    change: (value): RollUp => {
      const before = value as RollUp | undefined
      const buckets = before === undefined ? new Array<number>(DURATION_BUCKETS).fill(0) : [...before.buckets]
      const bucket = durationBucket(duration)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
      return {
        hour,
        subject,
        probe,
        target,
        runs: (before?.runs ?? 0) + 1,
        failures: (before?.failures ?? 0) + (outcome === 'failure' ? 1 : 0),
        buckets,
      }
    },
  }
}

function sourcePosition({ position }: AuditEvent, names: Names): Step {
  const { source, fingerprint, end } = position
  return {
    address: { index: names.single('meta'), id: keyOf('source', source, fingerprint) },
    change: (value) => {
      const before = value as { end: number } | undefined
      return { source, fingerprint, end: Math.max(end, before?.end ?? 0) }
    },
  }
}

function currentFinding(record: SealedRecord, finding: Finding, names: Names): Step {
  return {
    address: { index: names.single('findings'), id: keyOf(finding.subject, finding.rule) },
    change: (): Stored<Finding> => ({ ...finding, id: record.id, recorded: record.recorded }),
  }
}
