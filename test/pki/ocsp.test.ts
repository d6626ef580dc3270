import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as lab from '../../lab/der.ts'
import { OCSP_ERRORS, answerOcsp, certIdHashes, extension, ocspError } from '../../lab/issue.ts'
import type { OcspError } from '../../lab/issue.ts'
import type { PkiErrorCode } from '../../pki/error.ts'
import { checkOcspTimes, ocspFacts, parseOcspResponse, verifyOcspResponse } from '../../pki/ocsp.ts'
import { buildOcspRequest } from '../../pki/ocspRequest.ts'
import type { OcspRequest } from '../../pki/ocspRequest.ts'
import { NONCE, SERIAL, answer, ca, extended, good, responder, signedAnswer, verify } from './ocspSupport.ts'
import { DAY, HOUR, NOW, entity, flip, recorded, recordedCertificate, refused } from './support.ts'
import type { Entity } from './support.ts'

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
      responderSerial: '3e86884ac5ec5c350f86fecd07d6db8f49312533',
      responderNotBefore: '2026-11-22T04:59:45.000Z',
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
      'responderSerial',
      'responderNotBefore',
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

  it('refuses two statuses of one certificate, though named by two hash algorithms', async () => {
    const revoked = { ...good, hash: 'sha256', status: 'revoked', at: NOW - HOUR } as const
    for (const answers of [
      [good, revoked],
      [revoked, { ...good, serial: '1' }, good],
    ]) {
      const der = await answer({ answers })
      refused(() => verify(der), 'consistency', 'cert_id_mismatch')
      refused(() => verify(der, { request: undefined }), 'consistency', 'cert_id_mismatch')
    }
    const sibling = await entity({ subject: 'Test CA' })
    const certId = parseOcspResponse(await answer({ issuer: sibling })).responses[0]?.certId.der
    assert.ok(certId !== undefined)
    const elsewhere = await answer({ answers: [good, { ...revoked, certId }] })
    assert.equal(verify(elsewhere).single.certStatus.status, 'good')
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

  it('is about a certificate of the CA that is declared, even when the request names another', async () => {
    const other = await entity({ subject: 'Other CA' })
    const request = buildOcspRequest({ serial: SERIAL, issuer: other.parsed, nonce: NONCE, hash: 'sha1' })
    const der = await answer({ issuer: other, signer: ca })
    const error = refused(() => verify(der, { request }), 'consistency', 'cert_id_mismatch')
    assert.match(error.message, /expected a certificate issued by CN=Test CA with its key/)
    // Another certificate of the same CA is the same CA.
    const renewed = await entity({ subject: 'Test CA', key: ca.key })
    const asked = buildOcspRequest({ serial: SERIAL, issuer: renewed.parsed, nonce: NONCE, hash: 'sha1' })
    verify(await answer(), { request: asked })
  })

  it('is found whatever the parameters of the hash algorithm, and by no part of the CertID alone', async () => {
    const { name, key } = certIdHashes(ca, 'sha1')
    const certId = (algorithm: readonly Uint8Array[], nameHash: Uint8Array, keyHash: Uint8Array) =>
      lab.sequence(
        lab.sequence(...algorithm),
        lab.octetString(nameHash),
        lab.octetString(keyHash),
        lab.integer(BigInt(`0x${SERIAL}`)),
      )
    const sha1 = lab.oid('1.3.14.3.2.26')
    const answers = (id: Uint8Array) => answer({ answers: [{ ...good, certId: id }] })
    verify(await answers(certId([sha1], name, key)))
    for (const id of [
      certId([sha1], name, Buffer.alloc(20)),
      certId([sha1], Buffer.alloc(20), key),
      certId([lab.oid('1.2.3'), lab.nullValue()], name, key),
    ]) {
      const der = await answers(id)
      refused(() => verify(der), 'consistency', 'cert_id_mismatch')
    }
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

describe('an OCSP answer that nobody asked for', () => {
  const check = (der: Uint8Array) => verify(der, { request: undefined })

  it('may be about any certificates of the CA, and says nothing about a nonce', async () => {
    const answers = [good, { ...good, serial: '1', hash: 'sha256' }, { ...good, hash: 'sha256' }] as const
    const verified = check(await answer({ answers }))
    assert.equal(verified.answers.length, 3)
    assert.equal(verified.single.certId.serial, SERIAL)
    assert.equal(verified.nonceEchoed, undefined)
    assert.equal(ocspFacts(verified, { timely: true }).responses, 3)
  })

  it('is refused when one of them is of another CA', async () => {
    const other = await entity({ subject: 'Other CA' })
    const sameName = await entity({ subject: 'Test CA' })
    for (const issuer of [other, sameName]) {
      const foreign = parseOcspResponse(await answer({ issuer })).responses[0]?.certId.der
      assert.ok(foreign !== undefined)
      const der = await answer({ answers: [good, { ...good, certId: foreign }] })
      const error = refused(() => check(der), 'consistency', 'cert_id_mismatch')
      assert.match(
        error.message,
        /expected a certificate issued by CN=Test CA with its key, got serial a1b2c3/,
      )
    }
  })

  it('is refused when it is about nothing, or twice about the same certificate', async () => {
    for (const answers of [[], [good, { ...good, status: 'unknown' } as const]]) {
      const der = await answer({ answers })
      refused(() => check(der), 'consistency', 'cert_id_mismatch')
    }
  })

  it('has to be timely in all that it says', async () => {
    const answers = [good, { ...good, serial: '1', nextUpdate: NOW - 1000 }]
    const verified = check(await answer({ answers }))
    refused(() => checkOcspTimes(verified, NOW), 'time', 'ocsp_expired')
    // Asked about the other certificate, the late one is no matter.
    checkOcspTimes(verify(await answer({ answers })), NOW)
  })
})

describe('extensions of an OCSP answer (RFC 6960 4.4)', () => {
  const date = lab.generalizedTime(NOW - 30 * DAY)
  const NONE = {
    request: buildOcspRequest({ serial: SERIAL, issuer: ca.parsed, nonce: undefined, hash: 'sha1' }),
  }

  it('tells the archive cutoff and the CRL that an answer rests on', async () => {
    const reference = lab.sequence(
      lab.context(0, lab.ia5String('http://crl.test/1.crl')),
      lab.context(1, lab.integer(77n)),
      lab.context(2, date),
    )
    const single = [
      extension('1.3.6.1.5.5.7.48.1.6', true, date),
      extension('1.3.6.1.5.5.7.48.1.3', true, reference),
    ]
    const verified = verify(await extended({ single }), NONE)
    assert.equal(verified.single.archiveCutoff, NOW - 30 * DAY)
    assert.deepEqual(verified.single.crlReference, {
      url: 'http://crl.test/1.crl',
      number: 77n,
      time: NOW - 30 * DAY,
    })
    assert.equal(ocspFacts(verified, { timely: true }).archiveCutoff, new Date(NOW - 30 * DAY).toISOString())
    const empty = await extended({ single: [extension('1.3.6.1.5.5.7.48.1.3', false, lab.sequence())] })
    assert.deepEqual(verify(empty, NONE).single.crlReference, {
      url: undefined,
      number: undefined,
      time: undefined,
    })
  })

  it('tells that the responder revokes what was never issued', async () => {
    const never = { ...good, status: 'revoked', at: 0, reason: 6 } as const
    for (const value of [lab.nullValue(), new Uint8Array()]) {
      const response = [extension('1.3.6.1.5.5.7.48.1.9', true, value)]
      const verified = verify(await extended({ response }, [never]), NONE)
      const { extendedRevoke, status, revokedAt, reason } = ocspFacts(verified, { timely: true })
      assert.deepEqual(
        { extendedRevoke, status, revokedAt, reason },
        {
          extendedRevoke: true,
          status: 'revoked',
          revokedAt: '1970-01-01T00:00:00.000Z',
          reason: 'certificateHold',
        },
      )
    }
    assert.equal(ocspFacts(verify(await answer()), { timely: true }).extendedRevoke, false)
  })

  it('may be critical when they change nothing about the answer', async () => {
    const locator = lab.sequence(lab.sequence())
    const single = [
      extension('2.5.29.21', true, lab.enumerated(1)),
      extension('2.5.29.24', true, date),
      extension('1.3.6.1.5.5.7.48.1.7', true, locator),
    ]
    const { single: read } = verify(await extended({ single }), NONE)
    assert.deepEqual(
      read.extensions.map(({ oid, critical }) => `${oid} ${critical}`),
      ['2.5.29.21 true', '2.5.29.24 true', '1.3.6.1.5.5.7.48.1.7 true'],
    )
  })

  it('make it unusable when they are critical and not understood, here or in the answer that is used', async () => {
    const unknown = (critical: boolean) => [extension('1.2.3.4', critical, lab.nullValue())]
    // certificateIssuer, critical in a CRL, would say that the certificate is another CA's.
    const issuer = [extension('2.5.29.29', true, lab.sequence())]
    for (const der of [
      await extended({ response: unknown(true) }),
      await extended({ single: unknown(true) }),
      await extended({ single: issuer }),
    ]) {
      refused(() => verify(der, NONE), 'profile', 'unknown_critical_extension')
    }
    verify(await extended({ response: unknown(false), single: unknown(false) }), NONE)
    const otherFirst = await extended({ single: unknown(true) }, [{ ...good, serial: '1' }, good])
    verify(otherFirst, NONE)
    refused(() => verify(otherFirst, { request: undefined }), 'profile', 'unknown_critical_extension')
  })

  it('are refused when they are malformed or there twice', async () => {
    const cases = [
      [{ single: [extension('1.3.6.1.5.5.7.48.1.6', false, lab.nullValue())] }, 'unexpected_tag'],
      [{ single: [extension('1.3.6.1.5.5.7.48.1.6', false, Buffer.concat([date, date]))] }, 'trailing_bytes'],
      [{ single: [extension('1.3.6.1.5.5.7.48.1.3', false, lab.sequence(date))] }, 'trailing_bytes'],
      [{ response: [extension('1.3.6.1.5.5.7.48.1.9', false, lab.enumerated(0))] }, 'unexpected_tag'],
      [{ response: [1, 2].map(() => extension('1.2.3', false, lab.nullValue())) }, 'duplicate_extension'],
    ] as const
    for (const [extensions, code] of cases) {
      // `extended` parses nothing of what it adds.
      const der = await extended(extensions)
      refused(() => parseOcspResponse(der), 'decode', code)
    }
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

  it('refuses one octet, a text, or a truncation', async () => {
    refused(() => parseOcspResponse(Buffer.from([0x30])), 'decode', 'truncated')
    refused(() => parseOcspResponse(Buffer.from('Service Unavailable')), 'decode', 'not_der')
    const der = await answer()
    for (let length = 0; length < der.length; length++) {
      refused(() => parseOcspResponse(der.subarray(0, length)), 'decode', 'truncated')
    }
  })

  it('refuses 100,000 single responses by their size, and as many as fit by their number', async () => {
    const single = lab.elementsOf(
      lab.elementsOf(parseOcspResponse(await answer()).tbs)[2] ?? new Uint8Array(),
    )[0]
    assert.ok(single !== undefined)
    const of = (count: number) => {
      const list = lab.sequence(Buffer.concat(Array.from({ length: count }, () => single)))
      const [responderId, producedAt] = lab.elementsOf(parseOcspResponse(der).tbs)
      return signedAnswer(lab.sequence(responderId ?? list, producedAt ?? list, list))
    }
    const der = await answer()
    const error = refused(() => parseOcspResponse(of(100_000)), 'decode', 'too_large')
    assert.match(error.message, /expected at most 1048576 octets, got \d{7}/)
    const many = refused(() => parseOcspResponse(of(10_000)), 'decode', 'too_many')
    assert.match(
      many.message,
      /at most 256 single responses at responseBytes.response.tbsResponseData.responses/,
    )
    refused(() => parseOcspResponse(of(257)), 'decode', 'too_many')
    assert.equal(parseOcspResponse(of(256)).responses.length, 256)
  })

  it('reads every reason of a revocation, and refuses those that do not exist', async () => {
    const revoked = (reason: number) =>
      answer({ answers: [{ ...good, status: 'revoked', at: NOW - DAY, reason }] })
    const reasons = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10]
    const read = await Promise.all(
      reasons.map(async (reason) => {
        const { certStatus } = verify(await revoked(reason)).single
        return certStatus.status === 'revoked' ? certStatus.reason : undefined
      }),
    )
    assert.deepEqual(read, [
      'unspecified',
      'keyCompromise',
      'cACompromise',
      'affiliationChanged',
      'superseded',
      'cessationOfOperation',
      'certificateHold',
      'removeFromCRL',
      'privilegeWithdrawn',
      'aACompromise',
    ])
    for (const reason of [7, 11]) {
      const der = await revoked(reason)
      refused(() => parseOcspResponse(der), 'decode', 'bad_value')
    }
  })
})
