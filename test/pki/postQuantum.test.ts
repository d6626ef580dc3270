import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { describe, it } from 'node:test'
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js'
import {
  slh_dsa_sha2_128f,
  slh_dsa_sha2_128s,
  slh_dsa_sha2_192f,
  slh_dsa_sha2_192s,
  slh_dsa_sha2_256f,
  slh_dsa_sha2_256s,
  slh_dsa_shake_128f,
  slh_dsa_shake_128s,
  slh_dsa_shake_192f,
  slh_dsa_shake_192s,
  slh_dsa_shake_256f,
  slh_dsa_shake_256s,
} from '@noble/post-quantum/slh-dsa.js'
import * as lab from '../../lab/der.ts'
import { answerOcsp, issueCrl } from '../../lab/issue.ts'
import { publicKeyBits } from '../../lab/signing.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { certificateFacts } from '../../pki/certificateFacts.ts'
import { crlFacts, parseCrl, verifyCrl } from '../../pki/crl.ts'
import { ocspFacts, parseOcspResponse, verifyOcspResponse } from '../../pki/ocsp.ts'
import { verifySignature } from '../../pki/signature.ts'
import { keyPairOf } from './keys.ts'
import type { KeyType } from './keys.ts'
import { DAY, NOW, entity, flip, refused } from './support.ts'

/** Keys and signatures by a second implementation, for the same bytes. */
interface Peer {
  keygen(seed?: Uint8Array): { secretKey: Uint8Array; publicKey: Uint8Array }
  sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
}

interface ParameterSet {
  readonly name: string
  readonly type: KeyType
  /** Below 2.16.840.1.101.3.4.3. */
  readonly arc: number
  readonly strength: number
  readonly peer: Peer
  /** The peer signs too: with the other sets it would need seconds. */
  readonly peerSigns: boolean
}

const set = (type: KeyType, arc: number, strength: number, peer: Peer, peerSigns = false): ParameterSet => ({
  name: type.toUpperCase().replace(/(?<=\d)[SF]$/, (size) => size.toLowerCase()),
  type,
  arc,
  strength,
  peer,
  peerSigns,
})

const SETS: readonly ParameterSet[] = [
  set('ml-dsa-44', 17, 128, ml_dsa44, true),
  set('ml-dsa-65', 18, 192, ml_dsa65, true),
  set('ml-dsa-87', 19, 256, ml_dsa87, true),
  set('slh-dsa-sha2-128s', 20, 128, slh_dsa_sha2_128s),
  set('slh-dsa-sha2-128f', 21, 128, slh_dsa_sha2_128f, true),
  set('slh-dsa-sha2-192s', 22, 192, slh_dsa_sha2_192s),
  set('slh-dsa-sha2-192f', 23, 192, slh_dsa_sha2_192f, true),
  set('slh-dsa-sha2-256s', 24, 256, slh_dsa_sha2_256s),
  set('slh-dsa-sha2-256f', 25, 256, slh_dsa_sha2_256f),
  set('slh-dsa-shake-128s', 26, 128, slh_dsa_shake_128s),
  set('slh-dsa-shake-128f', 27, 128, slh_dsa_shake_128f, true),
  set('slh-dsa-shake-192s', 28, 192, slh_dsa_shake_192s),
  set('slh-dsa-shake-192f', 29, 192, slh_dsa_shake_192f),
  set('slh-dsa-shake-256s', 30, 256, slh_dsa_shake_256s),
  set('slh-dsa-shake-256f', 31, 256, slh_dsa_shake_256f),
]

/** A self-signed certificate. */
function certificateOf(
  arc: number,
  publicKey: Uint8Array,
  sign: (tbs: Uint8Array) => Uint8Array,
): Certificate {
  const identifier = lab.sequence(lab.oid(`2.16.840.1.101.3.4.3.${arc}`))
  const name = lab.sequence(lab.set(lab.sequence(lab.oid('2.5.4.3'), lab.utf8String('q'))))
  const tbs = lab.sequence(
    lab.integer(1n),
    identifier,
    name,
    lab.sequence(lab.time(NOW), lab.time(NOW + DAY)),
    name,
    lab.sequence(identifier, lab.bitString(publicKey)),
  )
  return parseCertificate(lab.sequence(tbs, identifier, lab.bitString(sign(tbs))))
}

function verifiesOnlyAsSigned(certificate: Certificate): void {
  verifySignature(certificate, certificate, 'certificate')
  const changed = { ...certificate, tbs: flip(certificate.tbs, 100) }
  refused(() => verifySignature(changed, certificate, 'x'), 'signature', 'signature_invalid')
}

describe('post-quantum signatures', () => {
  for (const { name, type, arc, strength, peer, peerSigns } of SETS) {
    it(`of ${name} verify as @noble/post-quantum verifies them`, () => {
      const pair = keyPairOf(type)
      const raw = publicKeyBits(pair.publicKey)
      const certificate = certificateOf(arc, raw, (tbs) => sign(null, tbs, pair.privateKey))
      verifiesOnlyAsSigned(certificate)
      assert.ok(peer.verify(certificate.signature, certificate.tbs, raw))
      const facts = certificateFacts(certificate)
      assert.deepEqual(
        [facts.keyAlgorithm, facts.keyBits, facts.keyStrength],
        [name, raw.length * 8, strength],
      )
      assert.deepEqual([facts.signatureAlgorithm, facts.signatureStrength], [name, strength])
      assert.deepEqual([facts.quantumSafe, facts.selfSigned], [true, true])
    })

    if (!peerSigns) continue
    it(`of ${name} made by @noble/post-quantum verify`, () => {
      const { publicKey, secretKey } = peer.keygen()
      verifiesOnlyAsSigned(certificateOf(arc, publicKey, (tbs) => peer.sign(tbs, secretKey)))
    })
  }

  it('carry CRLs and OCSP answers too', async () => {
    for (const type of ['ml-dsa-65', 'slh-dsa-sha2-128f'] as const) {
      const ca = await entity({ subject: 'CA', key: keyPairOf(type) })
      const crl = parseCrl(
        await issueCrl({ issuer: ca, number: 1n, thisUpdate: NOW, nextUpdate: NOW + DAY, revoked: [] }),
      )
      verifyCrl(crl, ca.parsed)
      assert.equal(crlFacts(crl).quantumSafe, true)
      const answers = [{ serial: '1', status: 'good', thisUpdate: NOW, nextUpdate: NOW + DAY }] as const
      const response = parseOcspResponse(await answerOcsp({ issuer: ca, answers, producedAt: NOW }))
      const verified = verifyOcspResponse(response, { issuer: ca.parsed, now: NOW })
      assert.equal(ocspFacts(verified, { timely: true }).quantumSafe, true)
    }
  })

  it('under a classical CA make nothing quantum-safe', async () => {
    const ca = await entity({ subject: 'CA' })
    const { parsed } = await entity({ subject: 'leaf', issuer: ca, key: keyPairOf('ml-dsa-44') })
    assert.equal(certificateFacts(parsed).quantumSafe, false)
  })
})
