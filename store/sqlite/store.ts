import { Worker } from 'node:worker_threads'
import type { Store } from '../contract.ts'
import { StoreError } from '../error.ts'
import type { Argument, Method, Reply, Result } from './protocol.ts'
import type { Opened, SqliteOptions } from './schema.ts'

interface SqliteStore extends Store {
  /**
   * `new`: the file did not exist. `existing`: it did. `recreated`: it was of another schema version and was dropped. Unless it is
   * `existing`, `position()` is undefined and the journal has to be applied from its start.
   */
  readonly opened: Opened
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * The embedded store: one SQLite file, owned by a worker thread, because SQLite is synchronous. Calls are answered in the order in
 * which they were made. `apply` resolves when the transaction is on disk. Rejects with StoreError.
 *
 * Locked (`busy`), disk full (`full`) or I/O error (`io`): the batch was not applied, the store stays usable, call `apply` again.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<SqliteStore> {
  const thread = new Thread(options)
  try {
    const opened = await thread.call('open', undefined)
    return storeOf(thread, opened)
  } catch (error) {
    await thread.end()
    throw error
  }
}

function storeOf(thread: Thread, opened: Opened): SqliteStore {
  return {
    opened,
    apply: (batch) => thread.call('apply', batch),
    position: () => thread.call('position', undefined),
    latestObservations: () => thread.call('latestObservations', undefined),
    observations: (query) => thread.call('observations', query),
    findings: () => thread.call('findings', undefined),
    decisions: (query) => thread.call('decisions', query),
    actions: (query) => thread.call('actions', query),
    auditEvents: (query) => thread.call('auditEvents', query),
    rollUps: (query) => thread.call('rollUps', query),
    sourcePositions: () => thread.call('sourcePositions', undefined),
    close: () => thread.end(),
  }
}

/** The worker, and the calls that it has not answered yet. */
class Thread {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  readonly #exited: Promise<void>
  #nextId = 0
  /** Why no more calls are taken. */
  #ended: StoreError | undefined
  #ending: Promise<void> | undefined

  constructor(options: SqliteOptions) {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), {
      workerData: options,
      name: 'vigil-store',
    })
    this.#worker.on('message', (reply: Reply) => this.#settle(reply))
    this.#worker.on('error', (cause: unknown) => this.#fail(options.file, cause))
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#fail(options.file, undefined)
        resolve()
      })
    })
  }

  call<M extends Method>(method: M, argument: Argument<M>): Promise<Result<M>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      // The worker answers a method with that method's result: both are checked against the same Calls.
      this.#pending.set(id, { resolve: (value) => resolve(value as Result<M>), reject })
      this.#worker.postMessage({ id, method, argument })
    })
  }

  /** Waits for the calls before it, then closes the database and ends the thread. */
  end(): Promise<void> {
    this.#ending ??= this.#close()
    return this.#ending
  }

  async #close(): Promise<void> {
    const closed = this.call('close', undefined).catch((error: unknown) => {
      // `closed`: the database never opened, or the thread has ended: nothing is left to close.
      if (!(error instanceof StoreError) || !['closed', 'worker_failed'].includes(error.code)) throw error
    })
    this.#ended ??= new StoreError('closed', 'the store was closed')
    try {
      await closed
    } finally {
      await this.#exited
    }
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    if ('error' in reply) {
      const { code, message } = reply.error
      pending?.reject(code === undefined ? new Error(message) : new StoreError(code, message))
    } else pending?.resolve(reply.value)
  }

  #fail(file: string, cause: unknown): void {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    this.#ended ??= new StoreError('worker_failed', `${file}: the database thread ended${why}`, { cause })
    for (const { reject } of this.#pending.values()) reject(this.#ended)
    this.#pending.clear()
  }
}
