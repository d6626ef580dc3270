import { z } from 'zod'
import type { Clock } from '../../../model/time.ts'
import { CollectorError } from '../../error.ts'
import type { RawRecord, Sink } from '../../source.ts'
import { sha256 } from '../identity.ts'
import type { ApiClient } from './client.ts'
import { rowRecord } from './row.ts'
import type { History } from './source.ts'

export interface CertctlOptions {
  readonly source: string
  readonly client: ApiClient
  readonly positions: readonly { readonly fingerprint: string; readonly end: number }[]
  /** What happened before is not read, in milliseconds. Default: 30 days before the first start. */
  readonly since?: number | undefined
  readonly now: Clock
}

/** Rows asked for at once: above 500 certctl silently gives 50. */
const PAGE = 500
/** Rows and octets of one window of time: what is held at once, to be put in order. */
const MAX_WINDOW_ROWS = 5000
const MAX_WINDOW_OCTETS = 32 * 1024 * 1024
/** How much of the past one window covers, in milliseconds. */
const SHORTEST_WINDOW = 1000
const LONGEST_WINDOW = 24 * 3_600_000
/** Milliseconds after which no row is expected to appear any more: rows bear the time before they are written. */
const SETTLED = 10_000
/** How far back is looked again for rows that appeared later than that, in milliseconds. */
const OVERLAP = 300_000
const FIRST_START = 30 * LONGEST_WINDOW
/** Rows of one millisecond that a position can tell apart. */
const RANKS = 1024
/** Calls of our own, which certctl writes into the log that they read. */
const OWN_CALLS: ReadonlySet<string> = new Set(['/api/v1/audit', '/api/v1/auth/me'])

const meSchema = z.object({ actor_id: z.string().min(1).max(200) })
const rowSchema = z.looseObject({
  id: z.string().min(1).max(200),
  timestamp: z.iso.datetime({ offset: true }),
})
const pageSchema = z.object({ data: z.array(rowSchema).max(PAGE).nullable(), per_page: z.int().min(1) })
/** A call over its API, as certctl writes it down. */
const callSchema = z.object({
  actor: z.string(),
  resource_type: z.literal('api'),
  details: z.object({ method: z.literal('GET'), path: z.string() }),
})

type Row = z.infer<typeof rowSchema>

/**
 * The audit log of certctl. It is given newest first and shifts while it is paged, and a page does not tell how many there are. So it is read in windows of time that
 * are over, until a page is short, and put in order; a position is the millisecond and the rank in it. Rows that turn up late have positions of their own.
 */
export class CertctlHistory implements History {
  readonly #options: CertctlOptions
  /** Of the whole log. */
  readonly #fingerprint: string
  /** End of its position that was journaled when we started. */
  readonly #start: number
  /** Fingerprints that are journaled: among them those of rows that turned up late. */
  readonly #journaled: Set<string>
  /** Rows that were dealt with since we started, no older than OVERLAP, by id, with their time. */
  readonly #seen = new Map<string, number>()
  /** Where reading began, and up to where everything has been read since, in milliseconds. */
  #first: number | undefined
  #read: number | undefined
  #window = LONGEST_WINDOW

  constructor(options: CertctlOptions) {
    this.#options = options
    this.#fingerprint = sha256('certctl audit\n', options.client.url)
    this.#start = options.positions.find((p) => p.fingerprint === this.#fingerprint)?.end ?? 0
    this.#journaled = new Set(options.positions.map((p) => p.fingerprint))
  }

  async read(sink: Sink, signal: AbortSignal): Promise<void> {
    const { client, now } = this.#options
    const answer = await client.get('/api/v1/auth/me', signal)
    const me = this.#parse(meSchema, answer.json).actor_id
    // By the clock that the rows bear.
    const until = (answer.date ?? now()) - SETTLED
    this.#first ??= this.#beginning(until)
    let from = Math.max(this.#first, (this.#read ?? this.#first) - OVERLAP)
    while (from < until && !signal.aborted) {
      const to = Math.min(from + this.#window, until)
      const rows = await this.#rowsOf(from, to, signal)
      if (rows === 'too many') {
        this.#window = Math.max(SHORTEST_WINDOW, Math.floor((to - from) / 2))
        continue
      }
      await this.#hand(rows, me, sink)
      from = to
      this.#read = Math.max(this.#read ?? to, to)
      this.#window = Math.min(this.#window * 2, LONGEST_WINDOW)
      for (const [id, ms] of this.#seen) if (ms < this.#read - OVERLAP) this.#seen.delete(id)
    }
  }

  /** Rows just before the last journaled one are looked at again, so that a late one among them can be told later. */
  #beginning(until: number): number {
    if (this.#start === 0) return this.#options.since ?? until - FIRST_START
    return Math.floor((this.#start - 1) / RANKS) - OVERLAP
  }

  async close(): Promise<void> {
    await this.#options.client.close()
  }

  /** All rows of [from, to) in milliseconds, the oldest first. */
  async #rowsOf(from: number, to: number, signal: AbortSignal): Promise<Row[] | 'too many'> {
    const rows = new Map<string, Row>()
    const span = `since=${new Date(from).toISOString()}&until=${new Date(to).toISOString()}`
    let octets = 0
    for (let page = 1; ; page++) {
      const path = `/api/v1/audit?page=${page}&per_page=${PAGE}&${span}`
      const answer = await this.#options.client.get(path, signal)
      const { data, per_page: size } = this.#parse(pageSchema, answer.json)
      for (const row of data ?? []) {
        const ms = Date.parse(row.timestamp)
        if (from <= ms && ms < to) rows.set(row.id, row)
      }
      octets += answer.octets
      // `total` is the number of rows of this page only.
      if (data === null || data.length < size) break
      if (rows.size > MAX_WINDOW_ROWS || octets > MAX_WINDOW_OCTETS || page * size > MAX_WINDOW_ROWS) {
        if (to - from > SHORTEST_WINDOW) return 'too many'
        throw this.#bad(`more than ${MAX_WINDOW_ROWS} rows within ${SHORTEST_WINDOW} ms`)
      }
    }
    // Times have six digits after the second, or fewer: as text they are in order only within the same number of digits.
    return [...rows.values()].sort(
      (a, b) => microseconds(a) - microseconds(b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
    )
  }

  async #hand(rows: readonly Row[], me: string, sink: Sink): Promise<void> {
    const fresh = rows.filter(
      (row) => !this.#seen.has(row.id) && !this.#journaled.has(lateMark(this.#fingerprint, row)),
    )
    const items: RawRecord[] = []
    const ranks = new Map<number, number>()
    for (const row of fresh) {
      const ms = Date.parse(row.timestamp)
      const rank = ranks.get(ms) ?? 0
      if (rank >= RANKS) throw this.#bad(`more than ${RANKS} rows within a millisecond`)
      ranks.set(ms, rank + 1)
      if (isOwnCall(row, me)) continue
      const offset = ms * RANKS + rank
      if (this.#read !== undefined && ms < this.#read)
        items.push(this.#record(row, { fingerprint: lateMark(this.#fingerprint, row), offset: 0 }))
      // What is not after the last journaled row was journaled before we started.
      else if (offset >= this.#start)
        items.push(this.#record(row, { fingerprint: this.#fingerprint, offset }))
    }
    if (items.length > 0) await sink(items)
    for (const row of fresh) this.#seen.set(row.id, Date.parse(row.timestamp))
  }

  #record(row: Row, { fingerprint, offset }: { fingerprint: string; offset: number }): RawRecord {
    return rowRecord(row, row.id, { source: this.#options.source, fingerprint, offset, end: offset + 1 })
  }

  #parse<T>(schema: z.ZodType<T>, json: unknown): T {
    const parsed = schema.safeParse(json)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    throw this.#bad(`not an answer of certctl: ${issue?.path.join('.')}: ${issue?.message}`)
  }

  #bad(what: string): CollectorError {
    return new CollectorError('bad_answer', `${this.#options.client.url}: ${what}`)
  }
}

/** Of a row that turned up among rows that were over. */
function lateMark(log: string, row: Row): string {
  return sha256('certctl late\n', log, row.id)
}

/** Since 1970. */
function microseconds({ timestamp }: Row): number {
  const digits = /\.(\d+)/.exec(timestamp)?.[1] ?? ''
  return Date.parse(timestamp) * 1000 + Number(digits.padEnd(6, '0').slice(3, 6))
}

function isOwnCall(row: Row, me: string): boolean {
  const call = callSchema.safeParse(row)
  return call.success && call.data.actor === me && OWN_CALLS.has(call.data.details.path)
}
