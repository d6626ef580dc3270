import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as der from '../../lab/der.ts'
import { readCertificateBag } from '../../pki/certificateBag.ts'
import { PkiError } from '../../pki/error.ts'
import { entity } from './support.ts'

const certificates = [await entity({ subject: 'A' }), await entity({ subject: 'B' })].map(
  ({ parsed }) => parsed.der,
)

/** "certs-only", RFC 8551 section 3.8. */
function bag(changes: { type?: string; inner?: readonly Uint8Array[]; list?: Uint8Array } = {}): Uint8Array {
  const { type = '1.2.840.113549.1.7.2', inner = [], list = der.context(0, ...certificates) } = changes
  return der.sequence(
    der.oid(type),
    der.context(
      0,
      der.sequence(
        der.integer(1n),
        der.set(),
        der.sequence(der.oid('1.2.840.113549.1.7.1'), ...inner),
        list,
        der.set(),
      ),
    ),
  )
}

describe('a bag of certificates', () => {
  it('gives them as they are, in their order', () => {
    assert.deepEqual(readCertificateBag(bag()).map(hex), certificates.map(hex))
  })

  it('may be empty', () => {
    assert.deepEqual(readCertificateBag(bag({ list: new Uint8Array() })), [])
  })

  for (const [what, bytes] of [
    ['another kind of message', bag({ type: '1.2.840.113549.1.7.1' })],
    ['a message with content', bag({ inner: [der.context(0, der.octetString(new Uint8Array(1)))] })],
    [
      'more certificates than anybody has',
      bag({ list: der.context(0, ...Array.from({ length: 65 }, () => der.nullValue())) }),
    ],
    ['something behind it', Buffer.concat([bag(), Buffer.from([0])])],
    ['an end too early', bag().subarray(0, 100)],
    ['a certificate without a bag', certificates[0] ?? new Uint8Array()],
    ['text', Buffer.from('-----BEGIN PKCS7-----')],
  ] as const) {
    it(`is refused when it is ${what}`, () => {
      assert.throws(() => readCertificateBag(bytes), PkiError)
    })
  }
})

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
