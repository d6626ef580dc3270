import { TAG } from './der.ts'
import type { Der } from './der.ts'
import { readExtensions, readValue } from './extensions.ts'
import type { Extension } from './extensions.ts'
import { readGeneralNames } from './generalName.ts'
import type { Name } from './name.ts'
import { OID } from './oid.ts'
import { serialText } from './serial.ts'

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

/** How many entries have each reason; `none`: no reason given. */
export type ReasonCounts = Readonly<Record<RevocationReason | 'none', number>>

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

/** An extension that entries have, how, and how many of them. */
export interface EntryExtension {
  readonly oid: string
  readonly critical: boolean
  readonly count: number
}

/** One entry as it stands, before what earlier entries say is added. */
export interface PlainEntry extends CrlEntry {
  /** Named by this entry itself. */
  readonly certificateIssuer: Name | undefined
  /** Content octets of the serial number. */
  readonly serialOctets: Uint8Array
  readonly extensions: readonly Extension[]
}

/** Entry extensions that are processed. holdInstructionCode is not: RFC 5280 left it out. */
const PROCESSED: ReadonlySet<string> = new Set([OID.reasonCode, OID.invalidityDate, OID.certificateIssuer])

/** One entry of revokedCertificates (RFC 5280 5.1.2.6), strictly; `entry` is a cursor on it. Throws PkiError(decode). */
export function readEntry(entry: Der, version: 1 | 2): PlainEntry {
  const serialOctets = entry.integer('userCertificate')
  const revokedAt = entry.time('revocationDate')
  let extensions: readonly Extension[] = []
  if (!entry.done) {
    // 5.1.2.1: extensions make it version 2.
    if (version === 1) entry.fail('bad_version', 'expected no entry extensions in a version 1 CRL')
    extensions = readExtensions(entry.enter(TAG.sequence, 'crlEntryExtensions'))
  }
  entry.finish()
  const find = (oid: string): Extension | undefined => extensions.find((extension) => extension.oid === oid)
  const reason = find(OID.reasonCode)
  const invalidityDate = find(OID.invalidityDate)
  const certificateIssuer = find(OID.certificateIssuer)
  return {
    serial: serialText(serialOctets),
    revokedAt,
    reason: reason === undefined ? undefined : readReason(reason),
    invalidityDate: invalidityDate === undefined ? undefined : readInvalidityDate(invalidityDate),
    certificateIssuer: certificateIssuer === undefined ? undefined : readCertificateIssuer(certificateIssuer),
    serialOctets,
    extensions,
  }
}

/** OIDs of its critical extensions that are not processed. */
export function unknownCritical({ extensions }: PlainEntry): string[] {
  return extensions.filter(({ oid, critical }) => critical && !PROCESSED.has(oid)).map(({ oid }) => oid)
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
