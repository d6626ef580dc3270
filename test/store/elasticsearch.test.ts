import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { NewRecord } from '../../model/record.ts'
import type { Store } from '../../store/contract.ts'
import { compareStores } from '../../store/compare.ts'
import { openElasticsearchStore } from '../../store/elasticsearch/store.ts'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { needsElasticsearch, startElasticsearch } from '../support/elasticsearch.ts'
import type { TestElasticsearch } from '../support/elasticsearch.ts'
import { history } from './contents.ts'
import { storeContract } from './contract.ts'
import { startProxy } from './interruptingProxy.ts'
import { FakeJournal, T0, audit, observation, tick } from './records.ts'

/** As the text has them: an object literal would take `__proto__` for something else. */
function detailsOf(json: string): Record<string, string> {
  return JSON.parse(json) as Record<string, string>
}

void describe('on a real Elasticsearch', needsElasticsearch(), () => {
  let server: TestElasticsearch
  before(async () => {
    server = await startElasticsearch()
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
  })

  async function withPrefix(work: (prefix: string) => Promise<void>): Promise<void> {
    const prefix = `vigil-${randomUUID()}`
    try {
      await work(prefix)
    } finally {
      await server.remove(prefix)
    }
  }

  async function withSqlite(work: (store: Store) => Promise<void>): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'vigil-store-'))
    const store = await openSqliteStore({ file: join(directory, 'vigil.db') })
    try {
      await work(store)
    } finally {
      await store.close()
      await rm(directory, { recursive: true })
    }
  }

  storeContract('elasticsearch', () => {
    const prefix = `vigil-${randomUUID()}`
    return Promise.resolve({
      open: () => openElasticsearchStore({ url: server.url, prefix }),
      remove: () => server.remove(prefix),
    })
  })

  it('answers every query as the embedded store does, wherever its writes were interrupted', async () => {
    await withPrefix((prefix) =>
      withSqlite(async (reference) => {
        await using proxy = await startProxy(server.url)
        const store = await openElasticsearchStore({ url: proxy.url, prefix })
        const records = history(48)
        await reference.apply(records)
        // Piece by piece; every piece is cut off at another request, before or after the server has carried it out, and comes again
        // together with what follows.
        let interrupted = 0
        for (let i = 0; i < records.length; i += 8) {
          const request = (i / 8) % 12
          proxy.interrupt(request, i % 16 === 0 ? 'before' : 'after')
          await store.apply(records.slice(Math.max(0, i - 3), i + 8)).catch((error: unknown) => {
            assert.equal((error as { code?: unknown }).code, 'io', String(error))
            interrupted++
          })
          proxy.stop()
          await store.apply(records.slice(Math.max(0, i - 3), i + 5))
        }
        assert.ok(interrupted >= 10, `${interrupted} were interrupted`)
        await store.apply(records)
        const { compared, differences } = await compareStores(reference, store)
        assert.deepEqual(differences, [])
        assert.ok(compared > 150, `${compared} were compared`)
        await store.close()
      }),
    )
  })

  it('refuses to be the second writer, and goes on when the other one has gone', async () => {
    await withPrefix(async (prefix) => {
      const journal = new FakeJournal()
      const [first, second] = [journal.seal(observation(), tick), journal.seal(audit(), tick)]
      const one = await openElasticsearchStore({ url: server.url, prefix })
      const two = await openElasticsearchStore({ url: server.url, prefix })
      await one.apply(first)
      await two.apply([...first, ...second])
      await assert.rejects(one.apply(second), { name: 'StoreError', code: 'busy' })
      await one.apply(second)
      assert.equal((await one.auditEvents({ limit: 9 })).length, 1)
      await one.close()
      await two.close()
    })
  })

  it('takes what a hostile log can claim, and gives it back as it was', async () => {
    await withPrefix(async (prefix) => {
      const [plain] = new FakeJournal().seal(audit())
      assert.ok(plain?.kind === 'audit')
      const event = plain.body
      const hostile = [
        { ...event, '@timestamp': '+275760-09-13T00:00:00.000Z' },
        { ...event, '@timestamp': '-000001-01-01T00:00:00.000Z' },
        { ...event, source: { ip: '999.1.2.3, not an address' } },
        { ...event, message: 'm'.repeat(200_000), user: { name: 'u'.repeat(200_000) } },
        { ...event, event: { ...event.event, original: 'o'.repeat(2_000_000), reason: 'r'.repeat(40_000) } },
        {
          ...event,
          pki: {
            revocationReason: 2 ** 53 - 1,
            details: detailsOf('{"":"e","a.b":"d",".":"p","__proto__":"x","vigil.id":"y","n\\u0000":"z"}'),
          },
        },
        {
          ...event,
          pki: { details: Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`k${i}`, 'v'])) },
        },
        {
          ...event,
          position: { ...event.position, offset: Number.MAX_SAFE_INTEGER - 1, end: Number.MAX_SAFE_INTEGER },
        },
      ]
      const records = new FakeJournal().seal(
        ...hostile.map((body): NewRecord => ({ kind: 'audit', time: plain.time, body })),
        observation({
          target: `http://x.example/${'t'.repeat(50_000)}`,
          facts: {
            certificate: {
              subject: 's'.repeat(40_000),
              notAfter: '+012345-01-01T00:00:00.000Z',
              identities: ['i'.repeat(40_000)],
            },
            crl: { number: (2n ** 159n).toString(), entries: Number.MAX_SAFE_INTEGER },
          },
        }),
      )
      const store = await openElasticsearchStore({ url: server.url, prefix })
      await store.apply(records)
      const found = await store.auditEvents({ limit: 99 })
      for (const [i, body] of hostile.entries()) {
        const { id, recorded } = records[i]!
        assert.deepEqual(
          found.find((e) => e.id === id),
          { ...body, id, recorded },
          `hostile event ${i}`,
        )
      }
      assert.equal(found[0]?.['@timestamp'], hostile[0]?.['@timestamp'], 'ordered by the time that it claims')
      assert.equal((await store.latestObservations()).length, 1)
      await store.close()
    })
  })

  it('takes a batch of many megabytes in requests of bounded size', async () => {
    await withPrefix(async (prefix) => {
      await using proxy = await startProxy(server.url)
      const store = await openElasticsearchStore({ url: proxy.url, prefix })
      const text = 'x'.repeat(3000)
      const records = new FakeJournal().seal(
        ...Array.from({ length: 4000 }, (_, i) =>
          audit({ time: T0 + i, offset: i * 100, user: `${i % 7} ${text}` }),
        ),
      )
      await store.apply(records)
      assert.equal((await store.auditEvents({ limit: 10_000 })).length, 4000)
      assert.ok(proxy.largest < 6_000_000, `largest request: ${proxy.largest} octets`)
      await store.close()
    })
  })

  it('leaves another schema alone', async () => {
    await withPrefix(async (prefix) => {
      const store = await openElasticsearchStore({ url: server.url, prefix })
      await store.apply(new FakeJournal().seal(tick))
      await store.close()
      await fetch(`${server.url}/${prefix}-meta/_update/position`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ doc: { schema: 999 } }),
      })
      await assert.rejects(openElasticsearchStore({ url: server.url, prefix }), {
        name: 'StoreError',
        code: 'foreign_file',
        message: /schema 1, found 999/,
      })
    })
  })

  it('says that an index is read-only, and writes when it is not any more', async () => {
    await withPrefix(async (prefix) => {
      const journal = new FakeJournal()
      const store = await openElasticsearchStore({ url: server.url, prefix })
      await store.apply(journal.seal(audit()))
      const block = (value: object): Promise<Response> =>
        fetch(`${server.url}/${prefix}-audit-*/_settings`, {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(value),
        })
      const batch = journal.seal(audit({ offset: 100 }))
      await block({ 'index.blocks.read_only_allow_delete': true })
      await assert.rejects(store.apply(batch), { name: 'StoreError', code: 'full' })
      await block({ 'index.blocks.read_only_allow_delete': null, 'index.blocks.write': true })
      await assert.rejects(store.apply(batch), { name: 'StoreError', code: 'io' })
      await block({ 'index.blocks.write': false })
      await store.apply(batch)
      assert.equal((await store.auditEvents({ limit: 9 })).length, 2)
      await store.close()
    })
  })
})
