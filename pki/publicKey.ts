import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { CURVES, WHOLE_ALGORITHMS, ecStrength, rsaStrength } from './algorithmTable.ts'
import { Der, TAG } from './der.ts'
import { oidContent, tlv } from './derWriter.ts'
import { PkiError } from './error.ts'
import { bitLength } from './strength.ts'

interface PublicKeyInfo {
  /** The whole SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Content of subjectPublicKey: what OCSP's key hashes are over. */
  readonly keyBytes: Uint8Array
  /** DER of the algorithm's parameters, its own or inherited. undefined: there are none. */
  readonly parameters: Uint8Array | undefined
  /** `RSA`, `RSA-PSS`, `EC P-256`, `Ed25519`, `ML-DSA-65`; for an unknown algorithm or curve its OID. */
  readonly algorithm: string
  /** 0: unknown. */
  readonly bits: number
  /** Bits of security against a classical computer; 0 below the weakest in NIST's table. undefined: unknown. */
  readonly strength: number | undefined
  /** undefined: unknown. */
  readonly quantumSafe: boolean | undefined
  /** Why the key cannot be used here: it is of no known kind, or it is not what its algorithm says. undefined: it can. */
  readonly unusable: { readonly code: 'unsupported' | 'bad_key'; readonly what: string } | undefined
}

const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'
const RSASSA_PSS = '1.2.840.113549.1.1.10'
const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const DSA = '1.2.840.10040.4.1'
/** Named, so that people need not look them up; certificates are not signed with them. */
const OTHER_KEYS: Readonly<Record<string, string>> = {
  '1.3.101.110': 'X25519',
  '1.3.101.111': 'X448',
  '2.16.840.1.101.3.4.4.1': 'ML-KEM-512',
  '2.16.840.1.101.3.4.4.2': 'ML-KEM-768',
  '2.16.840.1.101.3.4.4.3': 'ML-KEM-1024',
}

/** Bits of an RSA modulus that is used. OpenSSL's own limit; verification beyond costs seconds and nobody has such keys. */
const MAX_RSA_BITS = 16_384

/**
 * Reads the SubjectPublicKeyInfo (RFC 5280 4.1.2.7) that comes next in `parent`. `inherited`: DER of the parameters of the issuer's key, for
 * a DSA key that has none (RFC 3279 2.3.2).
 */
export function readPublicKeyInfo(parent: Der, field: string, inherited?: Uint8Array): PublicKeyInfo {
  const info = parent.enter(TAG.sequence, field)
  const identifier = info.enter(TAG.sequence, 'algorithm')
  const oid = identifier.oid('algorithm')
  const parameters = identifier.done ? undefined : identifier.any('parameters')
  identifier.finish()
  // RFC 3279 2.3.1: NULL.
  if (oid === RSA_ENCRYPTION && parameters === undefined) identifier.note('null_missing')
  const keyBytes = info.wholeBits('subjectPublicKey')
  info.finish()

  const base = { spki: info.der, keyBytes }
  if (oid === DSA) {
    const own = parameters === undefined || parameters.tag === TAG.null ? inherited : parameters.der
    return { ...base, parameters: own, ...describeDsa(own) }
  }
  return { ...base, parameters: parameters?.der, ...describeKey(oid, parameters, keyBytes) }
}

type KeyDescription = Omit<PublicKeyInfo, 'spki' | 'keyBytes' | 'parameters'>

/** RFC 3279 2.3.2. */
function describeDsa(parameters: Uint8Array | undefined): KeyDescription {
  if (parameters === undefined) {
    return { ...unknownKey('DSA', 'DSA key without parameters'), quantumSafe: false }
  }
  const bits = leadingBits(parameters, 'Dss-Parms', ['p', 'q', 'g'])
  if (bits === undefined) {
    return { algorithm: 'DSA', bits: 0, strength: undefined, quantumSafe: false, unusable: badKey('DSA') }
  }
  const unusable = bits > MAX_RSA_BITS ? unsupported(`DSA key of ${bits} bits`) : undefined
  return { algorithm: 'DSA', bits, strength: rsaStrength(bits), quantumSafe: false, unusable }
}

function describeKey(oid: string, parameters: Der | undefined, keyBytes: Uint8Array): KeyDescription {
  if (oid === RSA_ENCRYPTION || oid === RSASSA_PSS) {
    return describeRsa(oid === RSA_ENCRYPTION ? 'RSA' : 'RSA-PSS', keyBytes)
  }
  if (oid === EC_PUBLIC_KEY) return describeEc(parameters)
  const whole = WHOLE_ALGORITHMS[oid]
  if (whole === undefined) return unknownKey(OTHER_KEYS[oid] ?? oid, `key algorithm ${oid}`)
  const { name, octets, strength, quantumSafe } = whole
  const fits = keyBytes.length === octets && parameters === undefined
  const unusable = fits ? undefined : badKey(name)
  return { algorithm: name, bits: octets * 8, strength, quantumSafe, unusable }
}

function describeRsa(algorithm: string, keyBytes: Uint8Array): KeyDescription {
  const bits = leadingBits(keyBytes, 'RSAPublicKey', ['modulus', 'publicExponent'])
  if (bits === undefined) {
    return { algorithm, bits: 0, strength: undefined, quantumSafe: false, unusable: badKey(algorithm) }
  }
  const unusable = bits > MAX_RSA_BITS ? unsupported(`RSA key of ${bits} bits`) : undefined
  return { algorithm, bits, strength: rsaStrength(bits), quantumSafe: false, unusable }
}

function describeEc(parameters: Der | undefined): KeyDescription {
  if (parameters?.tag !== TAG.oid) {
    // Explicit curve parameters let whoever writes the certificate choose the curve's generator (CVE-2020-0601).
    return { ...unknownKey('EC', 'EC key without a named curve'), quantumSafe: false }
  }
  const oid = parameters.asOid()
  const curve = CURVES[oid]
  if (curve === undefined) return { ...unknownKey(`EC ${oid}`, `curve ${oid}`), quantumSafe: false }
  const { name, bits, verified } = curve
  const unusable = verified ? undefined : unsupported(`curve ${name}`)
  return { algorithm: `EC ${name}`, bits, strength: ecStrength(bits), quantumSafe: false, unusable }
}

function unknownKey(algorithm: string, what: string): KeyDescription {
  return { algorithm, bits: 0, strength: undefined, quantumSafe: undefined, unusable: unsupported(what) }
}

function unsupported(what: string): KeyDescription['unusable'] {
  return { code: 'unsupported', what }
}

function badKey(algorithm: string): KeyDescription['unusable'] {
  return { code: 'bad_key', what: `a malformed ${algorithm} key` }
}

/**
 * Bits of the first of a SEQUENCE of INTEGERs: the modulus of an RSAPublicKey (RFC 8017 A.1.1) or of Dss-Parms (RFC 3279 2.3.2). undefined:
 * malformed, which is the key's fault and must not make the certificate around it unreadable.
 */
function leadingBits(der: Uint8Array, what: string, fields: readonly string[]): number | undefined {
  try {
    const sequence = Der.open(der, what, der.length)
    const [modulus] = fields.map((field) => sequence.enter(TAG.integer, field).value)
    sequence.finish()
    const bits = modulus === undefined ? 0 : bitLength(modulus)
    return bits === 0 ? undefined : bits
  } catch (error) {
    if (error instanceof PkiError) return undefined
    throw error
  }
}

/** Throws PkiError(signature): unsupported for a key of a kind that cannot be used here, bad_key for one that is none. */
export function importPublicKey(info: PublicKeyInfo): KeyObject {
  const { algorithm, unusable } = info
  if (unusable !== undefined) {
    throw new PkiError(
      'signature',
      unusable.code,
      `expected a public key of a known kind, got ${unusable.what}`,
    )
  }
  try {
    return createPublicKey({ key: Buffer.from(completeSpki(info)), format: 'der', type: 'spki' })
  } catch (cause) {
    // A point that is not on its curve, for instance.
    throw new PkiError('signature', 'bad_key', `expected an ${algorithm} key that OpenSSL reads`, { cause })
  }
}

/** With the inherited parameters in it, where they are. */
function completeSpki({ spki, keyBytes, algorithm, parameters }: PublicKeyInfo): Uint8Array {
  if (algorithm !== 'DSA' || parameters === undefined) return spki
  const identifier = tlv(TAG.sequence, tlv(TAG.oid, oidContent(DSA)), parameters)
  return tlv(TAG.sequence, identifier, tlv(TAG.bitString, Uint8Array.of(0), keyBytes))
}
