import { hash } from 'node:crypto'
import type { FactsOf } from '../model/facts.ts'
import { toTimestamp } from '../model/time.ts'
import type { Certificate } from './certificate.ts'
import type { CrlEntry } from './crlEntries.ts'
import { CrlIndex } from './crlIndex.ts'
import { access } from './crlLookup.ts'
import type { Duplicates, IndexedList } from './crlLookup.ts'
import { CrlReader } from './crlReader.ts'
import type { CrlFields } from './crlReader.ts'
import type { DerOptions } from './der.ts'
import { PkiError } from './error.ts'
import { namesMatch } from './name.ts'
import type { Name } from './name.ts'
import { verifySignature } from './signature.ts'
import type { SignedOctets } from './signature.ts'
import { strengthFacts } from './strength.ts'
import { CLOCK_TOLERANCE } from './tolerance.ts'

/** A certificate revocation list (RFC 5280 section 5) as one pass over it shows it: parsed but not verified. */
export interface ReadCrl extends CrlFields {
  /** The signed octets. */
  readonly tbs: Uint8Array | SignedOctets
  /** SHA-256 over all octets, hex; undefined: was not asked for. */
  readonly sha256: string | undefined
}

/** One whose entries can be read again. */
export interface Crl extends ReadCrl {
  /**
   * The first entry about a certificate of `issuer` (undefined: the CRL's), `serial` in lower-case hex; undefined: not listed. Without an
   * index it goes through the entries.
   */
  find(serial: string, issuer?: Name): CrlEntry | undefined
  /** All entries, in their order. */
  list(): Iterable<CrlEntry>
}

/** One that is in memory. */
export interface HeldCrl extends Crl {
  readonly der: Uint8Array
  readonly tbs: Uint8Array
  readonly sha256: string
}

/** One whose serial numbers are indexed: it answers at once, can be compared with another, and knows its duplicates. */
export interface IndexedCrl extends Crl {
  readonly indexed: IndexedList
  /** Entries whose certificate an earlier entry is about; counted at the first call. */
  duplicates(): Duplicates
}

/** Octets of one CRL: 25 million entries. What is fetched is limited further by `probes.max_size`. */
export const MAX_CRL = 1024 * 1024 * 1024

interface ParseOptions extends DerOptions {
  readonly index?: boolean
}

/** Parses a DER CRL. Throws PkiError(decode). Nothing in it may be believed before `verifyCrl`. Larger ones: `openCrlReader`. */
export function parseCrl(
  der: Uint8Array,
  options: ParseOptions & { readonly index: true },
): HeldCrl & IndexedCrl
export function parseCrl(der: Uint8Array, options?: ParseOptions): HeldCrl
export function parseCrl(
  der: Uint8Array,
  { ber = false, index: isIndexed = false }: ParseOptions = {},
): HeldCrl {
  const index = isIndexed ? new CrlIndex() : undefined
  const reader = new CrlReader({ maxSize: MAX_CRL, maxHeld: MAX_CRL, ber, index })
  reader.push(der)
  const fields = reader.finish()
  const { start, behind } = reader.tbs
  let sha256: string | undefined
  return {
    ...fields,
    der,
    tbs: der.subarray(start, behind),
    get sha256() {
      return (sha256 ??= hash('sha256', der))
    },
    ...access({
      ...fields,
      ...reader.list,
      readAt: (offset, length) => der.subarray(offset, offset + length),
      ber,
      index,
    }),
  }
}

/**
 * RFC 5280 6.3.3: was this CRL issued by that CA, and may it be used? Throws PkiError: path (issuer name, key identifier,
 * cRLSign), signature, and, only for a CRL whose signature verified, profile (unknown critical extension, indirect CRL).
 */
export function verifyCrl(crl: ReadCrl, issuer: Certificate): void {
  authenticateCrl(crl, issuer)
  checkDirect(crl) // 5.2.5
}

/** The same for one that may be indirect: whoever uses it looks entries up by issuer and serial number. */
export function authenticateCrl(crl: ReadCrl, issuer: Certificate): void {
  checkIssuerName(crl, issuer) // 6.3.3 (b) (1)
  checkKeyIdentifier(crl, issuer) // 5.2.1
  checkMaySignCrls(issuer) // 6.3.3 (f)
  verifySignature(crl, issuer, 'CRL') // 6.3.3 (g)
  checkCriticalExtensions(crl) // 5.2, 5.3
}

function checkIssuerName(crl: ReadCrl, issuer: Certificate): void {
  if (namesMatch(crl.issuer, issuer.subject)) return
  throw new PkiError(
    'path',
    'issuer_mismatch',
    `expected a CRL issued by ${issuer.subject.text}, got one issued by ${crl.issuer.text}`,
  )
}

/** Only a contradiction counts; either side may be absent. */
function checkKeyIdentifier(crl: ReadCrl, issuer: Certificate): void {
  const { subjectKeyId } = issuer
  if (crl.authorityKeyId === undefined || subjectKeyId === undefined || crl.authorityKeyId === subjectKeyId) {
    return
  }
  throw new PkiError(
    'path',
    'key_identifier_mismatch',
    `expected a CRL signed with key ${subjectKeyId} of ${issuer.subject.text}, got key identifier ${crl.authorityKeyId}`,
  )
}

function checkMaySignCrls(issuer: Certificate): void {
  if (issuer.keyUsage?.has('cRLSign') ?? true) return
  throw new PkiError(
    'path',
    'crl_sign_missing',
    `expected key usage cRLSign in the certificate of ${issuer.subject.text}, got ${[...(issuer.keyUsage ?? [])].join(', ')}`,
  )
}

function checkCriticalExtensions(crl: ReadCrl): void {
  const unknown = crl.unknownCritical
  if (unknown.length === 0) return
  throw new PkiError(
    'profile',
    'unknown_critical_extension',
    `expected only critical extensions that are understood, got ${unknown.join(', ')}`,
  )
}

/**
 * Does the absence of a certificate say that it is not revoked? Not in a delta CRL, nor in one that leaves out reasons or all
 * public-key certificates (RFC 5280 5.2.4, 5.2.5). Throws PkiError(profile).
 */
export function checkComplete({ isDelta, issuingDistributionPoint: scope }: ReadCrl): void {
  const expected = 'expected a CRL that is complete for its scope'
  if (isDelta) throw new PkiError('profile', 'delta_crl', `${expected}, got a delta CRL`)
  if (scope?.onlySomeReasons !== undefined)
    throw new PkiError('profile', 'partial_crl', `${expected}, got one for some reasons only`)
  if (scope?.onlyAttributeCertificates === true)
    throw new PkiError('profile', 'partial_crl', `${expected}, got one for attribute certificates only`)
}

/** An entry of an indirect CRL may be about another CA's certificate; read as a direct one it revokes the wrong certificate. */
function checkDirect(crl: ReadCrl): void {
  const indirect = crl.issuingDistributionPoint?.indirect ?? false
  if (!indirect && !crl.namesIssuers) return
  throw new PkiError('profile', 'indirect_crl', 'expected a direct CRL, got an indirect one')
}

/**
 * thisUpdate is not in the future (but for `CLOCK_TOLERANCE`), nextUpdate is there and not in the past (RFC 5280 5.1.2.4, 5.1.2.5).
 * `now` in milliseconds. Throws PkiError(time).
 */
export function checkCrlTimes(crl: Pick<ReadCrl, 'thisUpdate' | 'nextUpdate'>, now: number): void {
  const { thisUpdate, nextUpdate } = crl
  if (thisUpdate > now + CLOCK_TOLERANCE) {
    throw new PkiError(
      'time',
      'crl_not_yet_valid',
      `expected thisUpdate before ${toTimestamp(now)}, got ${toTimestamp(thisUpdate)}`,
    )
  }
  if (nextUpdate === undefined) {
    throw new PkiError('time', 'crl_next_update_missing', 'expected nextUpdate, got none')
  }
  if (nextUpdate < now) {
    throw new PkiError(
      'time',
      'crl_expired',
      `expected nextUpdate after ${toTimestamp(now)}, got ${toTimestamp(nextUpdate)}`,
    )
  }
}

/** The facts of the group `crl`; to be recorded only for a CRL whose signature verified. */
export function crlFacts(crl: ReadCrl): FactsOf<'crl'> {
  const { issuer, number, thisUpdate, nextUpdate, entries, isDelta, signatureAlgorithm, size, sha256 } = crl
  return {
    issuer: issuer.text,
    ...(number === undefined ? {} : { number: number.toString() }),
    thisUpdate: toTimestamp(thisUpdate),
    ...(nextUpdate === undefined ? {} : { nextUpdate: toTimestamp(nextUpdate) }),
    entries,
    isDelta,
    signatureAlgorithm,
    ...strengthFacts(crl.scheme, crl.signature),
    size,
    ...(sha256 === undefined ? {} : { sha256 }),
  }
}
