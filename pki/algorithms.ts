import { CURVES, DIGESTS, DIGEST_SIGNATURES, WHOLE_ALGORITHMS } from './algorithmTable.ts'
import type { Digest, DigestSignature } from './algorithmTable.ts'
import { TAG, explicit } from './der.ts'
import type { Der } from './der.ts'

/** How node:crypto is asked to verify. */
export interface Verification {
  /** `Certificate.keyAlgorithm` of keys that can make such a signature. */
  readonly keys: readonly string[]
  /** undefined: the algorithm brings its own (Ed25519, ML-DSA). */
  readonly digest: string | undefined
  /** RSASSA-PSS: salt length in octets. */
  readonly pssSalt?: number
}

/** The algorithm of a signature. One that vigil cannot verify is a fact, not an error, until somebody verifies. */
export interface SignatureScheme {
  /** `RSA-SHA256`, `ECDSA-SHA384`, `Ed25519`, `ML-DSA-65`; of an unknown algorithm the OID. */
  readonly name: string
  readonly verification: Verification | { readonly unsupported: string }
  /**
   * Bits of security that the algorithm can give: those of the digest against collisions, or of the algorithm as a whole; `signatureStrength`
   * looks at the key too. undefined: unknown.
   */
  readonly strength: number | undefined
  /** No quantum computer is known to break it. undefined: unknown. */
  readonly quantumSafe: boolean | undefined
  /** Whose size the signature shows. */
  readonly family: 'RSA' | 'ECDSA' | 'other'
}

/** `sha256` for its OID; undefined when unknown, or when collisions are found in practice. */
export function digestName(oid: string): string | undefined {
  const digest = DIGESTS[oid]
  return digest === undefined || digest.strength === 0 ? undefined : digest.name
}

/** The OID of a digest by that name; undefined when unknown. */
export function digestOid(name: string): string | undefined {
  return OID_OF_DIGEST.get(name)
}

const OID_OF_DIGEST: ReadonlyMap<string, string> = new Map(
  Object.keys(DIGESTS).flatMap((oid) => {
    const name = digestName(oid)
    return name === undefined ? [] : [[name, oid]]
  }),
)

const SHA1 = DIGESTS['1.3.14.3.2.26']
const RSASSA_PSS = '1.2.840.113549.1.1.10'
const MGF1 = '1.2.840.113549.1.1.8'

const KEYS: Readonly<Record<DigestSignature['family'], readonly string[]>> = {
  RSA: ['RSA'],
  ECDSA: Object.values(CURVES).flatMap(({ name, verified }) => (verified ? [`EC ${name}`] : [])),
  DSA: ['DSA'],
}
const RSA_PSS = ['RSA', 'RSA-PSS'] as const

/**
 * Reads the AlgorithmIdentifier (RFC 5280 4.1.1.2) of a signature that comes next in `parent`. SHA-1 is verified: that a CA still uses it is for
 * rules to judge, and only a signature that verified makes it a fact. MD5 and older are not: their signatures prove nothing.
 */
export function readSignatureScheme(
  parent: Der,
  field: string,
): { der: Uint8Array; scheme: SignatureScheme } {
  const identifier = parent.enter(TAG.sequence, field)
  const oid = identifier.oid('algorithm')
  if (oid === RSASSA_PSS) return { der: identifier.der, scheme: readPss(identifier) }
  const parameters = identifier.done ? undefined : identifier.any('parameters')
  identifier.finish()
  const known = DIGEST_SIGNATURES[oid]
  if (parameters === undefined && known?.parameters === 'null') identifier.note('null_missing')
  const scheme = known === undefined ? wholeScheme(oid, parameters) : digestScheme(known, parameters)
  return { der: identifier.der, scheme }
}

function digestScheme(known: DigestSignature, parameters: Der | undefined): SignatureScheme {
  const { name, family, digest, verified } = known
  // Many signers leave NULL out, and nothing depends on it; anything else is not the algorithm that was named.
  const fits =
    parameters === undefined ||
    (known.parameters === 'null' && parameters.tag === TAG.null && parameters.value.length === 0)
  const unsupported = !verified ? `algorithm ${name}` : !fits ? `parameters of ${name}` : undefined
  return {
    name,
    verification: unsupported === undefined ? { keys: KEYS[family], digest: digest.name } : { unsupported },
    // A DSA signature shows its key's subgroup, not its modulus, which may be weaker.
    strength: family === 'DSA' ? undefined : digest.strength,
    quantumSafe: false,
    family: family === 'DSA' ? 'other' : family,
  }
}

function wholeScheme(oid: string, parameters: Der | undefined): SignatureScheme {
  const known = WHOLE_ALGORITHMS[oid]
  if (known === undefined) {
    const verification = { unsupported: `algorithm ${oid}` }
    return { name: oid, verification, strength: undefined, quantumSafe: undefined, family: 'other' }
  }
  const { name, strength, quantumSafe } = known
  const verification =
    parameters === undefined ? { keys: [name], digest: undefined } : { unsupported: `parameters of ${name}` }
  return { name, verification, strength, quantumSafe, family: 'other' }
}

/** RFC 4055 3.1. Defaults: SHA-1, MGF1 with SHA-1, 20 octets of salt. */
function readPss(identifier: Der): SignatureScheme {
  // 3: in a signature they must be there. Without them nothing is malformed, but nothing can be verified either.
  if (identifier.done) return pssScheme(undefined, 'RSA-PSS without parameters')
  const parameters = identifier.enter(TAG.sequence, 'parameters')
  identifier.finish()
  const hash = readHash(parameters.explicit(0, 'hashAlgorithm'))
  const mask = readMask(parameters.explicit(1, 'maskGenAlgorithm'))
  const saltField = parameters.explicit(2, 'saltLength')
  const pssSalt = saltField === undefined ? 20 : saltField.smallInteger('saltLength')
  saltField?.finish()
  const trailerField = parameters.optional(explicit(3), 'trailerField')
  const trailer = trailerField === undefined ? 1 : trailerField.smallInteger('trailerField')
  trailerField?.finish()
  parameters.finish()

  // node:crypto uses the signature's digest for MGF1, as RFC 4055 recommends and everybody does.
  if (hash === undefined || hash.strength === 0 || mask !== hash || trailer !== 1) {
    return pssScheme(hash, `parameters of RSA-PSS-${hash?.name.toUpperCase() ?? 'unknown'}`)
  }
  return pssScheme(hash, { keys: RSA_PSS, digest: hash.name, pssSalt })
}

function pssScheme(hash: Digest | undefined, verification: Verification | string): SignatureScheme {
  return {
    name: `RSA-PSS-${hash?.name.toUpperCase() ?? 'unknown'}`,
    verification: typeof verification === 'string' ? { unsupported: verification } : verification,
    strength: hash?.strength,
    quantumSafe: false,
    family: 'RSA',
  }
}

/** undefined: unknown. */
function readHash(field: Der | undefined): Digest | undefined {
  if (field === undefined) return SHA1
  const identifier = field.enter(TAG.sequence, 'hash')
  field.finish()
  const oid = identifier.oid('algorithm')
  if (!identifier.done) identifier.any('parameters')
  identifier.finish()
  return DIGESTS[oid]
}

/** The digest of MGF1; undefined for anything else. */
function readMask(field: Der | undefined): Digest | undefined {
  if (field === undefined) return SHA1
  const identifier = field.enter(TAG.sequence, 'mask')
  field.finish()
  if (identifier.oid('algorithm') !== MGF1) {
    if (!identifier.done) identifier.any('parameters')
    identifier.finish()
    return undefined
  }
  return readHash(identifier)
}
