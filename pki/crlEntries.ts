import { TAG, isMinimalInteger } from './der.ts'
import type { Der } from './der.ts'
import { readExtensions } from './extensions.ts'
import type { Extension } from './extensions.ts'
import { OID } from './oid.ts'
import { serialContent, serialText } from './serial.ts'
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
}

interface EntryScan {
  readonly count: number
  /** OIDs of critical entry extensions that are not processed. */
  readonly unknownCritical: readonly string[]
}

/** Extension `reasonCode` as everybody encodes it: SEQUENCE OF one extension, not critical; the reason's octet follows. */
const REASON_EXTENSIONS = Uint8Array.of(
  ...[0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01],
)
/** OIDs of unknown critical entry extensions that are named; the CRL is unusable after the first. */
const MAX_UNKNOWN = 16

/**
 * Checks every entry of revokedCertificates (RFC 5280 5.1.2.6) and steps `list` over them. The common shapes, a short entry with a
 * UTCTime and at most a plain reasonCode, are only ever *accepted* by the fast path; all others, and all errors, go through `readEntry`.
 */
export function scanEntries(list: Der, version: 1 | 2): EntryScan {
  const { bytes, end } = list
  const unknownCritical = new Set<string>()
  let count = 0
  let at = list.content
  while (at < end) {
    const next = plainEntryEnd(bytes, at, end, version)
    if (next > 0) {
      at = next
    } else {
      const entry = list.at(at, count)
      for (const oid of readEntry(entry, version).unknownCritical) {
        if (unknownCritical.size < MAX_UNKNOWN) unknownCritical.add(oid)
      }
      at = entry.behind
    }
    count++
  }
  list.skipAll()
  // 5.1.2.6: without entries there is no list.
  if (count === 0) list.note('empty_list')
  return { count, unknownCritical: [...unknownCritical] }
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

/** The first entry with that serial number, of a list that `scanEntries` accepted. */
export function findEntry(list: Der, version: 1 | 2, serial: string): CrlEntry | undefined {
  const wanted = serialContent(serial)
  if (wanted === undefined) return undefined
  const { bytes, end } = list
  for (let at = list.content, index = 0; at < end; index++) {
    const length = bytes[at + 1] ?? 0
    // Short lengths, of the entry and of its serial number, are nearly all; the cursor reads the others.
    const next = length < 0x80 ? at + 2 + length : list.at(at, index).end
    const content = next - (length < 0x80 ? length : list.at(at, index).value.length)
    if (bytes[content + 1] === wanted.length && startsWith(bytes, content + 2, wanted)) {
      const { serial: text, revokedAt, reason } = readEntry(list.at(at, index), version)
      return { serial: text, revokedAt, reason }
    }
    at = next
  }
  return undefined
}

function startsWith(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false
  return true
}

/** One entry, strictly. Throws PkiError(decode). */
function readEntry(entry: Der, version: 1 | 2): CrlEntry & { readonly unknownCritical: readonly string[] } {
  if (entry.tag !== TAG.sequence) {
    entry.fail('unexpected_tag', `expected sequence (30), got tag ${entry.tag.toString(16)}`)
  }
  const serial = serialText(entry.integer('userCertificate'))
  const revokedAt = entry.time('revocationDate')
  let reason: RevocationReason | undefined
  const unknownCritical: string[] = []
  if (!entry.done) {
    // 5.1.2.1: extensions make it version 2.
    if (version === 1) entry.fail('bad_version', 'expected no entry extensions in a version 1 CRL')
    const list = entry.enter(TAG.sequence, 'crlEntryExtensions')
    for (const extension of readExtensions(list)) {
      if (extension.oid === OID.reasonCode) reason = readReason(extension)
      else if (extension.oid === OID.invalidityDate) readInvalidityDate(extension)
      else if (extension.critical) unknownCritical.push(extension.oid)
    }
  }
  entry.finish()
  return { serial, revokedAt, reason, unknownCritical }
}

function readReason({ value }: Extension): RevocationReason {
  const reason = readReasonCode(value)
  value.finish()
  return reason
}

/** CRLReason, an ENUMERATED (RFC 5280 5.3.1). */
export function readReasonCode(parent: Der): RevocationReason {
  const code = parent.smallInteger('cRLReason', TAG.enumerated)
  const reason = REVOCATION_REASONS[code]
  return reason ?? parent.fail('bad_value', `expected a reason from 0 to 10 but 7, got ${code}`)
}

function readInvalidityDate(extension: Extension): void {
  extension.value.generalizedTime('invalidityDate')
  extension.value.finish()
}
