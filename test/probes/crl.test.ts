import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as lab from '../../lab/der.ts'
import { extension, issueCrl, toPem, type CrlRequest } from '../../lab/issue.ts'
import { probeCrl } from '../../probes/crl.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import {
  bounded,
  context,
  crlTarget,
  failedIn,
  impatient,
  listen,
  serve,
  serveRaw,
  succeeded,
} from './support.ts'

const ca = await entity({ subject: 'Issuing 1' })
const other = await entity({ subject: 'Issuing 2' })
const issuer = declared('issuing-1', ca)

function crl(request: Partial<CrlRequest> = {}): Promise<Uint8Array> {
  return issueCrl({
    issuer: ca,
    number: 7n,
    thisUpdate: NOW - HOUR,
    nextUpdate: NOW + DAY,
    revoked: [{ serial: '2a', at: NOW - DAY, reason: 1 }],
    ...request,
  })
}

test('a fresh, signed CRL gives facts, the authority and the bytes as evidence', async (t) => {
  const body = await crl()
  const result = await probeCrl(crlTarget(await serve(t, body), issuer), context())
  const { facts, subject, vantage, probe } = succeeded(result)
  assert.equal(facts.crl?.number, '7')
  assert.equal(facts.crl.entries, 1)
  assert.equal(facts.crl.thisUpdate, new Date(NOW - HOUR).toISOString())
  assert.deepEqual(facts.authority, { id: 'issuing-1', class: 'online' })
  assert.deepEqual({ subject, vantage, probe }, { subject: 'ca_crl[ca]', vantage: 'test', probe: 'crl' })
  assert.equal(result.artifacts.length, 1)
  assert.deepEqual(Buffer.from(result.artifacts[0]!.bytes), Buffer.from(body))
})

test('an expired CRL fails in time, keeps its facts, and reads the same in every run', async (t) => {
  const url = await serve(t, await crl({ nextUpdate: NOW - 1000 }))
  const one = failedIn(await probeCrl(crlTarget(url, issuer), context()), 'time', 'crl_expired')
  const later = context({ now: () => NOW + 5000 })
  const two = failedIn(await probeCrl(crlTarget(url, issuer), later), 'time', 'crl_expired')
  assert.equal(one.facts.crl?.number, '7')
  assert.deepEqual([two.facts, two.error], [one.facts, one.error])
})

test('a CRL signed in a way that is not known says so, and gives no facts', async (t) => {
  const ecdsaWithSha256 = Buffer.from('2a8648ce3d040302', 'hex')
  const body = Buffer.from(await crl())
  for (let at = body.indexOf(ecdsaWithSha256); at >= 0; at = body.indexOf(ecdsaWithSha256, at)) {
    body[at + 7] = 0x7f
  }
  const result = await probeCrl(crlTarget(await serve(t, body), issuer), context())
  const { facts, error } = failedIn(result, 'signature', 'unsupported')
  assert.equal(facts.crl, undefined)
  assert.match(error?.message ?? '', /got algorithm 1\.2\.840\.10045\.4\.3\.127/)
})

test('the lints of a CRL that verified are facts, which do not change while it does not', async (t) => {
  const twice = { serial: '2a', at: NOW - DAY, reason: 1 }
  const url = await serve(t, await crl({ number: undefined, revoked: [twice, twice] }))
  const { facts } = succeeded(await probeCrl(crlTarget(url, issuer), context()))
  assert.equal(facts.lint?.failures, 2)
  assert.deepEqual(facts.lint.failed, ['crl_number_present', 'crl_entry_serials_unique'])
  assert.match(facts.lint.judged?.join() ?? '', /^crl [0-9a-f]{8} [pf-]+$/)
  const later = context({ now: () => NOW + HOUR })
  assert.deepEqual(succeeded(await probeCrl(crlTarget(url, issuer), later)).facts.lint, facts.lint)
})

test('a CRL with one flipped bit fails in signature and gives no facts about revocation', async (t) => {
  const body = Buffer.from(await crl())
  const serial = body.indexOf(Buffer.from([0x02, 0x01, 0x2a]))
  body[serial + 2] = 0x2b
  const result = await probeCrl(crlTarget(await serve(t, body), issuer), context())
  const { facts } = failedIn(result, 'signature', 'signature_invalid')
  assert.deepEqual(Object.keys(facts), ['authority', 'addresses', 'http'])
  assert.equal(result.artifacts.length, 1)
})

test('the CRL of another CA fails in path', async (t) => {
  const url = await serve(t, await crl({ issuer: other }))
  failedIn(await probeCrl(crlTarget(url, issuer), context()), 'path', 'issuer_mismatch')
})

test('a delta CRL, or one for some reasons only, is not taken for the complete one', async (t) => {
  const delta = await crl({ extensions: [extension('2.5.29.27', true, lab.integer(6n))] })
  const { facts } = failedIn(
    await probeCrl(crlTarget(await serve(t, delta), issuer), context()),
    'profile',
    'delta_crl',
  )
  assert.equal(facts.crl?.isDelta, true)
  const someReasons = lab.sequence(lab.contextPrimitive(3, Buffer.from([0x06, 0x40])))
  const partial = await crl({ extensions: [extension('2.5.29.28', true, someReasons)] })
  failedIn(await probeCrl(crlTarget(await serve(t, partial), issuer), context()), 'profile', 'partial_crl')
})

test('without issuer the CRL is decoded and its times are judged', async (t) => {
  const url = await serve(t, await crl({ issuer: other }))
  const { facts } = succeeded(await probeCrl(crlTarget(url, undefined), context()))
  assert.equal(facts.crl?.entries, 1)
  assert.equal(facts.authority, undefined)
})

test('PEM and base64 are named', async (t) => {
  const pem = toPem(await crl(), 'X509 CRL')
  const base64 = Buffer.from(await crl()).toString('base64')
  const decode = async (body: string) => probeCrl(crlTarget(await serve(t, body), issuer), context())
  failedIn(await decode(pem), 'decode', 'pem_instead_of_der')
  failedIn(await decode(`Certificate Revocation List:\n${pem}`), 'decode', 'pem_instead_of_der')
  failedIn(await decode(base64), 'decode', 'base64_instead_of_der')
})

test('a text file fails in decode', async (t) => {
  const url = await serve(t, '<html>maintenance\u001b[31m</html>')
  failedIn(await probeCrl(crlTarget(url, issuer), context()), 'decode', 'not_der')
})

test('a status other than 200 fails in http', async (t) => {
  const url = await serveRaw(t, 'HTTP/1.1 404 Not Found\nContent-Length: 0\n\n')
  failedIn(await probeCrl(crlTarget(url, issuer), context()), 'http', 'http_status')
})

test('a redirect is followed', async (t) => {
  const there = await serve(t, await crl())
  const here = await serveRaw(t, `HTTP/1.1 302 Found\nLocation: ${there}\nContent-Length: 0\n\n`)
  succeeded(await probeCrl(crlTarget(here, issuer), context()))
})

test('a big CRL is judged by a worker, with the same verdict and the bytes intact', async (t) => {
  const revoked = Array.from({ length: 16_000 }, (_, i) => ({ serial: (i + 1).toString(16), at: NOW - DAY }))
  const body = await crl({ revoked })
  assert.ok(body.length > 256 * 1024)
  const result = await probeCrl(crlTarget(await serve(t, body), issuer), context())
  assert.equal(succeeded(result).facts.crl?.entries, 16_000)
  assert.ok(Buffer.from(body).equals(result.artifacts[0]!.bytes))

  const broken = Buffer.from(body)
  broken[broken.length - 5]! ^= 1
  const refused = await probeCrl(crlTarget(await serve(t, broken), issuer), context())
  failedIn(refused, 'signature', 'signature_invalid')
  assert.deepEqual(refused.artifacts, [], 'too big to be kept unverified')
})

test('a shutdown rejects the run and makes no observation', async (t) => {
  const stop = new AbortController()
  const port = await listen(t, () => stop.abort(new Error('stopping')))
  const run = probeCrl(crlTarget(`http://127.0.0.1:${port}/`, issuer), context({ signal: stop.signal }))
  await assert.rejects(run, /stopping/)
})

test('the whole run ends at the timeout', async (t) => {
  const port = await listen(t, () => undefined)
  const target = impatient(crlTarget(`http://127.0.0.1:${port}/`, issuer))
  failedIn(await bounded(probeCrl, target), 'http', 'timeout')
})
