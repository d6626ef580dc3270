import type { ProbeResult } from '../model/observation.ts'
import type { Clock } from '../model/time.ts'
import { Looks } from './looks.ts'

interface EvaluatorWatcherOptions {
  /** Says how it stands as of `now`, in milliseconds, by what was journaled. */
  readonly evaluator: { evaluate(now: number): readonly ProbeResult[] }
  /** Milliseconds. */
  readonly interval: number
  readonly now: Clock
  readonly record: (result: ProbeResult) => Promise<void>
  readonly onError: (error: unknown) => void
}

/** Records how it stands at the start and every interval after that, until `stop`, which waits for what is under way. */
export class EvaluatorWatcher {
  readonly #options: EvaluatorWatcherOptions
  readonly #looks: Looks

  constructor(options: EvaluatorWatcherOptions) {
    this.#options = options
    this.#looks = new Looks(() => this.#once(), options.onError)
  }

  start(): void {
    this.#looks.start(this.#options.interval)
  }

  stop(): Promise<void> {
    return this.#looks.stop()
  }

  async #once(): Promise<void> {
    const { evaluator, now, record } = this.#options
    await Promise.all(evaluator.evaluate(now()).map(record))
  }
}
