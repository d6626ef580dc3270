import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import * as lab from '../../lab/der.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { verifySignature } from '../../pki/signature.ts'
import { DAY, NOW, refused } from './support.ts'

interface Pair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

interface Case {
  /** As vigil names it. */
  readonly name: string
  readonly key: string
  readonly bits: number
  readonly identifier: Uint8Array
  readonly pair: Pair
  readonly digest: string | null
  readonly salt?: number
}

const rsa: Pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = (namedCurve: string): Pair => generateKeyPairSync('ec', { namedCurve })
const [p256, p384, p521] = [ec('P-256'), ec('P-384'), ec('P-521')]

const nullParameters = (oid: string) => lab.sequence(lab.oid(oid), lab.nullValue())
const noParameters = (oid: string) => lab.sequence(lab.oid(oid))
const sha2 = (n: number) => `2.16.840.1.101.3.4.2.${n}`
const RSASSA_PSS = '1.2.840.113549.1.1.10'

function pss(hash: string, mask: string, salt: bigint): Uint8Array {
  const mgf = lab.sequence(lab.oid('1.2.840.113549.1.1.8'), nullParameters(mask))
  return lab.sequence(
    lab.oid(RSASSA_PSS),
    lab.sequence(
      lab.context(0, nullParameters(hash)),
      lab.context(1, mgf),
      lab.context(2, lab.integer(salt)),
    ),
  )
}

const mldsa = (n: 44 | 65 | 87): Pair =>
  n === 44
    ? generateKeyPairSync('ml-dsa-44')
    : n === 65
      ? generateKeyPairSync('ml-dsa-65')
      : generateKeyPairSync('ml-dsa-87')

const RSA_CASES: readonly Case[] = [
  ['SHA1', 5, 'sha1'],
  ['SHA224', 14, 'sha224'],
  ['SHA256', 11, 'sha256'],
  ['SHA384', 12, 'sha384'],
  ['SHA512', 13, 'sha512'],
].map(([hash, arc, digest]) => ({
  name: `RSA-${hash}`,
  key: 'RSA',
  bits: 2048,
  identifier: nullParameters(`1.2.840.113549.1.1.${arc}`),
  pair: rsa,
  digest: String(digest),
}))

const PSS_CASES: readonly Case[] = [
  ['SHA256', sha2(1), 'sha256', 32],
  ['SHA384', sha2(2), 'sha384', 48],
  ['SHA512', sha2(3), 'sha512', 20],
  ['SHA1', '1.3.14.3.2.26', 'sha1', 20],
].map(([hash, oid, digest, salt]) => ({
  name: `RSA-PSS-${hash}`,
  key: 'RSA',
  bits: 2048,
  identifier: pss(String(oid), String(oid), BigInt(salt ?? 0)),
  pair: rsa,
  digest: String(digest),
  salt: Number(salt),
}))

const ec_ = (name: string, arc: string, key: string, bits: number, pair: Pair, digest: string): Case => ({
  name,
  key,
  bits,
  identifier: noParameters(`1.2.840.10045.4.${arc}`),
  pair,
  digest,
})

const CASES: readonly Case[] = [
  ...RSA_CASES,
  ...PSS_CASES,
  {
    name: 'RSA-PSS-SHA256',
    key: 'RSA-PSS',
    bits: 2048,
    identifier: pss(sha2(1), sha2(1), 32n),
    pair: generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
    digest: 'sha256',
    salt: 32,
  },
  ec_('ECDSA-SHA1', '1', 'EC P-256', 256, p256, 'sha1'),
  ec_('ECDSA-SHA224', '3.1', 'EC P-256', 256, p256, 'sha224'),
  ec_('ECDSA-SHA256', '3.2', 'EC P-256', 256, p256, 'sha256'),
  ec_('ECDSA-SHA384', '3.3', 'EC P-384', 384, p384, 'sha384'),
  ec_('ECDSA-SHA512', '3.4', 'EC P-521', 521, p521, 'sha512'),
  ...(
    [
      ['Ed25519', 256, '1.3.101.112', generateKeyPairSync('ed25519')],
      ['Ed448', 456, '1.3.101.113', generateKeyPairSync('ed448')],
      ['ML-DSA-44', 10_496, '2.16.840.1.101.3.4.3.17', mldsa(44)],
      ['ML-DSA-65', 15_616, '2.16.840.1.101.3.4.3.18', mldsa(65)],
      ['ML-DSA-87', 20_736, '2.16.840.1.101.3.4.3.19', mldsa(87)],
    ] as const
  ).map(([name, bits, oid, pair]) => ({
    name,
    key: name,
    bits,
    identifier: noParameters(oid),
    pair,
    digest: null,
  })),
]

/** A self-signed certificate; the algorithm is named as told, whatever signs. */
function selfSigned(
  c: Pick<Case, 'identifier' | 'pair' | 'digest' | 'salt'>,
  spki?: Uint8Array,
): Certificate {
  const name = lab.sequence(lab.set(lab.sequence(lab.oid('2.5.4.3'), lab.utf8String('x'))))
  const tbs = lab.sequence(
    lab.integer(1n),
    c.identifier,
    name,
    lab.sequence(lab.time(NOW), lab.time(NOW + DAY)),
    name,
    spki ?? c.pair.publicKey.export({ type: 'spki', format: 'der' }),
  )
  const padding = c.salt === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: c.salt }
  const signature = sign(c.digest, tbs, { key: c.pair.privateKey, ...padding })
  return parseCertificate(lab.sequence(tbs, c.identifier, lab.bitString(signature)))
}

const verifySelf = (c: Certificate): void => verifySignature(c, c, 'certificate')

describe('signature algorithms', () => {
  for (const c of CASES) {
    it(`verifies ${c.name} with a ${c.key} key, and not when a signed bit changed`, () => {
      const certificate = selfSigned(c)
      assert.equal(certificate.signatureAlgorithm, c.name)
      assert.equal(certificate.keyAlgorithm, c.key)
      assert.equal(certificate.keyBits, c.bits)
      verifySelf(certificate)
      const tbs = Uint8Array.from(certificate.tbs)
      tbs[10] = (tbs[10] ?? 0) ^ 1
      refused(
        () => verifySignature({ ...certificate, tbs }, certificate, 'x'),
        'signature',
        'signature_invalid',
      )
    })
  }

  it('says which algorithm it does not know', () => {
    for (const [oid, name] of [
      ['1.2.840.113549.1.1.4', 'RSA-MD5'],
      ['1.2.643.7.1.1.3.2', '1.2.643.7.1.1.3.2'],
    ] as const) {
      const certificate = selfSigned({ ...RSA_CASES[2]!, identifier: nullParameters(oid) })
      assert.equal(certificate.signatureAlgorithm, name)
      const error = refused(() => verifySelf(certificate), 'signature', 'unsupported')
      assert.ok(error.message.includes(`got algorithm ${name}`), error.message)
    }
  })

  it('does not verify under parameters that belong to another algorithm', () => {
    const identifiers = [
      pss(sha2(1), sha2(2), 32n),
      pss('1.2.3.4', '1.2.3.4', 32n),
      lab.sequence(lab.oid('1.2.840.113549.1.1.11'), lab.integer(1n)),
    ]
    for (const identifier of identifiers) {
      const certificate = selfSigned({ ...RSA_CASES[2]!, identifier })
      refused(() => verifySelf(certificate), 'signature', 'unsupported')
    }
    const withNull = {
      ...CASES.find(({ name }) => name === 'ECDSA-SHA256')!,
      identifier: nullParameters('1.2.840.10045.4.3.2'),
    }
    refused(() => verifySelf(selfSigned(withNull)), 'signature', 'unsupported')
  })

  it('does not verify a PSS signature whose salt is not as long as it says', () => {
    const certificate = selfSigned({ ...PSS_CASES[0]!, identifier: pss(sha2(1), sha2(1), 20n) })
    refused(() => verifySelf(certificate), 'signature', 'signature_invalid')
  })

  it('refuses a key of another kind than the algorithm', () => {
    const certificate = selfSigned({ ...RSA_CASES[2]!, pair: p256, digest: 'sha256' })
    refused(() => verifySelf(certificate), 'signature', 'key_mismatch')
  })
})

describe('public keys that are not used', () => {
  const base = CASES.find(({ name }) => name === 'ECDSA-SHA256')!
  const explicitCurve = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })
  const rsaKey = (modulus: bigint) =>
    lab.sequence(
      nullParameters('1.2.840.113549.1.1.1'),
      lab.bitString(lab.sequence(lab.integer(modulus), lab.integer(65537n))),
    )
  const unsupported: readonly [name: string, spki: Uint8Array, algorithm: string, bits: number][] = [
    [
      'a curve that is not used',
      ec('secp256k1').publicKey.export({ type: 'spki', format: 'der' }),
      'EC secp256k1',
      256,
    ],
    [
      'a curve without a name',
      lab.sequence(
        lab.sequence(lab.oid('1.2.840.10045.2.1'), lab.oid('1.2.3.4')),
        lab.bitString(Buffer.alloc(65)),
      ),
      'EC 1.2.3.4',
      0,
    ],
    ['explicit curve parameters', explicitCurve.publicKey.export({ type: 'spki', format: 'der' }), 'EC', 0],
    [
      'an unknown algorithm',
      lab.sequence(noParameters('1.2.3.4'), lab.bitString(Buffer.from('x'))),
      '1.2.3.4',
      0,
    ],
    ['RSA of 16,392 bits', rsaKey((1n << 16_391n) | 1n), 'RSA', 16_392],
  ]
  for (const [name, spki, algorithm, bits] of unsupported) {
    it(`reads the certificate but verifies nothing with ${name}`, () => {
      const certificate = selfSigned(base, spki)
      assert.equal(certificate.keyAlgorithm, algorithm)
      assert.equal(certificate.keyBits, bits)
      refused(() => verifySelf(certificate), 'signature', 'unsupported')
    })
  }

  const bad: readonly [name: string, spki: Uint8Array, algorithm: string, bits: number][] = [
    [
      'RSA without a key inside',
      lab.sequence(nullParameters('1.2.840.113549.1.1.1'), lab.bitString(Buffer.from('x'))),
      'RSA',
      0,
    ],
    [
      'Ed25519 of 31 octets',
      lab.sequence(noParameters('1.3.101.112'), lab.bitString(Buffer.alloc(31))),
      'Ed25519',
      256,
    ],
    [
      'a P-256 point that is not on the curve',
      lab.sequence(
        lab.sequence(lab.oid('1.2.840.10045.2.1'), lab.oid('1.2.840.10045.3.1.7')),
        lab.bitString(Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)])),
      ),
      'EC P-256',
      256,
    ],
  ]
  for (const [name, spki, algorithm, bits] of bad) {
    it(`reads the certificate but says that the key is bad for ${name}`, () => {
      const certificate = selfSigned(base, spki)
      assert.equal(certificate.keyAlgorithm, algorithm)
      assert.equal(certificate.keyBits, bits)
      refused(() => verifySelf(certificate), 'signature', 'bad_key')
    })
  }
})
