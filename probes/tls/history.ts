import type { FactsOf } from '../../model/facts.ts'
import { fromTimestamp, toTimestamp } from '../../model/time.ts'
import type { Certificate } from '../../pki/certificate.ts'
import type { Issuer, IssuerLocations } from '../probe.ts'

// The served certificate beside what else is known: earlier ones, those of other addresses and other services, and the inventory. Pure.

/** Items of a list that are kept. */
const MAX_ITEMS = 20

export interface RenewalQuestion {
  /** What the addresses serve, where its path verified and it names the service. */
  readonly served: readonly Certificate[]
  /** The declared newest certificate; undefined: none is declared. */
  readonly issued: Certificate | undefined
  readonly before: FactsOf<'renewal'> | undefined
}

interface Newest {
  readonly serial: string
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly sha256: string
  readonly from: 'address' | 'file' | 'earlier run'
}

/** Whether the newest certificate that is known for the service is the one that is served, everywhere. undefined: nothing is served that could be compared. */
export function renewalFacts({ served, issued, before }: RenewalQuestion): FactsOf<'renewal'> | undefined {
  if (served.length === 0) return undefined
  const candidates: readonly Newest[] = [
    ...served.map((certificate) => newestOf(certificate, 'address')),
    ...(issued === undefined ? [] : [newestOf(issued, 'file')]),
    ...earlier(before),
  ]
  const newest = candidates.reduce((best, one) => (one.notBefore > best.notBefore ? one : best))
  return {
    newestServed: served.every(({ notBefore }) => notBefore >= newest.notBefore),
    newestSerial: newest.serial,
    newestNotBefore: toTimestamp(newest.notBefore),
    newestSha256: newest.sha256,
    newestFrom: newest.from,
  }
}

/** Field by field: some of a certificate's are made when they are asked for. */
function newestOf({ serial, notBefore, sha256 }: Certificate, from: Newest['from']): Newest {
  return { serial, notBefore, sha256, from }
}

function earlier(before: FactsOf<'renewal'> | undefined): readonly Newest[] {
  const { newestSerial, newestNotBefore, newestSha256 } = before ?? {}
  if (newestSerial === undefined || newestNotBefore === undefined || newestSha256 === undefined) return []
  const notBefore = fromTimestamp(newestNotBefore)
  return [{ serial: newestSerial, notBefore, sha256: newestSha256, from: 'earlier run' }]
}

export interface KeyUseQuestion {
  readonly leaf: Certificate
  /** What the service served when it was last seen. */
  readonly before: { readonly certificate?: FactsOf<'certificate'>; readonly keyUse?: FactsOf<'keyUse'> }
  /** Other subjects whose certificates have the same key. */
  readonly others: readonly string[]
}

export function keyUseFacts({ leaf, before, others }: KeyUseQuestion): FactsOf<'keyUse'> {
  const isSameKey = before.certificate?.spkiSha256 === leaf.spkiSha256
  const known = isSameKey ? (before.keyUse?.certificates ?? []) : []
  const certificates = known.includes(leaf.sha256) ? known : [...known, leaf.sha256]
  return {
    certificates: certificates.slice(-MAX_ITEMS).toSorted(),
    sharedWith: [...new Set(others)].toSorted().slice(0, MAX_ITEMS),
  }
}

/** undefined: nothing is declared for the issuer. What a certificate of another issuer names is that one's business. */
export function locationFacts(
  leaf: Certificate,
  declared: IssuerLocations | undefined,
): FactsOf<'locations'> | undefined {
  if (declared === undefined) return undefined
  // Publications of the issuer are found in the certificates themselves: where none is declared, none can be wrong.
  const issuers = declared.caIssuers.length === 0 ? [] : leaf.caIssuerUrls
  const named = [
    ...leaf.crlUrls.map((url) => ({ name: `crl ${url}`, isDeclared: declared.crl.includes(url) })),
    ...leaf.ocspUrls.map((url) => ({ name: `ocsp ${url}`, isDeclared: declared.ocsp.includes(url) })),
    ...issuers.map((url) => ({ name: `ca_issuers ${url}`, isDeclared: declared.caIssuers.includes(url) })),
  ]
  const undeclared = named.filter(({ isDeclared }) => !isDeclared).map(({ name }) => name)
  return {
    undeclared: [...new Set(undeclared)].toSorted().slice(0, MAX_ITEMS),
    declared: named.length - undeclared.length,
  }
}

/** The declared authorities that a leaf stands under, from its issuer up. */
export function declaredChain(issuer: Issuer): readonly [Certificate, ...Certificate[]] {
  return [issuer.certificate, ...issuer.ancestors]
}
