import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { CertificateRevocationList } from 'pkijs'
import {
  askOcsp,
  assertHealthy,
  authorityOf,
  fetchCrl,
  handshake,
  hexSerial,
  HOUR,
  testLab,
} from './support.ts'

const GOOD = 0

test('without a fault every service, CRL and responder is in order', async (t) => {
  const { lab, clock } = await testLab(t)
  for (const { id } of lab.inventory.services) await assertHealthy(lab, id)
  for (const id of ['root', 'issuing-1', 'issuing-2']) {
    const crl = await fetchCrl(lab, id)
    assert.equal(crl.signatureValid, true)
    assert.equal(crl.thisUpdate, Math.floor(clock.now / 1000) * 1000)
    assert.deepEqual(crl.serials, [])
  }
  const shop = await handshake(lab, 'shop')
  const answer = await askOcsp(lab, 'issuing-1', hexSerial(shop.certificate))
  assert.equal(answer.status, GOOD)
  assert.equal(answer.verified, true)
  assert.deepEqual(lab.faults(), [])
})

test('the service for client certificates refuses a client without one', async (t) => {
  const { lab } = await testLab(t)
  await assert.rejects(handshake(lab, 'internal-api'), /certificate required|socket hang up|ECONNRESET/)
})

test('the schedule issues CRLs with rising numbers', async (t) => {
  const { lab, clock, timers } = await testLab(t)
  const before = await fetchCrl(lab, 'issuing-1')
  clock.now += 12 * HOUR
  const published: string[] = []
  const both = new Promise<void>((resolve) => {
    lab.events.on('crl', ({ authority }) => {
      published.push(authority)
      if (published.length === 2) resolve()
    })
  })
  for (const run of timers) run()
  await both
  const after = await fetchCrl(lab, 'issuing-1')
  assert.equal(after.number, before.number + 1n)
  assert.equal(after.thisUpdate, before.thisUpdate + 12 * HOUR)
})

test('with several addresses every server listens at each, under a name that the inventory knows', async (t) => {
  const addresses = ['127.0.0.1', '127.0.0.2']
  const { lab } = await testLab(t, { addresses })
  const { crlUrl, ocsp } = authorityOf(lab, 'issuing-1')
  const shop = lab.inventory.services.find(({ id }) => id === 'shop')
  assert.ok(ocsp !== undefined && shop !== undefined)
  const urls = [crlUrl, ocsp.url, `http://${shop.endpoint}`].map((url) => new URL(url))
  assert.deepEqual(
    urls.map(({ hostname }) => hostname),
    ['crl.lab.test', 'ocsp.lab.test', 'shop.lab.test'],
  )
  for (const { hostname, port } of urls) {
    assert.deepEqual(lab.inventory.hosts[hostname], addresses)
    for (const address of addresses) await assertListens(address, Number(port))
  }
})

test('a fault on one node leaves the others as they are', async (t) => {
  const { lab } = await testLab(t, { addresses: ['127.0.0.1', '127.0.0.2'] })
  const url = new URL(authorityOf(lab, 'issuing-1').crlUrl)
  const statusAt = async (address: string) =>
    (await fetch(`http://${address}:${url.port}${url.pathname}`)).status
  await lab.break('crl-one-address-down', 'issuing-1')
  assert.deepEqual([await statusAt('127.0.0.1'), await statusAt('127.0.0.2')], [200, 503])
  await lab.repair('crl-one-address-down', 'issuing-1')
  assert.deepEqual([await statusAt('127.0.0.1'), await statusAt('127.0.0.2')], [200, 200])
})

test('partitions have a number series and a scope of their own, a delta CRL the number of the full one', async (t) => {
  const { lab } = await testLab(t)
  const full = await fetchCrl(lab, 'issuing-2')
  const delta = await fetchCrl(lab, 'issuing-2', (url) => url.replace('.crl', '-delta.crl'))
  assert.equal(delta.number, full.number)
  assert.deepEqual(criticalOf(delta.crl), [DELTA_CRL_INDICATOR])
  const partitions = [0, 1].map((n) =>
    fetchCrl(lab, 'issuing-3', (url) => url.replace(/\d\.crl$/, `${n}.crl`)),
  )
  const serials = (await Promise.all(partitions)).map((partition) => {
    assert.equal(partition.signatureValid, true)
    assert.deepEqual(criticalOf(partition.crl), [ISSUING_DISTRIBUTION_POINT])
    return partition.serials
  })
  assert.ok(serials.every((own) => own.length > 0))
  assert.equal(new Set(serials.flat()).size, 12)
  assert.equal(serials.flat().length, 12)
})

const DELTA_CRL_INDICATOR = '2.5.29.27'
const ISSUING_DISTRIBUTION_POINT = '2.5.29.28'

function criticalOf(crl: CertificateRevocationList): readonly string[] {
  return (crl.crlExtensions?.extensions ?? []).flatMap(({ extnID, critical }) => (critical ? [extnID] : []))
}

/** Somebody listens there. */
async function assertListens(host: string, port: number): Promise<void> {
  const socket = connect({ host, port })
  await once(socket, 'connect')
  socket.destroy()
}

test('the CRL repository answers conditional requests', async (t) => {
  const { lab } = await testLab(t)
  const { crlUrl } = authorityOf(lab, 'issuing-1')
  const first = await fetch(crlUrl)
  const [etag, modified] = [first.headers.get('etag'), first.headers.get('last-modified')]
  assert.ok(etag !== null && modified !== null)
  assert.ok((await first.arrayBuffer()).byteLength > 0)
  const status = async (headers: Record<string, string>, method = 'GET') =>
    (await fetch(crlUrl, { headers, method })).status
  assert.equal(await status({ 'if-none-match': etag }), 304)
  assert.equal(await status({ 'if-modified-since': modified }), 304)
  assert.equal(await status({ 'if-none-match': '"other"', 'if-modified-since': modified }), 200)
  assert.equal(await status({}, 'HEAD'), 200)
  assert.equal(await status({}, 'DELETE'), 405)
  await lab.remedy('reissue_crl', 'issuing-1')
  assert.equal(await status({ 'if-none-match': etag }), 200)
  assert.equal((await fetch(new URL('/lab.json', crlUrl))).status, 404)
  assert.equal((await fetch(new URL('/..%2flab.json', crlUrl))).status, 404)
})
