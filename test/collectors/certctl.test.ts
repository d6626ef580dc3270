import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { z } from 'zod'
import { certctl } from '../../collectors/formats/certctl.ts'
import { parseLog } from '../../collectors/parse.ts'
import { AskedLog } from './journal.ts'

const rowSchema = z.looseObject({ id: z.string(), timestamp: z.string(), action: z.string() })
type Row = z.infer<typeof rowSchema>

const recorded = z
  .object({ data: z.array(rowSchema) })
  .parse(
    JSON.parse(readFileSync(new URL('../fixtures/certctl-real/audit-list.json', import.meta.url), 'utf8')),
  ).data

const LAST = Date.parse('2026-11-22T05:04:01.909Z')

/** What certctl answers, as recorded: newest first, `total` is that of the page, and every call is written into the same log. */
class Double {
  rows: Row[] = [...recorded]
  now = LAST + 60_000
  /** Rows a page, whatever is asked for. */
  most = 500
  writesCalls = false
  me = 'vigil'
  calls = 0
  /** Answers to come before the true ones. */
  readonly instead: ((response: ServerResponse) => void)[] = []
  /** Called before a page is cut. */
  paging: () => void = () => undefined

  async start(t: TestContext, room?: Partial<{ since: number }>): Promise<AskedLog> {
    const server = createServer((request, response) => {
      response.setHeader('date', new Date(this.now).toUTCString())
      const instead = this.instead.shift()
      if (instead !== undefined) {
        instead(response)
        return
      }
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://double')
      const json = (body: unknown): void => void response.end(JSON.stringify(body))
      if (request.headers.authorization !== 'Bearer k1') {
        response.statusCode = 401
        json({ error: 'Invalid API key' })
        return
      }
      this.calls++
      if (this.writesCalls) this.rows.unshift(this.#call(pathname))
      if (pathname === '/api/v1/auth/me') {
        json({ actor_id: this.me, actor_type: 'APIKey' })
        return
      }
      this.paging()
      const since = Date.parse(searchParams.get('since') ?? '')
      const until = Date.parse(searchParams.get('until') ?? '')
      const size = Math.min(Number(searchParams.get('per_page')), this.most)
      const page = Number(searchParams.get('page'))
      const found = this.rows
        .filter(({ timestamp }) => Date.parse(timestamp) >= since && Date.parse(timestamp) <= until)
        .sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1))
      const data = found.slice((page - 1) * size, page * size)
      json({ data, total: data.length, page, per_page: size })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}`
    const log = new AskedLog(
      t,
      {
        id: 'certctl',
        format: 'certctl',
        certctl: { url, api_key_file: 'key', interval: 1000, since: room?.since ?? LAST - 3_600_000 },
        authorities: [],
      },
      { url, headers: { authorization: 'Bearer k1' } },
    )
    log.clock.ms = this.now
    return log
  }

  #call(path: string): Row {
    const details = { path, method: 'GET', status: 200, body_hash: '', latency_ms: 1 }
    return {
      ...{ id: `audit-own-${this.calls}`, actor: this.me, actor_type: 'User', action: 'api_get' },
      ...{ resource_type: 'api', resource_id: path, details },
      ...{ timestamp: new Date(this.now).toISOString(), event_category: 'cert_lifecycle' },
    }
  }
}

function row(id: string, timestamp: string): Row {
  return { id, actor: 'ops', action: 'renewal_triggered', timestamp }
}

function idsOf(log: AskedLog): (string | undefined)[] {
  return log.events.map((event) => event.pki?.details?.['auditId'])
}

const inOrder = recorded.map(({ id }) => id).reverse()

describe('the API of certctl', () => {
  it('gives every recorded row once, the oldest first, however it is paged', async (t) => {
    for (const most of [500, 76, 19, 7]) {
      const double = new Double()
      double.most = most
      const log = await double.start(t)
      await log.poll()
      await log.poll()
      assert.deepEqual(idsOf(log), inOrder, `${most} a page`)
      assert.deepEqual(log.codes(), [])
    }
  })

  it('is read on where the journal ends, wherever a crash left it', async (t) => {
    for (const room of [0, 1, 40, 75]) {
      const double = new Double()
      // Three rows of one millisecond, two of them of one microsecond.
      double.rows.push(
        row('tie-2', '2026-11-22T05:04:10.000001Z'),
        row('tie-1', '2026-11-22T05:04:10.000001Z'),
        row('tie-0', '2026-11-22T05:04:10.0Z'),
      )
      const log = await double.start(t)
      // The collector hands over what fits into an entry; here, one row at a time.
      for (let journaled = room; journaled < 79; journaled += 13) {
        const whole = log.events.length
        await log.poll()
        log.events.splice(Math.max(whole, journaled))
        await log.restart()
      }
      await log.poll()
      assert.deepEqual(idsOf(log), [...inOrder, 'tie-0', 'tie-1', 'tie-2'])
    }
  })

  it('is asked again for what the journal refused', async (t) => {
    const log = await new Double().start(t)
    log.room = 10
    await log.poll()
    assert.deepEqual([log.codes(), log.events.length], [['not_recorded'], 0])
    log.room = Infinity
    await log.poll()
    assert.deepEqual(idsOf(log), inOrder)
    assert.deepEqual(log.collector.problems, [])
  })

  it('does not fill the journal with our own asking, and hides nothing else that our key does', async (t) => {
    const double = new Double()
    double.writesCalls = true
    const log = await double.start(t)
    for (let i = 0; i < 5; i++) {
      await log.poll()
      double.now += 30_000
    }
    assert.ok(double.rows.length > 80)
    assert.equal(log.events.length, 76)
  })

  it('keeps what our key is used for besides: in the recording, four of its calls are readings of the log', async (t) => {
    const double = new Double()
    double.me = 'monitor'
    const log = await double.start(t)
    await log.poll()
    assert.equal(log.events.length, 72)
    const paths = log.events.filter((e) => e.user?.name === 'monitor').map((e) => e.pki?.details?.['path'])
    assert.ok(paths.includes('/api/v1/audit/export'))
    assert.ok(!paths.includes('/api/v1/audit'))
  })

  it('has rows that appear after others of their time: each is journaled once, under a position of its own', async (t) => {
    const double = new Double()
    const log = await double.start(t)
    await log.poll()
    double.rows.push(row('late-1', '2026-11-22T05:04:01.080Z'))
    double.now += 20_000
    await log.poll()
    await log.poll()
    assert.deepEqual(idsOf(log), [...inOrder, 'late-1'])
    await log.restart()
    await log.poll()
    await log.poll()
    assert.deepEqual(idsOf(log), [...inOrder, 'late-1'])
  })

  it('has rows that shift while it is paged: none is missed, none is twice', async (t) => {
    const double = new Double()
    double.most = 10
    let n = 0
    double.paging = () => {
      const id = `new-${String(n++).padStart(3, '0')}`
      if (n < 200) double.rows.unshift(row(id, new Date(double.now - 11_000 + n).toISOString()))
    }
    const log = await double.start(t)
    for (let i = 0; i < 40; i++) {
      await log.poll()
      double.now += 5000
    }
    const ids = idsOf(log)
    assert.equal(ids.length, new Set(ids).size)
    assert.equal(ids.length, double.rows.length)
  })

  it('waits for rows of a time that is not over', async (t) => {
    const double = new Double()
    double.now = LAST + 2000
    const log = await double.start(t)
    await log.poll()
    assert.ok(log.events.length < 76)
    double.now += 15_000
    await log.poll()
    assert.deepEqual(idsOf(log), inOrder)
  })

  it('says when it is asked too often, and is asked again', async (t) => {
    const double = new Double()
    const busy = (response: ServerResponse): void => {
      response.writeHead(429, { 'retry-after': '0' }).end('{"error":"Rate limit exceeded"}')
    }
    double.instead.push(busy, busy)
    const log = await double.start(t)
    await log.poll()
    assert.deepEqual([log.codes(), log.events.length], [[], 76])
    double.instead.push(busy, busy, busy)
    await log.poll()
    assert.deepEqual(log.codes(), ['rate_limited'])
  })

  const answers: readonly [string, string, (response: ServerResponse) => void][] = [
    [
      'a key that does not count',
      'access_denied',
      (r) => r.writeHead(401).end('{"error":"Invalid API key"}'),
    ],
    ['a page of a proxy', 'bad_answer', (r) => r.end('<html>\u001b[31m hello')],
    ['an error', 'bad_answer', (r) => r.writeHead(500).end('{}')],
    ['a redirect', 'bad_answer', (r) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['no actor', 'bad_answer', (r) => r.end('{"actor_id":7}')],
    ['a cut connection', 'unreachable', (r) => r.destroy()],
    [
      'an answer without end',
      'answer_too_long',
      (r) => {
        const more = (): void => {
          while (!r.destroyed && r.write(Buffer.alloc(1024 * 1024, 'x')));
        }
        r.on('drain', more)
        more()
      },
    ],
  ]
  for (const [name, code, answer] of answers)
    it(`refuses ${name}, says so once, and goes on after it`, async (t) => {
      const double = new Double()
      double.instead.push(answer, answer)
      const log = await double.start(t)
      await log.poll()
      await log.poll()
      assert.deepEqual([log.codes(), log.events.length], [[code], 0])
      assert.doesNotMatch(log.problems[0]?.message ?? '', /\p{Cc}/u)
      await log.poll()
      assert.deepEqual([log.collector.problems.length, log.events.length], [0, 76])
    })

  it('refuses pages without end, and rows that cannot be placed', async (t) => {
    const endless = new Double()
    endless.rows = Array.from({ length: 6000 }, (_, i) => row(`r${i}`, '2026-11-22T05:04:01.5Z'))
    const first = await endless.start(t)
    await first.poll()
    assert.match(first.problems[0]?.message ?? '', /more than 5000 rows within 1000 ms/)
    assert.ok(endless.calls < 1000, `${endless.calls} calls`)

    const placeless = new Double()
    placeless.rows = [{ id: '', timestamp: '2026-11-22T05:04:01.5Z', action: 'x' }]
    const second = await placeless.start(t)
    await second.poll()
    assert.match(second.problems[0]?.message ?? '', /not an answer of certctl: data\.0\.id/)
  })
})

describe('the format certctl', () => {
  async function parsed(lines: readonly string[]) {
    const log = [Buffer.from(lines.map((line) => `${line}\n`).join(''))]
    const events = []
    for await (const some of parseLog(log, { format: certctl, now: () => LAST, source: 'certctl' }))
      events.push(...some)
    return events
  }

  it('reads every recorded row', async () => {
    const events = await parsed(recorded.map((one) => JSON.stringify(one)))
    const counts: Record<string, number> = {}
    for (const { event } of events) {
      const key = `${event.action} ${event.outcome}`
      counts[key] = (counts[key] ?? 0) + 1
    }
    assert.deepEqual(counts, {
      'api_get failure': 5,
      'api_get success': 28,
      'api_post failure': 7,
      'api_post success': 17,
      'api_put success': 1,
      'auth.demo_residual_grants_detected success': 3,
      'auth.session_signing_key_bootstrap success': 1,
      'certificate_retrieved success': 1,
      'certificate_revoked success': 1,
      'csr_submitted success': 2,
      'deployment_triggered success': 2,
      'job_status_reported success': 1,
      'job_status_reported unknown': 1,
      'renewal_job_completed success': 3,
      'renewal_triggered success': 3,
    })
  })

  it('says whose certificate was revoked, by whom and why', async () => {
    const revoked = recorded.find(({ action }) => action === 'certificate_revoked')
    const [event] = await parsed([JSON.stringify(revoked)])
    assert.equal(event?.user?.name, 'ops')
    assert.equal(event.pki?.serial, '14e18999c2ea1f112650de5b9473246a5e79d957')
    assert.equal(event.pki.revocationReason, 4)
    assert.equal(event['@timestamp'], '2026-11-22T05:04:01.080Z')
    assert.equal(event.pki.details?.['resourceId'], 'cert-1795323684695305759-11')
  })

  it('keeps what it does not understand', async () => {
    const lines = ['', 'null', '[]', '{"action":"x"}', '{"id":"a","action":"x","timestamp":"tomorrow"}', '{']
    for (const { event } of await parsed(lines)) assert.equal(event.action, 'unparsed')
    const strange = { ...recorded[0], action: '__proto__', details: { __proto__x: '\u001b[2J', n: { a: 1 } } }
    const [event] = await parsed([JSON.stringify(strange)])
    assert.deepEqual([event?.event.action, event?.event.outcome], ['__proto__', 'unknown'])
    assert.equal(event?.pki?.details?.['n'], '{"a":1}')
  })
})
