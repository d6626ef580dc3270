import assert from 'node:assert/strict'
import { test } from 'node:test'
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
  assert.equal(timers.length, 1)
  timers[0]?.()
  await both
  const after = await fetchCrl(lab, 'issuing-1')
  assert.equal(after.number, before.number + 1n)
  assert.equal(after.thisUpdate, before.thisUpdate + 12 * HOUR)
})

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
