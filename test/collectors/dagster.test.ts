import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { z } from 'zod'
import { AskedLog } from './journal.ts'

const rows = z.array(z.looseObject({}))
const recorded = z
  .object({ runs: z.array(z.looseObject({ runId: z.string() })), log: rows, asset: rows })
  .parse(JSON.parse(readFileSync(new URL('../fixtures/dagster/recorded.json', import.meta.url), 'utf8')))

const asked = z.object({
  query: z.string(),
  variables: z.object({ cursor: z.string().optional(), limit: z.number().optional() }),
})

function cursorOf(value: number): string {
  return Buffer.from(JSON.stringify({ type: 'STORAGE_ID', value })).toString('base64')
}

/** What Dagster answers, as recorded: the log of a run forwards, everything else backwards. */
class Double {
  runs: object[] = [...recorded.runs]
  log: object[] = [...recorded.log]
  /** Newest first. */
  asset: object[] = [...recorded.asset]
  /** Newest first. */
  ticks: object[] = []
  /** Events a page, whatever is asked for. */
  most = 7
  readonly instead: ((response: ServerResponse) => void)[] = []

  async start(t: TestContext): Promise<AskedLog> {
    const server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => (body += text))
      request.on('end', () => {
        const instead = this.instead.shift()
        response.setHeader('date', 'Sun, 22 Nov 2026 06:00:00 GMT')
        if (instead !== undefined) instead(response)
        else response.end(JSON.stringify({ data: this.#answer(body) }))
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return new AskedLog(
      t,
      { id: 'dagster', format: 'dagster', dagster: { url, interval: 1000 }, authorities: [] },
      { url, headers: {} },
    )
  }

  #answer(body: string): object {
    const { query, variables } = asked.parse(JSON.parse(body))
    const { cursor } = variables
    if (query.includes('repositoriesOrError')) {
      const node = { name: 'r', location: { name: 'pki' }, schedules: [{ name: 'nightly' }], sensors: [] }
      return { repositoriesOrError: { __typename: 'RepositoryConnection', nodes: [node] } }
    }
    if (query.includes('runsOrError')) return { runsOrError: { __typename: 'Runs', results: this.runs } }
    if (query.includes('logsForRun')) {
      const from = cursor === undefined ? 0 : Number(cursor)
      const events = this.log.slice(from, from + this.most)
      const next = { cursor: String(from + events.length), hasMore: from + events.length < this.log.length }
      return { logsForRun: { __typename: 'EventConnection', events, ...next } }
    }
    if (query.includes('assetsOrError')) {
      const nodes = [{ key: { path: ['ca_crl'] } }]
      return { assetsOrError: { __typename: 'AssetConnection', cursor: '["ca_crl"]', nodes } }
    }
    if (query.includes('assetOrError')) {
      // The newest bears the highest number; they are two apart.
      const numbers = this.asset.map((_, i) => 2 * (this.asset.length - i))
      const at =
        numbers.findIndex((n) => cursor === undefined || cursorOf(n) === cursor) +
        (cursor === undefined ? 0 : 1)
      const results = this.asset.slice(at, at + 1)
      const assetEventHistory = { cursor: cursorOf(numbers[at] ?? -1), results }
      return { assetOrError: { __typename: 'Asset', assetEventHistory } }
    }
    return {
      instigationStateOrError: { __typename: 'InstigationState', selectorId: 's1', ticks: this.ticks },
    }
  }
}

function tick(id: number, status: string, timestamp = 1_795_323_000 + id): object {
  return {
    tickId: String(id),
    status,
    timestamp,
    endTimestamp: null,
    runIds: [],
    skipReason: null,
    error: null,
  }
}

const keysOf = (log: AskedLog) => log.events.map(({ position: p }) => `${p.fingerprint} ${p.offset}`)
const ofKind = (log: AskedLog, kind: string) =>
  log.events.filter((e) => e.event.dataset === `dagster.${kind}`)

describe('the histories of Dagster', () => {
  it('are read whole and once, each in its own order', async (t) => {
    const double = new Double()
    double.ticks = [tick(3, 'SUCCESS'), tick(2, 'SKIPPED'), tick(1, 'FAILURE')]
    const log = await double.start(t)
    await log.poll()
    await log.poll()
    assert.deepEqual(log.problems, [])
    assert.equal(ofKind(log, 'event').length, 2 * recorded.log.length)
    assert.deepEqual(
      ofKind(log, 'run').map((e) => [
        e.event.action,
        e.event.outcome,
        e.pki?.details?.['tag.dagster/partition'],
      ]),
      [
        ['RUN_SUCCESS', 'success', 'prod|payments-api'],
        ['RUN_SUCCESS', 'success', 'staging|edge-gw'],
      ],
    )
    const reports = ofKind(log, 'asset')
    assert.equal(reports.length, recorded.asset.length)
    const times = reports.map((e) => e['@timestamp'])
    assert.deepEqual(times, times.toSorted())
    assert.equal(
      reports.find((e) => e.message === 'published by ejbca')?.pki?.details?.['metadata.crl_number'],
      '4711',
    )
    assert.deepEqual(
      ofKind(log, 'tick').map((e) => e.event.action),
      ['TICK_FAILURE', 'TICK_SKIPPED', 'TICK_SUCCESS'],
    )
    assert.equal(log.events.filter((e) => e.event.action === 'unparsed').length, 0)
  })

  it('are read on where the journal ends, wherever a crash left it', async (t) => {
    const double = new Double()
    double.ticks = [tick(2, 'SUCCESS'), tick(1, 'SUCCESS')]
    const whole = await double.start(t)
    await whole.poll()
    for (const step of [7, 31]) {
      const log = await double.start(t)
      for (let journaled = 0; journaled < whole.events.length; journaled += step) {
        await log.poll()
        log.events.splice(journaled)
        await log.restart()
      }
      await log.poll()
      assert.deepEqual(keysOf(log), keysOf(whole), `after every ${step}`)
      // The source itself hands nothing over twice; the collector would refuse it.
      assert.equal(log.collector.counts.duplicates, 0)
    }
  })

  it('go on: what a run does later, what is reported, what ticks', async (t) => {
    const double = new Double()
    const log = await double.start(t)
    await log.poll()
    const before = log.events.length
    double.log.push({
      __typename: 'EngineEvent',
      eventType: 'ENGINE_EVENT',
      timestamp: '1795323201999',
      message: 'x',
    })
    const event = {
      __typename: 'MaterializationEvent',
      runId: '',
      timestamp: '1795323300000',
      partition: null,
    }
    double.asset.unshift(event)
    double.ticks.unshift(tick(9, 'SUCCESS'))
    await log.poll()
    await log.poll()
    assert.deepEqual(
      log.events.slice(before).map((e) => e.event.action),
      ['ENGINE_EVENT', 'ENGINE_EVENT', 'MaterializationEvent', 'TICK_SUCCESS'],
    )
  })

  it('have a tick only when it is over, and none before it', async (t) => {
    const now = Date.parse('2026-11-22T06:00:00Z') / 1000
    const double = new Double()
    double.ticks = [tick(3, 'SUCCESS', now), tick(2, 'STARTED', now - 10), tick(1, 'SUCCESS', now - 20)]
    const log = await double.start(t)
    await log.poll()
    assert.equal(ofKind(log, 'tick').length, 1)
    double.ticks[1] = tick(2, 'FAILURE', now - 10)
    await log.poll()
    assert.deepEqual(
      ofKind(log, 'tick').map((e) => e.event.action),
      ['TICK_SUCCESS', 'TICK_FAILURE', 'TICK_SUCCESS'],
    )
  })

  const refused: readonly [string, string][] = [
    [
      '{"errors":[{"message":"Unknown field:\\u001b[31m"}],"data":null}',
      'repositoriesOrError: Unknown field: [31m',
    ],
    ['{"data":{"repositoriesOrError":{"__typename":"PythonError","message":"boom"}}}', 'PythonError: boom'],
    ['{"data":{"repositoriesOrError":null}}', 'not an answer of Dagster'],
    ['{"data":null}', 'not an answer of Dagster'],
    ['[]', 'not an answer of Dagster'],
    ['<html>', 'expected JSON'],
  ]
  for (const [answer, message] of refused)
    it(`is not ${answer.slice(0, 60)}: that is refused, and asked again`, async (t) => {
      const double = new Double()
      double.instead.push((response) => response.end(answer))
      const log = await double.start(t)
      await log.poll()
      assert.deepEqual([log.codes(), log.events.length], [['bad_answer'], 0])
      assert.ok(log.problems[0]!.message.includes(message), log.problems[0]!.message)
      await log.poll()
      assert.ok(log.events.length > 0 && log.collector.problems.length === 0)
    })
})
