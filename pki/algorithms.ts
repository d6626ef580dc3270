import { TAG, explicit } from './der.ts'
import type { Der } from './der.ts'

/** How node:crypto is asked to verify. */
interface Verification {
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
}

const DIGESTS: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

/** `sha256` for its OID; undefined when unknown. */
export function digestName(oid: string): string | undefined {
  return DIGESTS[oid]
}

export function digestOid(name: 'sha1' | 'sha256'): string {
  return name === 'sha1' ? '1.3.14.3.2.26' : '2.16.840.1.101.3.4.2.1'
}

const RSA = ['RSA'] as const
const RSA_PSS = ['RSA', 'RSA-PSS'] as const
const EC = ['EC P-256', 'EC P-384', 'EC P-521'] as const

const RSASSA_PSS = '1.2.840.113549.1.1.10'
const MGF1 = '1.2.840.113549.1.1.8'

/**
 * Every signature algorithm that is verified. SHA-1 is among them: that a CA still uses it is for rules to judge, and only a
 * signature that verified makes it a fact. MD5 and older are not: their signatures prove nothing.
 * parameters: what AlgorithmIdentifier must carry beside the OID (RFC 4055, 5758, 8410, 9881).
 */
const SCHEMES: Readonly<
  Record<
    string,
    { name: string; keys: readonly string[]; digest: string | undefined; parameters: 'null' | 'absent' }
  >
> = {
  '1.2.840.113549.1.1.5': { name: 'RSA-SHA1', keys: RSA, digest: 'sha1', parameters: 'null' },
  '1.2.840.113549.1.1.14': { name: 'RSA-SHA224', keys: RSA, digest: 'sha224', parameters: 'null' },
  '1.2.840.113549.1.1.11': { name: 'RSA-SHA256', keys: RSA, digest: 'sha256', parameters: 'null' },
  '1.2.840.113549.1.1.12': { name: 'RSA-SHA384', keys: RSA, digest: 'sha384', parameters: 'null' },
  '1.2.840.113549.1.1.13': { name: 'RSA-SHA512', keys: RSA, digest: 'sha512', parameters: 'null' },
  '1.2.840.10045.4.1': { name: 'ECDSA-SHA1', keys: EC, digest: 'sha1', parameters: 'absent' },
  '1.2.840.10045.4.3.1': { name: 'ECDSA-SHA224', keys: EC, digest: 'sha224', parameters: 'absent' },
  '1.2.840.10045.4.3.2': { name: 'ECDSA-SHA256', keys: EC, digest: 'sha256', parameters: 'absent' },
  '1.2.840.10045.4.3.3': { name: 'ECDSA-SHA384', keys: EC, digest: 'sha384', parameters: 'absent' },
  '1.2.840.10045.4.3.4': { name: 'ECDSA-SHA512', keys: EC, digest: 'sha512', parameters: 'absent' },
  '1.3.101.112': { name: 'Ed25519', keys: ['Ed25519'], digest: undefined, parameters: 'absent' },
  '1.3.101.113': { name: 'Ed448', keys: ['Ed448'], digest: undefined, parameters: 'absent' },
  '2.16.840.1.101.3.4.3.17': {
    name: 'ML-DSA-44',
    keys: ['ML-DSA-44'],
    digest: undefined,
    parameters: 'absent',
  },
  '2.16.840.1.101.3.4.3.18': {
    name: 'ML-DSA-65',
    keys: ['ML-DSA-65'],
    digest: undefined,
    parameters: 'absent',
  },
  '2.16.840.1.101.3.4.3.19': {
    name: 'ML-DSA-87',
    keys: ['ML-DSA-87'],
    digest: undefined,
    parameters: 'absent',
  },
}

/** Reads the AlgorithmIdentifier (RFC 5280 4.1.1.2) of a signature that comes next in `parent`. */
export function readSignatureScheme(
  parent: Der,
  field: string,
): { der: Uint8Array; scheme: SignatureScheme } {
  const identifier = parent.enter(TAG.sequence, field)
  const oid = identifier.oid('algorithm')
  const known = SCHEMES[oid]
  if (oid === RSASSA_PSS) return { der: identifier.der, scheme: readPss(identifier) }
  const parameters = identifier.done ? undefined : identifier.any('parameters')
  identifier.finish()
  if (parameters === undefined && known?.parameters === 'null') identifier.note('null_missing')
  if (known === undefined) {
    return { der: identifier.der, scheme: { name: oid, verification: { unsupported: `algorithm ${oid}` } } }
  }
  const { name, keys, digest } = known
  // Many signers leave NULL out, and nothing depends on it; anything else is not the algorithm that was named.
  const fits =
    parameters === undefined ||
    (known.parameters === 'null' && parameters.tag === TAG.null && parameters.value.length === 0)
  return {
    der: identifier.der,
    scheme: { name, verification: fits ? { keys, digest } : { unsupported: `parameters of ${name}` } },
  }
}

/** RFC 4055 3.1. Defaults: SHA-1, MGF1 with SHA-1, 20 octets of salt. */
function readPss(identifier: Der): SignatureScheme {
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

  const name = `RSA-PSS-${hash?.toUpperCase() ?? 'unknown'}`
  // node:crypto uses the signature's digest for MGF1, as RFC 4055 recommends and everybody does.
  if (hash === undefined || mask !== hash || trailer !== 1) {
    return { name, verification: { unsupported: `parameters of ${name}` } }
  }
  return { name, verification: { keys: RSA_PSS, digest: hash, pssSalt } }
}

/** Digest name; undefined when it is unknown. */
function readHash(field: Der | undefined): string | undefined {
  if (field === undefined) return 'sha1'
  const identifier = field.enter(TAG.sequence, 'hash')
  field.finish()
  const oid = identifier.oid('algorithm')
  if (!identifier.done) identifier.any('parameters')
  identifier.finish()
  return digestName(oid)
}

/** The digest of MGF1; undefined for anything else. */
function readMask(field: Der | undefined): string | undefined {
  if (field === undefined) return 'sha1'
  const identifier = field.enter(TAG.sequence, 'mask')
  field.finish()
  if (identifier.oid('algorithm') !== MGF1) {
    if (!identifier.done) identifier.any('parameters')
    identifier.finish()
    return undefined
  }
  return readHash(identifier)
}
