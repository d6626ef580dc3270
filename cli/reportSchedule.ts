import { Cron } from 'croner'
import { toTimestamp, type Clock } from '../model/time.ts'

/** When reports are written: a cron expression (5 or 6 fields) in an IANA time zone. Throws TypeError or RangeError when it is none. */
export function parseSchedule(expression: string, timezone: string): Cron {
  // Paused: it only computes times; the timer is ours, so that the clock can be another one.
  const cron = new Cron(expression, { timezone, paused: true })
  if (cron.nextRun(new Date(0)) === null) throw new RangeError('it never comes')
  return cron
}

export interface ReportScheduleOptions {
  readonly cron: Cron
  readonly now: Clock
  /** When the journal began, in ms: there is nothing to report about months before it. */
  readonly began: number
  readonly isWritten: (month: string) => boolean
  /** The signal aborts when vigil stops. */
  readonly write: (month: string, signal: AbortSignal) => Promise<void>
  readonly onError: (month: string, error: unknown) => void
  /** Calls back once after so many milliseconds; the function returned cancels that. */
  readonly after: (ms: number, work: () => void) => () => void
}

/** Longest wait at once: setTimeout takes no more than 24.8 days, and a clock that is set must be noticed. */
const MAX_WAIT_MS = 3_600_000

/**
 * Writes the report of a month at the first due time after its end. One that was missed, because vigil was not running or the report
 * failed, is written at the next look, at most an hour later or at the start.
 */
export class ReportSchedule {
  readonly #options: ReportScheduleOptions
  #cancel: () => void = () => undefined
  #running: Promise<void> = Promise.resolve()
  readonly #stop = new AbortController()

  constructor(options: ReportScheduleOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#look()
  }

  /** Gives up a report that is being written: the next start writes it. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#cancel()
    await this.#running
  }

  async #look(): Promise<void> {
    const { after, now, cron } = this.#options
    const month = this.#dueMonth()
    if (month !== undefined) await this.#write(month)
    if (this.#stop.signal.aborted) return
    const next = cron.nextRun(new Date(now()))?.getTime() ?? Infinity
    this.#cancel = after(Math.min(MAX_WAIT_MS, Math.max(0, next - now())), () => this.start())
  }

  async #write(month: string): Promise<void> {
    const { write, onError } = this.#options
    const { signal } = this.#stop
    await write(month, signal).catch((error: unknown) => {
      if (!signal.aborted) onError(month, error)
    })
  }

  /** The month before this one, once its report is due and as long as it is not written. */
  #dueMonth(): string | undefined {
    const { cron, now, began, isWritten } = this.#options
    const today = new Date(now())
    const monthStart = Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), 1)
    const due = cron.nextRun(new Date(monthStart - 1))
    if (began >= monthStart || due === null || due.getTime() > now()) return undefined
    const month = toTimestamp(monthStart - 1).slice(0, 7)
    return isWritten(month) ? undefined : month
  }
}
