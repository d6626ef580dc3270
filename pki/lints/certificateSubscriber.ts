import type { Certificate } from '../certificate.ts'
import { formatIp, parseIp } from '../ip.ts'
import {
  COMMON_NAME,
  COUNTRY,
  ORGANIZATION,
  ORGANIZATIONAL_UNIT,
  PROFILES,
  absent,
  addresses,
  attributes,
  dnsNames,
  keyUsageFault,
  present,
  purposesFault,
} from './certificateProfile.ts'
import { PURPOSE, isDeclaredTlsServer, isTlsServer } from './certificateView.ts'
import { EXTENSION, extensionOf, has } from './extensionView.ts'
import { baseline, expected, list, quote } from './lint.ts'
import type { Lint } from './lint.ts'
import { isInternalName, isReservedAddress } from './names.ts'

type CertificateLint = Lint<Certificate>

/**
 * 1.6.1: longest validity of a short-lived certificate, inclusive, in milliseconds; later dates first. It is part of the profile, for such
 * certificates need neither CRL nor OCSP.
 */
const SHORT_LIVED: readonly { from: number; max: number }[] = [
  { from: Date.UTC(2026, 2, 15), max: 7 * 86_400_000 },
  { from: Date.UTC(2024, 2, 15), max: 10 * 86_400_000 },
]

function isShortLived({ notBefore, notAfter }: Certificate): boolean {
  const max = SHORT_LIVED.find(({ from }) => notBefore >= from)?.max ?? 0
  // 6.3.2: the last second counts.
  return notAfter - notBefore + 1000 <= max
}

/** 7.1.6.1. */
const RESERVED_POLICIES = ['2.23.140.1.1', '2.23.140.1.2.1', '2.23.140.1.2.2', '2.23.140.1.2.3']

/** Attributes that 7.1.4.2 and 7.1.2.7.3, .4, .5 let stand in the subject of a subscriber certificate. */
const SUBJECT_ATTRIBUTES = [
  '0.9.2342.19200300.100.1.25', // domainComponent
  COUNTRY,
  '2.5.4.8',
  '2.5.4.7',
  '2.5.4.17',
  '2.5.4.9',
  ORGANIZATION,
  '2.5.4.4',
  '2.5.4.42',
  COMMON_NAME,
  // EV Guidelines 9.2
  '2.5.4.15',
  '1.3.6.1.4.1.311.60.2.1.1',
  '1.3.6.1.4.1.311.60.2.1.2',
  '1.3.6.1.4.1.311.60.2.1.3',
  '2.5.4.5',
  '2.5.4.97',
]

const ANY_POLICY = '2.5.29.32.0'

const RSA_USAGES = ['digitalSignature', 'keyEncipherment', 'dataEncipherment']
const EC_USAGES = ['digitalSignature', 'keyAgreement']

/** 7.1.2.7: subscriber (TLS server) certificates. */
export const SUBSCRIBER_LINTS: readonly CertificateLint[] = [
  {
    id: 'cert_subscriber_eku_present',
    title: 'Subscriber: extended key usage is there',
    source: baseline('7.1.2.7.6'),
    applies: isTlsServer,
    check: present(EXTENSION.extendedKeyUsage),
  },
  {
    id: 'cert_subscriber_eku',
    title: 'Subscriber: extended key usage is serverAuth, at most with clientAuth',
    source: baseline('7.1.2.7.10'),
    effectiveFrom: PROFILES,
    applies: isDeclaredTlsServer,
    check: (certificate) => purposesFault(certificate, PURPOSE.serverAuth, [PURPOSE.clientAuth]),
  },
  {
    id: 'cert_subscriber_key_usage',
    title: 'Subscriber: key usage is critical and has only what fits the key',
    source: baseline('7.1.2.7.11'),
    effectiveFrom: PROFILES,
    applies: (certificate) => isDeclaredTlsServer(certificate) && certificate.keyUsage !== undefined,
    check: (certificate) =>
      keyUsageFault(
        certificate,
        certificate.keyAlgorithm === 'RSA' ? [] : ['digitalSignature'],
        certificate.keyAlgorithm === 'RSA' ? RSA_USAGES : EC_USAGES,
      ),
  },
  {
    id: 'cert_subscriber_basic_constraints',
    title: 'Subscriber: basic constraints, where they are, are critical and without path length',
    source: baseline('7.1.2.7.8'),
    effectiveFrom: PROFILES,
    applies: (certificate) =>
      isDeclaredTlsServer(certificate) && has(EXTENSION.basicConstraints)(certificate),
    check: (certificate) =>
      extensionOf(certificate, EXTENSION.basicConstraints)?.critical === true &&
      certificate.pathLength === undefined
        ? undefined
        : expected('critical basic constraints without path length', 'others'),
  },
  {
    id: 'cert_subscriber_san_present',
    title: 'Subscriber: subject alternative names are there',
    source: baseline('7.1.2.7.12'),
    applies: isDeclaredTlsServer,
    check: present(EXTENSION.subjectAltName),
  },
  {
    id: 'cert_subscriber_san_forms',
    title: 'Subscriber: alternative names are DNS names and IP addresses',
    source: baseline('7.1.2.7.12'),
    applies: (certificate) => isDeclaredTlsServer(certificate) && certificate.subjectAltNames.length > 0,
    check: ({ subjectAltNames }) => {
      const other = subjectAltNames.filter(({ type }) => type !== 'dns' && type !== 'ip')
      return other.length === 0
        ? undefined
        : expected('DNS names and IP addresses', list(other.map(({ type }) => type)))
    },
  },
  {
    id: 'cert_subscriber_dns_underscore',
    title: 'Subscriber: DNS names have no underscore',
    source: baseline('7.1.4.2.1'),
    effectiveFrom: '2019-04-01',
    applies: (certificate) => isDeclaredTlsServer(certificate) && dnsNames(certificate).length > 0,
    check: (certificate) => {
      const bad = dnsNames(certificate).filter((name) => name.includes('_'))
      return bad.length === 0 ? undefined : expected('DNS names without underscore', list(bad.map(quote)))
    },
  },
  {
    id: 'cert_subscriber_dns_wildcard',
    title: 'Subscriber: a wildcard is the whole left-most label, above at least two others',
    source: baseline('3.2.2.6'),
    applies: (certificate) =>
      isDeclaredTlsServer(certificate) && dnsNames(certificate).some((name) => name.includes('*')),
    check: (certificate) => {
      const bad = dnsNames(certificate).filter(
        (name) => name.includes('*') && !/^\*\.[^*.]+\.[^*]+$/.test(name),
      )
      return bad.length === 0 ? undefined : expected('wildcards like *.example.com', list(bad.map(quote)))
    },
  },
  {
    id: 'cert_subscriber_dns_not_internal',
    title: 'Subscriber: DNS names are not internal names',
    source: baseline('7.1.4.2.1'),
    effectiveFrom: '2015-11-01',
    applies: (certificate) => isDeclaredTlsServer(certificate) && dnsNames(certificate).length > 0,
    check: (certificate) => {
      const bad = dnsNames(certificate).filter(isInternalName)
      return bad.length === 0
        ? undefined
        : expected('names below a public top-level domain', list(bad.map(quote)))
    },
  },
  {
    id: 'cert_subscriber_ip_not_reserved',
    title: 'Subscriber: IP addresses are not reserved ones',
    source: baseline('7.1.4.2.1'),
    effectiveFrom: '2015-11-01',
    applies: (certificate) => isDeclaredTlsServer(certificate) && addresses(certificate).length > 0,
    check: (certificate) => {
      const bad = addresses(certificate).filter(isReservedAddress)
      return bad.length === 0 ? undefined : expected('public addresses', list(bad.map(formatIp)))
    },
  },
  {
    id: 'cert_subscriber_common_name_in_san',
    title: 'Subscriber: the common name is one of the alternative names',
    source: baseline('7.1.4.3'),
    applies: (certificate) =>
      isDeclaredTlsServer(certificate) && attributes(certificate, COMMON_NAME).length > 0,
    check: (certificate) => {
      const names = new Set([
        ...dnsNames(certificate).map((name) => name.toLowerCase()),
        ...addresses(certificate).map(formatIp),
      ])
      const bad = attributes(certificate, COMMON_NAME).flatMap(({ text = '' }) =>
        names.has(text.toLowerCase()) || names.has(canonicalAddress(text)) ? [] : [text],
      )
      return bad.length === 0 ? undefined : expected('one of the alternative names', list(bad.map(quote)))
    },
  },
  {
    id: 'cert_subscriber_one_common_name',
    title: 'Subscriber: there is at most one common name',
    source: baseline('7.1.4.3'),
    applies: isDeclaredTlsServer,
    check: (certificate) => {
      const { length } = attributes(certificate, COMMON_NAME)
      return length <= 1 ? undefined : expected('at most one common name', String(length))
    },
  },
  {
    id: 'cert_subscriber_no_organizational_unit',
    title: 'Subscriber: the subject has no organizational unit',
    source: baseline('7.1.4.2'),
    effectiveFrom: '2022-09-01',
    applies: isDeclaredTlsServer,
    check: (certificate) => {
      const units = attributes(certificate, ORGANIZATIONAL_UNIT)
      return units.length === 0
        ? undefined
        : expected('no OU', list(units.map(({ text = '' }) => quote(text))))
    },
  },
  {
    id: 'cert_subscriber_subject_attributes',
    title: 'Subscriber: the subject has only attributes of its profile',
    source: baseline('7.1.2.7.2 to 7.1.2.7.5, 7.1.4.2'),
    effectiveFrom: PROFILES,
    applies: isDeclaredTlsServer,
    check: ({ subject }) => {
      const other = subject.rdns
        .flat()
        .filter(({ type }) => !SUBJECT_ATTRIBUTES.includes(type) && type !== ORGANIZATIONAL_UNIT)
      return other.length === 0
        ? undefined
        : expected('attributes of the profile', list(other.map(({ type }) => type)))
    },
  },
  {
    id: 'cert_subscriber_subject_values',
    title: 'Subscriber: no attribute of the subject only says that there is nothing to say',
    source: baseline('7.1.4.1'),
    applies: (certificate) => isDeclaredTlsServer(certificate) && certificate.subject.rdns.length > 0,
    check: ({ subject }) => {
      const bad = subject.rdns.flat().flatMap(({ text = 'x' }) => (/[\p{L}\p{N}]/u.test(text) ? [] : [text]))
      return bad.length === 0 ? undefined : expected('values with a letter or digit', list(bad.map(quote)))
    },
  },
  {
    id: 'cert_subscriber_policies',
    title: 'Subscriber: exactly one reserved policy says how the subject was validated',
    source: baseline('7.1.2.7.9'),
    effectiveFrom: PROFILES,
    applies: isDeclaredTlsServer,
    check: ({ certificatePolicies = [] }) => {
      const reserved = certificatePolicies
        .map(({ policy }) => policy)
        .filter((p) => RESERVED_POLICIES.includes(p))
      return reserved.length === 1
        ? undefined
        : expected(`one of ${RESERVED_POLICIES.join(', ')}`, list(reserved))
    },
  },
  {
    id: 'cert_subscriber_no_any_policy',
    title: 'Subscriber: anyPolicy is absent',
    source: baseline('7.1.2.7.9'),
    effectiveFrom: PROFILES,
    applies: (certificate) =>
      isDeclaredTlsServer(certificate) && certificate.certificatePolicies !== undefined,
    check: ({ certificatePolicies = [] }) =>
      certificatePolicies.some(({ policy }) => policy === ANY_POLICY)
        ? expected('no anyPolicy', 'one')
        : undefined,
  },
  {
    id: 'cert_subscriber_policy_qualifiers',
    title: 'Subscriber: policies have no qualifier but a CPS pointer',
    source: baseline('7.1.2.7.9'),
    effectiveFrom: PROFILES,
    applies: (certificate) =>
      isDeclaredTlsServer(certificate) && certificate.certificatePolicies !== undefined,
    check: ({ certificatePolicies = [] }) => {
      const other = certificatePolicies.flatMap(({ qualifiers }) =>
        qualifiers.flatMap((q) => (q.type === 'cps' ? [] : [q.type === 'other' ? q.oid : q.type])),
      )
      return other.length === 0 ? undefined : expected('no qualifier but id-qt-cps', list(other))
    },
  },
  {
    id: 'cert_subscriber_criticality',
    title: 'Subscriber: policies, extended key usage and timestamps are not critical',
    source: baseline('7.1.2.7.6'),
    effectiveFrom: PROFILES,
    applies: isDeclaredTlsServer,
    check: (certificate) => {
      const critical = [EXTENSION.certificatePolicies, EXTENSION.extendedKeyUsage, EXTENSION.sctList].filter(
        (oid) => extensionOf(certificate, oid)?.critical === true,
      )
      return critical.length === 0 ? undefined : expected('extensions that are not critical', list(critical))
    },
  },
  {
    id: 'cert_subscriber_aia_present',
    title: 'Subscriber: authority information access is there',
    source: baseline('7.1.2.7.6'),
    effectiveFrom: PROFILES,
    applies: isDeclaredTlsServer,
    check: present(EXTENSION.authorityInfoAccess),
  },
  {
    id: 'cert_subscriber_ca_issuers_present',
    title: "Subscriber: the issuer's certificate SHOULD be linked",
    source: baseline('7.1.2.7.7'),
    applies: isDeclaredTlsServer,
    check: ({ caIssuerUrls }) =>
      caIssuerUrls.length > 0 ? undefined : expected('a URL of id-ad-caIssuers', 'none'),
  },
  {
    id: 'cert_subscriber_revocation_information',
    title: 'Subscriber: unless it is short-lived, a CRL or an OCSP responder is named',
    source: baseline('7.1.2.11.2'),
    effectiveFrom: '2024-03-15',
    applies: (certificate) => isDeclaredTlsServer(certificate) && !isShortLived(certificate),
    check: ({ crlUrls, ocspUrls }) =>
      crlUrls.length + ocspUrls.length > 0
        ? undefined
        : expected('a CRL distribution point or an OCSP responder', 'neither'),
  },
  {
    id: 'cert_subscriber_no_subject_key_id',
    title: 'Subscriber: a subject key identifier is NOT RECOMMENDED',
    source: baseline('7.1.2.7.6'),
    effectiveFrom: PROFILES,
    applies: isDeclaredTlsServer,
    check: absent(EXTENSION.subjectKeyIdentifier),
  },
  {
    id: 'cert_subscriber_no_name_constraints',
    title: 'Subscriber: name constraints, policy mappings and constraints, and inhibitAnyPolicy are absent',
    source: baseline('7.1.2.7.6'),
    effectiveFrom: PROFILES,
    applies: isDeclaredTlsServer,
    check: (certificate) => {
      const found = [
        EXTENSION.nameConstraints,
        EXTENSION.policyMappings,
        EXTENSION.policyConstraints,
        EXTENSION.inhibitAnyPolicy,
      ].filter((oid) => extensionOf(certificate, oid) !== undefined)
      return found.length === 0 ? undefined : expected('no extension for CAs', list(found))
    },
  },
]

/** An address in the form that the profile wants; the text itself when it is none. */
function canonicalAddress(text: string): string {
  const octets = parseIp(text)
  return octets === undefined ? text : formatIp(octets)
}
