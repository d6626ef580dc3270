import { hash } from 'node:crypto'
import type { FactsOf } from '../model/facts.ts'
import type { CrlFields } from './crlReader.ts'
import { urlsOf } from './distributionPoint.ts'
import { OID } from './oid.ts'

/** Facts name at most so many URLs of a CRL, each cut after so many characters. Real ones have one to three. */
const MAX_URLS = 20
const MAX_URL = 500
/** Characters of the scope in words; the digest behind it tells scopes apart. */
const MAX_SCOPE = 200

/** What a CRL says about which certificates it is for, what it belongs to, and the reasons that it gives: facts of the group `crl`. */
export function scopeFacts(
  crl: CrlFields,
): Pick<
  FactsOf<'crl'>,
  | 'hasNumber'
  | 'baseNumber'
  | 'hasIssuingDistributionPoint'
  | 'scope'
  | 'distributionPoints'
  | 'deltaUrls'
  | 'entriesWithoutReason'
  | 'reasons'
> {
  const { number, baseNumber, issuingDistributionPoint: point, freshestCrl, reasons } = crl
  const { none, ...given } = reasons
  return {
    hasNumber: number !== undefined,
    ...(baseNumber === undefined ? {} : { baseNumber: baseNumber.toString() }),
    hasIssuingDistributionPoint: point !== undefined,
    scope: scopeText(crl),
    distributionPoints: bounded(point?.urls ?? []),
    deltaUrls: bounded(freshestCrl.flatMap(({ name }) => urlsOf(name))),
    entriesWithoutReason: none,
    reasons: Object.entries(given)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => `${reason} ${count}`)
      .toSorted(),
  }
}

/** Equal for two CRLs exactly when their issuing distribution points are (RFC 5280 6.3.3 (c) (2)): octets of DER are compared. */
function scopeText({ issuingDistributionPoint: point, extensions }: CrlFields): string {
  if (point === undefined) return ''
  const extension = extensions.find(({ oid }) => oid === OID.issuingDistributionPoint)
  const digest = hash('sha256', extension?.value ?? '').slice(0, 16)
  const words = [
    ...point.urls,
    ...(point.onlyUserCertificates ? ['end entities only'] : []),
    ...(point.onlyCaCertificates ? ['CAs only'] : []),
    ...(point.onlyAttributeCertificates ? ['attribute certificates only'] : []),
    ...(point.onlySomeReasons === undefined ? [] : [`${[...point.onlySomeReasons].join(' ')} only`]),
    ...(point.indirect ? ['indirect'] : []),
  ]
  return `${words.join(', ').slice(0, MAX_SCOPE)} #${digest}`.trimStart()
}

function bounded(urls: readonly string[]): string[] {
  return urls.slice(0, MAX_URLS).map((url) => url.slice(0, MAX_URL))
}
