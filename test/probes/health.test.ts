import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { test, type TestContext } from 'node:test'
import type { SystemKind } from '../../model/config.ts'
import { probeHealth } from '../../probes/health.ts'
import { bind, bounded, closedPort, failedIn, healthTarget, succeeded } from './support.ts'
import { NOW } from './pki.ts'

/** What a path is answered with: as it was recorded, where the name of a file stands. */
interface Recorded {
  readonly status?: number
  readonly type?: string
  readonly body: string
}

const JSON_TYPE = 'application/json'

function recorded(file: string): string {
  return readFileSync(new URL(`../fixtures/ejbca-real/health/${file}`, import.meta.url), 'utf8')
}

/** A system that answers these paths, and 404 with a page for everything else. */
async function system(t: TestContext, paths: Readonly<Record<string, Recorded>>): Promise<string> {
  const listener: RequestListener = (request, response) => {
    const {
      status = 200,
      type = 'text/plain;charset=UTF-8',
      body,
    } = paths[request.url ?? ''] ?? {
      status: 404,
      type: 'text/html',
      body: '<html><body>Not found</body></html>',
    }
    request.resume()
    response.writeHead(status, { 'content-type': type })
    response.end(body)
  }
  return `http://127.0.0.1:${await bind(t, createServer(listener))}`
}

async function look(t: TestContext, kind: SystemKind, paths: Readonly<Record<string, Recorded>>) {
  return bounded(probeHealth, healthTarget(kind, await system(t, paths)), { now: () => NOW })
}

const EJBCA = '/ejbca/publicweb/healthcheck/ejbcahealth'
const REST = '/ejbca/ejbca-rest-api/v1/certificate/status'
const DOGTAG = '/ca/admin/ca/getStatus'

test('EJBCA is well when it says ALLOK', async (t) => {
  const { facts } = succeeded(await look(t, 'ejbca', { [EJBCA]: { body: recorded('hc.txt') } }))
  assert.deepEqual(facts.health, { system: 'ejbca', ready: true, status: 'ALLOK', problems: [] })
})

const DISCONNECTED = 'CA: Error CA Token is disconnected, CA Name : IssuingCA1'

test('EJBCA says what is wrong on its error page', async (t) => {
  const answer = { status: 500, type: 'text/html;charset=UTF-8', body: recorded('hc_fail.txt') }
  const { facts, error } = failedIn(await look(t, 'ejbca', { [EJBCA]: answer }), 'consistency', 'unhealthy')
  assert.deepEqual(facts.health, {
    system: 'ejbca',
    ready: false,
    status: 'error',
    problems: [DISCONNECTED],
  })
  assert.match(error?.message ?? '', /IssuingCA1/)
})

test('EJBCA that hides its errors behind 200 is not well all the same', async (t) => {
  const { facts } = failedIn(
    await look(t, 'ejbca', { [EJBCA]: { body: `\n${DISCONNECTED}\nMEM: Error Virtual Memory\n` } }),
    'consistency',
    'unhealthy',
  )
  assert.deepEqual(facts.health?.problems, [DISCONNECTED, 'MEM: Error Virtual Memory'])
})

test('a page that only contains ALLOK is not well', async (t) => {
  failedIn(
    await look(t, 'ejbca', { [EJBCA]: { type: 'text/html', body: '<h1>ALLOK</h1>Please log in' } }),
    'consistency',
    'unhealthy',
  )
})

test('EJBCA in maintenance says so', async (t) => {
  const { facts } = failedIn(
    await look(t, 'ejbca', { [EJBCA]: { status: 500, body: 'MAINT: DOWN_FOR_MAINTENANCE' } }),
    'consistency',
    'unhealthy',
  )
  assert.equal(facts.health?.status, 'maintenance')
})

test('EJBCA that does not answer this address says nothing of its health', async (t) => {
  const { facts, error } = failedIn(
    await look(t, 'ejbca', { [EJBCA]: { status: 401, body: '' } }),
    'http',
    'http_status',
  )
  assert.equal(facts.health, undefined)
  assert.match(error?.message ?? '', /authorizedips/)
})

test('the REST API of EJBCA is well when it is on', async (t) => {
  const body = recorded('rest-status.json')
  const { facts } = succeeded(await look(t, 'ejbca_rest', { [REST]: { type: JSON_TYPE, body } }))
  assert.equal(facts.health?.ready, true)
  assert.match(facts.health.version ?? '', /^EJBCA 7\.11\.0/)
})

test('a REST API that is switched off is named by its own words', async (t) => {
  const body = '{"error_code":403,"error_message":"This service has been disabled."}'
  const { error } = failedIn(
    await look(t, 'ejbca_rest', { [REST]: { status: 403, type: JSON_TYPE, body } }),
    'http',
    'http_status',
  )
  assert.match(error?.message ?? '', /HTTP 403: This service has been disabled\./)
})

const HEALTHY = { type: JSON_TYPE, body: '{"status":"healthy"}' }
const READY = { type: JSON_TYPE, body: '{"db":"reachable","status":"ready"}' }

test('certctl is well when the process is healthy and ready', async (t) => {
  const { facts } = succeeded(await look(t, 'certctl', { '/health': HEALTHY, '/ready': READY }))
  assert.deepEqual(facts.health, { system: 'certctl', ready: true, status: 'ready', problems: [] })
})

test('certctl without its database is not ready', async (t) => {
  const body = '{"db":"unreachable","status":"not_ready"}'
  const { facts } = failedIn(
    await look(t, 'certctl', { '/health': HEALTHY, '/ready': { status: 503, type: JSON_TYPE, body } }),
    'consistency',
    'unhealthy',
  )
  assert.deepEqual(facts.health?.problems, [
    '/ready says not_ready (HTTP 503)',
    'its database is unreachable',
  ])
})

test('certctl that says ready with an error status is not ready', async (t) => {
  failedIn(
    await look(t, 'certctl', { '/health': HEALTHY, '/ready': { ...READY, status: 503 } }),
    'consistency',
    'unhealthy',
  )
})

test('a page in place of certctl says nothing of its health', async (t) => {
  const page = { type: 'text/html', body: '<html><body>Sign in</body></html>' }
  const { facts, error } = failedIn(
    await look(t, 'certctl', { '/health': page, '/ready': page }),
    'decode',
    'not_a_health_answer',
  )
  assert.equal(facts.health, undefined)
  assert.match(error?.message ?? '', /HTTP 200, text\/html: "Sign in"/)
})

const running = (status: string) => ({
  type: JSON_TYPE,
  body: JSON.stringify({ Response: { State: '1', Type: 'CA', Status: status, Version: '11.5.0' } }),
})

test('Dogtag is well when the subsystem runs', async (t) => {
  const { facts } = succeeded(await look(t, 'dogtag', { [DOGTAG]: running('running') }))
  assert.deepEqual(facts.health, {
    system: 'dogtag',
    ready: true,
    status: 'running',
    version: '11.5.0',
    problems: [],
  })
})

test('Dogtag that starts is not there yet', async (t) => {
  const { facts } = failedIn(
    await look(t, 'dogtag', { [DOGTAG]: running('starting') }),
    'consistency',
    'unhealthy',
  )
  assert.deepEqual(facts.health?.problems, ['the subsystem is starting'])
})

test('Dogtag before version 11 answers in XML', async (t) => {
  const xml = (status: string) => ({
    type: 'application/xml',
    body: `<?xml version="1.0" encoding="UTF-8" standalone="no"?><XMLResponse><State>1</State><Type>CA</Type><Status>${status}</Status><Version>10.8.0</Version></XMLResponse>`,
  })
  const { facts } = succeeded(await look(t, 'dogtag', { [DOGTAG]: xml('running') }))
  assert.equal(facts.health?.version, '10.8.0')
  failedIn(await look(t, 'dogtag', { [DOGTAG]: xml('starting') }), 'consistency', 'unhealthy')
  failedIn(await look(t, 'dogtag', { [DOGTAG]: xml('') }), 'decode', 'not_a_health_answer')
})

test('a subsystem of Dogtag that could not start is HTTP 404', async (t) => {
  failedIn(await look(t, 'dogtag', {}), 'http', 'http_status')
})

interface Daemon {
  readonly daemonType: string
  readonly required: boolean
  readonly healthy: boolean | null
  readonly lastHeartbeatTime: number | null
  readonly lastHeartbeatErrors: readonly { readonly message: string }[]
}

/** As recorded from Dagster 1.13.27, with a heartbeat some seconds ago. */
function daemon(daemonType: string, changes: Partial<Daemon> = {}): Daemon {
  const lastHeartbeatTime = NOW / 1000 - 4.330841
  return {
    daemonType,
    required: true,
    healthy: true,
    lastHeartbeatTime,
    lastHeartbeatErrors: [],
    ...changes,
  }
}

function dagster(...allDaemonStatuses: readonly Daemon[]): Record<string, Recorded> {
  const version =
    '{"dagster_webserver_version":"1.13.27","dagster_version":"1.13.27","dagster_graphql_version":"1.13.27"}'
  const body = JSON.stringify({ data: { instance: { daemonHealth: { allDaemonStatuses } } } })
  return {
    '/server_info': { type: JSON_TYPE, body: version },
    '/graphql': { type: JSON_TYPE, body },
  }
}

test('Dagster is well when every daemon that must run has a heartbeat', async (t) => {
  const optional = daemon('SENSOR', { required: false, healthy: false, lastHeartbeatTime: null })
  const { facts } = succeeded(
    await look(t, 'dagster', dagster(daemon('SCHEDULER'), daemon('ASSET'), optional)),
  )
  assert.deepEqual(facts.health, {
    system: 'dagster',
    ready: true,
    status: 'healthy',
    version: '1.13.27',
    problems: [],
    daemons: 2,
    daemonsUnheard: [],
    heartbeatAge: 0,
  })
})

test('a daemon that fell silent is seen by the age of its heartbeat, while Dagster calls it healthy', async (t) => {
  const silent = daemon('QUEUED_RUN_COORDINATOR', { lastHeartbeatTime: NOW / 1000 - 399 })
  const { facts } = succeeded(await look(t, 'dagster', dagster(daemon('SCHEDULER'), silent)))
  assert.deepEqual([facts.health?.ready, facts.health?.heartbeatAge], [true, 6 * 60_000])
})

test('facts stay as they are from run to run while heartbeats go on', async (t) => {
  const ages = [3, 40, 119].map((age) => daemon('SCHEDULER', { lastHeartbeatTime: NOW / 1000 - age }))
  const seen = []
  for (const one of ages) seen.push((await look(t, 'dagster', dagster(one))).observation.facts)
  assert.deepEqual(seen[1], seen[0])
  assert.deepEqual(seen[2], seen[0])
})

test('daemons that never ran, report errors or are called unhealthy are problems', async (t) => {
  const { facts } = failedIn(
    await look(
      t,
      'dagster',
      dagster(
        daemon('SCHEDULER', { healthy: null, lastHeartbeatTime: null }),
        daemon('BACKFILL', { lastHeartbeatErrors: [{ message: 'sqlite3.OperationalError:\n locked' }] }),
        daemon('ASSET', { healthy: false }),
      ),
    ),
    'consistency',
    'unhealthy',
  )
  assert.deepEqual(facts.health?.problems, [
    'ASSET: Dagster calls it unhealthy',
    'BACKFILL: sqlite3.OperationalError: locked',
    'SCHEDULER: no heartbeat yet',
  ])
  assert.deepEqual(facts.health.daemonsUnheard, ['SCHEDULER'])
})

test('a page of the user interface in place of an answer is none', async (t) => {
  const page = { type: 'text/html', body: '<!doctype html><html><body></body></html>' }
  failedIn(
    await look(t, 'dagster', { ...dagster(daemon('ASSET')), '/graphql': page }),
    'decode',
    'not_a_health_answer',
  )
})

test('GraphQL errors are no answer either', async (t) => {
  const errors = { type: JSON_TYPE, body: '{"data":null,"errors":[{"message":"no such field"}]}' }
  failedIn(await look(t, 'dagster', { ...dagster(), '/graphql': errors }), 'decode', 'not_a_health_answer')
})

test('problems are bounded in number and length, and what they hold is one line', async (t) => {
  const body = Array.from({ length: 60 }, (_, n) => `CA: ${n}${'<'.repeat(900)}\u001b[2J`).join('\n')
  const { facts } = failedIn(
    await look(t, 'ejbca', { [EJBCA]: { status: 500, body } }),
    'consistency',
    'unhealthy',
  )
  assert.equal(facts.health?.problems?.length, 20)
  assert.ok(facts.health.problems.every((problem) => problem.length <= 200 && !problem.includes('\n')))
})

test('an answer larger than any real one is not read to its end', async (t) => {
  failedIn(
    await look(t, 'ejbca', { [EJBCA]: { status: 500, body: 'x'.repeat(70_000) } }),
    'size',
    'body_too_large',
  )
})

test('a redirect to a login is no answer', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(302, { location: '/login' }).end()
  })
  const url = `http://127.0.0.1:${await bind(t, server)}`
  failedIn(await bounded(probeHealth, healthTarget('ejbca', url)), 'http', 'http_status')
})

test('a system that is not there fails in connect', async () => {
  const url = `http://127.0.0.1:${await closedPort()}`
  failedIn(await bounded(probeHealth, healthTarget('dogtag', url)), 'connect', 'refused')
})

test('a path of the configured URL stands before that of the health page', async (t) => {
  const url = await system(t, { [`/pki-a${DOGTAG}`]: running('running') })
  succeeded(await bounded(probeHealth, healthTarget('dogtag', `${url}/pki-a/`)))
})
