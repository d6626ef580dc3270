import { formatDuration } from '../../model/time.ts'
import { FetchError, type FetchPhase } from './error.ts'

/** setTimeout fires at once when it is asked for more (24.8 days). */
export const MAX_DELAY = 2 ** 31 - 1

/** The time that one run may take, together with the order to stop (shutdown). Monotonic; dispose of it when the run ends. */
export class Deadline implements Disposable {
  /** Milliseconds, as configured. */
  readonly limit: number
  /** Aborts when the time is up or the outer signal aborts. */
  readonly signal: AbortSignal
  readonly #outer: AbortSignal
  readonly #end: number
  readonly #release: () => void

  /** `most`: milliseconds, where less than the limit is left. */
  constructor(limit: number, outer: AbortSignal, most = limit) {
    this.limit = limit
    this.#outer = outer
    this.#end = performance.now() + Math.min(limit, most)
    const controller = new AbortController()
    this.signal = controller.signal
    const abort = (): void => controller.abort()
    const timer = setTimeout(abort, Math.min(limit, most, MAX_DELAY))
    outer.addEventListener('abort', abort, { once: true })
    if (outer.aborted) abort()
    this.#release = () => {
      clearTimeout(timer)
      outer.removeEventListener('abort', abort)
    }
  }

  /** Milliseconds left, at least 0. */
  get remaining(): number {
    return Math.max(0, this.#end - performance.now())
  }

  /** The time of one of several things that come one after another: an equal part of the limit, and never more than is left. */
  share(parts: number): Deadline {
    return new Deadline(Math.ceil(this.limit / parts), this.#outer, this.remaining)
  }

  /** What to report after `signal` aborted in this phase. Throws the outer signal's reason when that is why: not the target's fault. */
  failure(phase: FetchPhase, waitingFor: string): FetchError {
    this.throwIfStopped()
    return new FetchError(
      phase,
      'timeout',
      `expected ${waitingFor} within ${formatDuration(this.limit)}, got none`,
    )
  }

  throwIfStopped(): void {
    this.#outer.throwIfAborted()
  }

  /** Settles like the promise, or rejects with `failure()` as soon as the signal aborts. What loses goes on unobserved. */
  async race<T>(promise: Promise<T>, phase: FetchPhase, waitingFor: string): Promise<T> {
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const onAbort = (): void => reject(new Error('aborted'))
    this.signal.addEventListener('abort', onAbort, { once: true })
    if (this.signal.aborted) onAbort()
    try {
      return await Promise.race([promise, aborted])
    } catch (error) {
      if (!this.signal.aborted) throw error
      throw this.failure(phase, waitingFor)
    } finally {
      this.signal.removeEventListener('abort', onAbort)
    }
  }

  [Symbol.dispose](): void {
    this.#release()
  }
}
