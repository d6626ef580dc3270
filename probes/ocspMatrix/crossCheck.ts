import type { FactsOf } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'
import type { OcspInquiry } from '../ocspInquiry.ts'
import type { CrlSample, Revocation } from './crlSample.ts'

/** Items of each list of facts. More are asked about only when more are found in one run. */
const MAX_LISTED = 20

type CrossCheck = FactsOf<'crossCheck'>
type Kind = 'status' | 'dates' | 'reasons'
const KINDS: readonly Kind[] = ['status', 'dates', 'reasons']

/** One certificate, by both ways to know that it is revoked. */
export interface Compared {
  readonly serial: string
  /** What the CRL says; undefined: it does not list the certificate, and would if it were revoked. */
  readonly revocation: Revocation | undefined
  readonly crl: Pick<CrlSample, 'thisUpdate'>
  readonly inquiry: OcspInquiry
}

interface Disagreement {
  readonly serial: string
  readonly kind: Kind
  readonly text: string
  /** thisUpdate of the CRL that says otherwise: from then on the responder could have known. */
  readonly since: number
}

/** Serial numbers that a run found to disagree: the next one asks about them again, or the finding would come and go with what is picked. */
export function disagreeing(before: CrossCheck | undefined): readonly string[] {
  const items = KINDS.flatMap((kind) => before?.[kind] ?? [])
  return [...new Set(items.map(serialOf))].slice(0, MAX_LISTED)
}

function serialOf(item: string): string {
  return item.slice(0, item.indexOf(':'))
}

/** What the two say differently. A certificate that the responder gave no answer about is not compared. */
export function crossCheckFacts(compared: readonly Compared[], before: CrossCheck | undefined): CrossCheck {
  const answered = compared.filter(({ inquiry }) => inquiry.facts?.status !== undefined)
  const found = answered.flatMap(disagreements)
  const list = (wanted: Kind): string[] =>
    found
      .filter(({ kind }) => kind === wanted)
      .map(({ serial, text }) => `${serial}: ${text}`)
      .toSorted()
      .slice(0, MAX_LISTED)
  return {
    compared: answered.length,
    status: list('status'),
    dates: list('dates'),
    reasons: list('reasons'),
    ...sinceWhen(found, before),
  }
}

/** The one that has stood for longest counts, since the run that found it first. */
function sinceWhen(
  found: readonly Disagreement[],
  before: CrossCheck | undefined,
): Pick<CrossCheck, 'since'> {
  if (found.length === 0) return {}
  const standing = new Set(disagreeing(before))
  if (before?.since !== undefined && found.some(({ serial }) => standing.has(serial)))
    return { since: before.since }
  return { since: toTimestamp(Math.min(...found.map(({ since }) => since))) }
}

function disagreements({ serial, revocation, crl, inquiry }: Compared): Disagreement[] {
  const { status = 'unknown', revokedAt, reason } = inquiry.facts ?? {}
  const found = (kind: Kind, ofCrl: string, ofOcsp: string): Disagreement => {
    return { serial, kind, text: `CRL ${ofCrl}, OCSP ${ofOcsp}`, since: crl.thisUpdate }
  }
  if (revocation === undefined) {
    // Revoked after the CRL was issued: the next one will list it.
    const isNews = revokedAt === undefined || Date.parse(revokedAt) > crl.thisUpdate
    return status !== 'revoked' || isNews ? [] : [found('status', 'not listed', status)]
  }
  if (status !== 'revoked') return [found('status', 'revoked', status)]
  const listed = toTimestamp(revocation.revokedAt)
  const all: Disagreement[] = []
  if (revokedAt !== listed) all.push(found('dates', listed, revokedAt ?? 'none'))
  // RFC 5280 5.3.1: unspecified says what absence says.
  const [ofCrl, ofOcsp] = [revocation.reason ?? 'unspecified', reason ?? 'unspecified']
  if (ofCrl !== ofOcsp) all.push(found('reasons', ofCrl, ofOcsp))
  return all
}
