import type { LintableCrl } from './crlView.ts'
import {
  EXTENSION,
  accessDescriptionsOf,
  authorityKeyIdentifierOf,
  extensionOf,
  has,
} from './extensionView.ts'
import { baseline, expected, list, quote, rfc } from './lint.ts'
import type { Lint, LintSource } from './lint.ts'

type CrlLint = Lint<LintableCrl>

/** Ballot SC-063: the CRL profile of section 7.2. */
export const CRL_PROFILE = '2024-03-15'
/** Octets of a CRL number (RFC 5280 5.2.3): below 2^159. */
const NUMBER_END = 1n << 159n

/** Extensions of CRLs (RFC 5280 5.2), and whether they are critical. */
const CRITICALITY: readonly {
  name: string
  oid: string
  critical: boolean
  word: string
  source: LintSource
}[] = [
  {
    name: 'authority_key_id',
    oid: EXTENSION.authorityKeyIdentifier,
    critical: false,
    word: 'MUST',
    source: rfc(5280, '5.2.1, 4.2.1.1'),
  },
  {
    name: 'issuer_alt_name',
    oid: EXTENSION.issuerAltName,
    critical: false,
    word: 'SHOULD',
    source: rfc(5280, '5.2.2'),
  },
  { name: 'number', oid: EXTENSION.crlNumber, critical: false, word: 'MUST', source: rfc(5280, '5.2.3') },
  {
    name: 'delta_indicator',
    oid: EXTENSION.deltaCrlIndicator,
    critical: true,
    word: 'MUST',
    source: rfc(5280, '5.2.4'),
  },
  {
    name: 'idp',
    oid: EXTENSION.issuingDistributionPoint,
    critical: true,
    word: 'MUST',
    source: rfc(5280, '5.2.5'),
  },
  {
    name: 'freshest_crl',
    oid: EXTENSION.freshestCrl,
    critical: false,
    word: 'MUST',
    source: rfc(5280, '5.2.6'),
  },
  {
    name: 'authority_info_access',
    oid: EXTENSION.authorityInfoAccess,
    critical: false,
    word: 'MUST',
    source: rfc(5280, '5.2.7'),
  },
]

const DEFINED = CRITICALITY.map(({ oid }) => oid)
/** BR 7.2.2: the rest is NOT RECOMMENDED. */
const RECOMMENDED = [
  EXTENSION.authorityKeyIdentifier,
  EXTENSION.crlNumber,
  EXTENSION.issuingDistributionPoint,
] as const

function unlisted(crl: LintableCrl, known: readonly string[]): string | undefined {
  const other = crl.extensions.map(({ oid }) => oid).filter((oid) => !known.includes(oid))
  return other.length === 0 ? undefined : expected(`only the extensions ${known.join(', ')}`, list(other))
}

const isScoped = ({ issuingDistributionPoint }: LintableCrl): boolean =>
  issuingDistributionPoint !== undefined
const isDelta = ({ isDelta }: LintableCrl): boolean => isDelta

/** RFC 5280 5.2 and BR 7.2.2. */
export const CRL_EXTENSION_LINTS: readonly CrlLint[] = [
  ...CRITICALITY.map(({ name, oid, critical, word, source }): CrlLint => ({
    id: `crl_${name}_${critical ? '' : 'not_'}critical`,
    title: `Extension ${name.replaceAll('_', ' ')} ${word} ${critical ? '' : 'NOT '}be critical`,
    source,
    applies: has(oid),
    check: (crl) =>
      extensionOf(crl, oid)?.critical === critical
        ? undefined
        : expected(
            `extension ${oid} ${critical ? '' : 'not '}to be critical`,
            critical ? 'one that is not' : 'a critical one',
          ),
  })),
  {
    id: 'crl_authority_key_id_present',
    title: 'The issuer names its key',
    source: rfc(5280, '5.2.1'),
    check: (crl) =>
      authorityKeyIdentifierOf(crl) === undefined
        ? expected('an authority key identifier', 'none')
        : undefined,
  },
  {
    id: 'crl_authority_key_id_only_key_id',
    title: 'The authority key identifier is a keyIdentifier only',
    source: baseline('7.2.2, 7.1.2.11.1'),
    applies: has(EXTENSION.authorityKeyIdentifier),
    check: (crl) => {
      const id = authorityKeyIdentifierOf(crl)
      if (id?.hasKeyId === true && !id.hasIssuer && !id.hasSerial) return undefined
      return expected(
        'keyIdentifier only',
        id?.hasKeyId === true ? 'an issuer or serial number beside it' : 'no keyIdentifier',
      )
    },
  },
  {
    id: 'crl_authority_key_id_matches_issuer',
    title: "The authority key identifier is the issuer's subject key identifier",
    source: rfc(5280, '5.2.1'),
    applies: ({ authorityKeyId }) => authorityKeyId !== undefined,
    checkIssued: ({ authorityKeyId }, { subjectKeyId }) =>
      subjectKeyId === undefined || subjectKeyId === authorityKeyId
        ? undefined
        : expected(`key identifier ${subjectKeyId}`, authorityKeyId ?? 'none'),
  },
  {
    id: 'crl_number_present',
    title: 'The CRL has a number',
    source: rfc(5280, '5.2.3'),
    check: ({ number }) => (number === undefined ? expected('a CRL number', 'none') : undefined),
  },
  {
    id: 'crl_number_range',
    title: 'The CRL number is not negative and below 2^159',
    source: rfc(5280, '5.2.3'),
    applies: ({ number }) => number !== undefined,
    check: ({ number = 0n }) =>
      number >= 0n && number < NUMBER_END
        ? undefined
        : expected('a number from 0 to 2^159 - 1', String(number)),
  },
  {
    id: 'crl_extensions_defined',
    title: 'Extensions are those that RFC 5280 defines for CRLs',
    source: rfc(5280, '5.2'),
    applies: ({ extensions }) => extensions.length > 0,
    check: (crl) => unlisted(crl, DEFINED),
  },
  {
    id: 'crl_extensions_recommended',
    title: 'Extensions beside key identifier, number and issuing distribution point are NOT RECOMMENDED',
    source: baseline('7.2.2'),
    effectiveFrom: CRL_PROFILE,
    applies: ({ extensions }) => extensions.length > 0,
    check: (crl) => unlisted(crl, RECOMMENDED),
  },
  // Delta CRLs
  {
    id: 'crl_delta_base_number_range',
    title: 'The base of a delta CRL is a number that is not negative and below 2^159',
    source: rfc(5280, '5.2.4, 5.2.3'),
    applies: isDelta,
    check: ({ baseNumber = -1n }) =>
      baseNumber >= 0n && baseNumber < NUMBER_END
        ? undefined
        : expected('a number from 0 to 2^159 - 1', String(baseNumber)),
  },
  {
    id: 'crl_delta_number_above_base',
    title: 'The number of a delta CRL is not below that of its base',
    source: rfc(5280, '5.2.4'),
    applies: (crl) => crl.isDelta && crl.number !== undefined && crl.baseNumber !== undefined,
    check: ({ number = 0n, baseNumber = 0n }) =>
      number >= baseNumber ? undefined : expected(`a number from ${baseNumber}`, String(number)),
  },
  {
    id: 'crl_delta_no_freshest_crl',
    title: 'A delta CRL does not name delta CRLs',
    source: rfc(5280, '5.2.6'),
    applies: isDelta,
    check: (crl) => (has(EXTENSION.freshestCrl)(crl) ? expected('no freshestCRL', 'one') : undefined),
  },
  // Issuing distribution point
  {
    id: 'crl_idp_not_empty',
    title: 'The issuing distribution point says something',
    source: rfc(5280, '5.2.5'),
    applies: isScoped,
    check: ({ issuingDistributionPoint: scope }) =>
      scope?.name === undefined &&
      scope?.onlySomeReasons === undefined &&
      scope?.onlyUserCertificates !== true &&
      scope?.onlyCaCertificates !== true &&
      scope?.onlyAttributeCertificates !== true &&
      scope?.indirect !== true
        ? expected('a field that is not the default', 'none')
        : undefined,
  },
  {
    id: 'crl_idp_one_kind_of_certificates',
    title: 'The CRL is limited to at most one kind of certificates',
    source: rfc(5280, '5.2.5'),
    applies: isScoped,
    check: ({ issuingDistributionPoint: scope }) => {
      const kinds = [
        ...(scope?.onlyUserCertificates === true ? ['onlyContainsUserCerts'] : []),
        ...(scope?.onlyCaCertificates === true ? ['onlyContainsCACerts'] : []),
        ...(scope?.onlyAttributeCertificates === true ? ['onlyContainsAttributeCerts'] : []),
      ]
      return kinds.length <= 1 ? undefined : expected('at most one kind of certificates', list(kinds))
    },
  },
  {
    id: 'crl_idp_full_name',
    title: 'The issuing distribution point has a full name',
    source: baseline('7.2.2.1'),
    effectiveFrom: CRL_PROFILE,
    applies: isScoped,
    check: ({ issuingDistributionPoint: scope }) =>
      scope?.name !== undefined && 'fullName' in scope.name
        ? undefined
        : expected(
            'a distribution point with fullName',
            scope?.name === undefined ? 'none' : 'a relative name',
          ),
  },
  {
    id: 'crl_idp_uris_only',
    title: 'The issuing distribution point is named by URIs only',
    source: baseline('7.2.2.1'),
    effectiveFrom: CRL_PROFILE,
    applies: ({ issuingDistributionPoint: scope }) => scope?.name !== undefined && 'fullName' in scope.name,
    check: ({ issuingDistributionPoint: scope }) => {
      const names = scope?.name !== undefined && 'fullName' in scope.name ? scope.name.fullName : []
      const other = names.filter(({ type }) => type !== 'uri')
      return other.length === 0 && names.length > 0
        ? undefined
        : expected('URIs', list(other.map(({ type }) => type)))
    },
  },
  {
    id: 'crl_idp_urls_http',
    title: 'The URIs of the issuing distribution point are HTTP',
    source: baseline('7.2.2.1, 7.1.2.11.2'),
    effectiveFrom: CRL_PROFILE,
    applies: ({ issuingDistributionPoint: scope }) => (scope?.urls.length ?? 0) > 0,
    check: ({ issuingDistributionPoint: scope }) => {
      const other = (scope?.urls ?? []).filter((url) => !/^http:\/\//i.test(url))
      return other.length === 0 ? undefined : expected('HTTP URLs', list(other.map(quote)))
    },
  },
  {
    id: 'crl_idp_not_indirect',
    title: 'The CRL is a direct one',
    source: baseline('7.2, 7.2.2.1'),
    applies: isScoped,
    check: ({ issuingDistributionPoint: scope }) =>
      scope?.indirect === true ? expected('a direct CRL', 'an indirect one') : undefined,
  },
  {
    id: 'crl_idp_no_attribute_certificates',
    title: 'The CRL is not about attribute certificates',
    source: baseline('7.2.2.1'),
    applies: isScoped,
    check: ({ issuingDistributionPoint: scope }) =>
      scope?.onlyAttributeCertificates === true
        ? expected('public-key certificates', 'attribute certificates')
        : undefined,
  },
  {
    id: 'crl_idp_all_reasons',
    title: 'The CRL SHOULD NOT be limited to some reasons',
    source: baseline('7.2.2.1'),
    applies: isScoped,
    check: ({ issuingDistributionPoint: scope }) =>
      scope?.onlySomeReasons === undefined ? undefined : expected('all reasons', list(scope.onlySomeReasons)),
  },
  // Authority information access
  {
    id: 'crl_authority_info_access_ca_issuers',
    title: 'Authority information access links certificates of the issuer only, at least one',
    source: rfc(5280, '5.2.7'),
    applies: has(EXTENSION.authorityInfoAccess),
    check: (crl) => {
      const methods = accessDescriptionsOf(crl).map(({ method }) => method)
      const other = methods.filter((method) => method !== EXTENSION.accessCaIssuers)
      return other.length === 0 && methods.length > 0 ? undefined : expected('id-ad-caIssuers', list(other))
    },
  },
  {
    id: 'crl_authority_info_access_scheme',
    title: 'Authority information access has an HTTP or LDAP URL',
    source: rfc(5280, '5.2.7'),
    applies: has(EXTENSION.authorityInfoAccess),
    check: (crl) => {
      const locations = accessDescriptionsOf(crl).map(({ location }) => location)
      return locations.some(
        (location) => location.type === 'uri' && /^(http|ldap):\/\//i.test(location.value),
      )
        ? undefined
        : expected('an HTTP or LDAP URL', list(locations.map(({ type }) => type)))
    },
  },
]
