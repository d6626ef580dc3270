import type { SealedRecord } from '../model/record.ts'

/** What the newest batches may take, so that followers are served from memory (octets of canonical JSON). */
const KEPT_BYTES = 8 * 1024 * 1024
const KEPT_BATCHES = 64

type Batch = readonly SealedRecord[]

/** The newest sealed batches, and who waits for the next one. */
export class RecentBatches {
  #batches: { readonly entry: number; readonly batch: Batch; readonly bytes: number }[] = []
  #bytes = 0
  #waiters: (() => void)[] = []

  add(entry: number, batch: Batch, bytes: number): void {
    this.#batches.push({ entry, batch, bytes })
    this.#bytes += bytes
    while (this.#batches.length > KEPT_BATCHES || this.#bytes > KEPT_BYTES)
      this.#bytes -= this.#batches.shift()?.bytes ?? 0
    this.wake()
  }

  /** undefined when it is no longer, or not yet, held. */
  get(entry: number): Batch | undefined {
    const first = this.#batches[0]?.entry ?? 0
    return this.#batches[entry - first]?.batch
  }

  /** Resolves at the next batch, at wake(), or when the signal aborts. */
  async next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done)
      this.#waiters.push(done)
    })
  }

  wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter()
  }
}
