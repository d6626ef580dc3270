import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as ocspPackage from 'ocsp'
import * as pkijs from 'pkijs'
import { answerOcsp, generateKey, toPem } from '../../lab/issue.ts'
import type { OcspAnswer } from '../../lab/issue.ts'
import { checkOcspTimes, parseOcspResponse, verifyOcspResponse } from '../../pki/ocsp.ts'
import { buildOcspRequest } from '../../pki/ocspRequest.ts'
import { NONCE, SERIAL, answer, basicOf, hexOf, responder } from './ocspSupport.ts'
import { needs } from '../support/needs.ts'
import { HOUR, NOW, entity, flip, recorded } from './support.ts'

// Second opinions: pkijs, the package ocsp (RSA only), and openssl.

describe('pkijs', () => {
  it('agrees with pkijs about every field', async () => {
    for (const der of [
      await answer({ signer: responder }),
      recorded('ocsp_alice_resp.der'),
      await answer(),
    ]) {
      const ours = parseOcspResponse(der)
      const basic = basicOf(der)
      const { tbsResponseData: data } = basic
      assert.deepEqual(Buffer.from(ours.tbs), Buffer.from(data.tbsView))
      assert.equal(ours.producedAt, data.producedAt.getTime())
      assert.equal(ours.certificates.length, basic.certs?.length ?? 0)
      assert.equal(ours.responses.length, data.responses.length)
      for (const [i, single] of data.responses.entries()) {
        const mine = ours.responses[i]
        assert.equal(mine?.thisUpdate, single.thisUpdate.getTime())
        assert.equal(mine.nextUpdate, single.nextUpdate?.getTime())
        assert.equal(mine.certId.issuerKeyHash, hexOf(single.certID.issuerKeyHash.valueBlock.valueHexView))
        assert.equal(
          mine.certId.serial,
          hexOf(single.certID.serialNumber.valueBlock.valueHexView).replace(/^0+/, ''),
        )
      }
    }
  })

  it('agrees with pkijs about who may', async () => {
    // pkijs judges certificates at the wall clock's time.
    const always = { notBefore: Date.UTC(2020), notAfter: Date.UTC(2049) }
    const root = await entity({ subject: 'Root', ...always })
    const other = await entity({ subject: 'Other', ...always })
    const signers = [
      undefined,
      await entity({ subject: 'a', issuer: root, profile: 'ocsp_signer', ...always }),
      await entity({ subject: 'b', issuer: root, profile: 'tls_server', ...always }),
      await entity({ subject: 'c', issuer: root, profile: 'ca', ...always }),
      await entity({ subject: 'd', issuer: other, profile: 'ocsp_signer', ...always }),
    ]
    const asked = buildOcspRequest({ serial: SERIAL, issuer: root.parsed, nonce: NONCE, hash: 'sha1' })
    const verdicts: boolean[] = []
    for (const signer of signers) {
      // Unlike us, pkijs looks for the signer only among the certificates that came along.
      const by = signer === undefined ? { certificates: [root.certificate] } : { signer }
      const der = await answer({ issuer: root, ...by })
      const response = parseOcspResponse(der)
      const ours = verdictOf(() =>
        verifyOcspResponse(response, { request: asked, issuer: root.parsed, now: NOW }),
      )
      const trustedCerts = [pkijs.Certificate.fromBER(Uint8Array.from(root.certificate))]
      const theirs = await basicOf(der)
        .verify({ trustedCerts })
        .catch(() => false)
      assert.equal(ours, theirs, signer?.parsed.subject.text ?? 'CA')
      verdicts.push(ours)
    }
    assert.deepEqual(verdicts, [true, true, false, false, false])
  })
})

/** Answers by everybody who may or may not sign, to one question about `leaf`. */
async function answersOfAll(kind: 'p256' | 'rsa2048') {
  const always = { notBefore: Date.UTC(2020), notAfter: Date.UTC(2049) }
  const make = (request: Parameters<typeof entity>[0]) =>
    entity({ ...always, key: generateKey(kind), ...request })
  const root = await make({ subject: 'Root' })
  const other = await make({ subject: 'Other' })
  const leaf = await make({ subject: 'leaf', issuer: root, profile: 'tls_server' })
  const now = Date.now()
  const good = {
    status: 'good',
    serial: leaf.parsed.serial,
    thisUpdate: now - HOUR,
    nextUpdate: now + HOUR,
  } as const
  const answerOf = (changes: Partial<OcspAnswer>) =>
    answerOcsp({ issuer: root, answers: [good], producedAt: now - HOUR, ...changes })
  const byCa = await answerOf({})
  const answers = {
    'the CA, by key': byCa,
    'the CA, by name': await answerOf({ responderId: 'name' }),
    'the CA, with a bit of the signature flipped': flip(byCa, byCa.length * 8 - 1),
    'the CA, about a certificate of another': await answerOf({ issuer: other, signer: root }),
    'a delegate': await answerOf({
      signer: await make({ subject: 'a', issuer: root, profile: 'ocsp_signer' }),
    }),
    'a delegate, by name': await answerOf({
      signer: await make({ subject: 'a', issuer: root, profile: 'ocsp_signer' }),
      responderId: 'name',
    }),
    'a delegate that has expired': await answerOf({
      signer: await make({ subject: 'a', issuer: root, profile: 'ocsp_signer', notAfter: now - HOUR }),
    }),
    'a certificate for something else': await answerOf({
      signer: await make({ subject: 'b', issuer: root, profile: 'tls_server' }),
    }),
    'a subordinate CA': await answerOf({ signer: await make({ subject: 'c', issuer: root }) }),
    'a delegate of another CA': await answerOf({
      signer: await make({ subject: 'd', issuer: other, profile: 'ocsp_signer' }),
    }),
    'a delegate of itself': await answerOf({ signer: await make({ subject: 'e', profile: 'ocsp_signer' }) }),
    'another CA': await answerOf({ signer: other }),
  }
  const request = buildOcspRequest({
    serial: leaf.parsed.serial,
    issuer: root.parsed,
    nonce: undefined,
    hash: 'sha1',
  })
  const ours = (der: Uint8Array) =>
    verdictOf(() => {
      const verified = verifyOcspResponse(parseOcspResponse(der), { request, issuer: root.parsed, now })
      checkOcspTimes(verified, now)
    })
  return { root, leaf, answers, ours }
}

describe('openssl ocsp', () => {
  for (const kind of ['p256', 'rsa2048'] as const) {
    it(`agrees about who may sign, and for what: ${kind}`, needs('openssl'), async () => {
      const { root, answers, ours } = await answersOfAll(kind)
      const folder = mkdtempSync(join(tmpdir(), 'vigil-ocsp-'))
      try {
        const [caFile, file] = [join(folder, 'ca.pem'), join(folder, 'answer.der')]
        writeFileSync(caFile, toPem(root.certificate, 'CERTIFICATE'))
        const verdicts = Object.entries(answers).map(([who, der]) => {
          writeFileSync(file, der)
          const options = ['-respin', file, '-CAfile', caFile, '-verify_other', caFile]
          const { status, stderr } = spawnSync('openssl', ['ocsp', ...options], { encoding: 'utf8' })
          assert.equal(ours(der), status === 0, `${who}: ${stderr}`)
          return status === 0
        })
        assert.deepEqual(verdicts, [true, true, false, false, true, true, ...Array<boolean>(6).fill(false)])
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  }
})

describe('the package ocsp', () => {
  it('agrees about RSA answers, as far as it looks', async () => {
    const { root, leaf, answers, ours } = await answersOfAll('rsa2048')
    const request = ocspPackage.request.generate(Buffer.from(leaf.certificate), Buffer.from(root.certificate))
    const disagreed: string[] = []
    for (const [who, der] of Object.entries(answers)) {
      const theirs = await new Promise<boolean>((resolve) => {
        try {
          ocspPackage.verify({ request, response: Buffer.from(der) }, (error) => {
            resolve(error === null)
          })
        } catch {
          // It throws for a responder that the CA did not sign.
          resolve(false)
        }
      })
      if (theirs !== ours(der)) disagreed.push(who)
    }
    // It does not look at the validity of a delegate.
    assert.deepEqual(disagreed, ['a delegate that has expired'])
  })
})

function verdictOf(check: () => unknown): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}
