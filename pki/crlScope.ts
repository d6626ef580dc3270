import type { Certificate } from './certificate.ts'
import type { Crl } from './crl.ts'
import { checkDelta } from './crlDelta.ts'
import { ALL_REASONS } from './distributionPoint.ts'
import type { DistributionPoint, DistributionPointName, ReasonFlag } from './distributionPoint.ts'
import { failureOf } from './error.ts'
import type { GeneralName } from './generalName.ts'
import { nameKey, namesMatch, relativeNameKey } from './name.ts'
import type { Name } from './name.ts'

/** The distribution point that a certificate has without saying so: any CRL of its issuer (RFC 5280 6.3.3, last paragraph). */
export function impliedPoint({ issuer }: Certificate): DistributionPoint {
  return {
    name: { fullName: [{ type: 'directory', name: issuer }] },
    reasons: undefined,
    crlIssuer: undefined,
  }
}

/** RFC 5280 6.3.3 (b) (1): is the CRL by the issuer that the distribution point names? */
export function isFromIssuer(crl: Crl, { crlIssuer }: DistributionPoint, certificate: Certificate): boolean {
  if (crlIssuer === undefined) return namesMatch(crl.issuer, certificate.issuer)
  return crlIssuer.some((name) => name.type === 'directory' && namesMatch(name.name, crl.issuer))
}

/**
 * 6.3.3 (b) (1) and (2): why a CRL of that issuer says nothing about a certificate that names this distribution point; undefined: it does.
 * Without a check of its scope, the absence of a certificate from another part of a partitioned list would read as "not revoked".
 */
export function scopeMismatch(
  crl: Crl,
  point: DistributionPoint,
  certificate: Certificate,
): string | undefined {
  const scope = crl.issuingDistributionPoint
  if (point.crlIssuer !== undefined && scope?.indirect !== true) return 'is not an indirect one'
  if (scope === undefined) return undefined
  // (b) (2) (i)
  if (scope.name !== undefined && !sharesName(crl, scope.name, point, certificate)) {
    return 'is of another distribution point'
  }
  // (b) (2) (ii), (iii), (iv)
  if (scope.onlyUserCertificates && certificate.isCa) return 'is for end entities only'
  if (scope.onlyCaCertificates && !certificate.isCa) return 'is for CAs only'
  if (scope.onlyAttributeCertificates) return 'is for attribute certificates only'
  return undefined
}

function sharesName(
  crl: Crl,
  ofCrl: DistributionPointName,
  { name, crlIssuer }: DistributionPoint,
  certificate: Certificate,
): boolean {
  const issuerNames = crlIssuer?.flatMap((general) => (general.type === 'directory' ? [general.name] : []))
  const wanted =
    name === undefined
      ? (crlIssuer ?? []).map(generalNameKey)
      : keysOf(name, issuerNames?.[0] ?? certificate.issuer)
  const offered = new Set(keysOf(ofCrl, crl.issuer))
  return wanted.some((key) => offered.has(key))
}

/** The names as comparable text; one that is relative is relative to the issuer of the CRL. */
function keysOf(name: DistributionPointName, issuer: Name): string[] {
  return 'fullName' in name
    ? name.fullName.map(generalNameKey)
    : [`directory ${relativeNameKey(issuer, name.rdn)}`]
}

/** Equal for names that are the same; URIs by their characters, since a CA writes them into both places itself. */
function generalNameKey(name: GeneralName): string {
  switch (name.type) {
    case 'directory':
      return `directory ${nameKey(name.name)}`
    case 'ip':
      return `ip ${Buffer.from(name.octets).toString('hex')}`
    case 'dns':
    case 'email':
    case 'uri':
      return `${name.type} ${name.value}`
    case 'other':
      return `other ${JSON.stringify(name, (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value))}`
  }
}

/** 6.3.3 (d): the interim_reasons_mask. */
export function interimReasons(crl: Crl, { reasons }: DistributionPoint): ReadonlySet<ReasonFlag> {
  const some = crl.issuingDistributionPoint?.onlySomeReasons
  return (reasons ?? ALL_REASONS).intersection(some ?? ALL_REASONS)
}

/** 6.3.3 (c) and 5.2.4: may the delta CRL be combined with that complete one? */
export function appliesTo(delta: Crl, complete: Crl): boolean {
  return failureOf(() => checkDelta(complete, delta)) === undefined
}
