import type { After } from '../../probes/scheduler.ts'
import { NOW } from './pki.ts'

/** A clock that stands still until it is told to go on. */
export class FakeTime {
  #now = NOW
  #timers: { at: number; callback: () => void }[] = []

  readonly now = (): number => this.#now

  readonly after: After = (ms, callback) => {
    const timer = { at: this.#now + ms, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  get timers(): number {
    return this.#timers.length
  }

  /** Milliseconds until the next timer; undefined when there is none. */
  get next(): number | undefined {
    const times = this.#timers.map(({ at }) => at)
    return times.length === 0 ? undefined : Math.min(...times) - this.#now
  }

  /** Lets time pass, timer by timer, each followed by whatever it set going. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    for (;;) {
      const [first] = this.#timers.toSorted((a, b) => a.at - b.at)
      if (first === undefined || first.at > until) break
      this.#now = first.at
      await this.#fire(first)
    }
    this.#now = until
    await settle()
  }

  /** The machine sleeps: the clock goes on, and every timer that became due fires when it wakes. */
  async sleep(ms: number): Promise<void> {
    this.#now += ms
    const due = this.#timers.filter(({ at }) => at <= this.#now)
    for (const timer of due) await this.#fire(timer)
  }

  /** Somebody sets the clock; timers don't notice. */
  set(delta: number): void {
    this.#now += delta
    for (const timer of this.#timers) timer.at += delta
  }

  async #fire(timer: { callback: () => void }): Promise<void> {
    this.#timers = this.#timers.filter((other) => other !== timer)
    timer.callback()
    await settle()
  }
}

/** Lets everything happen that waits for no timer. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
