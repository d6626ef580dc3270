import type { estypes } from '@elastic/elasticsearch'
import { z } from 'zod'
import type { Action } from '../../model/action.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Finding } from '../../model/finding.ts'
import type { Observation } from '../../model/observation.ts'
import type { RecordId } from '../../model/recordId.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Timestamp } from '../../model/time.ts'
import type { AuditQuery, RollUp, Stored, StoredAction, TargetState } from '../contract.ts'
import { StoreError } from '../error.ts'
import type { Server } from './client.ts'
import { bodyOf, termOf } from './documents.ts'
import type { TargetDocument } from './documents.ts'
import { EVIDENCE } from './indices.ts'
import type { EvidenceKind, Monthly, Names, Single } from './indices.ts'

/** Documents in one answer: below the server's limit of 10 000, and of a bearable size when each carries a long log line. */
const PAGE = 1000

/** Newest first; what happened in the same millisecond in reverse journal order. No two documents are equal in it. */
const BY_TIME: readonly string[] = ['vigil.time', 'vigil.epoch', 'vigil.entry', 'vigil.n']
const BY_POSITION: readonly string[] = ['vigil.epoch', 'vigil.entry', 'vigil.n']

const headerSchema = z.object({ vigil: z.object({ id: z.string(), recorded: z.string() }) })
const placeSchema = z.object({
  vigil: z.object({ time: z.number(), epoch: z.number(), entry: z.number(), n: z.number() }),
})

interface Search {
  readonly index: string
  readonly filter: readonly estypes.QueryDslQueryContainer[]
  readonly exclude?: estypes.QueryDslQueryContainer
  readonly sort: estypes.Sort
  readonly limit: number
  readonly after?: estypes.SortResults
}

/** Reads of one prefix. What they answer is what was visible at the last refresh. */
export class Queries {
  readonly #server: Server
  readonly #names: Names

  constructor(server: Server, names: Names) {
    this.#server = server
    this.#names = names
  }

  async latestObservations(): Promise<TargetState[]> {
    const documents = (await this.#all('targets')) as readonly TargetDocument[]
    return documents
      .map((d) => ({
        observation: { ...d.observation, id: d.record, recorded: d.recorded },
        lastStart: toTimestamp(d.lastStart),
        lastDuration: d.lastDuration,
        known: d.known,
      }))
      .toSorted(by((t) => [t.observation.subject, t.observation.probe, t.observation.target]))
  }

  observations(query: { subject: string; from: Timestamp; limit: number }): Promise<Stored<Observation>[]> {
    return this.#evidence<Observation>('observation', {
      filter: [{ term: { subject: query.subject } }, since(query.from)],
      exclude: { term: { 'vigil.repeats': true } },
      sort: newestFirst(BY_TIME),
      limit: query.limit,
    })
  }

  async findings(): Promise<Stored<Finding>[]> {
    const documents = (await this.#all('findings')) as readonly Stored<Finding>[]
    return documents.toSorted(by((f) => [f.subject, f.rule]))
  }

  decisions(query: { subject?: string; limit: number }): Promise<Stored<Finding>[]> {
    return this.#evidence<Finding>('decision', {
      filter: query.subject === undefined ? [] : [{ term: { subject: query.subject } }],
      sort: newestFirst(BY_POSITION),
      limit: query.limit,
    })
  }

  async actions(query: { kind?: Action['kind']; limit: number }): Promise<StoredAction[]> {
    const sources = await this.#search({
      index: this.#names.all('actions'),
      filter: query.kind === undefined ? [] : [{ term: { kind: query.kind } }],
      sort: newestFirst(BY_POSITION),
      limit: query.limit,
    })
    return sources.map((source) => {
      const { id, recorded } = headerSchema.parse(source).vigil
      return { ...(bodyOf('action', source) as Action), record: id, recorded }
    })
  }

  async auditEvents(query: AuditQuery): Promise<Stored<AuditEvent>[]> {
    const filter: estypes.QueryDslQueryContainer[] = []
    if (query.from !== undefined) filter.push(since(query.from))
    if (query.to !== undefined) filter.push({ range: { 'vigil.time': { lt: millis(query.to) } } })
    if (query.authority !== undefined) filter.push({ term: { 'vigil.authority': termOf(query.authority) } })
    if (query.user !== undefined) filter.push({ term: { 'vigil.user': termOf(query.user) } })
    if (query.action !== undefined) filter.push({ term: { 'vigil.action': termOf(query.action) } })
    return this.#evidence<AuditEvent>('audit', {
      filter,
      sort: newestFirst(BY_TIME),
      limit: query.limit,
      ...(query.after === undefined ? {} : { after: await this.#placeOf(query.after) }),
    })
  }

  async rollUps(query: { from: Timestamp; to: Timestamp; subject?: string }): Promise<RollUp[]> {
    const sources = await this.#search({
      index: this.#names.all('rollups'),
      filter: [
        { range: { hour: { gte: millis(query.from), lt: millis(query.to), format: 'epoch_millis' } } },
        ...(query.subject === undefined ? [] : [{ term: { subject: query.subject } }]),
      ],
      sort: ['hour', 'vigil.key'],
      limit: Infinity,
    })
    return (sources.map(withoutHeader) as RollUp[]).toSorted(
      by((r) => [r.hour, r.subject, r.probe, r.target]),
    )
  }

  async sourcePositions(): Promise<{ source: string; fingerprint: string; end: number }[]> {
    const sources = await this.#search({
      index: this.#names.single('meta'),
      filter: [{ exists: { field: 'fingerprint' } }],
      sort: ['vigil.key'],
      limit: Infinity,
    })
    return (sources.map(withoutHeader) as { source: string; fingerprint: string; end: number }[]).toSorted(
      by((p) => [p.source, p.fingerprint]),
    )
  }

  async #evidence<T extends object>(kind: EvidenceKind, search: Omit<Search, 'index'>): Promise<Stored<T>[]> {
    const name: Monthly = EVIDENCE[kind]
    const sources = await this.#search({ index: this.#names.all(name), ...search })
    return sources.map((source) => {
      const { id, recorded } = headerSchema.parse(source).vigil
      // It holds only what apply wrote from a typed record, so readers may take its type as known.
      return { ...(bodyOf(kind, source) as T), id, recorded }
    })
  }

  async #all(name: Single): Promise<object[]> {
    const sources = await this.#search({
      index: this.#names.single(name),
      filter: [],
      sort: ['vigil.key'],
      limit: Infinity,
    })
    return sources.map(withoutHeader)
  }

  async #search({ index, filter, exclude, sort, limit, after }: Search): Promise<Source[]> {
    const sources: Source[] = []
    let next = after
    while (sources.length < limit) {
      const size = Math.min(PAGE, limit - sources.length)
      const { hits } = await this.#server.ask((client, options) =>
        client.search<Source>(
          {
            index,
            size,
            sort,
            track_total_hits: false,
            query: {
              bool: { filter: [...filter], ...(exclude === undefined ? {} : { must_not: [exclude] }) },
            },
            ...(next === undefined ? {} : { search_after: next }),
          },
          options,
        ),
      )
      for (const { _source } of hits.hits) if (_source !== undefined) sources.push(_source)
      next = hits.hits.at(-1)?.sort
      if (hits.hits.length < size || next === undefined) break
    }
    return sources
  }

  /** Where an audit event stands in the order of results. */
  async #placeOf(id: RecordId): Promise<estypes.SortResults> {
    const { hits } = await this.#server.ask((client, options) =>
      client.search<Source>(
        { index: this.#names.all('audit'), size: 1, query: { ids: { values: [id] } } },
        options,
      ),
    )
    const source = hits.hits[0]?._source
    if (source === undefined)
      throw new StoreError(
        'unknown_record',
        `expected the id of an audit event in the store, got ${JSON.stringify(id)}`,
      )
    const { time, epoch, entry, n } = placeSchema.parse(source).vigil
    return [time, epoch, entry, n]
  }
}

type Source = Readonly<Record<string, unknown>>

function withoutHeader(source: Source): object {
  return Object.fromEntries(Object.entries(source).filter(([name]) => name !== 'vigil'))
}

function newestFirst(fields: readonly string[]): estypes.Sort {
  return fields.map((field) => ({ [field]: 'desc' }))
}

function since(from: Timestamp): estypes.QueryDslQueryContainer {
  return { range: { 'vigil.time': { gte: millis(from) } } }
}

function millis(timestamp: Timestamp): number {
  return Date.parse(timestamp)
}

/** Orders by texts as octets in UTF-8, like every store. */
function by<T>(texts: (value: T) => readonly string[]): (a: T, b: T) => number {
  return (a, b) => {
    const [left, right] = [texts(a), texts(b)]
    for (const [i, text] of left.entries()) {
      const order = Buffer.compare(Buffer.from(text), Buffer.from(right[i] ?? ''))
      if (order !== 0) return order
    }
    return 0
  }
}
