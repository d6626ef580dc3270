// Every signature and key algorithm that vigil knows by name, what it is worth, and whether it can be verified here. Strengths are
// bits of security against a classical computer, from NIST SP 800-57 part 1 revision 5, tables 2 and 3, unless noted.
// How long each may still be used is in retirement.ts.

export interface Digest {
  /** As node:crypto names it. */
  readonly name: string
  /** Against collisions, which is what a signature rests on. */
  readonly strength: number
}

/** Hash functions by OID. */
export const DIGESTS: Readonly<Record<string, Digest>> = {
  '1.2.840.113549.2.2': { name: 'md2', strength: 0 },
  // Collisions take seconds (RFC 6151).
  '1.2.840.113549.2.5': { name: 'md5', strength: 0 },
  // The first collision took 2^63 computations (Stevens and others, "The first collision for full SHA-1", 2017); table 3 says "at most 80".
  '1.3.14.3.2.26': { name: 'sha1', strength: 63 },
  '2.16.840.1.101.3.4.2.4': { name: 'sha224', strength: 112 },
  '2.16.840.1.101.3.4.2.1': { name: 'sha256', strength: 128 },
  '2.16.840.1.101.3.4.2.2': { name: 'sha384', strength: 192 },
  '2.16.840.1.101.3.4.2.3': { name: 'sha512', strength: 256 },
  '2.16.840.1.101.3.4.2.5': { name: 'sha512-224', strength: 112 },
  '2.16.840.1.101.3.4.2.6': { name: 'sha512-256', strength: 128 },
  '2.16.840.1.101.3.4.2.7': { name: 'sha3-224', strength: 112 },
  '2.16.840.1.101.3.4.2.8': { name: 'sha3-256', strength: 128 },
  '2.16.840.1.101.3.4.2.9': { name: 'sha3-384', strength: 192 },
  '2.16.840.1.101.3.4.2.10': { name: 'sha3-512', strength: 256 },
}

/** Collisions are found in practice: a signature over such a digest proves nothing, and is not verified. */
const BROKEN_DIGESTS: ReadonlySet<string> = new Set(['md2', 'md5'])

/** A signature over a digest: RSA PKCS#1 v1.5, ECDSA or DSA (RFC 3279, 4055, 5758, 8702; OIDs of NIST for SHA-3). */
export interface DigestSignature {
  readonly name: string
  readonly family: 'RSA' | 'ECDSA' | 'DSA'
  readonly digest: Digest
  /** What AlgorithmIdentifier must carry beside the OID. */
  readonly parameters: 'null' | 'absent'
  readonly verified: boolean
}

/** By OID; the digest by its name in `DIGESTS`. */
export const DIGEST_SIGNATURES: Readonly<Record<string, DigestSignature>> = {
  ...digestSignatures('RSA', {
    '1.2.840.113549.1.1.2': 'md2',
    '1.2.840.113549.1.1.4': 'md5',
    '1.2.840.113549.1.1.5': 'sha1',
    '1.2.840.113549.1.1.14': 'sha224',
    '1.2.840.113549.1.1.11': 'sha256',
    '1.2.840.113549.1.1.12': 'sha384',
    '1.2.840.113549.1.1.13': 'sha512',
    '1.2.840.113549.1.1.15': 'sha512-224',
    '1.2.840.113549.1.1.16': 'sha512-256',
    '2.16.840.1.101.3.4.3.13': 'sha3-224',
    '2.16.840.1.101.3.4.3.14': 'sha3-256',
    '2.16.840.1.101.3.4.3.15': 'sha3-384',
    '2.16.840.1.101.3.4.3.16': 'sha3-512',
  }),
  ...digestSignatures('ECDSA', {
    '1.2.840.10045.4.1': 'sha1',
    '1.2.840.10045.4.3.1': 'sha224',
    '1.2.840.10045.4.3.2': 'sha256',
    '1.2.840.10045.4.3.3': 'sha384',
    '1.2.840.10045.4.3.4': 'sha512',
    '2.16.840.1.101.3.4.3.9': 'sha3-224',
    '2.16.840.1.101.3.4.3.10': 'sha3-256',
    '2.16.840.1.101.3.4.3.11': 'sha3-384',
    '2.16.840.1.101.3.4.3.12': 'sha3-512',
  }),
  // Withdrawn for signing (FIPS 186-5); what was signed before may still be verified.
  ...digestSignatures('DSA', {
    '1.2.840.10040.4.3': 'sha1',
    '2.16.840.1.101.3.4.3.1': 'sha224',
    '2.16.840.1.101.3.4.3.2': 'sha256',
  }),
}

function digestSignatures(
  family: DigestSignature['family'],
  digests: Readonly<Record<string, string>>,
): Record<string, DigestSignature> {
  const known = new Map(Object.values(DIGESTS).map((digest) => [digest.name, digest]))
  return Object.fromEntries(
    Object.entries(digests).flatMap(([oid, name]) => {
      const digest = known.get(name)
      if (digest === undefined) return []
      const verified = !BROKEN_DIGESTS.has(name)
      const parameters = family === 'RSA' ? 'null' : 'absent'
      return [[oid, { name: `${family}-${name.toUpperCase()}`, family, digest, parameters, verified }]]
    }),
  )
}

interface Curve {
  readonly name: string
  readonly bits: number
  readonly verified: boolean
}

/**
 * Named curves by OID. secp256k1 and those of less than 256 bits are no CA's; brainpool curves (RFC 5639) are used by European ones.
 */
export const CURVES: Readonly<Record<string, Curve>> = {
  '1.2.840.10045.3.1.7': { name: 'P-256', bits: 256, verified: true },
  '1.3.132.0.34': { name: 'P-384', bits: 384, verified: true },
  '1.3.132.0.35': { name: 'P-521', bits: 521, verified: true },
  '1.3.36.3.3.2.8.1.1.7': { name: 'brainpoolP256r1', bits: 256, verified: true },
  '1.3.36.3.3.2.8.1.1.11': { name: 'brainpoolP384r1', bits: 384, verified: true },
  '1.3.36.3.3.2.8.1.1.13': { name: 'brainpoolP512r1', bits: 512, verified: true },
  '1.2.840.10045.3.1.1': { name: 'P-192', bits: 192, verified: false },
  '1.3.132.0.33': { name: 'P-224', bits: 224, verified: false },
  '1.3.132.0.10': { name: 'secp256k1', bits: 256, verified: false },
}

/** An algorithm in which key and signature have the same OID and neither has parameters. */
export interface WholeAlgorithm {
  readonly name: string
  /** Exact size of the public key in octets. */
  readonly octets: number
  readonly strength: number
  readonly quantumSafe: boolean
}

/**
 * Edwards curves (RFC 8410; strengths RFC 8032), ML-DSA (FIPS 204, RFC 9881) and SLH-DSA (FIPS 205, RFC 9909). The strengths of the latter two stand for
 * their NIST categories: 2 is as hard as a collision of SHA-256; 1, 3 and 5 as a key search of AES-128, 192 and 256.
 */
export const WHOLE_ALGORITHMS: Readonly<Record<string, WholeAlgorithm>> = {
  '1.3.101.112': { name: 'Ed25519', octets: 32, strength: 128, quantumSafe: false },
  '1.3.101.113': { name: 'Ed448', octets: 57, strength: 224, quantumSafe: false },
  '2.16.840.1.101.3.4.3.17': { name: 'ML-DSA-44', octets: 1312, strength: 128, quantumSafe: true },
  '2.16.840.1.101.3.4.3.18': { name: 'ML-DSA-65', octets: 1952, strength: 192, quantumSafe: true },
  '2.16.840.1.101.3.4.3.19': { name: 'ML-DSA-87', octets: 2592, strength: 256, quantumSafe: true },
  ...slhDsa(),
}

/** OIDs 20 to 31 in the order of FIPS 205: SHA2 then SHAKE; small then fast signatures. */
function slhDsa(): Record<string, WholeAlgorithm> {
  const sets = ['SHA2', 'SHAKE'].flatMap((hash) =>
    [128, 192, 256].flatMap((strength) => ['s', 'f'].map((size) => ({ hash, strength, size }))),
  )
  return Object.fromEntries(
    sets.map(({ hash, strength, size }, i) => [
      `2.16.840.1.101.3.4.3.${20 + i}`,
      { name: `SLH-DSA-${hash}-${strength}${size}`, octets: strength / 4, strength, quantumSafe: true },
    ]),
  )
}

/** Table 2: the smallest RSA modulus (or modulus of DSA) of each strength. */
const RSA_STRENGTHS = [
  [15_360, 256],
  [7680, 192],
  [3072, 128],
  [2048, 112],
  [1024, 80],
] as const

/** Table 2: the smallest group order of an elliptic curve of each strength. */
const EC_STRENGTHS = [
  [512, 256],
  [384, 192],
  [256, 128],
  [224, 112],
  [160, 80],
] as const

/** Bits of security of a modulus of that many bits: the largest strength in the table that it reaches; 0 below the table. */
export function rsaStrength(bits: number): number {
  return RSA_STRENGTHS.find(([least]) => bits >= least)?.[1] ?? 0
}

/** The same for an elliptic curve. */
export function ecStrength(bits: number): number {
  return EC_STRENGTHS.find(([least]) => bits >= least)?.[1] ?? 0
}
