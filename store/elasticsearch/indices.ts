import type { estypes } from '@elastic/elasticsearch'
import { z } from 'zod'
import { FACTS } from '../../model/facts.ts'
import type { FactType } from '../../model/facts.ts'
import { StoreError } from '../error.ts'
import { sha256 } from '../sealed.ts'
import type { Server } from './client.ts'

// Plain indices that we make ourselves, no data streams: a record's id is refused a second time only within one index, so the index must
// follow from the record alone. Evidence is in the month in which it was journaled, roll-ups in the month that they are about.

/** What is kept as documents, one kind of record each. */
export const EVIDENCE = {
  observation: 'observations',
  audit: 'audit',
  decision: 'decisions',
  action: 'actions',
} as const
export type EvidenceKind = keyof typeof EVIDENCE
export type Monthly = (typeof EVIDENCE)[EvidenceKind] | 'rollups'
/** State that is written over: position and sources, targets, current findings. */
export type Single = 'meta' | 'targets' | 'findings'

/** Raised with every change of the mappings that indices of before can't take. */
export const SCHEMA_VERSION = 1

/** Lucene refuses terms above 32 766 octets; longer values than this stay in the document but are not indexed. */
const MAX_TERM = 1024

type Fields = Readonly<Record<string, estypes.MappingProperty>>

const keyword = { type: 'keyword', ignore_above: MAX_TERM } as const
/** Kept and shown, never searched: data whose shape is not ours. */
const opaque = { type: 'object', enabled: false } as const
const date = { type: 'date' } as const

const FACT_FIELDS: Readonly<Record<FactType, estypes.MappingProperty>> = {
  bool: { type: 'boolean' },
  int: { type: 'long' },
  double: { type: 'double' },
  string: keyword,
  timestamp: date,
  duration: { type: 'double' },
  'list<string>': keyword,
}

/** A fact that a later version adds stays in the document, unindexed, in the months that were made before. */
const facts: estypes.MappingProperty = {
  type: 'object',
  dynamic: false,
  properties: Object.fromEntries(
    Object.entries(FACTS).map(([group, fields]) => [
      group,
      {
        type: 'object' as const,
        properties: Object.fromEntries(
          Object.entries(fields).map(([name, type]) => [name, FACT_FIELDS[type]]),
        ),
      },
    ]),
  ),
}

/** In every document: the record that it came from. */
const vigil: estypes.MappingProperty = {
  type: 'object',
  dynamic: 'strict',
  properties: {
    id: keyword,
    origin: keyword,
    epoch: { type: 'long' },
    entry: { type: 'long' },
    n: { type: 'long' },
    recorded: date,
    /** When it happened, as claimed; sorted by. */
    time: { type: 'date', format: 'epoch_millis' },
    digest: { type: 'keyword', index: false, doc_values: false },
    /** An observation that repeats the run before it: kept without facts, for what refers to it. */
    repeats: { type: 'boolean' },
    /** Digest that names what state is about. */
    key: keyword,
    /** Of audit events: values to find them by, long ones as digests. */
    user: keyword,
    action: keyword,
    authority: keyword,
  },
}

const target = { subject: keyword, probe: keyword, target: keyword } as const

const finding: Fields = {
  rule: keyword,
  pack: keyword,
  subject: keyword,
  state: keyword,
  severity: keyword,
  since: date,
  summary: { type: 'text', fields: { keyword } },
  target: keyword,
  facts,
  parameters: opaque,
  evidence: keyword,
  waiver: { properties: { owner: keyword, reason: { type: 'text' }, expires: date } },
}

const MONTHLY: Readonly<Record<Monthly, Fields>> = {
  observations: {
    ...target,
    vantage: keyword,
    start: date,
    duration: { type: 'double' },
    outcome: keyword,
    facts,
    error: { properties: { phase: keyword, code: keyword, message: { type: 'text' } } },
    artifacts: {
      properties: {
        digest: keyword,
        mediaType: keyword,
        size: { type: 'long' },
        kept: { type: 'boolean' },
      },
    },
  },
  rollups: {
    ...target,
    hour: date,
    runs: { type: 'long' },
    failures: { type: 'long' },
    buckets: opaque,
  },
  // Elastic Common Schema 8.17, and `pki` and `position` for what it does not know.
  audit: {
    ecs: { properties: { version: keyword } },
    event: {
      properties: {
        id: keyword,
        action: keyword,
        code: keyword,
        outcome: keyword,
        category: keyword,
        type: keyword,
        module: keyword,
        dataset: keyword,
        original: { type: 'keyword', index: false, doc_values: false },
        encoding: keyword,
        reason: keyword,
      },
    },
    user: { properties: { name: keyword } },
    source: { properties: { ip: { type: 'ip' } } },
    message: { type: 'text' },
    tls: {
      properties: {
        client: { properties: { subject: keyword, hash: { properties: { sha256: keyword } } } },
      },
    },
    x509: {
      properties: {
        serial_number: keyword,
        not_before: date,
        not_after: date,
        subject: { properties: { distinguished_name: keyword } },
        issuer: { properties: { distinguished_name: keyword } },
        alternative_names: keyword,
      },
    },
    pki: {
      properties: {
        caId: keyword,
        caName: keyword,
        caSubject: keyword,
        profile: keyword,
        serial: keyword,
        subject: keyword,
        username: keyword,
        key: keyword,
        revocationReason: { type: 'long' },
        crlNumber: keyword,
        sha256: keyword,
        fingerprint: keyword,
        signature: keyword,
        details: opaque,
      },
    },
    position: {
      properties: { source: keyword, fingerprint: keyword, offset: { type: 'long' }, end: { type: 'long' } },
    },
  },
  decisions: finding,
  actions: {
    kind: keyword,
    id: keyword,
    status: keyword,
    rule: keyword,
    subject: keyword,
    receiver: keyword,
    detail: { type: 'text', fields: { keyword } },
    evidence: keyword,
    at: date,
    by: keyword,
    about: keyword,
    members: opaque,
  },
}

const SINGLE: Readonly<Record<Single, Fields>> = {
  meta: {
    schema: { type: 'long' },
    source: keyword,
    fingerprint: keyword,
    end: { type: 'long' },
  },
  targets: {
    ...target,
    outcome: keyword,
    record: keyword,
    recorded: date,
    observation: opaque,
    state: keyword,
    known: opaque,
    lastStart: { type: 'date', format: 'epoch_millis' },
    lastDuration: { type: 'double' },
  },
  findings: { ...finding, id: keyword, recorded: date },
}

const SETTINGS: estypes.IndicesIndexSettings = {
  number_of_shards: 1,
  auto_expand_replicas: '0-1',
  // A log line that claims an impossible address or number is evidence all the same: it is kept, that field is not indexed.
  mapping: { ignore_malformed: true },
}

function mappings(properties: Fields): estypes.MappingTypeMapping {
  return { dynamic: 'strict', properties: { '@timestamp': date, vigil, ...properties } }
}

/** Names of the indices of one prefix. */
export class Names {
  readonly prefix: string
  constructor(prefix: string) {
    this.prefix = prefix
  }
  single(name: Single): string {
    return `${this.prefix}-${name}`
  }
  /** All months. */
  all(name: Monthly): string {
    return `${this.prefix}-${name}-*`
  }
  /** The month that an instant is in. */
  month(name: Monthly, timestamp: string): string {
    return `${this.prefix}-${name}-${timestamp.slice(0, 7).replace('-', '.')}`
  }
  /** Everything of this prefix, and nothing of another that begins alike. */
  everything(): string[] {
    return [
      ...keysOf(MONTHLY).map((name) => this.all(name)),
      ...keysOf(SINGLE).map((name) => this.single(name)),
    ]
  }
}

const templatesSchema = z.object({
  index_templates: z.array(
    z.object({
      name: z.string(),
      index_template: z.object({ _meta: z.object({ digest: z.string() }).optional() }),
    }),
  ),
})

/**
 * Puts the index templates, and makes the indices that are not monthly. Where an earlier version made them, fields that were added since
 * are added to what is there.
 */
export async function prepareIndices(server: Server, names: Names): Promise<void> {
  const digest = sha256(JSON.stringify([SETTINGS, MONTHLY, SINGLE])).toString('hex')
  const found = await templateDigests(server, names)
  if (keysOf(MONTHLY).every((name) => found.get(`${names.prefix}-${name}`) === digest)) return

  await Promise.all(
    keysOf(SINGLE).map((name) =>
      createIndex(server, names.single(name), { settings: SETTINGS, mappings: mappings(SINGLE[name]) }),
    ),
  )
  if (found.size > 0)
    await Promise.all([
      ...keysOf(SINGLE).map((name) => addFields(server, names.single(name), SINGLE[name])),
      ...keysOf(MONTHLY).map((name) => addFields(server, names.all(name), MONTHLY[name])),
    ])
  // Last, because their digest says that everything before was done.
  await Promise.all(
    keysOf(MONTHLY).map((name) =>
      server.ask((client, options) =>
        client.indices.putIndexTemplate(
          {
            name: `${names.prefix}-${name}`,
            index_patterns: [names.all(name)],
            priority: 500,
            template: { settings: SETTINGS, mappings: mappings(MONTHLY[name]) },
            _meta: { product: 'pki-vigil', digest },
          },
          options,
        ),
      ),
    ),
  )
}

/** Templates too, so that what is made next is made by this version. */
export async function removeIndices(server: Server, names: Names): Promise<void> {
  const found = await server.ask((client, options) =>
    client.indices.get({ index: names.everything(), ignore_unavailable: true }, options),
  )
  // Servers refuse patterns where things are deleted.
  for (const index of Object.keys(found))
    await server.ask((client, options) => client.indices.delete({ index, ignore_unavailable: true }, options))
  await server.ask((client, options) =>
    client.indices.deleteIndexTemplate({ name: `${names.prefix}-*` }, { ...options, ignore: [404] }),
  )
}

async function templateDigests(
  server: Server,
  names: Names,
): Promise<ReadonlyMap<string, string | undefined>> {
  const answer = await server.ask((client, options) =>
    client.indices.getIndexTemplate({ name: `${names.prefix}-*` }, { ...options, ignore: [404] }),
  )
  const found = templatesSchema.safeParse(answer)
  if (!found.success) return new Map()
  return new Map(found.data.index_templates.map((t) => [t.name, t.index_template._meta?.digest]))
}

async function addFields(server: Server, index: string, fields: Fields): Promise<void> {
  const { properties } = mappings(fields)
  if (properties !== undefined)
    await server.ask((client, options) =>
      client.indices.putMapping({ index, properties, allow_no_indices: true }, options),
    )
}

/** Makes an index if it is not there. A monthly one takes its mapping from its template. */
export async function createIndex(
  server: Server,
  index: string,
  body: { settings?: estypes.IndicesIndexSettings; mappings?: estypes.MappingTypeMapping } = {},
): Promise<void> {
  if (await server.ask((client, options) => client.indices.exists({ index }, options))) return
  try {
    await server.ask((client, options) => client.indices.create({ index, ...body }, options))
  } catch (error) {
    // Another process was faster.
    if (error instanceof StoreError && error.message.includes('resource_already_exists_exception')) return
    throw error
  }
}

function keysOf<K extends string>(table: Readonly<Record<K, unknown>>): readonly K[] {
  return Object.keys(table) as K[]
}
