import type { ProbeResult } from '../model/observation.ts'
import type { Clock } from '../model/time.ts'
import type { Journal } from './journal.ts'

export interface RecorderOptions {
  readonly journal: Pick<Journal, 'append' | 'putArtifact'>
  readonly now: Clock
}

/** Turns probe runs into records: a full observation, or an item of an `unchanged` record. */
export class ObservationRecorder {
  readonly #options: RecorderOptions

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** Resolves when the run is sealed. */
  record(result: ProbeResult): Promise<void> {
    return Promise.reject(new Error(`not written yet: ${result.observation.subject} ${this.#options.now()}`))
  }

  /** Writes the unchanged items that wait, and ends. */
  close(): Promise<void> {
    return Promise.resolve()
  }
}
