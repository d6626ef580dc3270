import { CURVES, ecStrength, rsaStrength } from './algorithmTable.ts'
import type { SignatureScheme } from './algorithms.ts'
import { Der, TAG } from './der.ts'
import { PkiError } from './error.ts'

/** Bits of a number that is not negative, in big-endian octets. */
export function bitLength(octets: Uint8Array): number {
  const from = octets.findIndex((octet) => octet !== 0)
  return from < 0 ? 0 : (octets.length - from) * 8 - (Math.clz32(octets[from] ?? 0) - 24)
}

/**
 * Bits of security of a signature against a classical computer: what its algorithm gives and the signer's key allows. The key's size shows
 * in the signature, so that the signer need not be known: RSA signatures are as long as the modulus, and the numbers in those of ECDSA as the
 * group order (that both are 32 bits shorter happens once in 2^64). undefined: unknown.
 */
export function signatureStrength(
  { strength, family }: SignatureScheme,
  signature: Uint8Array,
): number | undefined {
  if (strength === undefined || family === 'other') return strength
  if (family === 'RSA') return Math.min(strength, rsaStrength(signature.length * 8))
  const bits = ecdsaBits(signature)
  return bits === undefined ? undefined : Math.min(strength, ecStrength(bits))
}

/** Sizes of the known curves, ascending. */
const CURVE_SIZES = Object.values(CURVES)
  .map(({ bits }) => bits)
  .sort((a, b) => a - b)

/** Bits of the smallest known curve of which ECDSA-Sig-Value (RFC 3279 2.2.3) can be; undefined: it is none. */
function ecdsaBits(signature: Uint8Array): number | undefined {
  try {
    const pair = Der.open(signature, 'ECDSA signature', signature.length)
    const longest = Math.max(...['r', 's'].map((field) => bitLength(pair.enter(TAG.integer, field).value)))
    pair.finish()
    return CURVE_SIZES.find((bits) => bits >= longest)
  } catch (error) {
    if (error instanceof PkiError) return undefined
    throw error
  }
}

/** The facts about a signature that the groups `crl` and `ocsp` share. */
export function strengthFacts(
  scheme: SignatureScheme,
  signature: Uint8Array,
): { readonly signatureStrength?: number; readonly quantumSafe?: boolean } {
  const strength = signatureStrength(scheme, signature)
  const { quantumSafe } = scheme
  return {
    ...(strength === undefined ? {} : { signatureStrength: strength }),
    ...(quantumSafe === undefined ? {} : { quantumSafe }),
  }
}
