import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { ejbca } from '../../collectors/formats/ejbca.ts'
import { parseLog } from '../../collectors/parse.ts'
import { auditTimelineFile } from '../../dashboards/kibana/auditTimeline.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { openElasticsearchStore } from '../../store/elasticsearch/store.ts'
import { FakeJournal } from '../store/records.ts'
import { needsElasticsearch, startElasticsearch } from '../support/elasticsearch.ts'

const FILE = new URL('../../dashboards/kibana/audit-timeline.ndjson', import.meta.url)
const LOG = new URL('../fixtures/ejbca-real/audit.log', import.meta.url)
const GRID_COLUMNS = 48

const objectSchema = z.object({
  id: z.string(),
  type: z.enum(['index-pattern', 'lens', 'search', 'dashboard']),
  attributes: z.record(z.string(), z.unknown()),
  references: z.array(z.object({ id: z.string(), name: z.string(), type: z.string() })),
  coreMigrationVersion: z.string(),
  typeMigrationVersion: z.string(),
})
const columnSchema = z.object({
  operationType: z.enum(['date_histogram', 'terms', 'count', 'unique_count', 'max']),
  sourceField: z.string(),
  isBucketed: z.boolean(),
  params: z.object({ size: z.int().optional() }).loose(),
})
const lensSchema = z.object({
  title: z.string(),
  state: z.object({
    datasourceStates: z.object({
      formBased: z.object({
        layers: z.record(
          z.string(),
          z.object({ columnOrder: z.array(z.string()), columns: z.record(z.string(), columnSchema) }),
        ),
      }),
    }),
    query: z.object({ query: z.literal('') }),
    filters: z.array(z.object({ query: z.record(z.string(), z.unknown()) })),
  }),
})
const searchSchema = z.object({
  columns: z.array(z.string()),
  sort: z.array(z.tuple([z.string(), z.enum(['asc', 'desc'])])),
})
const panelsSchema = z.array(
  z.object({
    type: z.string(),
    panelIndex: z.string(),
    panelRefName: z.string(),
    gridData: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int(), i: z.string() }),
  }),
)
type Column = z.output<typeof columnSchema>

const objects = readFileSync(FILE, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => objectSchema.parse(JSON.parse(line)))
const one = (type: string) => objects.find((o) => o.type === type) ?? assert.fail(`no ${type}`)

it('the committed dashboard is what its source makes (node scripts/generate.ts)', () => {
  assert.equal(readFileSync(FILE, 'utf8'), auditTimelineFile())
})

it('every reference is to an object before it in the file', () => {
  const known = new Set<string>()
  for (const { id, type, references } of objects) {
    for (const reference of references)
      assert.ok(known.has(`${reference.type} ${reference.id}`), `${id}: ${reference.id}`)
    assert.ok(!known.has(`${type} ${id}`), `${id} twice`)
    known.add(`${type} ${id}`)
  }
})

it('every panel has its place on the grid', () => {
  const { attributes, references } = one('dashboard')
  const panels = panelsSchema.parse(JSON.parse(z.string().parse(attributes['panelsJSON'])))
  assert.equal(panels.length, objects.length - 2, 'all but the data view and the dashboard itself')
  const taken = new Map<string, string>()
  for (const { panelIndex, panelRefName, gridData } of panels) {
    assert.ok(references.some((r) => r.name === `${panelIndex}:${panelRefName}`))
    assert.ok(gridData.x + gridData.w <= GRID_COLUMNS)
    for (let x = gridData.x; x < gridData.x + gridData.w; x++)
      for (let y = gridData.y; y < gridData.y + gridData.h; y++) {
        assert.equal(taken.get(`${x},${y}`), undefined, `panel ${panelIndex} lies on another`)
        taken.set(`${x},${y}`, panelIndex)
      }
  }
})

void describe('with the recorded audit log in a real Elasticsearch', needsElasticsearch(), () => {
  it('every panel asks for fields that exist, and shows something', async () => {
    await using server = await startElasticsearch()
    const prefix = 'vigil-kibana'
    const events = await recorded()
    const store = await openElasticsearchStore({ url: server.url, prefix })
    try {
      await store.apply(
        new FakeJournal().seal(
          ...events.map((body) => ({ kind: 'audit', time: body['@timestamp'], body }) as const),
        ),
      )
      await store.auditEvents({ limit: 1 })
      const title = z.string().parse(one('index-pattern').attributes['title'])
      assert.match(`${prefix}-audit-2026.11`, new RegExp(`^${title.replaceAll('*', '.*')}$`))
      const ask = asker(server.url, `${prefix}-audit-*`)
      const times = events.map((e) => e['@timestamp']).sort()
      const within = { range: { '@timestamp': { gte: times[0], lte: times.at(-1) } } }

      for (const lens of objects.filter((o) => o.type === 'lens')) {
        const { title: panel, state } = lensSchema.parse(lens.attributes)
        const filter = [within, ...state.filters.map((f) => f.query)]
        for (const { columnOrder, columns } of Object.values(state.datasourceStates.formBased.layers)) {
          const ordered = columnOrder.map((id) => columns[id] ?? assert.fail(`${panel}: no column ${id}`))
          for (const { sourceField } of ordered) await ask.field(panel, sourceField)
          await ask.rows(panel, filter, ordered)
        }
      }
      const { columns, sort } = searchSchema.parse(one('search').attributes)
      for (const field of columns) await ask.field('search', field)
      assert.equal(await ask.hits([within], sort), events.length)

      assert.equal(await ask.hits([{ match_phrase: { 'event.outcome': 'failure' } }], sort), 2)
    } finally {
      await store.close()
      await server.remove(prefix)
    }
  })
})

async function recorded(): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  const options = { format: ejbca, source: 'ejbca-vm', now: () => Date.UTC(2026, 10, 22, 6) }
  for await (const batch of parseLog([readFileSync(LOG)], options)) events.push(...batch)
  return events
}

const bucketsSchema = z.object({ buckets: z.array(z.looseObject({ doc_count: z.number() })) })
const figureSchema = z.object({ value: z.number().nullable() })

/** Asks what Kibana would ask for a Lens table: nested buckets, and figures in the innermost. */
function asker(url: string, index: string) {
  async function post(path: string, body: object): Promise<unknown> {
    const answer = await fetch(`${url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await answer.text()
    assert.ok(answer.ok, text)
    return JSON.parse(text)
  }

  return {
    async field(panel: string, field: string): Promise<void> {
      if (field === '___records___') return
      const found = z
        .object({ fields: z.record(z.string(), z.record(z.string(), z.object({ searchable: z.boolean() }))) })
        .parse(await post(`${index}/_field_caps?fields=${field}`, {}))
      assert.ok(found.fields[field], `${panel}: no field ${field}`)
    },

    async rows(panel: string, filter: readonly object[], columns: readonly Column[]): Promise<void> {
      const buckets = columns.filter((c) => c.isBucketed)
      const figures = columns.filter((c) => !c.isBucketed && c.operationType !== 'count')
      const aggs = [...buckets]
        .reverse()
        .reduce<object>(
          (inner, column) => ({ of: { ...bucketOf(column), aggs: inner } }),
          Object.fromEntries(figures.map((f, i) => [`figure${i}`, figureOf(f)])),
        )
      const answer = z
        .object({
          hits: z.object({ total: z.object({ value: z.number() }) }),
          aggregations: z.looseObject({}).optional(),
        })
        .parse(
          await post(`${index}/_search`, {
            size: 0,
            track_total_hits: true,
            query: { bool: { filter } },
            aggs,
          }),
        )
      assert.ok(answer.hits.total.value > 0, `${panel}: no events`)
      let level: Record<string, unknown> = answer.aggregations ?? {}
      for (const column of buckets) {
        const found = bucketsSchema.parse(level['of']).buckets
        assert.ok(found.length > 0, `${panel}: nothing by ${column.sourceField}`)
        level = found.find((b) => b.doc_count > 0) ?? assert.fail(`${panel}: empty by ${column.sourceField}`)
      }
      for (const i of figures.keys())
        assert.ok((figureSchema.parse(level[`figure${i}`]).value ?? 0) > 0, `${panel}: no figure`)
    },

    async hits(filter: readonly object[], sort: readonly (readonly [string, string])[]): Promise<number> {
      const answer = await post(`${index}/_search`, {
        size: 500,
        query: { bool: { filter } },
        sort: sort.map(([field, order]) => ({ [field]: order })),
      })
      return z.object({ hits: z.object({ hits: z.array(z.unknown()) }) }).parse(answer).hits.hits.length
    },
  }
}

function bucketOf({ operationType, sourceField, params }: Column): object {
  return operationType === 'date_histogram'
    ? { date_histogram: { field: sourceField, fixed_interval: '30s', min_doc_count: 1 } }
    : { terms: { field: sourceField, size: params.size ?? 10, order: { _count: 'desc' } } }
}

function figureOf({ operationType, sourceField }: Column): object {
  return operationType === 'unique_count'
    ? { cardinality: { field: sourceField } }
    : { max: { field: sourceField } }
}
