import { setTimeout as delay } from 'node:timers/promises'
import { readEarlierEpochs } from '../journal/epochs.ts'
import type { Journal } from '../journal/journal.ts'
import type { Position } from '../model/recordId.ts'
import { messageOf } from '../model/thrown.ts'
import type { Store } from '../store/contract.ts'
import { isTransientStoreError, StoreError } from '../store/error.ts'
import { JournalFollower, resumeAfter } from './follower.ts'
import { Gather } from './gather.ts'
import type { Problems } from './problems.ts'
import { applyAll } from './projection.ts'

interface ElasticsearchProjectionOptions {
  readonly journal: Journal
  /** Of the journal: what stands beside it (journal/epochs.ts) is projected, too. */
  readonly directory: string
  readonly problems: Problems
  /** Connects, and makes the indices. The signal gives up whatever the store does, then and later. */
  readonly open: (signal: AbortSignal) => Promise<Store>
  /** First pause between two tries, in milliseconds; doubled up to MAX_PAUSE_MS. Default 1000. */
  readonly firstPause?: number
}

const PART = 'elasticsearch'
const FIRST_PAUSE_MS = 1000
/** Longest pause: what the server can't take while it is down is journaled, so there is no hurry. */
const MAX_PAUSE_MS = 30_000
/** At the end: how long what was journaled until then may take to get there, when the server answers. */
const DRAIN_MS = 5000

/**
 * The journal's second projection, into Elasticsearch. Nothing waits for it: while the server is away, the journal grows, a problem is shown,
 * and afterwards the projection goes on from the position that the server holds.
 */
export class ElasticsearchProjection {
  readonly #options: ElasticsearchProjectionOptions
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  readonly #opened = Promise.withResolvers<{ follower: JournalFollower; gather: Gather } | undefined>()
  #pause: number
  #applied = 0

  constructor(options: ElasticsearchProjectionOptions) {
    this.#options = options
    this.#pause = this.#firstPause
    this.#running = this.#run().catch((error: unknown) => this.#giveUp(error))
  }

  /** Entries that have been written; 0 as long as the server has not said what it holds. */
  get applied(): number {
    return this.#applied
  }

  /** Resolves when everything that is sealed now has been written, or never will be because the projection has given up. */
  async caughtUp(): Promise<void> {
    const parts = await this.#opened.promise
    if (parts === undefined) return
    await Promise.race([parts.follower.caughtUp(), this.#running])
    await parts.gather.idle()
    if (parts.gather.failed) await this.#running
  }

  /** A server that answers gets what was journaled so far; one that does not is not waited for. */
  async stop(): Promise<void> {
    if (!this.#inTrouble) {
      // Aborted: the projection gave up meanwhile, and has said why.
      const limit = delay(DRAIN_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      await Promise.race([this.caughtUp(), limit])
    }
    this.#stop.abort()
    await this.#running
  }

  get #firstPause(): number {
    return this.#options.firstPause ?? FIRST_PAUSE_MS
  }

  get #inTrouble(): boolean {
    return this.#options.problems.has(PART)
  }

  async #run(): Promise<void> {
    const { journal, directory, open } = this.#options
    const { signal } = this.#stop
    const store = await this.#persist(() => open(signal), isWorthWaitingFor)
    if (store === undefined) return
    try {
      const position = await this.#persist(() => store.position(), isTransientStoreError)
      const earlier = unlessAborted(readEarlierEpochs(directory, position), signal)
      await applyAll(earlier, {
        apply: async (batch) => {
          await this.#persist(() => store.apply(batch), isTransientStoreError)
        },
      })
      if (signal.aborted) return
      const ended = Promise.withResolvers<undefined>()
      const onFailure = (error: unknown): void => ended.reject(error)
      const gather = new Gather(async (batch) => {
        await this.#persist(() => store.apply(batch), isTransientStoreError)
        if (!signal.aborted) this.#appliedUpTo(batch.at(-1)?.position)
      }, onFailure)
      const resumed = resumeAfter(journal, position)
      this.#appliedUpTo(resumed)
      const follower = new JournalFollower(journal, resumed, onFailure, (batch) => gather.add(batch))
      signal.addEventListener('abort', () => ended.resolve(undefined), { once: true })
      this.#opened.resolve({ follower, gather })
      try {
        await ended.promise
      } finally {
        this.#stop.abort()
        await follower.stop()
        await gather.idle()
      }
    } finally {
      await store.close()
    }
  }

  #appliedUpTo(position: Position | undefined): void {
    if (position !== undefined) this.#applied = position.entry + 1
  }

  async #persist<T>(
    work: () => Promise<T>,
    isTransient: (error: unknown) => boolean,
  ): Promise<T | undefined> {
    const { signal } = this.#stop
    const result = await this.#options.problems.until(
      PART,
      work,
      async () => {
        await delay(this.#pause, undefined, { signal }).catch(() => undefined)
        this.#pause = Math.min(MAX_PAUSE_MS, this.#pause * 2)
      },
      { signal, isTransient },
    )
    this.#pause = this.#firstPause
    return result
  }

  #giveUp(error: unknown): void {
    const why = messageOf(error)
    this.#options.problems.raise(
      PART,
      `the projection has ended, start vigil again when this is repaired: ${why}`,
    )
    this.#opened.resolve(undefined)
  }
}

async function* unlessAborted<T>(batches: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const batch of batches) {
    if (signal.aborted) return
    yield batch
  }
}

/** At the start also what somebody may repair on the server. */
function isWorthWaitingFor(error: unknown): boolean {
  return (
    isTransientStoreError(error) ||
    (error instanceof StoreError && ['unsupported_server', 'foreign_file'].includes(error.code))
  )
}
