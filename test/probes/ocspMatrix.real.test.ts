import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import * as ocspPackage from 'ocsp'
import { generateKey, issueCrl, toPem, type Issuer as Signer } from '../../lab/issue.ts'
import type { Facts } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import { probeOcsp } from '../../probes/ocsp.ts'
import { probeOcspMatrix } from '../../probes/ocspMatrix.ts'
import type { OcspMatrixTarget, ProbeContext } from '../../probes/probe.ts'
import { needs } from '../support/needs.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import { bind, bounded, ocspTarget, succeeded } from './support.ts'

// Responders that others have written: `openssl ocsp`, and that of the package ocsp.

const GOOD = 'c0ffee'
const REVOKED = 'bad'
const COMPROMISED = NOW - DAY

function target(url: string, ca: Signer, changes: Partial<OcspMatrixTarget> = {}): OcspMatrixTarget {
  return {
    probe: 'ocsp_matrix',
    subject: 'ocsp_responder_status[issuing-1]',
    address: url,
    interval: HOUR,
    timeout: 20_000,
    url,
    issuer: declared('issuing-1', ca),
    serial: GOOD,
    revoked: REVOKED,
    services: [],
    ...changes,
  }
}

/** A CRL of the CA that lists REVOKED, as its probe recorded it. */
async function published(ca: Signer): Promise<Pick<ProbeContext, 'memory' | 'artifact' | 'now'>> {
  const der = await issueCrl({
    issuer: ca,
    number: 1n,
    thisUpdate: NOW - HOUR,
    nextUpdate: NOW + DAY,
    revoked: [{ serial: REVOKED, at: COMPROMISED, reason: 1 }],
  })
  const sha256 = createHash('sha256').update(der).digest('hex')
  const seen = { subject: 'ca_crl[issuing-1]', probe: 'crl', target: 'http://crl.test/' } as const
  const memory = new RecordedMemory([{ ...seen, address: seen.target }])
  const facts = { crl: { sha256 } } satisfies Facts
  memory.remember({
    ...seen,
    facts,
    vantage: 'test',
    start: toTimestamp(NOW),
    duration: 1,
    outcome: 'success',
    artifacts: [],
  })
  return { memory, artifact: () => Promise.resolve(der), now: Date.now }
}

function keyOf({ key }: Signer): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Of openssl's database: status, notAfter, revocation with reason, serial number, file, subject. */
const asn1Time = (time: number): string =>
  `${new Date(time).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`
const INDEX = [
  ['V', asn1Time(NOW + 30 * DAY), '', '00C0FFEE', 'unknown', '/CN=good'],
  ['R', asn1Time(NOW + 30 * DAY), `${asn1Time(COMPROMISED)},keyCompromise`, '0BAD', 'unknown', '/CN=revoked'],
]

async function openssl(t: TestContext, ca: Signer, signer: Signer): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'vigil-openssl-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text, { mode: 0o600 })
    return join(directory, name)
  }
  const index = file('index.txt', INDEX.map((row) => `${row.join('\t')}\n`).join(''))
  file('index.txt.attr', 'unique_subject = no\n')
  const options = [
    ...['-index', index, '-port', '0', '-nmin', '60'],
    ...['-CA', file('ca.pem', toPem(ca.certificate, 'CERTIFICATE'))],
    ...['-rsigner', file('signer.pem', toPem(signer.certificate, 'CERTIFICATE'))],
    ...['-rkey', file('signer.key', keyOf(signer))],
  ]
  const child = spawn('openssl', ['ocsp', ...options], { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'close')
  t.after(async () => {
    child.kill()
    await ended
  })
  // A connection that asks nothing would block it for good.
  for await (const line of createInterface(child.stdout)) {
    const port = /^ACCEPT .*:(\d+)/.exec(line)?.[1]
    if (port !== undefined) return `http://127.0.0.1:${port}/`
  }
  throw new Error('openssl ocsp ended before it listened')
}

describe('openssl ocsp', () => {
  for (const kind of ['p256', 'rsa2048'] as const) {
    it(`answers in every way, and agrees with the CRL: ${kind}`, needs('openssl'), async (t) => {
      const ca = await entity({ subject: 'Issuing 1', key: generateKey(kind) })
      const signer = await entity({
        subject: 'Responder',
        issuer: ca,
        profile: 'ocsp_signer',
        key: generateKey(kind),
      })
      const url = await openssl(t, ca, signer)
      const world = await published(ca)
      const plain = succeeded(
        await bounded(probeOcsp, ocspTarget(url, declared('issuing-1', ca), GOOD), world),
      )
      assert.equal(plain.facts.ocsp?.status, 'good')
      assert.equal(plain.facts.ocsp.nonceEchoed, true)
      assert.equal(plain.facts.ocsp.responder, 'CN=Responder')

      const { facts } = succeeded(await bounded(probeOcspMatrix, target(url, ca), world))
      assert.deepEqual(facts.ocspMatrix?.getDiffering, [])
      assert.equal(facts.ocspMatrix.sha256Agrees, true)
      assert.equal(facts.ocspMatrix.nonce, 'echoed')
      assert.equal(facts.ocspMatrix.encodedPath, 'same')
      assert.equal(facts.ocspMatrix.revoked, 'revoked')
      assert.equal(facts.ocspMatrix.neverIssued, 'unknown')
      assert.deepEqual(facts.crossCheck, { compared: 1, status: [], dates: [], reasons: [] })
    })
  }
})

describe('the server of the package ocsp', () => {
  it('knows no nonce, and never ends its answer to GET', async (t) => {
    const ca = await entity({ subject: 'Issuing 1', key: generateKey('rsa2048') })
    const server = ocspPackage.Server.create({ cert: toPem(ca.certificate, 'CERTIFICATE'), key: keyOf(ca) })
    server.addCert(BigInt(`0x${GOOD}`), 'good', null)
    const revocation = { revocationTime: new Date(COMPROMISED), revocationReason: 'keyCompromise' }
    server.addCert(BigInt(`0x${REVOKED}`), 'revoked', revocation)
    const url = `http://127.0.0.1:${await bind(t, server)}/`
    const world = await published(ca)
    const { facts } = succeeded(await bounded(probeOcspMatrix, target(url, ca, { timeout: 5_000 }), world))
    assert.deepEqual(facts.ocspMatrix?.answers, [
      'get sha1 nonce: timeout',
      'get sha1: timeout',
      'get sha256 nonce: timeout',
      'get sha256: timeout',
      'post sha1 nonce: good',
      'post sha1: good',
      'post sha256 nonce: good',
      'post sha256: good',
    ])
    assert.equal(facts.ocspMatrix.nonce, 'ignored')
    assert.equal(facts.ocspMatrix.encodedPath, 'timeout')
    assert.equal(facts.ocspMatrix.neverIssued, 'unknown')
    assert.deepEqual(facts.crossCheck, { compared: 1, status: [], dates: [], reasons: [] })
  })
})
