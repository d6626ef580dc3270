import { fromTimestamp, toTimestamp, type Timestamp } from '../model/time.ts'
import { runbookAnnotations } from './alert.ts'
import type { PostableAlert } from './alertmanager.ts'

interface WatchdogOptions {
  readonly origin: string
  /** Milliseconds for which the clock of evaluation may stand still. */
  readonly tickLimit: number
  /** Milliseconds between two sendings. */
  readonly interval: number
  readonly runbooks: string | undefined
  /** Milliseconds. */
  readonly started: number
}

/** Without being sent again it lives two intervals: one may be lost. */
const LIFETIME_INTERVALS = 2

/**
 * The alert that fires as long as all is well. It ends when vigil does, when nothing is evaluated any more (no ticks are journaled), and
 * when the way to the receiver is broken; somebody outside has to notice that it does not come.
 */
export class Watchdog {
  readonly #options: WatchdogOptions
  #lastTick: number

  constructor(options: WatchdogOptions) {
    this.#options = options
    this.#lastTick = options.started
  }

  ticked(at: Timestamp): void {
    this.#lastTick = fromTimestamp(at)
  }

  /** undefined while nothing is evaluated. */
  alert(now: number): PostableAlert | undefined {
    const { origin, tickLimit, interval, runbooks, started } = this.#options
    // A clock that was set back leaves the newest tick in the future.
    this.#lastTick = Math.min(this.#lastTick, now)
    if (now - this.#lastTick > tickLimit) return undefined
    return {
      labels: { alertname: 'VigilWatchdog', severity: 'info', component: 'vigil', source: 'vigil', origin },
      annotations: {
        summary: `vigil ${origin} evaluates, and its alerts reach Alertmanager`,
        description:
          'Fires as long as all is well. Send it to something that raises an alarm when it does not come any more.',
        ...runbookAnnotations('docs/alerts.md#the-watchdog', runbooks),
      },
      startsAt: toTimestamp(Math.min(started, now)),
      endsAt: toTimestamp(now + LIFETIME_INTERVALS * interval),
    }
  }
}
