import { Cron } from 'croner'
import type { Clock } from '../model/time.ts'

/** When something is due: a cron expression (5 or 6 fields) in an IANA time zone. Throws TypeError or RangeError when it is none. */
export function parseSchedule(expression: string, timezone: string): Cron {
  // Paused: it only computes times; the timer is ours, so that the clock can be another one.
  const cron = new Cron(expression, { timezone, paused: true })
  if (cron.nextRun(new Date(0)) === null) throw new RangeError('it never comes')
  return cron
}

/** When what was done at `last` is due again, in ms; never done, it is due at once. */
export function dueAfter(cron: Cron, last: number | undefined): number {
  return last === undefined ? -Infinity : (cron.nextRun(new Date(last))?.getTime() ?? Infinity)
}

export interface ScheduleOptions<T> {
  readonly cron: Cron
  readonly now: Clock
  /** What is to be done now; undefined: nothing is due, or it is done already. */
  readonly due: () => T | undefined | Promise<T | undefined>
  /** The signal aborts when vigil stops. */
  readonly run: (what: T, signal: AbortSignal) => Promise<void>
  readonly onError: (error: unknown, what: T | undefined) => void
  /** Calls back once after so many milliseconds; the function returned cancels that. */
  readonly after: (ms: number, work: () => void) => () => void
}

/** Longest wait at once: setTimeout takes no more than 24.8 days, and a clock that is set must be noticed. */
const MAX_WAIT_MS = 3_600_000

/**
 * Looks at the start and at every due time whether something is to be done, and does it, never twice at a time. What was missed, because vigil was not running or
 * it failed, is done at the next look, at most an hour later or at the start.
 */
export class Schedule<T> {
  readonly #options: ScheduleOptions<T>
  #cancel: () => void = () => undefined
  #running: Promise<void> = Promise.resolve()
  readonly #stop = new AbortController()

  constructor(options: ScheduleOptions<T>) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#look()
  }

  /** Gives up what is under way: the next start does it. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#cancel()
    await this.#running
  }

  async #look(): Promise<void> {
    const { after, now, cron } = this.#options
    await this.#doWhatIsDue()
    if (this.#stop.signal.aborted) return
    const next = cron.nextRun(new Date(now()))?.getTime() ?? Infinity
    this.#cancel = after(Math.min(MAX_WAIT_MS, Math.max(0, next - now())), () => this.start())
  }

  async #doWhatIsDue(): Promise<void> {
    const { due, run, onError } = this.#options
    const { signal } = this.#stop
    let what: T | undefined
    try {
      what = await due()
      if (what !== undefined && !signal.aborted) await run(what, signal)
    } catch (error) {
      if (!signal.aborted) onError(error, what)
    }
  }
}

/** For `after`, by the clock of the system. */
export function afterTimeout(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms)
  return () => clearTimeout(timer)
}
