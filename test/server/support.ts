import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { Registry } from 'prom-client'
import type { Incident } from '../../alerts/incident.ts'
import { inventorySchema } from '../../model/config.ts'
import { toTimestamp } from '../../model/time.ts'
import { MetricsProjection } from '../../server/metrics.ts'
import type { DeclaredTarget } from '../../server/metrics.ts'
import { createServer } from '../../server/server.ts'
import type { VigilServer } from '../../server/server.ts'
import type { Status } from '../../server/status.ts'
import type { Store } from '../../store/contract.ts'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { ORIGIN, T0 } from '../store/records.ts'

/** A process that is well: ten entries, eight under a checkpoint, nine in the store. */
export function statusOf(part: Partial<Status> = {}): Status {
  return {
    version: '0.1.0',
    vantage: 'zone-a',
    started: toTimestamp(T0 - 86_400_000),
    journal: {
      origin: ORIGIN,
      epoch: 0,
      size: 10,
      lastSeal: toTimestamp(T0),
      checkpoint: { size: 8, time: toTimestamp(T0 - 30_000) },
    },
    store: { position: { origin: ORIGIN, epoch: 0, entry: 8, n: 0 } },
    configuration: { successful: true, time: toTimestamp(T0 - 86_400_000) },
    incidents: { open: 0, acknowledged: 0, closed: 0 },
    ready: true,
    problems: [],
    ...part,
  }
}

const INVENTORY = inventorySchema.parse({
  authorities: [
    { id: 'root-1', class: 'offline', certificate: 'root.pem' },
    {
      id: 'issuing-1',
      issuer: 'root-1',
      certificate: 'issuing.pem',
      crl: [{ url: 'http://crl.example/issuing-1.crl' }],
    },
  ],
  services: [{ id: 'shop', endpoint: 'shop.example:443', issuer: 'issuing-1', owner: 'team shop' }],
})

const TARGETS: readonly DeclaredTarget[] = [
  {
    probe: 'crl',
    subject: 'ca_crl[issuing-1]',
    address: 'http://crl.example/issuing-1.crl',
    interval: 60_000,
  },
  { probe: 'tls', subject: 'service_tls_health[shop,prod]', address: 'shop.example:443', interval: 60_000 },
]

export interface Fixture {
  readonly store: Store
  readonly server: VigilServer
  readonly url: string
  readonly port: number
  readonly journal: string
  readonly errors: unknown[]
  readonly incidents: Incident[]
  status: Status
}

/** A test's context, or whatever else undoes things in the end. */
interface Undo {
  after(undo: () => Promise<void>): void
}

/** One server for all tests of a `describe`, which must leave it as it is. */
export function sharedServer(): () => Fixture {
  const undo: (() => Promise<void>)[] = []
  let fixture: Fixture | undefined
  before(async () => {
    fixture = await startServer({ after: (f) => undo.push(f) })
  })
  after(async () => {
    for (const f of undo) await f()
  })
  return () => {
    if (fixture === undefined) throw new Error('expected to be called within a test')
    return fixture
  }
}

/** A server on a free port with an empty store; everything is undone after the test. Its clock stands at T0. */
export async function startServer(
  t: Undo,
  listen = '127.0.0.1:0',
  allowedHosts: readonly string[] = [],
): Promise<Fixture> {
  const directory = mkdtempSync(join(tmpdir(), 'vigil-server-'))
  const journal = join(directory, 'journal')
  mkdirSync(journal)
  const store = await openSqliteStore({ file: join(directory, 'vigil.db') })
  const metrics = new MetricsProjection(new Registry())
  metrics.declare({ targets: TARGETS, sources: [] })
  const errors: unknown[] = []
  const incidents: Incident[] = []
  const fixture = { store, journal, errors, incidents, status: statusOf() }
  t.after(() => store.close())
  const server = createServer({
    listen,
    allowedHosts,
    store,
    incidents: () => fixture.incidents,
    metrics,
    status: () => fixture.status,
    now: () => T0,
    inventory: INVENTORY,
    targets: TARGETS,
    journalDirectory: journal,
    artifact: (digest) =>
      Promise.resolve(/^(?:(?:ab)+|(?:cd)+)$/.test(digest) ? Buffer.from('small') : undefined),
    onError: (error) => errors.push(error),
  })
  t.after(async () => {
    await server.close()
    await store.close()
    rmSync(directory, { recursive: true })
  })
  const url = await server.listen()
  return Object.assign(fixture, { server, url, port: Number(new URL(url).port) })
}

export function writeJournalFile(fixture: Fixture, path: string, content: string): void {
  const file = join(fixture.journal, path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, content)
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** One request on its own connection, with headers that a browser or fetch would not let one set. */
export async function ask(
  fixture: { port: number },
  path: string,
  options: RequestOptions = {},
): Promise<Answer> {
  const response = await open(fixture, path, options)
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(Buffer.from(chunk as Uint8Array))
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
  }
}

/** The response as it begins, its body still to be read. */
export function open(
  fixture: { port: number },
  path: string,
  options: RequestOptions = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const client = request({ host: '127.0.0.1', port: fixture.port, path, agent: false, ...options }, resolve)
    client.on('error', reject)
    client.end()
  })
}
