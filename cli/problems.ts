import type { Logger } from 'pino'
import { messageOf } from '../model/thrown.ts'
import type { Clock } from '../model/time.ts'

/** A time of trouble that is over, in milliseconds. */
interface Spell {
  readonly from: number
  readonly until: number
}

/** What an operator should know at once: one line for each part that is in trouble. Logged when it changes, shown on the page. */
export class Problems {
  readonly #logger: Logger
  readonly #now: Clock
  readonly #lines = new Map<string, string>()
  readonly #since = new Map<string, number>()
  readonly #spells = new Map<string, Spell>()

  constructor(logger: Logger, now: Clock) {
    this.#logger = logger
    this.#now = now
  }

  raise(part: string, message: string): void {
    if (!this.#since.has(part)) this.#since.set(part, this.#now())
    if (this.#lines.get(part) === message) return
    this.#lines.set(part, message)
    this.#logger.error({ part }, message)
  }

  clear(part: string): void {
    if (!this.#lines.delete(part)) return
    this.#spells.set(part, { from: this.#since.get(part) ?? this.#now(), until: this.#now() })
    this.#since.delete(part)
    this.#logger.info({ part }, 'works again')
  }

  /** The newest trouble of a part that is over. */
  lastSpell(part: string): Spell | undefined {
    return this.#spells.get(part)
  }

  /** In trouble now. */
  parts(): readonly string[] {
    return [...this.#lines.keys()]
  }

  /**
   * Tries until it works, fails for good, or the signal aborts (undefined then). What waits for it waits with it, which is
   * how back-pressure reaches the sources.
   */
  async until<T>(
    part: string,
    work: () => Promise<T>,
    pause: () => Promise<void>,
    options: { readonly signal: AbortSignal; readonly isTransient: (error: unknown) => boolean },
  ): Promise<T | undefined> {
    while (!options.signal.aborted) {
      try {
        const result = await work()
        this.clear(part)
        return result
      } catch (error) {
        if (!options.isTransient(error)) throw error
        this.raise(part, messageOf(error))
        await pause()
      }
    }
    return undefined
  }

  has(part: string): boolean {
    return this.#lines.has(part)
  }

  list(): readonly string[] {
    return [...this.#lines].map(([part, message]) => `${part}: ${message}`)
  }
}
