import type { Certificate } from '../certificate.ts'
import { PURPOSE } from './certificateView.ts'
import { EXTENSION, accessDescriptionsOf, extensionOf, has, openValue } from './extensionView.ts'
import { expected, list, quote, rfc } from './lint.ts'
import type { Lint } from './lint.ts'

const hasPoints = ({ crlDistributionPoints, freshestCrl }: Certificate): boolean =>
  crlDistributionPoints.length + freshestCrl.length > 0

/** A scheme, in lower case, as it stands before the first colon. */
function schemeOf(uri: string): string {
  return /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri)?.[1]?.toLowerCase() ?? ''
}

function otherSchemes(urls: readonly string[], allowed: readonly string[]): string | undefined {
  const bad = urls.filter((url) => !allowed.includes(schemeOf(url)))
  return bad.length === 0 ? undefined : expected(`only ${allowed.join(' or ')} URLs`, list(bad.map(quote)))
}

/** Where to find more about a certificate (RFC 5280 4.2.1.13, 4.2.2.1), and what says that it is known (RFC 6962). */
export const ACCESS_LINTS: readonly Lint<Certificate>[] = [
  // Where to find more
  {
    id: 'cert_distribution_point_has_name_or_issuer',
    title: 'A distribution point has a name or a CRL issuer',
    source: rfc(5280, '4.2.1.13'),
    applies: hasPoints,
    check: ({ crlDistributionPoints, freshestCrl }) =>
      [...crlDistributionPoints, ...freshestCrl].some(
        ({ name, crlIssuer }) => name === undefined && crlIssuer === undefined,
      )
        ? expected('a distribution point with a name or a CRL issuer', 'one with neither')
        : undefined,
  },
  {
    id: 'cert_crl_urls_scheme',
    title: 'URLs of CRLs are HTTP or LDAP',
    source: rfc(5280, '4.2.1.13'),
    applies: ({ crlUrls }) => crlUrls.length > 0,
    check: ({ crlUrls }) => otherSchemes(crlUrls, ['http', 'ldap']),
  },
  {
    id: 'cert_ca_issuers_urls_scheme',
    title: "URLs of the issuer's certificate are HTTP or LDAP",
    source: rfc(5280, '4.2.2.1'),
    applies: ({ caIssuerUrls }) => caIssuerUrls.length > 0,
    check: ({ caIssuerUrls }) => otherSchemes(caIssuerUrls, ['http', 'ldap']),
  },
  {
    id: 'cert_ocsp_urls_scheme',
    title: 'URLs of OCSP responders are HTTP',
    source: rfc(6960, '3.1'),
    applies: ({ ocspUrls }) => ocspUrls.length > 0,
    check: ({ ocspUrls }) => otherSchemes(ocspUrls, ['http', 'https']),
  },
  {
    id: 'cert_authority_info_access_locations_uri',
    title: 'OCSP responders and issuer certificates are named by URI',
    source: rfc(5280, '4.2.2.1'),
    applies: has(EXTENSION.authorityInfoAccess),
    check: (certificate) => {
      const other = accessDescriptionsOf(certificate).filter(({ location }) => location.type !== 'uri')
      return other.length === 0
        ? undefined
        : expected('URIs', list(other.map(({ location }) => location.type)))
    },
  },
  // Certificate Transparency
  {
    id: 'cert_ct_poison_null',
    title: 'The poison of a precertificate is NULL',
    source: rfc(6962, '3.1'),
    applies: ({ isPrecertificate }) => isPrecertificate,
    check: (certificate) => {
      const hex = Buffer.from(extensionOf(certificate, EXTENSION.ctPoison)?.value ?? []).toString('hex')
      return hex === '0500' ? undefined : expected('0500', quote(hex))
    },
  },
  {
    id: 'cert_ct_poison_without_scts',
    title: 'A precertificate carries no timestamps',
    source: rfc(6962, '3.1'),
    applies: ({ isPrecertificate }) => isPrecertificate,
    check: ({ scts }) => (scts.length === 0 ? undefined : expected('no timestamps', String(scts.length))),
  },
  {
    id: 'cert_scts_present',
    title: 'A TLS server certificate carries timestamps of CT logs',
    source: rfc(6962, '3.3'),
    applies: (certificate) =>
      !certificate.isCa &&
      !certificate.isPrecertificate &&
      certificate.extendedKeyUsage?.includes(PURPOSE.serverAuth) === true,
    check: ({ scts }) => (scts.length > 0 ? undefined : expected('signed certificate timestamps', 'none')),
  },
  {
    id: 'cert_ocsp_no_check_null',
    title: 'ocsp-nocheck is NULL',
    source: rfc(6960, '4.2.2.2.1'),
    applies: ({ ocspNoCheck }) => ocspNoCheck,
    check: (certificate) => {
      const hex = Buffer.from(extensionOf(certificate, EXTENSION.ocspNoCheck)?.value ?? []).toString('hex')
      return hex === '0500' ? undefined : expected('0500', quote(hex))
    },
  },
  {
    id: 'cert_issuer_alt_name_not_empty',
    title: 'Issuer alternative names have at least one name',
    source: rfc(5280, '4.2.1.7'),
    applies: has(EXTENSION.issuerAltName),
    check: (certificate) => {
      const extension = extensionOf(certificate, EXTENSION.issuerAltName)
      return extension !== undefined && openValue(extension).next === undefined
        ? expected('a name', 'none')
        : undefined
    },
  },
]
