import { messageOf } from '../../../model/thrown.ts'
import { CollectorError } from '../../error.ts'
import type { Sink, Source } from '../../source.ts'
import { Bell } from '../wake.ts'

/** What is asked of an API again and again. */
export interface History {
  /** Hands over what is new, the oldest first. Rejects with a CollectorError; what was not handed over is asked for again. */
  read(sink: Sink, signal: AbortSignal): Promise<void>
  /** Hands over what is left to say when reading ends in order. */
  finish?(sink: Sink): Promise<void>
  close(): Promise<void>
}

export interface ApiSourceOptions {
  /** Log source id in the inventory. */
  readonly source: string
  readonly history: History
  /** Milliseconds from the end of one pass to the next. */
  readonly interval: number
  /** Told once for each problem, and again when it comes back after it was gone. */
  readonly onProblem: (problem: CollectorError) => void
}

/** A log that is asked for over HTTP. */
export class ApiSource implements Source {
  readonly #options: ApiSourceOptions
  #problem: CollectorError | undefined

  constructor(options: ApiSourceOptions) {
    this.#options = options
  }

  /** What hinders reading now. */
  get problems(): readonly CollectorError[] {
    return this.#problem === undefined ? [] : [this.#problem]
  }

  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    const bell = new Bell()
    while (!signal.aborted) {
      await this.poll(sink, signal)
      await bell.wait(this.#options.interval, signal)
    }
    await this.#try(() => this.#options.history.finish?.(this.#recorded(sink)))
  }

  async poll(sink: Sink, signal: AbortSignal = new AbortController().signal): Promise<void> {
    await this.#try(() => this.#options.history.read(this.#recorded(sink), signal), signal)
  }

  async close(): Promise<void> {
    await this.#options.history.close()
  }

  async #try(what: () => Promise<void> | undefined, signal?: AbortSignal): Promise<void> {
    try {
      await what()
      this.#problem = undefined
    } catch (error) {
      // A request that was given up because we stop is no problem.
      if (signal?.aborted === true) return
      const problem =
        error instanceof CollectorError
          ? error
          : new CollectorError('bad_answer', `${this.#options.source}: ${messageOf(error)}`, { cause: error })
      if (this.#problem?.code !== problem.code) this.#options.onProblem(problem)
      this.#problem = problem
    }
  }

  #recorded(sink: Sink): Sink {
    return async (items) => {
      try {
        await sink(items)
      } catch (cause) {
        throw new CollectorError(
          'not_recorded',
          `${this.#options.source}: not recorded: ${messageOf(cause)}`,
          {
            cause,
          },
        )
      }
    }
  }
}
