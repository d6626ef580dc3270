import type { Observation, ProbeKind } from '../model/observation.ts'
import type { SealedRecord } from '../model/record.ts'
import type { Position, RecordId } from '../model/recordId.ts'
import type { Period } from './period.ts'
import { instant, within } from './period.ts'
import { TargetRuns } from './runs.ts'
import { TimeAxis } from './slots.ts'

/** A full observation that later runs may repeat. */
interface Reference {
  readonly observation: Observation
  readonly record: RecordId
  readonly recorded: number
  /** Start of the run of this target before this one; undefined for the first. */
  readonly runBefore: number | undefined
  readonly state: TargetState
}

interface TargetState {
  readonly key: string
  /** Made at the first run in the period. */
  runs: TargetRuns | undefined
  /** Start of the newest run. */
  lastRun: number | undefined
  /** Full observations that are kept, oldest first: the newest, and the one before it, which items written in the
   *  same moment may still refer to. */
  references: { place: number; record: RecordId }[]
}

/** A run, for those who judge how complete the observation was. */
interface Run {
  /** Milliseconds. */
  readonly end: number
  readonly record: RecordId
}

/** Computed from the runs of others, or about the monitor: none of these counts as a run, or what never fails would make up for what does. */
const LOOKS_AT_NOTHING: ReadonlySet<string> = new Set<ProbeKind>([
  'crl_set',
  'reconciliation',
  'issuance',
  'deployment',
  'job',
  'issued',
  'ocsp_revocations',
  'slo',
  'log',
  'repair',
  'self',
  'backup',
])

/** Entry and n in one number: 2^21 records an entry at most, which leaves 2^32 entries. */
const RECORDS_AN_ENTRY = 2 ** 21

/**
 * Counts the runs in the period, full and unchanged ones alike. Memory: one state a target, whatever the number of runs.
 */
export class ObservationTally {
  readonly axis = new TimeAxis()
  readonly #period: Period
  readonly #targets = new Map<string, TargetState>()
  readonly #references = new Map<number, Reference>()
  readonly #byRecord = new Map<RecordId, Reference>()

  constructor(period: Period) {
    this.#period = period
  }

  addObservation(record: SealedRecord & { kind: 'observation' }): Run {
    const observation = record.body
    const recorded = instant(record.recorded, 0)
    const start = instant(observation.start, recorded)
    // NUL can't be part of a name, so two targets never share a key.
    const key = [observation.subject, observation.probe, observation.target, observation.vantage].join('\0')
    let state = this.#targets.get(key)
    if (state === undefined) {
      state = { key, runs: undefined, lastRun: undefined, references: [] }
      this.#targets.set(key, state)
    }
    const reference = { observation, record: record.id, recorded, runBefore: state.lastRun, state }
    this.#keep(state, record.position, reference)
    return this.#count(reference, start, observation.duration, record.id)
  }

  /** Returns the runs; `unresolved` is called for every item whose observation is not known. */
  addUnchanged(record: SealedRecord & { kind: 'unchanged' }, unresolved: () => void): Run[] {
    const base = instant(record.time, instant(record.recorded, 0))
    const runs: Run[] = []
    for (const [entry, n, offset, duration] of record.body.items) {
      const reference = this.#references.get(entry * RECORDS_AN_ENTRY + n)
      if (reference === undefined) unresolved()
      else runs.push(this.#count(reference, base + offset, duration, record.id))
    }
    return runs
  }

  /** A new epoch numbers its entries from 0 again. */
  startEpoch(): void {
    this.#references.clear()
    this.#byRecord.clear()
    for (const state of this.#targets.values()) state.references = []
  }

  /** When an observation that a verdict rests on was journaled, and the run of its target before it. */
  evidence(id: RecordId): { recorded: number; runBefore: number | undefined } | undefined {
    return this.#byRecord.get(id)
  }

  /** Targets with runs in the period, by subject, in order of subject and target. */
  subjects(): Map<string, TargetRuns[]> {
    const subjects = new Map<string, TargetRuns[]>()
    const states = [...this.#targets.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
    for (const { runs } of states) {
      if (runs === undefined || LOOKS_AT_NOTHING.has(runs.probe)) continue
      const there = subjects.get(runs.subject)
      if (there === undefined) subjects.set(runs.subject, [runs])
      else there.push(runs)
    }
    return subjects
  }

  #keep(state: TargetState, { entry, n }: Position, reference: Reference): void {
    const place = entry * RECORDS_AN_ENTRY + n
    this.#references.set(place, reference)
    this.#byRecord.set(reference.record, reference)
    state.references.push({ place, record: reference.record })
    if (state.references.length <= 2) return
    const old = state.references.shift()
    if (old === undefined) return
    this.#references.delete(old.place)
    this.#byRecord.delete(old.record)
  }

  #count(reference: Reference, start: number, duration: number, record: RecordId): Run {
    const { state, observation } = reference
    if (within(this.#period, start)) {
      state.runs ??= new TargetRuns(observation, this.axis)
      state.runs.add(start, duration, observation, record)
    }
    if (state.lastRun === undefined || start > state.lastRun) state.lastRun = start
    return { end: start + duration, record }
  }
}
