import type { FactsOf } from '../model/facts.ts'
import type { Certificate } from './certificate.ts'
import type { Name } from './name.ts'

/** RFC 5280 5.3.1 by number; 7 is not used. */
export const REVOCATION_REASONS = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
] as const
export type RevocationReason = NonNullable<(typeof REVOCATION_REASONS)[number]>

export interface CrlEntry {
  /** Lower-case hex without leading zeros. */
  readonly serial: string
  /** Milliseconds since the epoch. */
  readonly revokedAt: number
  readonly reason: RevocationReason | undefined
}

/** RFC 5280 5.2.5. */
export interface IssuingDistributionPoint {
  readonly urls: readonly string[]
  readonly onlyUserCertificates: boolean
  readonly onlyCaCertificates: boolean
  readonly onlyAttributeCertificates: boolean
  readonly onlySomeReasons: boolean
  readonly indirect: boolean
}

/** A certificate revocation list (RFC 5280 section 5), parsed but not verified. */
export interface Crl {
  readonly der: Uint8Array
  /** The signed bytes. */
  readonly tbs: Uint8Array
  readonly version: 1 | 2
  readonly issuer: Name
  readonly number: bigint | undefined
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  /** How many entries there are. */
  readonly entries: number
  readonly isDelta: boolean
  /** BaseCRLNumber of a delta CRL. */
  readonly baseNumber: bigint | undefined
  readonly issuingDistributionPoint: IssuingDistributionPoint | undefined
  readonly signatureAlgorithm: string
  readonly signature: Uint8Array
  /** Octets. */
  readonly size: number
  /** SHA-256 over `der`, hex. */
  readonly sha256: string
  /** keyIdentifier, lower-case hex. */
  readonly authorityKeyId: string | undefined
  /** OIDs of critical extensions, of the CRL or of its entries, that this code does not process. */
  readonly unknownCritical: readonly string[]
  /** The first entry for a serial (lower-case hex); undefined: not listed. Reads every entry: O(size). */
  find(serial: string): CrlEntry | undefined
}

/** Parses a DER CRL in one pass. Throws PkiError(decode). Nothing in it may be believed before `verifyCrl`. */
export function parseCrl(der: Uint8Array): Crl {
  throw new Error(`not built yet: ${der.length}`)
}

/**
 * RFC 5280 6.3.3: was this CRL issued by that CA, and may it be used? Throws PkiError: path (issuer name, key identifier,
 * cRLSign), signature, and, only for a CRL whose signature verified, profile (unknown critical extension, indirect CRL).
 */
export function verifyCrl(crl: Crl, issuer: Certificate): void {
  throw new Error(`not built yet: ${crl.size} ${issuer.serial}`)
}

/** thisUpdate is not in the future, nextUpdate not in the past. `now` in milliseconds. Throws PkiError(time). */
export function checkCrlTimes(crl: Crl, now: number): void {
  throw new Error(`not built yet: ${crl.size} ${now}`)
}

/** The facts of the group `crl`; to be recorded only for a CRL whose signature verified. */
export function crlFacts(crl: Crl): FactsOf<'crl'> {
  throw new Error(`not built yet: ${crl.size}`)
}
