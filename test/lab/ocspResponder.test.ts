import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import * as ocspPackage from 'ocsp'
import { request } from 'undici'
import { toPem } from '../../lab/issue.ts'
import { needs } from '../support/needs.ts'
import {
  askOcsp,
  authorityOf,
  handshake,
  hexSerial,
  HOUR,
  ocspRequest,
  readOcsp,
  startTestLab,
  type TestLab,
} from './support.ts'

const GOOD = 0
const UNKNOWN = 2

const directory = mkdtempSync(join(tmpdir(), 'vigil-lab-test-'))
let running: TestLab
before(async () => {
  running = await startTestLab({ directory })
})
after(async () => {
  await running.lab.close()
  rmSync(directory, { recursive: true, force: true })
})

function canaryOf(authorityId: string) {
  const authority = authorityOf(running.lab, authorityId)
  assert.ok(authority.ocsp)
  const certificate = new X509Certificate(authority.ocsp.canary)
  return { authority, url: authority.ocsp.url, certificate, serial: hexSerial(certificate) }
}

async function post(url: string, body: Uint8Array, type = 'application/ocsp-request') {
  const response = await request(url, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
    reset: true,
  })
  return { ...response, der: await response.body.bytes() }
}

for (const id of ['issuing-1', 'issuing-2']) {
  test(`${id} answers POST with a nonce, signed by a delegated responder`, async () => {
    const { authority, url, serial } = canaryOf(id)
    const nonce = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
    const response = await post(url, await ocspRequest({ authority, serial, nonce }))
    assert.equal(response.headers['content-type'], 'application/ocsp-response')
    assert.equal(response.headers['cache-control'], undefined, 'an answer to a nonce is for one')
    const now = Math.floor(running.clock.now / 1000) * 1000
    assert.deepEqual(await readOcsp(response.der, running.lab, authority), {
      status: GOOD,
      verified: true,
      serial,
      hash: '1.3.14.3.2.26',
      thisUpdate: now,
      nextUpdate: now + HOUR,
      producedAt: now,
      nonce,
      signers: 1,
    })
  })
}

test('GET answers like POST, with caching headers, however the path is encoded', async () => {
  const { authority, url, serial } = canaryOf('issuing-2')
  // Serials are asked until the base64 has both characters that need encoding.
  const bodies = await Promise.all(
    Array.from({ length: 64 }, (_, n) =>
      ocspRequest({ authority, serial: n === 0 ? serial : `7fbeff${(n * 1021 + 4096).toString(16)}` }),
    ),
  )
  const tricky = bodies.map((der) => Buffer.from(der).toString('base64')).find((b) => /\/.*\+|\+.*\//.test(b))
  assert.ok(tricky !== undefined)
  for (const path of [encodeURIComponent(tricky), tricky]) {
    const response = await request(`${url}/${path}`, { reset: true })
    assert.equal(response.statusCode, 200)
    // Ends before the answer does, however long signing took.
    assert.match(String(response.headers['cache-control']), /^max-age=3590, public/)
    assert.ok(response.headers['expires'] !== undefined && response.headers['etag'] !== undefined)
    const answer = await readOcsp(await response.body.bytes(), running.lab, authority)
    assert.equal(answer.verified, true)
  }
})

test('a question with SHA-256 hashes is answered in kind', async () => {
  const { authority, url, serial } = canaryOf('issuing-1')
  const response = await post(url, await ocspRequest({ authority, serial, hash: 'SHA-256' }))
  const answer = await readOcsp(response.der, running.lab, authority)
  assert.equal(answer.status, GOOD)
  assert.equal(answer.hash, '2.16.840.1.101.3.4.2.1')
})

test('a serial that was never issued is unknown', async () => {
  assert.equal((await askOcsp(running.lab, 'issuing-1', 'deadbeef')).status, UNKNOWN)
})

test("another CA's certificate is not this responder's business: unauthorized", async () => {
  const { serial } = canaryOf('issuing-1')
  const foreign = await ocspRequest({ authority: authorityOf(running.lab, 'issuing-1'), serial })
  const { der } = await post(canaryOf('issuing-2').url, foreign)
  assert.equal(Buffer.from(der).toString('hex'), '30030a0106')
})

test('anything that is not a question is a malformed request, with HTTP 200', async () => {
  const { authority, url, serial } = canaryOf('issuing-1')
  const good = await ocspRequest({ authority, serial })
  const malformed = '30030a0101'
  const hostile: Record<string, Promise<{ statusCode: number; der: Uint8Array }>> = {
    text: post(url, Buffer.from('hello')),
    empty: post(url, new Uint8Array()),
    'cut off': post(url, good.subarray(0, -1)),
    'other media type': post(url, good, 'text/plain'),
    'nonce of 200 octets': post(url, await ocspRequest({ authority, serial, nonce: new Uint8Array(200) })),
    'empty nonce': post(url, await ocspRequest({ authority, serial, nonce: new Uint8Array() })),
  }
  for (const [name, sent] of Object.entries(hostile)) {
    const { statusCode, der } = await sent
    assert.equal(statusCode, 200, name)
    assert.equal(Buffer.from(der).toString('hex'), malformed, name)
  }
  const get = await request(`${url}/%E0%A4%A`, { reset: true })
  assert.equal(Buffer.from(await get.body.bytes()).toString('hex'), malformed)
  assert.equal((await post(url, new Uint8Array(20_000))).statusCode, 413)
})

test('the ocsp package finds the canary of the RSA CA good, and a revoked certificate not', async () => {
  const { lab } = running
  const issuer = Buffer.from(authorityOf(lab, 'issuing-1').certificate)
  const check = (cert: Uint8Array) =>
    new Promise<string>((resolve) => {
      ocspPackage.check({ cert: Buffer.from(cert), issuer }, (error) => resolve(error?.message ?? 'good'))
    })
  assert.equal(await check(canaryOf('issuing-1').certificate.raw), 'good')
  const { certificate } = await handshake(lab, 'shop')
  await lab.break('revoked-served', 'shop')
  assert.equal(await check(certificate.raw), 'OCSP Status: revoked')
  await lab.repair('revoked-served', 'shop')
})

test('openssl ocsp verifies good, revoked and unknown', needs('openssl'), async () => {
  const { lab } = running
  const { certificate } = await handshake(lab, 'payments')
  await lab.break('revoked-served', 'payments')
  const { url, certificate: canary } = canaryOf('issuing-2')
  const write = (name: string, ...ders: Uint8Array[]) => {
    const file = join(directory, name)
    writeFileSync(file, ders.map((der) => toPem(der, 'CERTIFICATE')).join(''))
    return file
  }
  const issuer = write('issuer.pem', authorityOf(lab, 'issuing-2').certificate)
  const anchors = write('anchors.pem', ...['root', 'issuing-2'].map((id) => authorityOf(lab, id).certificate))
  const args = ['-issuer', issuer, '-CAfile', anchors, '-url', url, '-nonce']
  const asked = ['-cert', write('canary.pem', canary.raw), '-cert', write('revoked.pem', certificate.raw)]
  // The lab answers in this process, so openssl must not block it.
  const openssl = spawn('openssl', ['ocsp', ...args, ...asked, '-serial', '0x1234'])
  const [out, errors] = await Promise.all([text(openssl.stdout), text(openssl.stderr)])
  assert.match(errors, /Response verify OK/)
  assert.doesNotMatch(errors, /nonce/i)
  assert.match(out, /canary\.pem: good/)
  assert.match(out, /revoked\.pem: revoked[^]*Reason: keyCompromise/)
  assert.match(out, /0x1234: unknown/)
  await lab.repair('revoked-served', 'payments')
})

test('openssl accepts the CRLs', needs('openssl'), async () => {
  for (const id of ['root', 'issuing-1', 'issuing-2']) {
    const { certificate, crlUrl } = authorityOf(running.lab, id)
    const crl = await (await request(crlUrl, { reset: true })).body.bytes()
    const issuer = join(directory, `${id}.pem`)
    writeFileSync(issuer, toPem(certificate, 'CERTIFICATE'))
    const args = ['crl', '-inform', 'DER', '-noout', '-CAfile', issuer]
    const { stderr } = spawnSync('openssl', args, { input: crl })
    assert.match(stderr.toString(), /verify OK/)
  }
})
