import type { Store } from '../contract.ts'
import { StoreError } from '../error.ts'
import { Server } from './client.ts'
import type { ServerOptions } from './client.ts'
import { Names, prepareIndices, removeIndices } from './indices.ts'
import { Queries } from './queries.ts'
import { readPosition, Writer } from './writer.ts'

export interface ElasticsearchOptions extends ServerOptions {
  /** What the names of all indices and templates begin with. One prefix holds one journal. */
  readonly prefix: string
}

/**
 * The store at size: indices on an Elasticsearch server (docs/elasticsearch.md). Rejects with StoreError.
 *
 * `io`, `busy` and `full` pass by themselves: unreachable, refused credentials, a read-only or missing index, too much to do, a disk that is
 * nearly full. Call again; a batch may be applied again as it is. Until then documents of it may be visible though the position has not moved.
 */
export async function openElasticsearchStore(options: ElasticsearchOptions): Promise<Store> {
  const server = await Server.connect(options)
  const names = new Names(options.prefix)
  try {
    await prepareIndices(server, names)
    await readPosition(server, names)
  } catch (error) {
    await server.close()
    throw error
  }
  return new ElasticsearchStore(server, names)
}

/** Removes the indices of this prefix with all that is in them; one that is not there is no mistake. Rejects with StoreError. */
export async function removeElasticsearchStore(options: ElasticsearchOptions): Promise<void> {
  const server = await Server.connect(options)
  try {
    await removeIndices(server, new Names(options.prefix))
  } finally {
    await server.close()
  }
}

class ElasticsearchStore implements Store {
  readonly #server: Server
  readonly #names: Names
  readonly #writer: Writer
  readonly #queries: Queries
  /** The batches, one after the other. */
  #applying: Promise<void> = Promise.resolve()
  /** Whether there may be documents that a search does not see yet. */
  #unseen = true
  #closing: Promise<void> | undefined

  constructor(server: Server, names: Names) {
    this.#server = server
    this.#names = names
    this.#writer = new Writer(server, names)
    this.#queries = new Queries(server, names)
  }

  async apply(batch: Parameters<Store['apply']>[0]): Promise<void> {
    this.#refuseClosed()
    const applied = this.#applying.then(async () => {
      this.#unseen = true
      await this.#writer.apply(batch)
    })
    this.#applying = applied.catch(() => undefined)
    await applied
  }

  async position(): ReturnType<Store['position']> {
    this.#refuseClosed()
    await this.#applying
    return await readPosition(this.#server, this.#names)
  }

  latestObservations(): ReturnType<Store['latestObservations']> {
    return this.#read((queries) => queries.latestObservations())
  }
  observations(query: Parameters<Store['observations']>[0]): ReturnType<Store['observations']> {
    return this.#read((queries) => queries.observations(query))
  }
  findings(): ReturnType<Store['findings']> {
    return this.#read((queries) => queries.findings())
  }
  decisions(query: Parameters<Store['decisions']>[0]): ReturnType<Store['decisions']> {
    return this.#read((queries) => queries.decisions(query))
  }
  actions(query: Parameters<Store['actions']>[0]): ReturnType<Store['actions']> {
    return this.#read((queries) => queries.actions(query))
  }
  auditEvents(query: Parameters<Store['auditEvents']>[0]): ReturnType<Store['auditEvents']> {
    return this.#read((queries) => queries.auditEvents(query))
  }
  rollUps(query: Parameters<Store['rollUps']>[0]): ReturnType<Store['rollUps']> {
    return this.#read((queries) => queries.rollUps(query))
  }
  sourcePositions(): ReturnType<Store['sourcePositions']> {
    return this.#read((queries) => queries.sourcePositions())
  }

  close(): Promise<void> {
    this.#closing ??= this.#applying.then(() => this.#server.close())
    return this.#closing
  }

  /**
   * A read sees what was applied before it. Writes don't wait for that: vigil writes every second and reads seldom, so the refresh is
   * the reader's, and only when there is something new.
   */
  async #read<T>(query: (queries: Queries) => Promise<T>): Promise<T> {
    this.#refuseClosed()
    await this.#applying
    if (this.#unseen) {
      this.#unseen = false
      try {
        await this.#server.ask((client, options) =>
          client.indices.refresh({ index: this.#names.everything() }, options),
        )
      } catch (error) {
        this.#unseen = true
        throw error
      }
    }
    return await query(this.#queries)
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new StoreError('closed', 'the store was closed')
  }
}
