import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { Der, TAG } from './der.ts'
import { PkiError } from './error.ts'

interface PublicKeyInfo {
  /** The whole SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Content of subjectPublicKey: what OCSP's key hashes are over. */
  readonly keyBytes: Uint8Array
  /** `RSA`, `EC P-256`, `Ed25519`, `ML-DSA-65`; for an unknown algorithm or curve its OID. */
  readonly algorithm: string
  /** 0: unknown. */
  readonly bits: number
  /** Why the key cannot be used here; undefined when it can. */
  readonly unsupported: string | undefined
}

const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'
const RSASSA_PSS = '1.2.840.113549.1.1.10'
const EC_PUBLIC_KEY = '1.2.840.10045.2.1'

const CURVES: Readonly<Record<string, { name: string; bits: number }>> = {
  '1.2.840.10045.3.1.7': { name: 'P-256', bits: 256 },
  '1.3.132.0.34': { name: 'P-384', bits: 384 },
  '1.3.132.0.35': { name: 'P-521', bits: 521 },
}

/** Keys without parameters: name and the exact size of the encoded key in octets. */
const PLAIN_KEYS: Readonly<Record<string, { name: string; octets: number }>> = {
  '1.3.101.112': { name: 'Ed25519', octets: 32 },
  '1.3.101.113': { name: 'Ed448', octets: 57 },
  '2.16.840.1.101.3.4.3.17': { name: 'ML-DSA-44', octets: 1312 },
  '2.16.840.1.101.3.4.3.18': { name: 'ML-DSA-65', octets: 1952 },
  '2.16.840.1.101.3.4.3.19': { name: 'ML-DSA-87', octets: 2592 },
}

/** Bits of an RSA modulus that is used. OpenSSL's own limit; verification beyond costs seconds and nobody has such keys. */
const MAX_RSA_BITS = 16_384

/** Reads the SubjectPublicKeyInfo (RFC 5280 4.1.2.7) that comes next in `parent`. */
export function readPublicKeyInfo(parent: Der, field: string): PublicKeyInfo {
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
  if (oid === RSA_ENCRYPTION || oid === RSASSA_PSS) {
    const algorithm = oid === RSA_ENCRYPTION ? 'RSA' : 'RSA-PSS'
    const bits = rsaBits(keyBytes)
    if (bits === undefined) return { ...base, algorithm, bits: 0, unsupported: 'malformed RSA key' }
    const unsupported = bits > MAX_RSA_BITS ? `RSA key of ${bits} bits` : undefined
    return { ...base, algorithm, bits, unsupported }
  }
  if (oid === EC_PUBLIC_KEY) {
    if (parameters?.tag !== TAG.oid) {
      // Explicit curve parameters let whoever writes the certificate choose the curve's generator (CVE-2020-0601).
      return { ...base, algorithm: 'EC', bits: 0, unsupported: 'EC key without a named curve' }
    }
    const curve = parameters.asOid()
    const known = CURVES[curve]
    return known === undefined
      ? { ...base, algorithm: `EC ${curve}`, bits: 0, unsupported: `curve ${curve}` }
      : { ...base, algorithm: `EC ${known.name}`, bits: known.bits, unsupported: undefined }
  }
  const plain = PLAIN_KEYS[oid]
  if (plain === undefined) return { ...base, algorithm: oid, bits: 0, unsupported: `key algorithm ${oid}` }
  const fits = keyBytes.length === plain.octets && parameters === undefined
  return {
    ...base,
    algorithm: plain.name,
    bits: plain.octets * 8,
    unsupported: fits ? undefined : `malformed ${plain.name} key`,
  }
}

/**
 * Bits of the modulus of an RSAPublicKey (RFC 8017 A.1.1); undefined: malformed, which is the key's fault and must not make the
 * certificate around it unreadable.
 */
function rsaBits(key: Uint8Array): number | undefined {
  try {
    const sequence = Der.open(key, 'RSAPublicKey', key.length)
    const modulus = sequence.enter(TAG.integer, 'modulus').value
    sequence.enter(TAG.integer, 'publicExponent')
    sequence.finish()
    const from = modulus.findIndex((octet) => octet !== 0)
    return from < 0 ? undefined : (modulus.length - from) * 8 - (Math.clz32(modulus[from] ?? 0) - 24)
  } catch (error) {
    if (error instanceof PkiError) return undefined
    throw error
  }
}

/** Throws PkiError(signature, unsupported) for a key that cannot be used here. */
export function importPublicKey({ spki, unsupported }: PublicKeyInfo): KeyObject {
  if (unsupported !== undefined) {
    throw new PkiError('signature', 'unsupported', `expected a supported public key, got ${unsupported}`)
  }
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch (cause) {
    throw new PkiError('signature', 'unsupported', 'expected a public key that OpenSSL reads', { cause })
  }
}
