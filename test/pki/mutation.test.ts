import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { answerOcsp, issueCrl } from '../../lab/issue.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import { certificateFacts } from '../../pki/certificateFacts.ts'
import { checkCrlTimes, crlFacts, parseCrl, verifyCrl } from '../../pki/crl.ts'
import { Der, TAG } from '../../pki/der.ts'
import { PkiError } from '../../pki/error.ts'
import { matchesIdentity } from '../../pki/identity.ts'
import { checkOcspTimes, ocspFacts, parseOcspResponse, verifyOcspResponse } from '../../pki/ocsp.ts'
import { buildOcspRequest } from '../../pki/ocspRequest.ts'
import { buildPath } from '../../pki/path.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import { serialText } from '../../pki/serial.ts'
import { DAY, NOW, entity, recorded } from './support.ts'

/** Runs of each property. */
const RUNS = { numRuns: 5000 }

const ca = await entity({ subject: 'CA' })
const responder = await entity({ subject: 'R', issuer: ca, profile: 'ocsp_signer' })
const server = await entity({
  subject: 'x',
  issuer: ca,
  profile: 'tls_server',
  dns: ['a.example'],
  ip: ['::1'],
  crlUrl: 'http://c.example/',
})
const request = buildOcspRequest({ serial: '1', issuer: ca.parsed, nonce: undefined, hash: 'sha1' })
const crl = await issueCrl({
  issuer: ca,
  number: 1n,
  thisUpdate: NOW,
  nextUpdate: NOW + DAY,
  revoked: [1, 2, 3].map((n) => ({ serial: `${n}`, at: NOW - DAY, reason: n })),
})
const ocsp = await answerOcsp({
  issuer: ca,
  signer: responder,
  answers: [
    { serial: '1', status: 'revoked', at: NOW - DAY, reason: 1, thisUpdate: NOW, nextUpdate: NOW + DAY },
  ],
  producedAt: NOW,
})

/** Changed octets, a part cut out, a part repeated elsewhere: what damage and attacks are made of. */
const edit = fc.oneof(
  fc.record({
    kind: fc.constant('set'),
    at: fc.nat(),
    value: fc.integer({ min: 0, max: 255 }),
    length: fc.constant(1),
  }),
  fc.record({
    kind: fc.constant('cut'),
    at: fc.nat(),
    value: fc.constant(0),
    length: fc.integer({ min: 1, max: 40 }),
  }),
  fc.record({
    kind: fc.constant('copy'),
    at: fc.nat(),
    value: fc.nat(),
    length: fc.integer({ min: 1, max: 40 }),
  }),
)
const edits = fc.array(edit, { minLength: 1, maxLength: 6 })

function mutate(
  bytes: Uint8Array,
  changes: readonly { kind: string; at: number; value: number; length: number }[],
): Uint8Array {
  return changes.reduce<Uint8Array>((now, { kind, at, value, length }) => {
    const from = at % now.length
    if (kind === 'set') return Uint8Array.from(now).fill(value, from, from + 1)
    if (kind === 'cut')
      return Buffer.concat([now.subarray(0, from), now.subarray(from + length), Buffer.from([0])])
    const part = now.subarray(value % now.length, (value % now.length) + length)
    return Buffer.concat([now.subarray(0, from), part, now.subarray(from)])
  }, bytes)
}

/** Runs; a PkiError is an answer, any other error a failure of the test. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    assert.ok(error.message.length <= 500)
    return undefined
  }
}

/** Serial numbers of a CRL's entries, read with the plain cursor. */
function serialsOf(tbs: Uint8Array): string[] {
  const fields = Der.open(tbs, 'tbs', tbs.length)
  const serials: string[] = []
  while (!fields.done) {
    const field = fields.any('field')
    // Times come before the entries; the name and the algorithm, which are SEQUENCEs too, before those.
    if (field.tag !== TAG.utcTime && field.tag !== TAG.generalizedTime) continue
    if (fields.next !== TAG.sequence) continue
    const list = fields.enter(TAG.sequence, 'entries')
    for (let i = 0; !list.done; i++) serials.push(serialText(list.enter(TAG.sequence, i).integer('serial')))
  }
  return serials
}

describe('mutated input', () => {
  it('of a certificate is refused by a PkiError or parsed, and its path is judged without throwing', () => {
    for (const der of [server.certificate, ...decodeCertificates(recorded('alice.pem'))]) {
      fc.assert(
        fc.property(edits, (changes) => {
          const changed = attempt(() => parseCertificate(mutate(der, changes)))
          if (changed === undefined) return
          certificateFacts(changed)
          matchesIdentity(changed, 'a.example')
          attempt(() => changed.publicKey)
          const { valid } = buildPath({
            leaf: changed,
            intermediates: [changed],
            trusted: [[ca.parsed]],
            now: NOW,
          })
          if (valid) assert.deepEqual(Buffer.from(changed.tbs), Buffer.from(server.parsed.tbs))
        }),
        RUNS,
      )
    }
  })

  it('of a CRL is refused by a PkiError, or parsed but not verified', () => {
    fc.assert(
      fc.property(edits, (changes) => {
        const der = mutate(crl, changes)
        const changed = attempt(() => parseCrl(der))
        if (changed === undefined) return
        crlFacts(changed)
        // What the fast path accepted, the strict reader must accept too: `find` reads its entry with it.
        for (const serial of serialsOf(changed.tbs)) assert.equal(changed.find(serial)?.serial, serial)
        attempt(() => checkCrlTimes(changed, NOW))
        const verified = attempt(() => {
          verifyCrl(changed, ca.parsed)
          return true
        })
        if (verified === true) assert.deepEqual(Buffer.from(changed.tbs), Buffer.from(parseCrl(crl).tbs))
      }),
      RUNS,
    )
  })

  it('of an OCSP answer is refused by a PkiError, or parsed but not verified', () => {
    const { tbs } = parseOcspResponse(ocsp)
    fc.assert(
      fc.property(edits, (changes) => {
        const changed = attempt(() => parseOcspResponse(mutate(ocsp, changes)))
        if (changed === undefined) return
        const verified = attempt(() => verifyOcspResponse(changed, { request, issuer: ca.parsed, now: NOW }))
        if (verified === undefined) return
        assert.deepEqual(Buffer.from(changed.tbs), Buffer.from(tbs))
        attempt(() => checkOcspTimes(verified, NOW))
        ocspFacts(verified, { timely: true })
      }),
      RUNS,
    )
  })

  it('of any kind at all is refused by a PkiError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const parse of [parseCertificate, parseCrl, parseOcspResponse, decodeCertificates]) {
          attempt(() => parse(bytes))
          attempt(() => parse(Buffer.concat([Buffer.from([0x30, 0x81, bytes.length]), bytes])))
        }
      }),
      RUNS,
    )
  })
})
