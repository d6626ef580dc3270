import type { KeyObject } from 'node:crypto'
import type { FactsOf } from '../model/facts.ts'
import type { Name } from './name.ts'

/** RFC 5280 4.2.1.3, in bit order. */
export const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const
export type KeyUsage = (typeof KEY_USAGES)[number]

/** What rules and verification need of an X.509 certificate (RFC 5280 section 4). */
export interface Certificate {
  readonly der: Uint8Array
  /** The signed bytes. */
  readonly tbs: Uint8Array
  readonly version: 1 | 2 | 3
  readonly subject: Name
  readonly issuer: Name
  /** Lower-case hex without leading zeros; a negative number (RFC 5280 forbids it) starts with `-`. */
  readonly serial: string
  /** Milliseconds since the epoch; both ends belong to the validity. */
  readonly notBefore: number
  readonly notAfter: number
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
  /** Made on first use. Throws PkiError(signature, unsupported) for a key that cannot be used here. */
  readonly publicKey: KeyObject
  /** `RSA`, `EC P-256`, `Ed25519`, `ML-DSA-65`; for an unknown key its OID. */
  readonly keyAlgorithm: string
  /** Modulus, curve or public key size in bits; 0 when the algorithm is unknown. */
  readonly keyBits: number
  /** `RSA-SHA256`, `ECDSA-SHA256`, `Ed25519`; for an unknown algorithm its OID. */
  readonly signatureAlgorithm: string
  readonly signature: Uint8Array
  /** SHA-256 over `der`, hex. */
  readonly sha256: string
  /** subjectAltName: DNS names, IP addresses, e-mail addresses and URIs, as text. */
  readonly identities: readonly string[]
  readonly isCa: boolean
  readonly pathLength: number | undefined
  /** undefined: the extension is absent, which allows every use. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined
  /** OIDs. undefined: the extension is absent. */
  readonly extendedKeyUsage: readonly string[] | undefined
  /** Lower-case hex. */
  readonly subjectKeyId: string | undefined
  readonly authorityKeyId: string | undefined
  readonly ocspUrls: readonly string[]
  readonly caIssuerUrls: readonly string[]
  readonly crlUrls: readonly string[]
  /** id-pkix-ocsp-nocheck is present (RFC 6960 4.2.2.2.1). */
  readonly ocspNoCheck: boolean
  /** OIDs of critical extensions that this code does not process. */
  readonly unknownCritical: readonly string[]
}

/** Parses one DER certificate. Throws PkiError(decode). */
export function parseCertificate(der: Uint8Array): Certificate {
  throw new Error(`not built yet: ${der.length}`)
}

/** The facts of the group `certificate`. */
export function certificateFacts(certificate: Certificate): FactsOf<'certificate'> {
  throw new Error(`not built yet: ${certificate.serial}`)
}
