import { parseCrl } from '../../pki/crl.ts'
import type { CrlEntry, RevocationReason } from '../../pki/crlEntries.ts'
import { entryAt } from '../../pki/crlLookup.ts'

export interface CrlQuestion {
  readonly der: Uint8Array
  /** Serial numbers to be looked up, lower-case hex. */
  readonly serials: readonly string[]
  /** Numbers in [0, 1): each stands for one entry. */
  readonly picks: readonly number[]
}

export interface Revocation {
  readonly serial: string
  /** Milliseconds since the epoch. */
  readonly revokedAt: number
  /** undefined: not given. */
  readonly reason: RevocationReason | undefined
}

/** Some of what a CRL says. Plain data: it crosses from a worker. */
export interface CrlSample {
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  /** It is about every certificate of its issuer. */
  readonly isFull: boolean
  /** What was looked up and is listed, and what was picked; each serial number once. */
  readonly revocations: readonly Revocation[]
}

/**
 * Looks serial numbers up in a CRL that was verified before, and picks entries of it. What is on hold is left out: it may be released before the
 * next CRL says so. Throws PkiError(decode).
 */
export function sampleCrl({ der, serials, picks }: CrlQuestion): CrlSample {
  const crl = parseCrl(der, { index: true })
  const found = new Map<string, Revocation>()
  const add = (entry: CrlEntry | undefined): void => {
    if (entry === undefined || entry.certificateIssuer !== undefined) return
    const { serial, revokedAt, reason } = entry
    if (reason !== 'certificateHold' && reason !== 'removeFromCRL')
      found.set(serial, { serial, revokedAt, reason })
  }
  for (const serial of serials) add(crl.find(serial))
  const { count } = crl.indexed.index
  if (count > 0) for (const pick of picks) add(entryAt(crl.indexed, Math.floor(pick * count)))
  return {
    thisUpdate: crl.thisUpdate,
    nextUpdate: crl.nextUpdate,
    isFull: !crl.isDelta && crl.issuingDistributionPoint === undefined,
    revocations: [...found.values()],
  }
}
