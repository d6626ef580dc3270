import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { z } from 'zod'
import { eventId } from '../../collectors/eventId.ts'
import { startsWithTime } from '../../collectors/formats/wildfly.ts'
import { sha256 } from '../../collectors/sources/identity.ts'
import { RecordFramer } from '../../collectors/sources/records.ts'
import type { LogConfig } from '../../model/config.ts'
import { needsElasticsearch, startElasticsearch } from '../support/elasticsearch.ts'
import type { TestElasticsearch } from '../support/elasticsearch.ts'
import { JudgedLog } from '../rules/logs/judgedLog.ts'
import { DAY, MINUTE } from '../rules/journalDouble.ts'
import { AskedLog } from './journal.ts'

const content = readFileSync(new URL('../fixtures/ejbca-real/audit.log', import.meta.url))

interface Shipped {
  readonly id: string
  readonly document: object
  readonly text: string
}

/** The recorded log as Filebeat ships it, from a host of this name. */
function shipped(source: string): Shipped[] {
  const framer = new RecordFramer({ startsRecord: startsWithTime })
  const file = sha256(content.subarray(0, 128))
  return [...framer.push(content), ...framer.finish('complete')].map(({ bytes, lastLine }) => {
    const text = Buffer.from(bytes).toString()
    return {
      id: eventId(source, { file, offset: lastLine }, bytes),
      text,
      document: {
        '@timestamp': '2026-11-22T06:00:00.000Z',
        message: text,
        position: { source },
        log: { offset: lastLine, file: { path: '/var/log/audit.log', fingerprint: file } },
      },
    }
  })
}

void describe('an index that Filebeat fills', needsElasticsearch(), () => {
  let server: TestElasticsearch
  let n = 0

  async function ask(method: string, path: string, body?: string): Promise<unknown> {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}: ${await answer.clone().text()}`)
    return answer.json()
  }

  async function write(index: string, documents: readonly Shipped[]): Promise<void> {
    const lines = documents.flatMap(({ id, document }) => [
      JSON.stringify({ create: { _id: id } }),
      JSON.stringify(document),
    ])
    const done = await ask('POST', `/${index}/_bulk`, `${lines.join('\n')}\n`)
    assert.equal(z.object({ errors: z.boolean() }).parse(done).errors, false)
  }

  /** Of a log and an index of their own; they are gone with the test. */
  function logOf(t: TestContext): { index: string; source: string; log: AskedLog } {
    const source = `ca${++n}-audit`
    const index = `vigiltest-${process.pid}-${n}`
    t.after(() => fetch(`${server.url}/${index}-x`, { method: 'DELETE' }))
    const config: LogConfig = {
      id: source,
      format: 'ejbca',
      elasticsearch: { url: server.url, index: `${index}-*`, interval: 1000, compare: 60_000 },
      authorities: [],
    }
    return { source, index: `${index}-x`, log: new AskedLog(t, config, { url: server.url, headers: {} }) }
  }

  const recordsOf = (log: AskedLog) => log.events.filter((e) => e.event.module !== 'vigil')
  const actionsOf = (log: AskedLog) =>
    log.events.filter((e) => e.event.module === 'vigil').map((e) => e.event.action)
  const idsOf = (log: AskedLog) => recordsOf(log).map((e) => e.event.id)

  /** Until everything is notarised, as after ten quiet minutes. */
  async function notarised(log: AskedLog): Promise<void> {
    await log.poll()
    log.clock.advance(600_000)
    await log.poll()
  }

  /** The next comparison. */
  async function compared(log: AskedLog): Promise<void> {
    log.clock.advance(60_000)
    await log.poll()
  }

  before(async () => {
    server = await startElasticsearch()
    const pipeline = new URL('../../filebeat/', import.meta.url)
    const file = (name: string): string => readFileSync(new URL(name, pipeline), 'utf8')
    const template = z
      .looseObject({ template: z.looseObject({}) })
      .parse(JSON.parse(file('index-template.json')))
    await ask('PUT', '/_ingest/pipeline/vigiltest', file('ingest-pipeline.json'))
    await ask(
      'PUT',
      '/_index_template/vigiltest',
      JSON.stringify({
        index_patterns: ['vigiltest-*', 'ejbca-audit-*'],
        priority: 900,
        template: template.template,
      }),
    )
  })

  after(async () => {
    await fetch(`${server.url}/_index_template/vigiltest`, { method: 'DELETE' })
    await server[Symbol.asyncDispose]()
  })

  it('gives every record once, in the order it was written, with the id it has in the file', async (t) => {
    const { index, source, log } = logOf(t)
    const own = shipped(source)
    await write(index, [...own.slice(0, 100), ...shipped('another')])
    await log.poll()
    await write(index, own.slice(100))
    await log.poll()
    await log.poll()
    assert.deepEqual(log.problems, [])
    assert.deepEqual(
      idsOf(log),
      own.map(({ id }) => id),
    )
    assert.deepEqual(
      recordsOf(log).map((e) => e.event.original),
      own.map(({ text }) => text),
    )
    assert.equal(recordsOf(log).filter((e) => e.event.action === 'unparsed').length, 0)
  })

  it('reads what the ingest pipeline made of records, from the index of their month', async (t) => {
    const { source } = logOf(t)
    const own = shipped(source)
    const lines = own.flatMap(({ id, document }) => [
      JSON.stringify({ create: { _id: id, pipeline: 'vigiltest' } }),
      JSON.stringify(document),
    ])
    await ask('POST', '/vigiltest-incoming/_bulk', `${lines.join('\n')}\n`)
    t.after(() => fetch(`${server.url}/ejbca-audit-2026.11`, { method: 'DELETE' }))
    const config: LogConfig = {
      id: source,
      format: 'ejbca',
      elasticsearch: { url: server.url, index: 'ejbca-audit-*', interval: 1000, compare: 60_000 },
      authorities: [],
    }
    const log = new AskedLog(t, config, { url: server.url, headers: {} })
    await log.poll()
    assert.deepEqual(log.problems, [])
    assert.deepEqual(
      idsOf(log),
      own.map(({ id }) => id),
    )
  })

  it('reads an index that was made without our template, and no log whose name is a part of this one', async (t) => {
    const { log } = logOf(t)
    const source = 'ca1'
    const index = `plaintest-${process.pid}`
    t.after(() => fetch(`${server.url}/${index}`, { method: 'DELETE' }))
    await write(index, [...shipped(source).slice(0, 3), ...shipped('ca1-server').slice(0, 3)])
    await log.collector.close()
    const own = new AskedLog(
      t,
      {
        id: 'any',
        format: 'ejbca',
        elasticsearch: { url: server.url, index, origin: source, interval: 1000, compare: 60_000 },
        authorities: [],
      },
      { url: server.url, headers: {} },
    )
    await own.poll()
    assert.equal(own.events.length, 3)
  })

  it('is read on where the journal ends, wherever a crash left it', async (t) => {
    const { index, source, log } = logOf(t)
    const own = shipped(source)
    await write(index, own)
    for (let journaled = 0; journaled < own.length; journaled += 41) {
      await log.poll()
      log.events.splice(journaled)
      await log.restart()
    }
    await log.poll()
    assert.deepEqual(
      idsOf(log),
      own.map(({ id }) => id),
    )
  })

  it('loses and doubles nothing while several write at once', async (t) => {
    const { index, source, log } = logOf(t)
    const own = shipped(source)
    const writing = new AbortController()
    const writers = Promise.all(
      [0, 1, 2, 3].map(async (w) => {
        for (let i = w; i < own.length; i += 4) await write(index, own.slice(i, i + 1))
      }),
    ).finally(() => writing.abort())
    while (!writing.signal.aborted) await log.poll()
    await writers
    await log.poll()
    assert.deepEqual(log.problems, [])
    assert.deepEqual(idsOf(log).toSorted(), own.map(({ id }) => id).toSorted())
  })

  it('notarises what it read, and says nothing more while that stays', async (t) => {
    const { index, source, log } = logOf(t)
    await write(index, shipped(source))
    await notarised(log)
    assert.deepEqual(actionsOf(log), ['index_notarised'])
    const [notice] = log.events.filter((e) => e.event.module === 'vigil')
    assert.equal(notice?.pki?.details?.['count'], '193')
    for (let i = 0; i < 3; i++) await compared(log)
    await log.restart()
    for (let i = 0; i < 3; i++) await compared(log)
    assert.deepEqual(actionsOf(log), ['index_notarised'])
    assert.equal(recordsOf(log).length, 193)
  })

  it('notices a document that is deleted or changed later, once, also after a restart', async (t) => {
    for (const how of ['deleted', 'changed'] as const) {
      const { index, source, log } = logOf(t)
      const own = shipped(source)
      await write(index, own)
      await notarised(log)
      await log.restart()
      const path = `${index}/_doc/${own[50]?.id}?refresh=true`
      if (how === 'deleted') await ask('DELETE', `/${path}`)
      else await ask('POST', `/${path.replace('_doc', '_update')}`, '{"doc":{"message":"nothing happened"}}')
      for (let i = 0; i < 3; i++) await compared(log)
      await log.restart()
      for (let i = 0; i < 3; i++) await compared(log)
      const altered = log.events.find((e) => e.event.action === 'index_altered')
      assert.match(altered?.message ?? '', /1 of 193 are gone or changed/)
      if (how === 'deleted') assert.deepEqual(actionsOf(log), ['index_notarised', 'index_altered'])
      else {
        assert.deepEqual(actionsOf(log), ['index_notarised', 'document_rewritten', 'index_altered'])
        assert.equal(recordsOf(log).at(-1)?.event.original, 'nothing happened')
        assert.equal(recordsOf(log).length, 194)
      }
    }
  })

  it('L02: a document that is changed later is a finding, which ends a day after', async (t) => {
    const { index, source, log } = logOf(t)
    const own = shipped(source)
    await write(index, own)
    await notarised(log)
    const judged = new JudgedLog(log.config)
    judged.hear(log.events)
    assert.equal(judged.state('log_not_altered'), 'pass')
    const journaled = log.events.length
    await ask(
      'POST',
      `/${index}/_update/${own[50]?.id}?refresh=true`,
      '{"doc":{"message":"nothing happened"}}',
    )
    await compared(log)
    judged.hear(log.events.slice(journaled))
    assert.equal(judged.state('log_not_altered', MINUTE), 'fail')
    assert.equal(judged.state('log_not_altered', DAY + MINUTE), 'pass')
  })

  it('notices that an index is gone, once', async (t) => {
    const { index, source, log } = logOf(t)
    await write(index, shipped(source))
    await log.poll()
    await ask('DELETE', `/${index}`)
    await log.poll()
    await log.restart()
    await log.poll()
    assert.deepEqual(actionsOf(log), ['log_missing'])
    // Another index of the same name is another index.
    await write(index, shipped(source).slice(0, 3))
    await log.poll()
    assert.equal(recordsOf(log).length, 196)
  })

  it('keeps a document that Filebeat did not make', async (t) => {
    const { index, source, log } = logOf(t)
    await write(index, [
      { id: 'x', text: '', document: { position: { source }, event: { original: 'by hand' } } },
      { id: 'y', text: '', document: { position: { source }, event: { reason: '\u001b[2J' } } },
    ])
    await log.poll()
    assert.deepEqual(
      log.events.map((e) => e.event.action),
      ['unparsed', 'unparsed'],
    )
    assert.match(log.events[0]?.event.original ?? '', /by hand/)
  })

  it('says that the server is not there, and goes on when it is', async (t) => {
    const { index, source, log } = logOf(t)
    await write(index, shipped(source))
    const { url } = server
    const away = new AskedLog(
      t,
      {
        id: source,
        format: 'ejbca',
        authorities: [],
        elasticsearch: { url, index, interval: 1000, compare: 60_000 },
      },
      { url: 'http://127.0.0.1:1', headers: {} },
    )
    await away.poll()
    assert.deepEqual(away.codes(), ['unreachable'])
    await log.poll()
    assert.equal(recordsOf(log).length, 193)
  })
})
