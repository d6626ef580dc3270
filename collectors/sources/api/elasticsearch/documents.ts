import { z } from 'zod'
import { CollectorError } from '../../../error.ts'
import type { ApiClient } from '../client.ts'
import { hitSchema } from './document.ts'
import type { Hit } from './document.ts'
import type { Stream } from './windows.ts'

/** Documents asked for at once; fewer, when they are so long that the answer would be too. */
const PAGE = 500
/** Milliseconds that Elasticsearch keeps a point in time for us between two pages. */
const KEEP_ALIVE = '1m'
/** Indices and shards that one log may lie in: one index a month for 80 years. */
const MAX_STREAMS = 1000

const settingsSchema = z.record(
  z.string().max(255),
  z.object({
    settings: z.object({
      index: z.object({
        uuid: z.string().regex(/^[\w-]{1,40}$/),
        number_of_shards: z.string().regex(/^\d{1,4}$/),
      }),
    }),
  }),
)
const statsSchema = z.object({
  indices: z
    .record(
      z.string(),
      z.object({
        shards: z.record(
          z.string(),
          z.array(
            z.object({
              routing: z.object({ primary: z.boolean() }),
              seq_no: z.object({ global_checkpoint: z.int() }),
            }),
          ),
        ),
      }),
    )
    .default({}),
})
const pitSchema = z.object({ id: z.string().min(1).max(1_000_000) })
const searchSchema = z.object({
  pit_id: z.string().min(1).max(1_000_000),
  timed_out: z.literal(false),
  _shards: z.object({ failed: z.literal(0) }),
  hits: z.object({ hits: z.array(hitSchema).max(PAGE) }),
})

export interface IndexOptions {
  readonly client: ApiClient
  /** Name or pattern. */
  readonly index: string
  /** `position.source` of the documents that count. */
  readonly origin: string
}

/** The documents of one log in Elasticsearch, by the numbers in which they were written. Every refusal is a CollectorError. */
export class DocumentIndex {
  readonly #options: IndexOptions

  constructor(options: IndexOptions) {
    this.#options = options
  }

  /** Every shard of every index that the pattern means, in the order of their names. */
  async streams(signal: AbortSignal): Promise<Stream[]> {
    const path = `/${encodeURIComponent(this.#options.index)}/_settings/index.uuid,index.number_of_shards`
    const answer = await this.#options.client.get(path, signal)
    const settings = this.#parse(settingsSchema, answer.json)
    const streams = Object.entries(settings)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([index, { settings: of }]) =>
        Array.from({ length: Math.min(Number(of.index.number_of_shards), MAX_STREAMS) }, (_, shard) => ({
          index,
          uuid: of.index.uuid,
          shard,
        })),
      )
    if (streams.length > MAX_STREAMS)
      throw this.#bad(`"${this.#options.index}" means more than ${MAX_STREAMS} shards`)
    return streams
  }

  /**
   * The number up to which every document of the shard is there and found: those after it may still have gaps that fill later. -1: none. Whatever is to be read
   * is asked for after this.
   */
  async settled({ index, shard }: Stream, signal: AbortSignal): Promise<number> {
    const { client } = this.#options
    const name = encodeURIComponent(index)
    const answer = await client.get(
      `/${name}/_stats?level=shards&filter_path=indices.*.shards.*.seq_no,indices.*.shards.*.routing`,
      signal,
    )
    const { indices } = this.#parse(statsSchema, answer.json)
    await client.post(`/${name}/_refresh`, undefined, signal)
    const copies = indices[index]?.shards[shard] ?? []
    return copies.find(({ routing }) => routing.primary)?.seq_no.global_checkpoint ?? -1
  }

  /** Documents with numbers in [start, end), in their order, page by page of one point in time. */
  async *read(stream: Stream, start: number, end: number, signal: AbortSignal): AsyncGenerator<Hit[]> {
    const { client } = this.#options
    // One shard: each counts for itself.
    const where = `/${encodeURIComponent(stream.index)}/_pit?keep_alive=${KEEP_ALIVE}&preference=_shards:${stream.shard}`
    let { id } = this.#parse(pitSchema, (await client.post(where, undefined, signal)).json)
    try {
      let size = PAGE
      let next = start
      let after: readonly unknown[] | undefined
      for (;;) {
        let answer
        try {
          answer = await client.post('/_search', this.#search(id, [start, end], size, after), signal)
        } catch (error) {
          if (!(error instanceof CollectorError) || error.code !== 'answer_too_long' || size === 1)
            throw error
          size = Math.floor(size / 2)
          continue
        }
        const found = this.#parse(searchSchema, answer.json)
        id = found.pit_id
        const { hits } = found.hits
        for (const { _seq_no: number } of hits) {
          // Without this the same page could come for ever.
          if (number < next || number >= end)
            throw this.#bad(`document ${number} where one of ${next} to ${end - 1} was asked for`)
          next = number + 1
        }
        const own = hits.filter(({ _source }) => originOf(_source) === this.#options.origin)
        if (own.length > 0) yield own
        if (hits.length < size) return
        after = hits.at(-1)?.sort
      }
    } finally {
      // It goes by itself when this fails.
      await client.delete('/_pit', { id }, AbortSignal.timeout(5000)).catch(() => undefined)
    }
  }

  async close(): Promise<void> {
    await this.#options.client.close()
  }

  #search(
    id: string,
    [start, end]: readonly [number, number],
    size: number,
    after: readonly unknown[] | undefined,
  ) {
    return {
      pit: { id, keep_alive: KEEP_ALIVE },
      size,
      track_total_hits: false,
      seq_no_primary_term: true,
      version: true,
      query: {
        bool: {
          filter: [
            { range: { _seq_no: { gte: start, lt: end } } },
            // As our index template maps it, or as Elasticsearch does by itself.
            {
              bool: {
                should: ['position.source', 'position.source.keyword'].map((field) => ({
                  term: { [field]: this.#options.origin },
                })),
              },
            },
          ],
        },
      },
      sort: [{ _seq_no: 'asc' }],
      ...(after === undefined ? {} : { search_after: after }),
    }
  }

  #parse<T>(schema: z.ZodType<T>, json: unknown): T {
    const parsed = schema.safeParse(json)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    throw this.#bad(`not an answer of Elasticsearch: ${issue?.path.join('.')}: ${issue?.message}`)
  }

  #bad(what: string): CollectorError {
    return new CollectorError('bad_answer', `${this.#options.client.url}: ${what}`)
  }
}

const originSchema = z.object({ position: z.object({ source: z.string() }) })

function originOf(document: Hit['_source']): string | undefined {
  const parsed = originSchema.safeParse(document)
  return parsed.success ? parsed.data.position.source : undefined
}
