import { TAG, isMinimalInteger } from './der.ts'
import type { Der } from './der.ts'
import { readExtensions, readValue } from './extensions.ts'
import type { Extension } from './extensions.ts'
import { readGeneralNames } from './generalName.ts'
import type { Name } from './name.ts'
import { OID } from './oid.ts'
import { serialText } from './serial.ts'
import { utcTimeAt } from './time.ts'

// The entries of a CRL: up to millions, so none becomes an object unless somebody asks for it.

/** RFC 5280 5.3.1 by number; 7 is not used. */
const REVOCATION_REASONS = [
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
  /** undefined: not given. */
  readonly reason: RevocationReason | undefined
  /** RFC 5280 5.3.2, milliseconds since the epoch: since when the key is known or suspected to be compromised. */
  readonly invalidityDate: number | undefined
  /** RFC 5280 5.3.3: whose certificate this is, named by this entry or by the last one before it that names any; undefined: the CRL issuer's. */
  readonly certificateIssuer: Name | undefined
}

/** How many entries have each reason; `none`: no reason given. */
export type ReasonCounts = Readonly<Record<RevocationReason | 'none', number>>

/** An extension that entries have, and how. */
export interface EntryExtension {
  readonly oid: string
  readonly critical: boolean
}

/** One entry as it stands, before what earlier entries say is added. */
interface ReadEntry extends CrlEntry {
  readonly extensions: readonly EntryExtension[]
  /** Named by this entry itself. */
  readonly certificateIssuer: Name | undefined
  /** OIDs of critical extensions that are not processed. */
  readonly unknownCritical: readonly string[]
}

interface EntryScan {
  readonly count: number
  readonly reasons: ReasonCounts
  /** The last revocationDate, milliseconds since the epoch; undefined: no entries. */
  readonly latestRevocation: number | undefined
  /** Every extension that some entry has, once for each criticality; at most `MAX_EXTENSIONS`. */
  readonly extensions: readonly EntryExtension[]
  /** Some entry names the issuer of its certificate: the CRL is an indirect one. */
  readonly namesIssuers: boolean
  /** OIDs of critical entry extensions that are not processed. */
  readonly unknownCritical: readonly string[]
}

/** Extension `reasonCode` as everybody encodes it: SEQUENCE OF one extension, not critical; the reason's octet follows. */
const REASON_EXTENSIONS = Uint8Array.of(
  ...[0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01],
)
/** OIDs of unknown critical entry extensions that are named; the CRL is unusable after the first. */
const MAX_UNKNOWN = 16
/** Extensions of entries that are told apart. RFC 5280 and X.509 define five. */
const MAX_EXTENSIONS = 32

/**
 * Checks every entry of revokedCertificates (RFC 5280 5.1.2.6) and steps `list` over them. The common shapes, a short entry with a
 * UTCTime and at most a plain reasonCode, are only ever *accepted* by the fast path; all others, and all errors, go through `readEntry`.
 */
export function scanEntries(list: Der, version: 1 | 2): EntryScan {
  const { bytes, end } = list
  const unknownCritical = new Set<string>()
  const reasons = noReasons()
  const extensions: EntryExtension[] = []
  let hasPlainReason = false
  let latest = -Infinity
  let namesIssuers = false
  let count = 0
  let at = list.content
  while (at < end) {
    const next = plainEntryEnd(bytes, at, end, version)
    if (next > 0) {
      const reason =
        (bytes[at + 1] ?? 0) + at + 2 === next && bytes[next - 3] === 0x0a
          ? (REVOCATION_REASONS[bytes[next - 1] ?? 7] ?? 'none')
          : 'none'
      reasons[reason]++
      hasPlainReason ||= reason !== 'none'
      latest = Math.max(latest, utcTimeAt(bytes, at + 6 + (bytes[at + 3] ?? 0)))
      at = next
    } else {
      const entry = list.at(at, count)
      const read = readEntry(entry, version)
      for (const oid of read.unknownCritical) {
        if (unknownCritical.size < MAX_UNKNOWN) unknownCritical.add(oid)
      }
      namesIssuers ||= read.certificateIssuer !== undefined
      reasons[read.reason ?? 'none']++
      latest = Math.max(latest, read.revokedAt)
      for (const extension of read.extensions) addExtension(extensions, extension)
      at = entry.behind
    }
    count++
  }
  list.skipAll()
  // 5.1.2.6: without entries there is no list.
  if (count === 0) list.note('empty_list')
  if (hasPlainReason) addExtension(extensions, { oid: OID.reasonCode, critical: false })
  return {
    count,
    reasons,
    latestRevocation: count === 0 ? undefined : latest,
    extensions,
    namesIssuers,
    unknownCritical: [...unknownCritical],
  }
}

function addExtension(extensions: EntryExtension[], { oid, critical }: EntryExtension): void {
  if (extensions.length >= MAX_EXTENSIONS) return
  if (extensions.every((known) => known.oid !== oid || known.critical !== critical))
    extensions.push({ oid, critical })
}

export function noReasons(): Record<RevocationReason | 'none', number> {
  return {
    none: 0,
    unspecified: 0,
    keyCompromise: 0,
    cACompromise: 0,
    affiliationChanged: 0,
    superseded: 0,
    cessationOfOperation: 0,
    certificateHold: 0,
    removeFromCRL: 0,
    privilegeWithdrawn: 0,
    aACompromise: 0,
  }
}

/** Offset behind the entry at `at` when it has a common shape and is valid; 0 when somebody must look closer. */
function plainEntryEnd(bytes: Uint8Array, at: number, end: number, version: 1 | 2): number {
  const length = bytes[at + 1] ?? 0
  const next = at + 2 + length
  if (bytes[at] !== TAG.sequence || length >= 0x80 || next > end) return 0
  const serialLength = bytes[at + 3] ?? 0
  const date = at + 4 + serialLength
  // 15 octets of date must fit, so that nothing below reads beyond the entry.
  if (bytes[at + 2] !== TAG.integer || serialLength === 0 || serialLength > 20 || date + 15 > next) return 0
  if (!isMinimalInteger(bytes, at + 4, serialLength)) return 0
  if (bytes[date] !== TAG.utcTime || bytes[date + 1] !== 13 || Number.isNaN(utcTimeAt(bytes, date + 2)))
    return 0
  const rest = date + 15
  if (rest === next) return next
  if (version === 1 || next - rest !== REASON_EXTENSIONS.length + 1) return 0
  for (let i = 0; i < REASON_EXTENSIONS.length; i++) {
    if (bytes[rest + i] !== REASON_EXTENSIONS[i]) return 0
  }
  return REVOCATION_REASONS[bytes[next - 1] ?? 7] === undefined ? 0 : next
}

/** The first entry about that certificate, of a list that `scanEntries` accepted. `issuer`: undefined: the CRL's. */
export function findEntry(
  list: Der,
  version: 1 | 2,
  serial: string,
  isAbout: (certificateIssuer: Name | undefined) => boolean,
): CrlEntry | undefined {
  let certificateIssuer: Name | undefined
  for (let at = list.content, index = 0; at < list.end; index++) {
    const cursor = list.at(at, index)
    const entry = readEntry(cursor, version)
    certificateIssuer = entry.certificateIssuer ?? certificateIssuer
    if (entry.serial === serial && isAbout(certificateIssuer)) {
      const { revokedAt, reason, invalidityDate } = entry
      return { serial, revokedAt, reason, invalidityDate, certificateIssuer }
    }
    at = cursor.behind
  }
  return undefined
}

/** One entry, strictly. Throws PkiError(decode). */
function readEntry(entry: Der, version: 1 | 2): ReadEntry {
  if (entry.tag !== TAG.sequence) {
    entry.fail('unexpected_tag', `expected sequence (30), got tag ${entry.tag.toString(16)}`)
  }
  const serial = serialText(entry.integer('userCertificate'))
  const revokedAt = entry.time('revocationDate')
  let reason: RevocationReason | undefined
  let invalidityDate: number | undefined
  let certificateIssuer: Name | undefined
  const unknownCritical: string[] = []
  let extensions: readonly Extension[] = []
  if (!entry.done) {
    // 5.1.2.1: extensions make it version 2.
    if (version === 1) entry.fail('bad_version', 'expected no entry extensions in a version 1 CRL')
    const list = entry.enter(TAG.sequence, 'crlEntryExtensions')
    extensions = readExtensions(list)
    for (const extension of extensions) {
      switch (extension.oid) {
        case OID.reasonCode:
          reason = readReason(extension)
          break
        case OID.invalidityDate:
          invalidityDate = readInvalidityDate(extension)
          break
        case OID.certificateIssuer:
          certificateIssuer = readCertificateIssuer(extension)
          break
        default:
          if (extension.critical) unknownCritical.push(extension.oid)
      }
    }
  }
  entry.finish()
  return { serial, revokedAt, reason, invalidityDate, certificateIssuer, extensions, unknownCritical }
}

function readReason({ value }: Extension): RevocationReason | undefined {
  const reason = readReasonCode(value)
  value.finish()
  return reason
}

/** CRLReason, an ENUMERATED (RFC 5280 5.3.1). undefined: one that is none, which is only let pass with BER. */
export function readReasonCode(parent: Der): RevocationReason | undefined {
  const code = parent.smallInteger('cRLReason', TAG.enumerated)
  const reason = REVOCATION_REASONS[code]
  if (reason !== undefined) return reason
  if (!parent.isBer) parent.fail('bad_value', `expected a reason from 0 to 10 but 7, got ${code}`)
  parent.note('reason_code')
  return undefined
}

function readInvalidityDate({ value }: Extension): number {
  const date = value.generalizedTime('invalidityDate')
  value.finish()
  return date
}

/** 5.3.3: the issuer's distinguished name, and perhaps other names of it. */
function readCertificateIssuer(extension: Extension): Name {
  const [name, ...more] = readValue(extension, TAG.sequence, readGeneralNames).flatMap((general) =>
    general.type === 'directory' ? [general.name] : [],
  )
  if (name === undefined || more.length > 0) {
    extension.value.fail('bad_value', 'expected one directoryName in certificateIssuer')
  }
  return name
}
