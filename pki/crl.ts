import { hash } from 'node:crypto'
import type { FactsOf } from '../model/facts.ts'
import { toTimestamp } from '../model/time.ts'
import { readSignatureScheme } from './algorithms.ts'
import type { SignatureScheme } from './algorithms.ts'
import type { Certificate } from './certificate.ts'
import { findEntry, noReasons, scanEntries } from './crlEntries.ts'
import type { CrlEntry, EntryExtension, ReasonCounts } from './crlEntries.ts'
import { Der, TAG, implicit } from './der.ts'
import type { DerOptions } from './der.ts'
import {
  readDistributionPointName,
  readDistributionPoints,
  readReasonFlags,
  urlsOf,
} from './distributionPoint.ts'
import type { DistributionPoint, DistributionPointName, ReasonFlag } from './distributionPoint.ts'
import { PkiError } from './error.ts'
import { rawExtension, readAuthorityKeyId, readExtensions, readValue } from './extensions.ts'
import type { RawExtension } from './extensions.ts'
import { namesMatch, readName, sameOctets } from './name.ts'
import type { Name } from './name.ts'
import type { Note } from './note.ts'
import { OID } from './oid.ts'
import { verifySignature } from './signature.ts'
import { strengthFacts } from './strength.ts'
import { CLOCK_TOLERANCE } from './tolerance.ts'

/** RFC 5280 5.2.5. */
interface IssuingDistributionPoint {
  readonly name: DistributionPointName | undefined
  /** The URIs in `name`. */
  readonly urls: readonly string[]
  readonly onlyUserCertificates: boolean
  readonly onlyCaCertificates: boolean
  readonly onlyAttributeCertificates: boolean
  /** undefined: all reasons. */
  readonly onlySomeReasons: ReadonlySet<ReasonFlag> | undefined
  readonly indirect: boolean
}

/** What the extensions of a CRL say (RFC 5280 5.2). */
interface CrlExtensions {
  number: bigint | undefined
  isDelta: boolean
  /** BaseCRLNumber of a delta CRL. */
  baseNumber: bigint | undefined
  issuingDistributionPoint: IssuingDistributionPoint | undefined
  /** keyIdentifier, lower-case hex. */
  authorityKeyId: string | undefined
  /** OIDs of critical extensions, of the CRL or of its entries, that this code does not process. */
  unknownCritical: readonly string[]
  /** Where delta CRLs are (5.2.6). */
  freshestCrl: readonly DistributionPoint[]
  /** All of the CRL itself, in order. */
  extensions: readonly RawExtension[]
}

/** A certificate revocation list (RFC 5280 section 5), parsed but not verified. */
export interface Crl extends Readonly<CrlExtensions> {
  readonly der: Uint8Array
  /** The signed bytes. */
  readonly tbs: Uint8Array
  readonly version: 1 | 2
  readonly issuer: Name
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  /** How many entries there are. */
  readonly entries: number
  readonly reasons: ReasonCounts
  /** The last revocationDate, milliseconds since the epoch; undefined: no entries. */
  readonly latestRevocation: number | undefined
  /** Every extension that some entry has, once for each criticality. */
  readonly entryExtensions: readonly EntryExtension[]
  /** Some entry names the issuer of its certificate (5.3.3): the list is an indirect one. */
  readonly namesIssuers: boolean
  readonly signatureAlgorithm: string
  readonly scheme: SignatureScheme
  readonly signature: Uint8Array
  /** Octets. */
  readonly size: number
  /** SHA-256 over `der`, hex. */
  readonly sha256: string
  /** What was accepted although it should not be written so. */
  readonly notes: readonly Note[]
  /** The first entry about a certificate of `issuer` (undefined: the CRL's), `serial` in lower-case hex; undefined: not listed. */
  find(serial: string, issuer?: Name): CrlEntry | undefined
}

/** Octets of one CRL: 25 million entries. What is fetched is limited further by `probes.max_size`. */
const MAX_CRL = 1024 * 1024 * 1024

/** Parses a DER CRL in one pass. Throws PkiError(decode). Nothing in it may be believed before `verifyCrl`. */
export function parseCrl(der: Uint8Array, options?: DerOptions): Crl {
  const root = Der.open(der, 'CRL', MAX_CRL, options)
  const tbs = root.enter(TAG.sequence, 'tbsCertList')

  const version = readVersion(tbs)
  const inner = readSignatureScheme(tbs, 'signature')
  const issuer = readName(tbs, 'issuer')
  const thisUpdate = tbs.time('thisUpdate')
  const nextUpdate =
    tbs.next === TAG.utcTime || tbs.next === TAG.generalizedTime ? tbs.time('nextUpdate') : undefined
  const list = tbs.optional(TAG.sequence, 'revokedCertificates')
  const entries =
    list === undefined
      ? {
          count: 0,
          reasons: noReasons(),
          latestRevocation: undefined,
          extensions: [],
          namesIssuers: false,
          unknownCritical: [],
        }
      : scanEntries(list, version)
  const extensions = readCrlExtensions(tbs, version)
  tbs.finish()

  const outer = readSignatureScheme(root, 'signatureAlgorithm')
  // 5.1.1.2: the outer field is not signed; only the inner one may be believed.
  if (!sameOctets(inner.der, outer.der)) {
    root.fail('algorithm_mismatch', `expected ${inner.scheme.name} outside too, got ${outer.scheme.name}`)
  }
  const signature = root.wholeBits('signatureValue')
  root.finish()

  let sha256: string | undefined
  return {
    ...extensions,
    unknownCritical: [...extensions.unknownCritical, ...entries.unknownCritical],
    der,
    tbs: tbs.der,
    version,
    issuer,
    thisUpdate,
    nextUpdate,
    entries: entries.count,
    reasons: entries.reasons,
    latestRevocation: entries.latestRevocation,
    entryExtensions: entries.extensions,
    namesIssuers: entries.namesIssuers,
    notes: root.notes,
    signatureAlgorithm: inner.scheme.name,
    scheme: inner.scheme,
    signature,
    size: der.length,
    get sha256() {
      return (sha256 ??= hash('sha256', der))
    },
    find: (serial, wanted = issuer) =>
      list === undefined
        ? undefined
        : findEntry(list, version, serial, (name) => namesMatch(name ?? issuer, wanted)),
  }
}

/** 5.1.2.1: absent, or version 2. */
function readVersion(tbs: Der): 1 | 2 {
  if (tbs.next !== TAG.integer) return 1
  const version = tbs.smallInteger('version')
  if (version !== 1) tbs.fail('bad_version', `expected version 2 (1) or none, got ${version}`)
  return 2
}

function readCrlExtensions(tbs: Der, version: 1 | 2): CrlExtensions {
  const unknownCritical: string[] = []
  const result: CrlExtensions = {
    number: undefined,
    isDelta: false,
    baseNumber: undefined,
    issuingDistributionPoint: undefined,
    authorityKeyId: undefined,
    unknownCritical,
    freshestCrl: [],
    extensions: [],
  }
  const field = tbs.explicit(0, 'crlExtensions')
  if (field === undefined) return result
  // 5.1.2.7
  if (version === 1) field.fail('bad_version', 'expected no extensions in a version 1 CRL')
  const list = field.enter(TAG.sequence, '')
  field.finish()
  const extensions = readExtensions(list)
  result.extensions = extensions.map(rawExtension)
  for (const extension of extensions) {
    const { oid, critical, value } = extension
    switch (oid) {
      case OID.authorityKeyIdentifier:
        result.authorityKeyId = readAuthorityKeyId(extension)
        break
      case OID.crlNumber:
        result.number = value.bigInteger('cRLNumber')
        value.finish()
        break
      case OID.deltaCrlIndicator:
        result.isDelta = true
        result.baseNumber = value.bigInteger('baseCRLNumber')
        value.finish()
        break
      case OID.issuingDistributionPoint:
        result.issuingDistributionPoint = readValue(extension, TAG.sequence, readIssuingDistributionPoint)
        break
      case OID.freshestCrl:
        result.freshestCrl = readValue(extension, TAG.sequence, readDistributionPoints)
        break
      default:
        if (critical) unknownCritical.push(oid)
    }
  }
  return result
}

function readIssuingDistributionPoint(content: Der): IssuingDistributionPoint {
  const choice = content.explicit(0, 'distributionPoint')
  const name = choice === undefined ? undefined : readDistributionPointName(choice)
  const flag = (n: number, name: string) => content.optional(implicit(n), name)?.asFlag() ?? false
  const onlyUserCertificates = flag(1, 'onlyContainsUserCerts')
  const onlyCaCertificates = flag(2, 'onlyContainsCACerts')
  const onlySomeReasons =
    content.next === implicit(3) ? readReasonFlags(content, 'onlySomeReasons', 3) : undefined
  const indirect = flag(4, 'indirectCRL')
  const onlyAttributeCertificates = flag(5, 'onlyContainsAttributeCerts')
  return {
    name,
    urls: urlsOf(name),
    onlyUserCertificates,
    onlyCaCertificates,
    onlyAttributeCertificates,
    onlySomeReasons,
    indirect,
  }
}

/**
 * RFC 5280 6.3.3: was this CRL issued by that CA, and may it be used? Throws PkiError: path (issuer name, key identifier,
 * cRLSign), signature, and, only for a CRL whose signature verified, profile (unknown critical extension, indirect CRL).
 */
export function verifyCrl(crl: Crl, issuer: Certificate): void {
  authenticateCrl(crl, issuer)
  checkDirect(crl) // 5.2.5
}

/** The same for one that may be indirect: whoever uses it looks entries up by issuer and serial number. */
export function authenticateCrl(crl: Crl, issuer: Certificate): void {
  checkIssuerName(crl, issuer) // 6.3.3 (b) (1)
  checkKeyIdentifier(crl, issuer) // 5.2.1
  checkMaySignCrls(issuer) // 6.3.3 (f)
  verifySignature(crl, issuer, 'CRL') // 6.3.3 (g)
  checkCriticalExtensions(crl) // 5.2, 5.3
}

function checkIssuerName(crl: Crl, issuer: Certificate): void {
  if (namesMatch(crl.issuer, issuer.subject)) return
  throw new PkiError(
    'path',
    'issuer_mismatch',
    `expected a CRL issued by ${issuer.subject.text}, got one issued by ${crl.issuer.text}`,
  )
}

/** Only a contradiction counts; either side may be absent. */
function checkKeyIdentifier(crl: Crl, issuer: Certificate): void {
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

function checkCriticalExtensions(crl: Crl): void {
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
export function checkComplete({ isDelta, issuingDistributionPoint: scope }: Crl): void {
  const expected = 'expected a CRL that is complete for its scope'
  if (isDelta) throw new PkiError('profile', 'delta_crl', `${expected}, got a delta CRL`)
  if (scope?.onlySomeReasons !== undefined)
    throw new PkiError('profile', 'partial_crl', `${expected}, got one for some reasons only`)
  if (scope?.onlyAttributeCertificates === true)
    throw new PkiError('profile', 'partial_crl', `${expected}, got one for attribute certificates only`)
}

/** An entry of an indirect CRL may be about another CA's certificate; read as a direct one it revokes the wrong certificate. */
function checkDirect(crl: Crl): void {
  const indirect = crl.issuingDistributionPoint?.indirect ?? false
  if (!indirect && !crl.namesIssuers) return
  throw new PkiError('profile', 'indirect_crl', 'expected a direct CRL, got an indirect one')
}

/**
 * thisUpdate is not in the future (but for `CLOCK_TOLERANCE`), nextUpdate is there and not in the past (RFC 5280 5.1.2.4, 5.1.2.5).
 * `now` in milliseconds. Throws PkiError(time).
 */
export function checkCrlTimes(crl: Crl, now: number): void {
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
export function crlFacts(crl: Crl): FactsOf<'crl'> {
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
    sha256,
  }
}
