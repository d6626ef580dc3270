import { TAG, explicit, implicit } from './der.ts'
import type { Der } from './der.ts'
import { readGeneralNames } from './generalName.ts'
import type { GeneralName } from './generalName.ts'
import { readRdn } from './name.ts'
import type { Rdn } from './name.ts'

// What the distribution points of a certificate (RFC 5280 4.2.1.13) and of a CRL (5.2.5) have in common.

/** ReasonFlags (RFC 5280 4.2.1.13) in bit order; bit 0 is not used. */
const REASON_FLAGS = [
  undefined,
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
] as const
export type ReasonFlag = NonNullable<(typeof REASON_FLAGS)[number]>

/** Every reason that a CRL can be partitioned by: what `all-reasons` of RFC 5280 6.3 stands for. */
export const ALL_REASONS: ReadonlySet<ReasonFlag> = new Set(REASON_FLAGS.filter((flag) => flag !== undefined))

export type DistributionPointName =
  | { readonly fullName: readonly GeneralName[] }
  /** nameRelativeToCRLIssuer: DER of the RDN (a SET), and the same read. */
  | { readonly relativeName: Uint8Array; readonly rdn: Rdn }

/** RFC 5280 4.2.1.13. */
export interface DistributionPoint {
  readonly name: DistributionPointName | undefined
  /** undefined: all reasons. */
  readonly reasons: ReadonlySet<ReasonFlag> | undefined
  /** undefined: the certificate's issuer. */
  readonly crlIssuer: readonly GeneralName[] | undefined
}

/** Distribution points of one certificate. Real ones have up to 20. */
const MAX_POINTS = 256

/** CRLDistributionPoints, also of freshestCRL: the content of the SEQUENCE. Throws PkiError(decode). */
export function readDistributionPoints(content: Der): DistributionPoint[] {
  const points: DistributionPoint[] = []
  while (!content.done) {
    if (points.length >= MAX_POINTS) content.fail('too_many', `expected at most ${MAX_POINTS} items`)
    points.push(readDistributionPoint(content, points.length))
  }
  return points
}

function readDistributionPoint(content: Der, index: number): DistributionPoint {
  const point = content.enter(TAG.sequence, index)
  const choice = point.explicit(0, 'distributionPoint')
  const name = choice === undefined ? undefined : readDistributionPointName(choice)
  const reasons = point.next === implicit(1) ? readReasonFlags(point, 'reasons', 1) : undefined
  const issuer = point.explicit(2, 'cRLIssuer')
  const crlIssuer = issuer === undefined ? undefined : readGeneralNames(issuer)
  point.finish()
  return { name, reasons, crlIssuer }
}

/** DistributionPointName, inside the tag that a CHOICE is given. Throws PkiError(decode). */
export function readDistributionPointName(choice: Der): DistributionPointName {
  const fullName = choice.explicit(0, 'fullName')
  if (fullName !== undefined) {
    choice.finish()
    return { fullName: readGeneralNames(fullName) }
  }
  const relative = choice.enter(explicit(1), 'nameRelativeToCRLIssuer')
  choice.finish()
  // IMPLICIT: the tag stands in place of the SET's own.
  const relativeName = Uint8Array.from(relative.der).fill(TAG.set, 0, 1)
  return { relativeName, rdn: readRdn(relative) }
}

/** ReasonFlags `[n] IMPLICIT`, the next element of `parent`. Bits that RFC 5280 does not name are left out. Throws PkiError(decode). */
export function readReasonFlags(parent: Der, field: string, n: number): ReadonlySet<ReasonFlag> {
  const octets = parent.namedBits(field, implicit(n))
  return new Set(
    REASON_FLAGS.flatMap((flag, bit) =>
      flag !== undefined && ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0 ? [flag] : [],
    ),
  )
}

/** The URIs under which a distribution point can be fetched. */
export function urlsOf(name: DistributionPointName | undefined): string[] {
  if (name === undefined || !('fullName' in name)) return []
  return name.fullName.flatMap((general) => (general.type === 'uri' ? [general.value] : []))
}
