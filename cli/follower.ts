import type { Journal } from '../journal/journal.ts'
import type { SealedRecord } from '../model/record.ts'
import type { Position } from '../model/recordId.ts'
import type { StorePosition } from '../store/contract.ts'

/** Where a store goes on reading. A position of an earlier epoch lies before the first record of this one. */
export function resumeAfter(journal: Journal, position: StorePosition | undefined): Position | undefined {
  return position?.epoch === journal.epoch && position.origin === journal.origin ? position : undefined
}

/** Reads a journal in order from a position on, and hands every batch to one projection. */
export class JournalFollower {
  readonly #journal: Journal
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  #applied: number
  #caughtUp: (() => void)[] = []

  /** When `apply` rejects, nothing more is read, and `onFailure` is told once. */
  constructor(
    journal: Journal,
    after: Position | undefined,
    onFailure: (error: unknown) => void,
    apply: (batch: readonly SealedRecord[]) => Promise<void>,
  ) {
    this.#journal = journal
    this.#applied = after?.entry ?? -1
    this.#done = this.#run(after, apply).catch(onFailure)
  }

  async #run(
    after: Position | undefined,
    apply: (batch: readonly SealedRecord[]) => Promise<void>,
  ): Promise<void> {
    for await (const batch of this.#journal.follow(after, this.#stop.signal)) {
      await apply(batch)
      this.#applied = batch.at(-1)?.position.entry ?? this.#applied
      if (this.#isCaughtUp()) for (const notify of this.#caughtUp.splice(0)) notify()
    }
  }

  #isCaughtUp(): boolean {
    return this.#applied >= this.#journal.size - 1
  }

  /** Resolves when everything that is sealed was applied. */
  async caughtUp(): Promise<void> {
    if (this.#isCaughtUp()) return
    await new Promise<void>((resolve) => this.#caughtUp.push(resolve))
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }
}
