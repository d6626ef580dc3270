import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { describe, it } from 'node:test'
import * as ocspPackage from 'ocsp'
import * as pkijs from 'pkijs'
import * as lab from '../../lab/der.ts'
import { OCSP_ERRORS, answerOcsp, extension, generateKey, ocspError } from '../../lab/issue.ts'
import type { OcspAnswer, OcspError } from '../../lab/issue.ts'
import type { PkiErrorCode } from '../../pki/error.ts'
import { checkOcspTimes, ocspFacts, parseOcspResponse, verifyOcspResponse } from '../../pki/ocsp.ts'
import type { VerifiedOcsp } from '../../pki/ocsp.ts'
import { buildOcspRequest } from '../../pki/ocspRequest.ts'
import type { OcspRequest } from '../../pki/ocspRequest.ts'
import { DAY, HOUR, NOW, entity, flip, recorded, recordedCertificate, refused } from './support.ts'
import type { Entity } from './support.ts'

const SERIAL = 'a1b2c3'
const NONCE = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
const ca = await entity({ subject: 'Test CA' })
const responder = await entity({ subject: 'Responder', issuer: ca, profile: 'ocsp_signer' })
const request = buildOcspRequest({ serial: SERIAL, issuer: ca.parsed, nonce: NONCE, hash: 'sha1' })

const good = { status: 'good', serial: SERIAL, thisUpdate: NOW - HOUR, nextUpdate: NOW + HOUR } as const
const answer = (changes: Partial<OcspAnswer> = {}): Promise<Uint8Array> =>
  answerOcsp({ issuer: ca, answers: [good], producedAt: NOW - HOUR, nonce: NONCE, ...changes })

function verify(der: Uint8Array, question: { request?: OcspRequest; now?: number } = {}): VerifiedOcsp {
  return verifyOcspResponse(parseOcspResponse(der), { request, issuer: ca.parsed, now: NOW, ...question })
}

describe('OCSP requests', () => {
  it('builds the octets that OpenSSL built for EJBCA', () => {
    const issuer = recordedCertificate('issuing-ca.pem')
    const { serial } = recordedCertificate('alice.pem')
    const nonce = Buffer.from('6bd0ea0a05a15b47284bf5ae2d891641', 'hex')
    const withNonce = buildOcspRequest({ serial, issuer, nonce, hash: 'sha1' })
    assert.deepEqual(Buffer.from(withNonce.der), Buffer.from(recorded('ocsp_alice_req.der')))
    const without = buildOcspRequest({ serial: 'deadbeef', issuer, nonce: undefined, hash: 'sha1' })
    assert.deepEqual(Buffer.from(without.der), Buffer.from(recorded('ocsp_unknown_req.der')))
  })

  it('has the fields that the package ocsp writes', () => {
    const [cert, issuer] = [responder, ca].map(({ certificate }) => Buffer.from(certificate))
    const theirs = fieldsOf(ocspPackage.request.generate(cert!, issuer!).data)
    const built = buildOcspRequest({
      serial: responder.parsed.serial,
      issuer: ca.parsed,
      nonce: NONCE,
      hash: 'sha1',
    })
    assert.deepEqual(fieldsOf(built.der), theirs)
  })

  it('can name the issuer by SHA-256', () => {
    const built = buildOcspRequest({ serial: SERIAL, issuer: ca.parsed, nonce: undefined, hash: 'sha256' })
    const fields = fieldsOf(built.der)
    assert.equal(fields.hash, '2.16.840.1.101.3.4.2.1')
    assert.equal(fields.nameHash, built.certId.issuerNameHash)
    assert.equal(fields.keyHash, built.certId.issuerKeyHash)
    assert.equal(fields.serial, SERIAL)
    assert.equal(fields.extensions, '')
  })

  it('refuses a serial or nonce that cannot be asked', () => {
    const build = (serial: string, nonce: Uint8Array | undefined) => () =>
      buildOcspRequest({ serial, issuer: ca.parsed, nonce, hash: 'sha1' })
    assert.throws(build('0a', undefined), RangeError)
    assert.throws(build('xyz', undefined), RangeError)
    assert.throws(build('a', new Uint8Array(0)), RangeError)
    assert.throws(build('a', new Uint8Array(129)), RangeError)
  })
})

describe('OCSP answers recorded from EJBCA', () => {
  const issuer = recordedCertificate('issuing-ca.pem')
  const ask = (serial: string, nonce: Uint8Array | undefined) =>
    buildOcspRequest({ serial, issuer, nonce, hash: 'sha1' })
  const alice = recordedCertificate('alice.pem').serial
  const nonce = Buffer.from('6bd0ea0a05a15b47284bf5ae2d891641', 'hex')

  it('verifies good, with the nonce echoed and without nextUpdate', () => {
    const response = parseOcspResponse(recorded('ocsp_alice_resp.der'))
    const verified = verifyOcspResponse(response, { request: ask(alice, nonce), issuer, now: NOW })
    checkOcspTimes(verified, NOW)
    assert.equal(verified.delegated, false)
    assert.deepEqual(ocspFacts(verified, { timely: true }), {
      serial: '235d03a218ae7c7002d2e40e611eabb78a133b82',
      status: 'good',
      thisUpdate: '2026-11-22T05:05:42.000Z',
      producedAt: '2026-11-22T05:05:42.000Z',
      responder: 'C=SE,O=Example PKI,CN=Issuing CA 1',
      responderDelegated: false,
      responderNotAfter: '2031-11-21T04:59:44.000Z',
      responses: 1,
      certIdHash: 'sha1',
      signatureAlgorithm: 'ECDSA-SHA224',
      signatureStrength: 112,
      quantumSafe: false,
      nonceEchoed: true,
      extendedRevoke: false,
    })
  })

  it('verifies unknown', () => {
    const response = parseOcspResponse(recorded('ocsp_unknown_resp.der'))
    const verified = verifyOcspResponse(response, { request: ask('deadbeef', undefined), issuer, now: NOW })
    assert.equal(verified.single.certStatus.status, 'unknown')
    assert.equal(verified.nonceEchoed, undefined)
  })

  it('reports unauthorized', () => {
    refused(() => parseOcspResponse(recorded('ocsp_unauthorized_resp.der')), 'profile', 'ocsp_unauthorized')
  })

  it('refuses the answer as one to another nonce or serial', () => {
    const response = parseOcspResponse(recorded('ocsp_alice_resp.der'))
    const check = (asked: OcspRequest) => () =>
      verifyOcspResponse(response, { request: asked, issuer, now: NOW })
    refused(check(ask(alice, NONCE)), 'consistency', 'nonce_mismatch')
    refused(check(ask('deadbeef', nonce)), 'consistency', 'cert_id_mismatch')
  })
})

describe('OCSP answers', () => {
  it('reads good, revoked and unknown from the CA itself, by key and by name', async () => {
    const revokedAt = NOW - DAY
    const base = { serial: SERIAL, thisUpdate: NOW - HOUR, nextUpdate: NOW + HOUR }
    for (const responderId of ['key', 'name'] as const) {
      const revoked = verify(
        await answer({ responderId, answers: [{ ...base, status: 'revoked', at: revokedAt, reason: 4 }] }),
      )
      assert.deepEqual(revoked.single.certStatus, { status: 'revoked', revokedAt, reason: 'superseded' })
      assert.equal(ocspFacts(revoked, { timely: true }).revokedAt, new Date(revokedAt).toISOString())
      const plain = verify(
        await answer({ responderId, answers: [{ ...base, status: 'revoked', at: revokedAt }] }),
      )
      assert.deepEqual(plain.single.certStatus, { status: 'revoked', revokedAt, reason: undefined })
      const unknown = verify(await answer({ responderId, answers: [{ ...base, status: 'unknown' }] }))
      assert.equal(unknown.single.certStatus.status, 'unknown')
    }
  })

  it('leaves status, date and reason out of the facts of an answer that is not timely', async () => {
    const revoked = { ...good, status: 'revoked', at: NOW - DAY, reason: 1 } as const
    const facts = ocspFacts(verify(await answer({ answers: [revoked] })), { timely: false })
    assert.deepEqual(Object.keys(facts), [
      'serial',
      'thisUpdate',
      'nextUpdate',
      'producedAt',
      'responder',
      'responderDelegated',
      'responderNotAfter',
      'responses',
      'certIdHash',
      'signatureAlgorithm',
      'signatureStrength',
      'quantumSafe',
      'nonceEchoed',
      'extendedRevoke',
    ])
  })

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

  it('finds the answer among several, and refuses two answers to one question', async () => {
    const several = [{ ...good, serial: '1' }, good, { ...good, serial: '2', hash: 'sha256' as const }]
    assert.equal(verify(await answer({ answers: several })).single.certId.serial, SERIAL)
    const both = await answer({ answers: [good, { ...good, status: 'revoked', at: NOW - DAY }] })
    refused(() => verify(both), 'consistency', 'cert_id_mismatch')
  })

  it('refuses an answer about another serial, another issuer, or in another hash', async () => {
    const otherCa = await entity({ subject: 'Test CA' })
    const otherName = await entity({ subject: 'Other CA', key: ca.key })
    const ask = (issuer: Entity, hash: 'sha1' | 'sha256') =>
      buildOcspRequest({ serial: SERIAL, issuer: issuer.parsed, nonce: NONCE, hash })
    const cases = [
      verify.bind(undefined, await answer({ answers: [{ ...good, serial: 'a1b2c4' }] })),
      verify.bind(undefined, await answer(), { request: ask(otherCa, 'sha1') }),
      verify.bind(undefined, await answer(), { request: ask(otherName, 'sha1') }),
      verify.bind(undefined, await answer(), { request: ask(ca, 'sha256') }),
      verify.bind(undefined, await answer({ answers: [] })),
    ]
    for (const check of cases) refused(check, 'consistency', 'cert_id_mismatch')
    const message = refused(cases[0]!, 'consistency', 'cert_id_mismatch').message
    assert.match(message, /expected one answer for serial a1b2c3 .* got one for serial a1b2c4/)
  })

  it('says whether the nonce came back, and refuses another one', async () => {
    const silent = answerOcsp({ issuer: ca, answers: [good], producedAt: NOW })
    assert.equal(verify(await answer()).nonceEchoed, true)
    assert.equal(verify(await silent).nonceEchoed, false)
    const without = buildOcspRequest({ serial: SERIAL, issuer: ca.parsed, nonce: undefined, hash: 'sha1' })
    assert.equal(verify(await answer(), { request: without }).nonceEchoed, undefined)
    const replayed = await answer({ nonce: Buffer.from('00112233445566778899aabbccddeeee', 'hex') })
    refused(() => verify(replayed), 'consistency', 'nonce_mismatch')
  })

  it('never verifies after any signed bit changed', async () => {
    for (const der of [await answer(), await answer({ signer: responder })]) {
      const { tbs, signature } = parseOcspResponse(der)
      for (const part of [tbs, signature]) {
        const from = Buffer.from(der).indexOf(part)
        for (let bit = from * 8; bit < (from + part.length) * 8; bit++) {
          assert.throws(() => verify(flip(der, bit)), { name: 'PkiError' }, `bit ${bit}`)
        }
      }
    }
  })
})

describe('who may sign an OCSP answer (RFC 6960 4.2.2.2)', () => {
  it('accepts a responder that the CA delegated to, by key and by name', async () => {
    for (const responderId of ['key', 'name'] as const) {
      const verified = verify(await answer({ signer: responder, responderId }))
      assert.equal(verified.delegated, true)
      assert.equal(verified.signer.subject.text, 'CN=Responder')
    }
  })

  it('finds the responder among other certificates, even damaged ones', async () => {
    const certificates = [lab.sequence(lab.nullValue()), ca.certificate, responder.certificate]
    assert.equal(verify(await answer({ signer: responder, certificates })).delegated, true)
  })

  const refusedSigner = (
    name: string,
    make: () => Promise<{ signer?: Entity; certificates?: readonly Uint8Array[] }>,
    phase: 'path' | 'signature',
    code: PkiErrorCode,
  ) => {
    it(`refuses ${name}`, async () => {
      const der = await answer(await make())
      refused(() => verify(der), phase, code)
    })
  }
  const from = (changes: Parameters<typeof entity>[0]) => async () => ({
    signer: await entity({ issuer: ca, profile: 'ocsp_signer', ...changes }),
  })

  refusedSigner(
    'a certificate of the CA without OCSPSigning',
    from({ subject: 'x', profile: 'tls_server' }),
    'path',
    'responder_not_authorized',
  )
  refusedSigner(
    'a subordinate CA',
    from({ subject: 'Sub CA', profile: 'ca' }),
    'path',
    'responder_not_authorized',
  )
  refusedSigner(
    'a responder without key usage digitalSignature',
    from({ subject: 'x', extensions: [extension('2.5.29.15', true, lab.namedBits([2]))] }),
    'path',
    'responder_not_authorized',
  )
  refusedSigner(
    'a responder with an unknown critical extension',
    from({ subject: 'x', extensions: [extension('1.2.3', true, lab.nullValue())] }),
    'path',
    'responder_not_authorized',
  )
  refusedSigner(
    'an expired responder',
    from({ subject: 'x', notAfter: NOW - 1000 }),
    'path',
    'certificate_expired',
  )
  refusedSigner(
    'a responder that is not valid yet',
    from({ subject: 'x', notBefore: NOW + 1000 }),
    'path',
    'certificate_not_yet_valid',
  )
  refusedSigner(
    'a responder of another CA with the same name',
    async () => ({
      signer: await entity({
        subject: 'x',
        profile: 'ocsp_signer',
        issuer: await entity({ subject: 'Test CA' }),
      }),
    }),
    'signature',
    'signature_invalid',
  )
  refusedSigner(
    'a responder of another CA',
    async () => ({
      signer: await entity({
        subject: 'x',
        profile: 'ocsp_signer',
        issuer: await entity({ subject: 'Other' }),
      }),
    }),
    'path',
    'responder_not_authorized',
  )
  refusedSigner(
    'a responder below a subordinate CA',
    async () => {
      const sub = await entity({ subject: 'Sub CA', issuer: ca })
      const signer = await entity({ subject: 'x', profile: 'ocsp_signer', issuer: sub })
      return { signer, certificates: [signer.certificate, sub.certificate] }
    },
    'path',
    'responder_not_authorized',
  )
  refusedSigner(
    'an answer without the responder’s certificate',
    () => Promise.resolve({ signer: responder, certificates: [] }),
    'path',
    'responder_not_found',
  )
  refusedSigner(
    'a key that merely claims the CA’s name',
    async () => ({
      signer: await entity({
        subject: 'Responder',
        issuer: ca,
        profile: 'ocsp_signer',
        key: generateKey('p256'),
      }),
      certificates: [responder.certificate],
    }),
    'path',
    'responder_not_found',
  )

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

  it('refuses a self-signed certificate with the name and extensions of a responder', async () => {
    const fake = await entity({ subject: 'Test CA', profile: 'ocsp_signer' })
    const der = await answer({ signer: fake, responderId: 'name' })
    refused(() => verify(der), 'signature', 'signature_invalid')
  })

  it('refuses the CA itself once its certificate has expired', async () => {
    const der = await answer()
    refused(() => verify(der, { now: ca.parsed.notAfter + 1 }), 'path', 'certificate_expired')
  })
})

describe('OCSP answers that verify but may not be used', () => {
  it('refuses an unknown critical extension, of the answer or of a single response', async () => {
    const { tbs } = parseOcspResponse(await answer({ answers: [good] }))
    const [responderId, producedAt, responses] = lab.elementsOf(tbs)
    const [single] = lab.elementsOf(responses ?? tbs)
    const unknown = (critical: boolean) =>
      lab.context(1, lab.sequence(extension('1.2.3.4', critical, lab.nullValue())))
    const resigned = (list: Uint8Array, ...more: readonly Uint8Array[]) =>
      signedAnswer(lab.sequence(responderId ?? tbs, producedAt ?? tbs, list, ...more))
    const extended = (critical: boolean) =>
      lab.sequence(lab.sequence(...lab.elementsOf(single ?? tbs), unknown(critical)))
    const list = responses ?? tbs
    for (const der of [resigned(list, unknown(true)), resigned(extended(true))]) {
      refused(() => verify(der), 'profile', 'unknown_critical_extension')
    }
    for (const der of [resigned(list, unknown(false)), resigned(extended(false))]) verify(der)
  })
})

describe('times of an OCSP answer', () => {
  it('allows a minute of clock difference for the start, and none for nextUpdate', async () => {
    const verified = verify(
      await answer({ answers: [{ ...good, thisUpdate: NOW, nextUpdate: NOW + HOUR }], producedAt: NOW }),
    )
    checkOcspTimes(verified, NOW - 60_000)
    refused(() => checkOcspTimes(verified, NOW - 60_001), 'time', 'ocsp_not_yet_valid')
    checkOcspTimes(verified, NOW + HOUR)
    refused(() => checkOcspTimes(verified, NOW + HOUR + 1), 'time', 'ocsp_expired')
  })

  it('refuses an answer without end that is neither to our nonce nor recent: it may be replayed', async () => {
    const answers = [{ status: 'good', serial: SERIAL, thisUpdate: NOW - DAY }] as const
    const pinned = verify(await answer({ answers, producedAt: NOW - DAY }))
    checkOcspTimes(pinned, NOW + DAY)
    const der = await answerOcsp({ issuer: ca, answers, producedAt: NOW - DAY })
    checkOcspTimes(verify(der), NOW)
    const error = refused(() => checkOcspTimes(verify(der), NOW + 1), 'time', 'ocsp_expired')
    assert.match(error.message, /without nextUpdate and nonce/)
  })

  it('refuses producedAt in the future', async () => {
    const verified = verify(await answer({ producedAt: NOW + HOUR }))
    const error = refused(() => checkOcspTimes(verified, NOW), 'time', 'ocsp_not_yet_valid')
    assert.match(error.message, /expected producedAt before/)
  })
})

describe('OCSP answers that are errors or malformed', () => {
  const codes: Readonly<Record<OcspError, PkiErrorCode>> = {
    malformedRequest: 'ocsp_malformed_request',
    internalError: 'ocsp_internal_error',
    tryLater: 'ocsp_try_later',
    sigRequired: 'ocsp_sig_required',
    unauthorized: 'ocsp_unauthorized',
  }
  for (const status of Object.keys(OCSP_ERRORS) as OcspError[]) {
    it(`reports ${status}`, () => {
      const error = refused(() => parseOcspResponse(ocspError(status)), 'profile', codes[status])
      assert.ok(error.message.includes(status))
    })
  }

  it('refuses a status that does not exist, and success without an answer', () => {
    refused(() => parseOcspResponse(lab.sequence(lab.enumerated(4))), 'decode', 'bad_value')
    refused(() => parseOcspResponse(lab.sequence(lab.enumerated(0))), 'decode', 'truncated')
  })

  it('refuses a response type other than basic', () => {
    const bytes = lab.sequence(lab.oid('1.2.3.4'), lab.octetString(lab.sequence()))
    const der = lab.sequence(lab.enumerated(0), lab.context(0, bytes))
    refused(() => parseOcspResponse(der), 'profile', 'ocsp_response_type')
  })

  it('refuses one octet, a text, a truncation, and 100,000 single responses', async () => {
    refused(() => parseOcspResponse(Buffer.from([0x30])), 'decode', 'truncated')
    refused(() => parseOcspResponse(Buffer.from('Service Unavailable')), 'decode', 'not_der')
    const der = await answer()
    for (let length = 0; length < der.length; length++) {
      refused(() => parseOcspResponse(der.subarray(0, length)), 'decode', 'truncated')
    }
    const many = (count: number) => answer({ answers: Array.from({ length: count }, () => good) })
    const tooMany = await many(257)
    refused(() => parseOcspResponse(tooMany), 'decode', 'too_many')
    refused(() => parseOcspResponse(new Uint8Array(100_000 * 80)), 'decode', 'too_large')
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

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** A successful answer with that ResponseData, signed by the CA. */
function signedAnswer(tbs: Uint8Array): Uint8Array {
  const algorithm = lab.sequence(lab.oid('1.2.840.10045.4.3.2'))
  const basic = lab.sequence(tbs, algorithm, lab.bitString(sign('sha256', tbs, ca.key.privateKey)))
  const bytes = lab.sequence(lab.oid('1.3.6.1.5.5.7.48.1.1'), lab.octetString(basic))
  return lab.sequence(lab.enumerated(0), lab.context(0, bytes))
}

function basicOf(der: Uint8Array): pkijs.BasicOCSPResponse {
  const bytes = pkijs.OCSPResponse.fromBER(Uint8Array.from(der)).responseBytes
  assert.ok(bytes !== undefined)
  return pkijs.BasicOCSPResponse.fromBER(Uint8Array.from(bytes.response.valueBlock.valueHexView))
}

/** A request as pkijs reads it, without the nonce's octets and the hash parameters. */
function fieldsOf(der: Uint8Array) {
  const { tbsRequest } = pkijs.OCSPRequest.fromBER(Uint8Array.from(der))
  assert.equal(tbsRequest.requestList.length, 1)
  const { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber } = tbsRequest.requestList[0]!.reqCert
  return {
    hash: hashAlgorithm.algorithmId,
    nameHash: hexOf(issuerNameHash.valueBlock.valueHexView),
    keyHash: hexOf(issuerKeyHash.valueBlock.valueHexView),
    serial: hexOf(serialNumber.valueBlock.valueHexView).replace(/^0+/, ''),
    extensions: (tbsRequest.requestExtensions ?? [])
      .map(
        ({ extnID, critical, extnValue }) =>
          `${extnID} ${critical} ${extnValue.valueBlock.valueHexView.length}`,
      )
      .join(),
  }
}
