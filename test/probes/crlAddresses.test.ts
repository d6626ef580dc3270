import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { serveHttp } from '../../lab/http.ts'
import { issueCrl, type CrlRequest } from '../../lab/issue.ts'
import type { ProbeResult } from '../../model/observation.ts'
import { probeCrl } from '../../probes/crl.ts'
import { systemNames } from '../../probes/fetch/resolve.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import type { CrlTarget, ProbeContext } from '../../probes/probe.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import { context, crlTarget, failedIn, succeeded } from './support.ts'

// What a CRL probe makes of several addresses, of servers that say that nothing changed, and of what it saw before.

const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
const ca = await entity({ subject: 'Issuing 1' })
const issuer = declared('issuing-1', ca)

function crl(number: bigint, changes: Partial<CrlRequest> = {}): Promise<Uint8Array> {
  const thisUpdate = NOW - DAY + Number(number) * 60_000
  return issueCrl({ issuer: ca, number, thisUpdate, nextUpdate: NOW + DAY, revoked: [], ...changes })
}

interface Node {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

/** Three nodes behind one name; each answers what `nodes` has for it now. */
async function balanced(t: TestContext, nodes: Record<string, Node>) {
  const asked: string[] = []
  const server = await serveHttp(
    (request, response, address) => {
      const { status = 200, headers = {}, body = Buffer.alloc(0) } = nodes[address] ?? {}
      const type = { 'content-type': 'application/pkix-crl', ...headers }
      const isKnown = headers['etag'] !== undefined && request.headers['if-none-match'] === headers['etag']
      asked.push(`${address} ${isKnown ? 304 : status}`)
      response.writeHead(isKnown ? 304 : status, type).end(isKnown ? undefined : body)
    },
    0,
    ADDRESSES,
  )
  t.after(() => server.close())
  const target = crlTarget(`http://crl.example:${server.port}/ca.crl`, issuer)
  return { target, asked: () => asked.splice(0).toSorted(), names: systemNames({ 'crl.example': ADDRESSES }) }
}

/** A vigil that records what its probe sees, and stands at a time. */
function recording(target: CrlTarget, overrides: Partial<ProbeContext>) {
  const memory = new RecordedMemory([target])
  const artifacts = new Map<string, Uint8Array>()
  const clock = { now: NOW }
  const look = async (): Promise<ProbeResult> => {
    const result = await probeCrl(
      target,
      context({
        now: () => clock.now,
        memory,
        artifact: (digest) => Promise.resolve(artifacts.get(digest)?.slice()),
        ...overrides,
      }),
    )
    memory.remember(result.observation)
    for (const { bytes } of result.artifacts)
      artifacts.set(createHash('sha256').update(bytes).digest('hex'), bytes)
    return result
  }
  return { look, clock, memory }
}

test('every address is asked, and the facts are of the newest CRL, wherever it is', async (t) => {
  const [old, young] = [await crl(1n), await crl(2n)]
  const { target, names, asked } = await balanced(t, {
    '127.0.0.1': { body: old },
    '127.0.0.2': { body: young },
    '127.0.0.3': { status: 503 },
  })
  const result = await probeCrl(target, context({ names }))
  const { facts } = succeeded(result)
  assert.deepEqual(asked(), ['127.0.0.1 200', '127.0.0.2 200', '127.0.0.3 503'])
  assert.equal(facts.crl?.number, '2')
  assert.deepEqual(facts.addresses, {
    all: ADDRESSES,
    failed: ['127.0.0.3 http_status'],
    differing: ['127.0.0.1'],
  })
  const kept = result.artifacts.map(({ bytes }) => Buffer.from(bytes))
  assert.deepEqual(
    kept,
    [old, young].map((bytes) => Buffer.from(bytes)),
    'both are evidence',
  )
})

test('an expired CRL at one address is no failure of the others', async (t) => {
  const body = await crl(2n)
  const expired = await crl(3n, { nextUpdate: NOW - HOUR })
  const { target, names } = await balanced(t, {
    '127.0.0.1': { body: expired },
    '127.0.0.2': { body },
    '127.0.0.3': { body },
  })
  const { facts } = succeeded(await probeCrl(target, context({ names })))
  assert.equal(facts.crl?.number, '2')
  assert.deepEqual(facts.addresses?.failed, ['127.0.0.1 crl_expired'])
  assert.deepEqual(facts.addresses.differing, ['127.0.0.1'])
})

test('when no address gives a good CRL, the run fails, with the facts of the newest that verified', async (t) => {
  const [old, young] = [
    await crl(1n, { nextUpdate: NOW - DAY / 2 }),
    await crl(2n, { nextUpdate: NOW - HOUR }),
  ]
  const { target, names } = await balanced(t, {
    '127.0.0.1': { status: 404 },
    '127.0.0.2': { body: old },
    '127.0.0.3': { body: young },
  })
  const { facts } = failedIn(await probeCrl(target, context({ names })), 'time', 'crl_expired')
  assert.equal(facts.crl?.number, '2')
  const { target: down } = await balanced(t, { '127.0.0.1': { status: 404 }, '127.0.0.2': { status: 500 } })
  failedIn(await probeCrl(down, context({ names })), 'http', 'http_status')
})

test('a server that says that nothing changed is believed, and the run repeats the one before', async (t) => {
  const node = { body: await crl(1n), headers: { etag: '"1"', 'cache-control': 'max-age=600' } }
  const { target, names, asked } = await balanced(t, {
    '127.0.0.1': node,
    '127.0.0.2': node,
    '127.0.0.3': node,
  })
  const { look, clock } = recording(target, { names })
  const first = await look()
  assert.deepEqual(
    asked(),
    ADDRESSES.map((address) => `${address} 200`),
  )
  clock.now += 60_000
  const second = await look()
  assert.deepEqual(
    asked(),
    ADDRESSES.map((address) => `${address} 304`),
  )
  assert.deepEqual(succeeded(second).facts, succeeded(first).facts)
  assert.equal(second.observation.facts.http?.freshFor, 600_000)
  assert.deepEqual(second.artifacts, [])
  assert.deepEqual(
    second.kept?.map(({ digest }) => digest),
    [first.observation.facts.crl?.sha256],
  )
})

test('it is fetched whole again after full_every, by a new process, and when the clock was set back', async (t) => {
  const node = { body: await crl(1n), headers: { etag: '"1"' } }
  const { target, names, asked } = await balanced(t, { '127.0.0.1': node })
  const one = { ...target, url: target.url.replace('crl.example', '127.0.0.1') }
  const { look, clock } = recording(one, { names })
  await look()
  clock.now += one.fullEvery - 1
  await look()
  clock.now += 1
  await look()
  await look()
  clock.now -= HOUR
  await look()
  assert.deepEqual(asked(), [
    '127.0.0.1 200',
    '127.0.0.1 200',
    '127.0.0.1 200',
    '127.0.0.1 304',
    '127.0.0.1 304',
  ])
  const another = recording({ ...one }, { names })
  await another.look()
  assert.deepEqual(asked(), ['127.0.0.1 200'])
})

test('a CRL that did not change expires all the same', async (t) => {
  const node = { body: await crl(1n, { nextUpdate: NOW + 1000 }), headers: { etag: '"1"' } }
  const { target, names, asked } = await balanced(t, { '127.0.0.1': node })
  const { look, clock } = recording(
    { ...target, url: target.url.replace('crl.example', '127.0.0.1') },
    { names },
  )
  succeeded(await look())
  clock.now += 2000
  const { facts } = failedIn(await look(), 'time', 'crl_expired')
  assert.deepEqual(asked(), ['127.0.0.1 200', '127.0.0.1 304'])
  assert.equal(facts.crl?.number, '1')
})

test('what did not verify is never asked for conditionally, whatever its server says', async (t) => {
  const bad = Buffer.from(await crl(1n))
  bad[bad.length - 1]! ^= 1
  const { target, names, asked } = await balanced(t, { '127.0.0.1': { body: bad, headers: { etag: '"1"' } } })
  const { look } = recording({ ...target, url: target.url.replace('crl.example', '127.0.0.1') }, { names })
  failedIn(await look(), 'signature', 'signature_invalid')
  failedIn(await look(), 'signature', 'signature_invalid')
  assert.deepEqual(asked(), ['127.0.0.1 200', '127.0.0.1 200'])
})

test('a 304 that nobody asked for is a failure', async (t) => {
  const { target, names } = await balanced(t, { '127.0.0.1': { status: 304 } })
  const one = { ...target, url: target.url.replace('crl.example', '127.0.0.1') }
  failedIn(await probeCrl(one, context({ names })), 'http', 'http_status')
})

test('a new CRL is compared with the one before, also a small one with a big one', async (t) => {
  const entry = (i: number) => ({ serial: (0x10000 + i).toString(16), at: NOW - DAY })
  const big = await crl(1n, { revoked: Array.from({ length: 16_000 }, (_, i) => entry(i)) })
  assert.ok(big.length > 256 * 1024)
  const nodes: Record<string, Node> = { '127.0.0.1': { body: big } }
  const { target, names } = await balanced(t, nodes)
  const { look } = recording({ ...target, url: target.url.replace('crl.example', '127.0.0.1') }, { names })
  assert.equal(succeeded(await look()).facts.crlSeries?.compared, false)
  nodes['127.0.0.1'] = { body: await crl(3n, { revoked: [entry(0)] }) }
  const { facts } = succeeded(await look())
  assert.equal(facts.crlSeries?.removed, 15_999)
  assert.equal(facts.crlSeries.numbersMissing, 1)
  assert.deepEqual(succeeded(await look()).facts.crlSeries, facts.crlSeries, 'as long as it is the newest')
})

test('redirects are recorded', async (t) => {
  const nodes: Record<string, Node> = { '127.0.0.2': { body: await crl(1n) } }
  const { target, names } = await balanced(t, nodes)
  const there = target.url.replace('crl.example', '127.0.0.2')
  nodes['127.0.0.1'] = { status: 302, headers: { location: there } }
  const follow = { allows: () => true }
  const here = { ...target, url: target.url.replace('crl.example', '127.0.0.1') }
  const { facts } = succeeded(await probeCrl(here, context({ names, follow })))
  assert.deepEqual(facts.http?.redirects, [there])
})

test('a CRL in a file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-crl-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const body = await crl(1n)
  writeFileSync(join(folder, 'ca 1.crl'), body)
  const look = (name: string, maxSize = 100_000) =>
    probeCrl(crlTarget(pathToFileURL(join(folder, name)).href, issuer), context({ maxSize }))
  const result = await look('ca 1.crl')
  const { facts } = succeeded(result)
  assert.equal(facts.crl?.number, '1')
  assert.deepEqual(facts.http, { scheme: 'file' })
  assert.equal(facts.addresses, undefined)
  failedIn(await look('none.crl'), 'connect', 'file_not_found')
  failedIn(await look('.'), 'connect', 'file_unreadable')
  failedIn(await look('ca 1.crl', body.length - 1), 'size', 'body_too_large')
})
