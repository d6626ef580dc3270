import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import * as lab from '../../lab/der.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { certificateFacts } from '../../pki/certificateFacts.ts'
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
  /** Of the signature. */
  readonly strength: number
  readonly identifier: Uint8Array
  readonly pair: Pair
  readonly digest: string | null
  readonly salt?: number
}

const rsa: Pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = (namedCurve: string): Pair => generateKeyPairSync('ec', { namedCurve })

const nullParameters = (oid: string) => lab.sequence(lab.oid(oid), lab.nullValue())
const noParameters = (oid: string) => lab.sequence(lab.oid(oid))
const sha2 = (n: number) => `2.16.840.1.101.3.4.2.${n}`
const MD5 = '1.2.840.113549.2.5'
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

const RSA_CASES: readonly Case[] = [
  ['SHA1', '1.2.840.113549.1.1.5', 63],
  ['SHA224', '1.2.840.113549.1.1.14', 112],
  ['SHA256', '1.2.840.113549.1.1.11', 112],
  ['SHA384', '1.2.840.113549.1.1.12', 112],
  ['SHA512', '1.2.840.113549.1.1.13', 112],
  ['SHA512-224', '1.2.840.113549.1.1.15', 112],
  ['SHA512-256', '1.2.840.113549.1.1.16', 112],
  ['SHA3-256', '2.16.840.1.101.3.4.3.14', 112],
  ['SHA3-384', '2.16.840.1.101.3.4.3.15', 112],
  ['SHA3-512', '2.16.840.1.101.3.4.3.16', 112],
].map(([hash, oid, strength]) => ({
  name: `RSA-${hash}`,
  key: 'RSA',
  bits: 2048,
  strength: Number(strength),
  identifier: nullParameters(String(oid)),
  pair: rsa,
  digest: String(hash).toLowerCase(),
}))

const PSS_CASES: readonly Case[] = [
  ['SHA256', sha2(1), 32],
  ['SHA224', sha2(4), 28],
  ['SHA384', sha2(2), 48],
  ['SHA512', sha2(3), 20],
  ['SHA512-224', sha2(5), 28],
  ['SHA512-256', sha2(6), 32],
  ['SHA3-224', sha2(7), 28],
  ['SHA3-256', sha2(8), 32],
  ['SHA3-384', sha2(9), 0],
  ['SHA3-512', sha2(10), 64],
  ['SHA1', '1.3.14.3.2.26', 20],
].map(([hash, oid, salt]) => ({
  name: `RSA-PSS-${hash}`,
  key: 'RSA',
  bits: 2048,
  strength: hash === 'SHA1' ? 63 : 112,
  identifier: pss(String(oid), String(oid), BigInt(salt ?? 0)),
  pair: rsa,
  digest: String(hash).toLowerCase(),
  salt: Number(salt),
}))

const ecdsa = (
  [name, arc, digest]: readonly [name: string, arc: string, digest: string],
  [key, bits, pair]: readonly [key: string, bits: number, pair: Pair],
  strength: number,
): Case => ({
  name: `ECDSA-${name}`,
  key: `EC ${key}`,
  bits,
  strength,
  identifier: noParameters(arc),
  pair,
  digest,
})

const PSS_KEY: Case = {
  name: 'RSA-PSS-SHA256',
  key: 'RSA-PSS',
  bits: 2048,
  strength: 112,
  identifier: pss(sha2(1), sha2(1), 32n),
  pair: generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
  digest: 'sha256',
  salt: 32,
}
/** Its parameters allow SHA-256 and at least 24 octets of salt. */
// @ts-expect-error -- saltLength is a number, whatever the types of node say
const RESTRICTED: Pair = generateKeyPairSync('rsa-pss', {
  modulusLength: 2048,
  hashAlgorithm: 'sha256',
  mgf1HashAlgorithm: 'sha256',
  saltLength: 24,
})

const P256 = ['P-256', 256, ec('P-256')] as const
const P384 = ['P-384', 384, ec('P-384')] as const
const P521 = ['P-521', 521, ec('P-521')] as const

const CASES: readonly Case[] = [
  ...RSA_CASES,
  ...PSS_CASES,
  PSS_KEY,
  { ...PSS_KEY, pair: RESTRICTED },
  ecdsa(['SHA1', '1.2.840.10045.4.1', 'sha1'], P256, 63),
  ecdsa(['SHA224', '1.2.840.10045.4.3.1', 'sha224'], P256, 112),
  ecdsa(['SHA256', '1.2.840.10045.4.3.2', 'sha256'], P256, 128),
  // Each is worth what the weaker of hash and curve is worth.
  ecdsa(['SHA512', '1.2.840.10045.4.3.4', 'sha512'], P256, 128),
  ecdsa(['SHA384', '1.2.840.10045.4.3.3', 'sha384'], P384, 192),
  ecdsa(['SHA256', '1.2.840.10045.4.3.2', 'sha256'], P521, 128),
  ecdsa(['SHA512', '1.2.840.10045.4.3.4', 'sha512'], P521, 256),
  ecdsa(['SHA3-256', '2.16.840.1.101.3.4.3.10', 'sha3-256'], P256, 128),
  ecdsa(['SHA3-512', '2.16.840.1.101.3.4.3.12', 'sha3-512'], P384, 192),
  ecdsa(['SHA256', '1.2.840.10045.4.3.2', 'sha256'], ['brainpoolP256r1', 256, ec('brainpoolP256r1')], 128),
  ecdsa(['SHA384', '1.2.840.10045.4.3.3', 'sha384'], ['brainpoolP384r1', 384, ec('brainpoolP384r1')], 192),
  ecdsa(['SHA512', '1.2.840.10045.4.3.4', 'sha512'], ['brainpoolP512r1', 512, ec('brainpoolP512r1')], 256),
  ...(
    [
      ['Ed25519', 256, 128, '1.3.101.112', generateKeyPairSync('ed25519')],
      ['Ed448', 456, 224, '1.3.101.113', generateKeyPairSync('ed448')],
    ] as const
  ).map(([name, bits, strength, oid, pair]) => ({
    name,
    key: name,
    bits,
    strength,
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
      const facts = certificateFacts(certificate)
      assert.deepEqual(
        [facts.signatureStrength, facts.quantumSafe, facts.selfSigned],
        [c.strength, false, true],
      )
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

  it('keeps to the parameters of a PSS key', () => {
    const others = [
      { ...PSS_KEY, pair: RESTRICTED, identifier: pss(sha2(2), sha2(2), 32n), digest: 'sha384' },
      { ...PSS_KEY, pair: RESTRICTED, identifier: pss(sha2(1), sha2(1), 20n) },
    ]
    for (const other of others) {
      // What the key may not sign, its owner's library does not sign either: the signature is that of another object.
      const certificate = selfSigned({ ...other, digest: 'sha256', salt: 32 })
      refused(() => verifySelf(certificate), 'signature', 'key_mismatch')
    }
    for (const [hashAlgorithm, mgf1HashAlgorithm] of [
      ['sha384', 'sha256'],
      ['sha256', 'sha384'],
    ] as const) {
      const options = { modulusLength: 2048, hashAlgorithm, mgf1HashAlgorithm }
      const { publicKey } = generateKeyPairSync('rsa-pss', options)
      const certificate = selfSigned(PSS_KEY)
      const check = () => verifySignature(certificate, { ...certificate, publicKey }, 'x')
      refused(check, 'signature', 'key_mismatch')
    }
    const pkcs1 = { ...PSS_KEY, identifier: nullParameters('1.2.840.113549.1.1.11') }
    refused(() => verifySelf(selfSigned(pkcs1)), 'signature', 'key_mismatch')
  })

  it('takes PSS without parameters for what cannot be verified, not for damage', () => {
    const certificate = selfSigned({ ...PSS_KEY, identifier: noParameters(RSASSA_PSS) })
    assert.equal(certificate.signatureAlgorithm, 'RSA-PSS-unknown')
    refused(() => verifySelf(certificate), 'signature', 'unsupported')
    const { signatureStrength, quantumSafe, selfSigned: self } = certificateFacts(certificate)
    assert.deepEqual([signatureStrength, quantumSafe, self], [undefined, false, undefined])
  })

  it('does not verify PSS with a digest whose collisions are found in practice', () => {
    const certificate = selfSigned({ ...PSS_KEY, identifier: pss(MD5, MD5, 32n) })
    refused(() => verifySelf(certificate), 'signature', 'unsupported')
    assert.equal(certificateFacts(certificate).signatureStrength, 0)
  })

  it('refuses a key of another kind than the algorithm', () => {
    const certificate = selfSigned({ ...RSA_CASES[2]!, pair: P256[2], digest: 'sha256' })
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
      // Whatever the key is, the signature on it is classical.
      assert.equal(certificate.quantumSafe, false)
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
