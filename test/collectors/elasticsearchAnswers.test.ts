import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { DAY, MINUTE } from '../rules/journalDouble.ts'
import { JudgedLog } from '../rules/logs/judgedLog.ts'
import { AskedLog } from './journal.ts'

type Answer = (response: ServerResponse) => void

const hit = {
  ...{ _id: 'a', _seq_no: 0, _version: 1, sort: [0, 1] },
  _source: {
    position: { source: 'ca1' },
    log: { offset: 0, file: { fingerprint: 'a'.repeat(64) } },
    message: 'a record',
  },
}
const found = { pit_id: 'p', timed_out: false, _shards: { failed: 0 }, hits: { hits: [hit] } }
const json =
  (body: unknown): Answer =>
  (response) =>
    response.end(JSON.stringify(body))

/** What Elasticsearch says of one index with one document, but for what a test puts in its place. */
async function answering(t: TestContext, instead: Readonly<Record<string, Answer>>): Promise<AskedLog> {
  const settings = { index: { uuid: 'u1', number_of_shards: '1' } }
  const shard = { routing: { primary: true }, seq_no: { global_checkpoint: 0 } }
  const answers: Readonly<Record<string, Answer>> = {
    _settings: json({ 'audit-1': { settings } }),
    _stats: json({ indices: { 'audit-1': { shards: { 0: [shard] } } } }),
    _refresh: json({}),
    _pit: json({ id: 'p' }),
    _search: json(found),
    ...instead,
  }
  const server = createServer((request, response) => {
    const call = /\/(_[a-z]+)/.exec(request.url ?? '')?.[1] ?? ''
    const answer = answers[call]
    request.resume().on('end', () => {
      if (answer === undefined) response.writeHead(404).end('{}')
      else answer(response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return new AskedLog(
    t,
    {
      id: 'ca1',
      format: 'ejbca',
      elasticsearch: { url, index: 'audit-*', interval: 1000, compare: 60_000 },
      authorities: [],
    },
    { url, headers: {} },
  )
}

describe('answers of Elasticsearch', () => {
  it('give a record', async (t) => {
    const log = await answering(t, {})
    await log.poll()
    assert.deepEqual([log.problems, log.events.length], [[], 1])
    assert.equal(log.events[0]?.event.original, 'a record')
  })

  const refused: readonly [string, string, Readonly<Record<string, Answer>>][] = [
    ['a search that timed out', 'bad_answer', { _search: json({ ...found, timed_out: true }) }],
    ['a search that missed a shard', 'bad_answer', { _search: json({ ...found, _shards: { failed: 1 } }) }],
    [
      'a document without a number',
      'bad_answer',
      { _search: json({ ...found, hits: { hits: [{ ...hit, _seq_no: null }] } }) },
    ],
    [
      'more documents than were asked for',
      'bad_answer',
      { _search: json({ ...found, hits: { hits: Array.from({ length: 501 }, () => hit) } }) },
    ],
    [
      'a document that was not asked for',
      'bad_answer',
      { _search: json({ ...found, hits: { hits: [{ ...hit, _seq_no: 1 }] } }) },
    ],
    [
      'the same page for ever',
      'bad_answer',
      { _search: json({ ...found, hits: { hits: Array.from({ length: 500 }, () => hit) } }) },
    ],
    [
      'a document without end',
      'bad_answer',
      {
        _search: (response) =>
          response.end(
            JSON.stringify(found).replace('"a record"', '['.repeat(100_000) + ']'.repeat(100_000)),
          ),
      },
    ],
    ['an index without a UUID', 'bad_answer', { _settings: json({ a: { settings: { index: {} } } }) }],
    [
      'indices without end',
      'bad_answer',
      {
        _settings: json({
          a: { settings: { index: { uuid: 'u', number_of_shards: '9999' } } },
          b: { settings: { index: { uuid: 'v', number_of_shards: '9999' } } },
        }),
      },
    ],
    [
      'a right that is missing',
      'access_denied',
      { _stats: (response) => response.writeHead(403).end('{"error":"unauthorized"}') },
    ],
    ['a page of a proxy', 'bad_answer', { _pit: (response) => response.end('<html>') }],
  ]
  for (const [name, code, instead] of refused)
    it(`are refused: ${name}`, async (t) => {
      const log = await answering(t, instead)
      await log.poll()
      assert.deepEqual([log.codes(), log.events.length], [[code], 0])
    })

  it('too long for one page, are asked for in smaller ones', async (t) => {
    let searches = 0
    const log = await answering(t, {
      _search: (response) => {
        if (++searches > 2) {
          json(found)(response)
          return
        }
        response.write(Buffer.alloc(17 * 1024 * 1024, ' '))
        response.end(Buffer.alloc(17 * 1024 * 1024, ' '))
      },
    })
    await log.poll()
    assert.deepEqual([log.codes(), searches, log.events.length], [[], 3, 1])
  })

  it('L02: that lack a document which was there are a finding, told once, which ends a day after', async (t) => {
    let hits = [hit]
    const log = await answering(t, {
      _search: (response) => json({ ...found, hits: { hits } })(response),
    })
    const judged = new JudgedLog(log.config)
    await log.poll()
    log.clock.advance(600_000)
    await log.poll()
    judged.hear(log.events)
    assert.equal(judged.state('log_not_altered'), 'pass')
    hits = []
    const journaled = log.events.length
    for (let i = 0; i < 3; i++) {
      log.clock.advance(60_000)
      await log.poll()
    }
    const told = log.events.slice(journaled)
    assert.deepEqual(
      told.map(({ event }) => event.action),
      ['index_altered'],
    )
    judged.hear(told)
    assert.equal(judged.state('log_not_altered', MINUTE), 'fail')
    assert.equal(judged.state('log_not_altered', DAY + MINUTE), 'pass')
  })
})
