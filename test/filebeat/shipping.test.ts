import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { needsElasticsearch } from '../support/elasticsearch.ts'
import { needs } from '../support/needs.ts'
import { assertEqual, fingerprint, listening } from './evidence.ts'
import type { Found } from './evidence.ts'
import { EjbcaHost, needsFilebeat, until } from './filebeat.ts'
import {
  HOSTILE,
  READ,
  comparable,
  documentSchema,
  mutations,
  productEvent,
  productEvents,
  recorded,
} from './records.ts'
import { Relay } from './relay.ts'
import { asking, makeAuthority, startSecuredElasticsearch } from './secured.ts'
import type { Ask, SecuredElasticsearch } from './secured.ts'

const here = (path: string) => fileURLToPath(new URL(`../../filebeat/${path}`, import.meta.url))
const ALL = '/ejbca-audit-*,ejbca-server-*'

const searchSchema = z.object({
  hits: z.object({
    hits: z.array(z.object({ _id: z.string(), _index: z.string(), _source: documentSchema })),
  }),
})
const statsSchema = z.object({
  _all: z.object({ primaries: z.object({ indexing: z.object({ index_failed: z.number() }) }) }),
})
const keySchema = z.object({ id: z.string(), api_key: z.string() })
const rejectedSchema = z.object({
  hits: z.object({
    hits: z.array(z.object({ _source: z.object({ message: z.string(), 'error.message': z.string() }) })),
  }),
})
const bulkSchema = z.object({ errors: z.boolean() })

const needed = { ...needsElasticsearch(), ...needsFilebeat(), ...needs('curl') }

void describe('Filebeat ships the logs of EJBCA', needed, () => {
  let elastic: SecuredElasticsearch
  let relay: Relay
  let ask: Ask
  let apiKey: string
  let host: EjbcaHost

  function install(): { status: number | null; text: string } {
    const { admin } = elastic
    const done = spawnSync(
      'sh',
      [here('install-pipeline.sh'), admin.url, join(host.directory, 'curl.conf')],
      {
        encoding: 'utf8',
      },
    )
    return { status: done.status, text: done.stdout + done.stderr }
  }

  /** What is there now, in these indices; they may be in the making. */
  async function look(path: string): Promise<unknown> {
    let status = 503
    let body: unknown
    await until('the indices are ready', async () => {
      await ask('POST', '/ejbca-*/_refresh')
      ;({ status, body } = await ask('GET', `${path}&ignore_unavailable=true`))
      return status !== 503
    })
    assert.equal(status, 200, path)
    return body
  }

  async function found(source: string): Promise<Found[]> {
    const body = await look(`${ALL}/_search?q=position.source:${source}&size=10000`)
    return searchSchema
      .parse(body)
      .hits.hits.map(({ _id, _index, _source }) => ({ id: _id, index: _index, document: _source }))
  }

  /** Documents that were refused because they were there already. */
  async function refused(): Promise<number> {
    const { body } = await ask('GET', `${ALL}/_stats/indexing`)
    return statsSchema.parse(body)._all.primaries.indexing.index_failed
  }

  before(async () => {
    elastic = await startSecuredElasticsearch()
    const { admin } = elastic
    ask = asking(admin)
    const key = await ask(
      'POST',
      '/_security/api_key',
      JSON.parse(await readFile(here('api-key.json'), 'utf8')),
    )
    const { id, api_key: secret } = keySchema.parse(key.body)
    apiKey = `${id}:${secret}`
    relay = await Relay.make(Number(new URL(elastic.server.url).port))
    const client = await elastic.authority.issue('tls_client', 'filebeat')
    const access = { url: `https://127.0.0.1:${relay.port}`, ca: admin.ca, client }
    host = await EjbcaHost.make('ca1', access, apiKey)
    await host.curlConfig(admin)
    const installed = install()
    assert.equal(installed.status, 0, installed.text)
  })

  after(async () => {
    await host[Symbol.asyncDispose]()
    await relay[Symbol.asyncDispose]()
    await elastic[Symbol.asyncDispose]()
  })

  void describe('to nobody but the server, and as nobody but itself', () => {
    it('is refused without a client certificate, with a foreign one, and without TLS', async () => {
      const { url, ca, client } = elastic.admin
      const foreign = await (await makeAuthority('Foreign CA')).issue('tls_client', 'filebeat')
      await assert.rejects(asking({ url, ca })('GET', '/'), { code: /^(ERR_SSL|ECONNRESET|EPIPE)/ })
      await assert.rejects(asking({ url, ca, client: foreign })('GET', '/'), {
        code: /^(ERR_SSL|ECONNRESET|EPIPE)/,
      })
      await assert.rejects(fetch(url.replace('https:', 'http:')))
      const { status } = await asking({ url, ca, client })('GET', '/')
      assert.equal(status, 401, 'the certificate alone is not enough')
    })

    it('connects with its own certificate; with a foreign one, to a foreign server or by another name it does not', async () => {
      const { url } = elastic.server
      const foreign = await makeAuthority('Foreign CA')
      const { certificate, key } = await foreign.issue('tls_client', 'filebeat')
      const good = host.testOutput(url)
      assert.ok(good.ok, good.text)
      const bad = [
        host.testOutput(url, {
          FILEBEAT_CERTIFICATE: await host.copyIn('foreign.pem', certificate),
          FILEBEAT_KEY: await host.copyIn('foreign.key', key),
        }),
        host.testOutput(url, { ELASTICSEARCH_CA: await host.copyIn('foreign-ca.pem', foreign.ca) }),
        host.testOutput(
          url.replace('127.0.0.1', '[::ffff:127.0.0.1]').replace('[::ffff:127.0.0.1]', 'ip6-localhost'),
        ),
      ]
      assert.deepEqual(
        bad.map(({ ok }) => ok),
        [false, false, false],
        bad.map(({ text }) => text).join('\n'),
      )
    })

    it('may add documents, but neither read nor change nor delete them', async () => {
      const { url, ca, client } = elastic.admin
      const own = asking({
        url,
        ca,
        client,
        authorization: `ApiKey ${Buffer.from(apiKey).toString('base64')}`,
      })
      const statuses = []
      for (const [method, path, body] of [
        ['GET', '/ejbca-audit-*/_search', undefined],
        ['PUT', '/ejbca-audit-2026.11/_doc/1', { message: 'x' }],
        ['DELETE', '/ejbca-audit-2026.11', undefined],
        ['DELETE', '/_ingest/pipeline/ejbca', undefined],
        ['PUT', '/other-1/_create/1', { message: 'x' }],
      ] as const)
        statuses.push((await own(method, path, body)).status)
      assert.deepEqual(statuses, [403, 403, 403, 403, 403])
    })
  })

  void describe('the pipeline', () => {
    it('makes of every record what the product makes of it, and the index takes it', async () => {
      const logs = [
        ...(await productEvents(recorded('audit.log'))),
        ...(await productEvents(recorded('server.log'))),
      ]
      const real = logs.map(({ event }) => event.original)
      const records = [
        ...Object.entries(HOSTILE),
        ...mutations(real, 1000).map((record, i) => [`mutation ${i}`, record] as const),
      ]
      const lines = records.flatMap(([, message], i) => [
        { create: { _index: 'ejbca-incoming', _id: `pipeline-${i}` } },
        {
          '@timestamp': '2026-11-22T09:00:00.000Z',
          message,
          position: { source: 'pipeline' },
          unknown: { x: 1 },
        },
      ])
      const sent = await asking(elastic.admin)('POST', '/_bulk?filter_path=errors,items.*.error', lines)
      assert.deepEqual(
        bulkSchema.parse(sent.body),
        { errors: false },
        JSON.stringify(sent.body).slice(0, 1000),
      )
      const documents = new Map((await found('pipeline')).map(({ id, document }) => [id, document]))
      assert.equal(documents.size, records.length)
      for (const [i, [name, record]] of records.entries()) {
        const document = documents.get(`pipeline-${i}`)
        assert.ok(document !== undefined)
        assert.deepEqual(
          comparable(document, document.event.created),
          comparable(productEvent(record), READ),
          `${name}: ${record.slice(0, 500)}`,
        )
        assert.equal(
          document.error?.message,
          document.event.action === 'unparsed' ? document.event.reason : undefined,
        )
      }
    })

    it('keeps what its script cannot take, and what Filebeat has cut', async () => {
      const created = '2026-11-22T09:00:00.000Z'
      const { body } = await ask('POST', '/_bulk', [
        { create: { _index: 'ejbca-incoming', _id: 'odd' } },
        { '@timestamp': created, message: 42, position: { source: 'odd' } },
        { create: { _index: 'ejbca-incoming', _id: 'cut' } },
        {
          '@timestamp': created,
          message: '2026-11-22 05:01:17+00:00;CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2;3;msg=x',
          log: { flags: ['truncated'], offset: 0, file: { path: '/x', fingerprint: 'x' } },
          position: { source: 'odd' },
        },
      ])
      assert.deepEqual(bulkSchema.parse(body), { errors: false })
      const search = await look('/ejbca-audit-undated/_search?q=position.source:odd')
      const loose = z.object({
        hits: z.object({
          hits: z.array(
            z.object({
              _id: z.string(),
              _source: z.object({
                event: z.object({ action: z.string(), original: z.unknown() }),
                error: z.object({ message: z.string() }),
              }),
            }),
          ),
        }),
      })
      const kept = new Map(loose.parse(search).hits.hits.map(({ _id, _source }) => [_id, _source]))
      assert.equal(kept.get('odd')?.event.action, 'unparsed')
      assert.equal(kept.get('odd')?.event.original, 42)
      assert.match(kept.get('odd')?.error.message ?? '', /cast/)
      assert.equal(kept.get('cut')?.event.action, 'unparsed')
      assert.match(kept.get('cut')?.error.message ?? '', /^cut/)
    })
  })

  void describe('every record, once', () => {
    const all = new Map<string, AuditEvent[]>()
    const total = () => [...all.values()].reduce((sum, events) => sum + events.length, 0)
    /** Of this host, and not of the tests of the pipeline. */
    const shipped = () => found('ca1*')

    async function assertComplete(): Promise<void> {
      const documents = await shipped()
      assert.equal(documents.length, total())
      for (const [name, events] of all) assertEqual(events, documents, name)
    }

    before(async () => {
      await host.copyRecordings()
      for (const name of ['audit.log', 'server.log'] as const)
        all.set(
          `ca1-${name.slice(0, -4)} ${fingerprint(recorded(name))}`,
          await productEvents(recorded(name)),
        )
      assert.deepEqual(
        [...all.values()].map((events) => events.length),
        [193, 147],
      )
    })

    it('waits on disk while nobody answers, and is sent when somebody does: kill -9 and lost answers in between', async () => {
      host.start()
      const sizes = new Map(
        (['audit.log', 'server.log'] as const).map((name) => [host.path(name), recorded(name).length]),
      )
      await until('all is in the queue', () =>
        [...sizes].every(([path, size]) => host.positions().get(path) === size),
      )
      assert.deepEqual(await shipped(), [])
      assert.deepEqual(await listening(host.pid), [], 'nothing listens')
      await host.stop('SIGKILL')
      host.start()
      // Enough for the handshake and for asking the server's version: the answer to the first records is lost.
      await relay.plugIn(8000)
      await until('the first records are there', async () => (await shipped()).length > 0)
      const before = await refused()
      await relay.unplug()
      await relay.plugIn()
      await until('all records are there', async () => (await shipped()).length === total())
      await until('those sent again were refused', async () => (await refused()) > before)
      await assertComplete()
    })

    it('is in the index of its month', async () => {
      // Where the recordings are long ago, or yet to come, in the index for records whose time can't be believed.
      const days = (Date.now() - Date.parse('2026-11-22T05:00:00Z')) / 86_400_000
      const month = days > -1 && days < 700 ? '2026.11' : 'undated'
      for (const { index, document } of await shipped())
        assert.equal(
          index,
          `ejbca-${document.event.dataset === 'ejbca.server' ? 'server' : 'audit'}-${month}`,
        )
    })

    it('is refused when Filebeat has forgotten everything and sends it again', async () => {
      await host.stop('SIGTERM')
      await host.forget()
      const before = await refused()
      host.start()
      await until('all were refused', async () => (await refused()) - before === total())
      await assertComplete()
    })

    it('arrives over a rotation, with its continuation lines, and what nobody understands', async () => {
      await rename(host.path('audit.log'), host.path('audit.log.2026-11-22'))
      const time = '2026-11-23 00:00:01'
      const next = Buffer.from(
        [
          `${time},001 INFO  [org.cesecore.audit.impl.log4j.Log4jDevice] (t) ${time}+00:00;CERT_CREATION;SUCCESS;CERTIFICATE;CORE;a;1;2F;bob;msg=one`,
          'two; three=3',
          '',
          '  four',
          `${time}+02:00;CERT_REVOKED;SUCCESS;CERTIFICATE;CORE;CN=ü;1;2F;bob;msg=bare`,
          `${time}+02:00;this is no audit message`,
          `${time},002 WARN  [org.ejbca] (t) last`,
          '',
        ].join('\n'),
      )
      await writeFile(host.path('audit.log'), next)
      const events = await productEvents(next)
      assert.deepEqual(
        events.map(({ event }) => event.action),
        ['CERT_CREATION', 'CERT_REVOKED', 'unparsed', 'org.ejbca'],
      )
      all.set(`ca1-audit ${fingerprint(next)}`, events)
      await until('the new records are there', async () => (await shipped()).length >= total())
      await assertComplete()
    })

    it('is kept aside where the index refuses it, and comes in when everything is sent again', async () => {
      const block = (write: boolean) =>
        ask('PUT', '/ejbca-audit-*/_settings', { 'index.blocks.write': write })
      assert.equal((await block(true)).status, 200)
      const late = '2026-11-22 23:59:59+00:00;LOG_EXPORT;SUCCESS;LOG;CORE;a;;;;msg=not to be lost'
      const file = host.path('audit.log.2026-11-22')
      await appendFile(file, `${late}\n`)
      await until('it is kept aside', async () => {
        const [hit] = rejectedSchema.parse(await look('/ejbca-rejected/_search?size=1')).hits.hits
        if (hit === undefined) return false
        assert.ok(hit._source.message.includes(late))
        return hit._source['error.message'].includes('blocked')
      })
      assert.equal((await block(false)).status, 200)
      await host.stop('SIGTERM')
      await host.forget()
      host.start()
      const log = await readFile(file)
      all.set(`ca1-audit ${fingerprint(log)}`, await productEvents(log))
      await until('it is there', async () => (await shipped()).length >= total())
      await assertComplete()
      await host.stop('SIGTERM')
    })
  })

  it('cuts records that are too long and says so; what follows is whole. A line above 2 MiB is skipped', async () => {
    const { admin } = elastic
    const client = await elastic.authority.issue('tls_client', 'filebeat')
    await using other = await EjbcaHost.make('ca3', { url: admin.url, ca: admin.ca, client }, apiKey)
    const head = '2026-11-22 05:01:17+00:00;CUSTOMLOG_INFO;SUCCESS;CUSTOM;CORE;a;;;;msg='
    const log = [
      `${head}${'l'.repeat(600_000)}`,
      `${head}lines${'\nx'.repeat(12_000)}`,
      `${head}${'m'.repeat(3_000_000)}`,
      `${head}last`,
    ]
    await writeFile(other.path('audit.log'), log.map((line) => `${line}\n`).join(''))
    other.start()
    await until('all but one are there', async () => (await found('ca3*')).length === 3)
    const documents = (await found('ca3*'))
      .map(({ document }) => document)
      .sort((a, b) => (a.log?.offset ?? 0) - (b.log?.offset ?? 0))
    assert.deepEqual(
      documents.map(({ event, log: at }) => [event.action, event.original.length, at?.flags]),
      [
        ['unparsed', 512 * 1024, ['truncated']],
        ['unparsed', head.length + 5 + 2 * 9999, ['truncated', 'multiline']],
        ['CUSTOMLOG_INFO', head.length + 4, undefined],
      ],
    )
    assert.match(other.log, /skipped \d+ bytes line/)
  })

  it('keeps what comes before the pipeline is installed, to be brought in later', async () => {
    for (const path of ['_index_template/ejbca-incoming', '_index_template/ejbca', '_ingest/pipeline/ejbca'])
      assert.equal((await ask('DELETE', `/${path}`)).status, 200)
    const { admin } = elastic
    const client = await elastic.authority.issue('tls_client', 'filebeat')
    await using early = await EjbcaHost.make('ca2', { url: admin.url, ca: admin.ca, client }, apiKey)
    const log = recorded('server.log')
    await writeFile(early.path('server.log'), log)
    const events = await productEvents(log)
    early.start()
    await until('all are waiting', async () => {
      const counted = await look('/ejbca-incoming/_count?expand_wildcards=all')
      return z.object({ count: z.number() }).parse(counted).count === events.length
    })
    await early.stop('SIGTERM')
    const { status, text } = install()
    assert.equal(status, 0, text)
    assert.match(text, /docs\/filebeat\.md/)
    const moved = await ask('POST', '/_reindex?refresh=true', {
      source: { index: 'ejbca-incoming' },
      dest: { index: 'ejbca-audit-undated', pipeline: 'ejbca', op_type: 'create' },
    })
    assert.equal(moved.status, 200, JSON.stringify(moved.body))
    assertEqual(events, await found('ca2*'), `ca2-server ${fingerprint(log)}`)
  })
})
