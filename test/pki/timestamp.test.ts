import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { parseCertificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import {
  buildTimestampRequest,
  parseTimestamp,
  parseTimestampReply,
  verifyTimestamp,
  type TimestampQuestion,
} from '../../pki/timestamp.ts'
import { needs } from '../support/needs.ts'
import { makeTimestampAuthority, type TimestampAuthority } from '../support/timestampAuthority.ts'

const DIGEST = createHash('sha256').update('a checkpoint').digest()
const NONCE = Buffer.from('00ff80', 'hex')

const isPkiError = (code: string) => (error: unknown) => error instanceof PkiError && error.code === code

function trustedBy({ ca }: TimestampAuthority): TimestampQuestion['trusted'] {
  return decodeCertificates(Buffer.from(ca)).map((der) => [parseCertificate(der)] as const)
}

describe("timestamps of OpenSSL's authority", needs('openssl'), () => {
  let authority: TimestampAuthority
  let reply: Buffer
  let question: TimestampQuestion

  before(() => {
    authority = makeTimestampAuthority()
    reply = authority.reply(buildTimestampRequest(DIGEST, NONCE))
    question = { digest: DIGEST, nonce: NONCE, trusted: trustedBy(authority) }
  })
  after(() => authority[Symbol.dispose]())

  const verify = (token: Uint8Array, other: Partial<TimestampQuestion> = {}) =>
    verifyTimestamp(parseTimestamp(token), { ...question, ...other })

  test('verify, with the time that they say', () => {
    const { time, policy, serial, signer } = verify(parseTimestampReply(reply))
    assert.ok(Math.abs(Date.now() - time) < 60_000)
    assert.deepEqual([policy, serial, signer.subject.text], ['1.2.3.4.1', '2', 'CN=TSA'])
  })

  test('verify whatever the signer signs with', () => {
    for (const options of [
      { key: 'ec:P-256' },
      { key: 'ec:P-384', digest: 'sha512' },
      { digest: 'sha512' },
    ]) {
      using other = makeTimestampAuthority(options)
      const token = parseTimestampReply(other.reply(buildTimestampRequest(DIGEST, NONCE)))
      assert.equal(verify(token, { trusted: trustedBy(other) }).policy, '1.2.3.4.1')
    }
  })

  test('about something else, or to another question, are refused', () => {
    const token = parseTimestampReply(reply)
    const other = createHash('sha256').update('another checkpoint').digest()
    assert.throws(() => verify(token, { digest: other }), isPkiError('imprint_mismatch'))
    assert.throws(() => verify(token, { nonce: Buffer.from('01', 'hex') }), isPkiError('nonce_mismatch'))
    assert.ok(verify(token, { nonce: undefined }).time > 0)
  })

  test('of an authority that is not trusted, or that may not stamp, are refused', () => {
    using other = makeTimestampAuthority()
    const token = parseTimestampReply(reply)
    assert.throws(() => verify(token, { trusted: trustedBy(other) }), PkiError)
    assert.throws(() => verify(token, { trusted: [] }), isPkiError('issuer_not_found'))
    // OpenSSL refuses to sign with such a certificate, so a good token gets it in its place.
    const info = parseTimestamp(token)
    const stranger = parseTimestamp(parseTimestampReply(other.reply(buildTimestampRequest(DIGEST, NONCE))))
    assert.throws(
      () => verifyTimestamp({ ...info, certificates: stranger.certificates }, question),
      isPkiError('timestamp_signer_rejected'),
    )
    assert.throws(
      () => verifyTimestamp({ ...info, certificates: [] }, question),
      isPkiError('timestamp_signer_rejected'),
    )
    const without = { ...info, signer: { ...info.signer, certificateHash: undefined } }
    assert.throws(() => verifyTimestamp(without, question), isPkiError('timestamp_signer_rejected'))
  })

  test('with any octet changed do not verify, or say the same', () => {
    const token = parseTimestampReply(reply)
    const expected = JSON.stringify(verify(token).time)
    let refused = 0
    for (let at = 0; at < token.length; at++) {
      const changed = Buffer.from(token)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      try {
        // Versions and lists of digests are in no signature, and nothing depends on them.
        assert.equal(JSON.stringify(verify(changed).time), expected, `octet ${at}`)
      } catch (error) {
        assert.ok(error instanceof PkiError, `octet ${at}: ${String(error)}`)
        refused++
      }
    }
    assert.ok(refused > token.length * 0.9, `${refused} of ${token.length}`)
  })

  test('cut anywhere are refused as what they are', () => {
    for (let end = 0; end < reply.length; end += 7)
      assert.throws(() => parseTimestamp(parseTimestampReply(reply.subarray(0, end))), PkiError)
  })
})

test('an authority that refuses says why', () => {
  // status rejection, failInfo badAlg and timeNotAvailable
  const refusal = Buffer.from('300a300802010203030100 02'.replace(' ', ''), 'hex')
  assert.throws(
    () => parseTimestampReply(refusal),
    (error: unknown) =>
      error instanceof PkiError &&
      error.code === 'timestamp_refused' &&
      /rejection: .*timeNotAvailable/.test(error.message),
  )
})
