import type { Facts } from '../model/facts.ts'
import type { Observation } from '../model/observation.ts'
import type { RecordId } from '../model/recordId.ts'
import { fromTimestamp, toTimestamp } from '../model/time.ts'
import { factValues, groupValues, type FactValues } from './factValues.ts'
import type { WatchedTarget } from './subjects.ts'

/** The newest run of a target, ready to be judged. */
export interface Run {
  /** Record of the full observation. */
  readonly observation: RecordId
  /** That record and, when it was repeated unchanged, the newest repetition. */
  readonly evidence: readonly RecordId[]
  /** Milliseconds since the epoch. */
  readonly start: number
  readonly facts: Facts
  readonly values: FactValues
  /** The same object as long as a run repeats what was observed, but for when and how long. */
  readonly content: object
  /** Message of the failure; '' after a success. */
  readonly error: string
}

/** What is known about one target: its newest run. */
export class TargetState {
  readonly address: string
  /** Milliseconds between runs. */
  readonly interval: number
  #run: Run | undefined

  constructor(watched: WatchedTarget) {
    this.address = watched.address
    this.interval = watched.interval
  }

  get run(): Run | undefined {
    return this.#run
  }

  /** What another one has seen of the same target. */
  take(run: Run): void {
    this.#run = run
  }

  observe(observation: Observation, id: RecordId): void {
    const probe: Facts['probe'] = {
      outcome: observation.outcome,
      phase: observation.error?.phase ?? '',
      code: observation.error?.code ?? '',
      duration: observation.duration,
      at: observation.start,
    }
    const facts: Facts = { ...observation.facts, probe }
    this.#run = {
      observation: id,
      evidence: [id],
      start: fromTimestamp(observation.start),
      facts,
      values: factValues(facts),
      content: facts,
      error: observation.error?.message ?? '',
    }
  }

  /**
   * The same facts were seen again, at `start` and in `duration` milliseconds. What stands later in the journal is newer, whatever
   * its clock said.
   */
  repeat(start: number, duration: number, record: RecordId | undefined): void {
    const run = this.#run
    if (run === undefined) return
    const probe = { ...run.facts.probe, at: toTimestamp(start), duration }
    this.#run = {
      ...run,
      start,
      evidence: record === undefined ? [run.observation] : [run.observation, record],
      facts: { ...run.facts, probe },
      values: { ...run.values, probe: groupValues('probe', probe) },
    }
  }
}
