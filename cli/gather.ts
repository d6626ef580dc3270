import type { SealedRecord } from '../model/record.ts'

/** Records that are handed on at once, and that may wait for it: some megabytes. */
const MAX_RECORDS = 2000

/**
 * Hands batches on to a slow consumer, as many at a time as have gathered while it was busy: one by one while it keeps up, in large
 * pieces while it catches up.
 */
export class Gather {
  readonly #apply: (batch: readonly SealedRecord[]) => Promise<void>
  readonly #onFailure: (error: unknown) => void
  #waiting: SealedRecord[] = []
  #draining: Promise<void> | undefined
  #step: Promise<void> = Promise.resolve()
  /** Whether `apply` has rejected. */
  failed = false

  /** When `apply` rejects, nothing more is handed on, and `onFailure` is told once. */
  constructor(apply: (batch: readonly SealedRecord[]) => Promise<void>, onFailure: (error: unknown) => void) {
    this.#apply = apply
    this.#onFailure = onFailure
  }

  /** Resolves when there is room for more. */
  async add(batch: readonly SealedRecord[]): Promise<void> {
    if (this.failed) return
    for (const record of batch) this.#waiting.push(record)
    this.#draining ??= this.#drain()
    while (this.#waiting.length >= MAX_RECORDS) await this.#step
  }

  /** Resolves when everything that was added was handed on, or never will be. */
  async idle(): Promise<void> {
    await this.#draining
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        this.#step = this.#apply(this.#waiting.splice(0, MAX_RECORDS))
        await this.#step
      }
    } catch (error) {
      this.failed = true
      this.#waiting = []
      this.#onFailure(error)
    }
    this.#draining = undefined
  }
}
