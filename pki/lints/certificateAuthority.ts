import type { Certificate } from '../certificate.ts'
import {
  COMMON_NAME,
  COUNTRY,
  ORGANIZATION,
  PROFILES,
  absent,
  attributes,
  keyUsageFault,
  present,
  purposesFault,
} from './certificateProfile.ts'
import { PURPOSE, isCa, isResponder, isRoot, isSubCa } from './certificateView.ts'
import { EXTENSION, has } from './extensionView.ts'
import { baseline, expected, list } from './lint.ts'
import type { Lint } from './lint.ts'

type CertificateLint = Lint<Certificate>

/** 7.1.2.1 to 7.1.2.6, 7.1.2.10: CA certificates. */
export const CA_LINTS: readonly CertificateLint[] = [
  {
    id: 'cert_ca_key_usage',
    title: 'CA: key usage is keyCertSign and cRLSign, at most with digitalSignature',
    source: baseline('7.1.2.10.7'),
    applies: isCa,
    check: (certificate) => keyUsageFault(certificate, ['keyCertSign', 'cRLSign'], ['digitalSignature']),
  },
  {
    id: 'cert_ca_subject_attributes',
    title: 'CA: the subject has one country, organization and common name each',
    source: baseline('7.1.2.10.2'),
    effectiveFrom: PROFILES,
    applies: isCa,
    check: (certificate) => {
      const wrong = [COUNTRY, ORGANIZATION, COMMON_NAME].filter(
        (type) => attributes(certificate, type).length !== 1,
      )
      return wrong.length === 0 ? undefined : expected('C, O and CN once each', certificate.subject.text)
    },
  },
  {
    id: 'cert_ca_no_ocsp_signing',
    title: 'CA: extended key usage is not OCSPSigning',
    source: baseline('7.1.2.10.6'),
    applies: (certificate) => certificate.isCa && certificate.extendedKeyUsage !== undefined,
    check: ({ extendedKeyUsage = [] }) =>
      extendedKeyUsage.includes(PURPOSE.ocspSigning)
        ? expected('no OCSPSigning', list(extendedKeyUsage))
        : undefined,
  },
  {
    id: 'cert_root_no_eku',
    title: 'Root: extended key usage is absent',
    source: baseline('7.1.2.1.2'),
    effectiveFrom: PROFILES,
    applies: isRoot,
    check: absent(EXTENSION.extendedKeyUsage),
  },
  {
    id: 'cert_root_no_policies',
    title: 'Root: certificate policies are NOT RECOMMENDED',
    source: baseline('7.1.2.1.2'),
    effectiveFrom: PROFILES,
    applies: isRoot,
    check: absent(EXTENSION.certificatePolicies),
  },
  {
    id: 'cert_root_no_path_length',
    title: 'Root: a path length is NOT RECOMMENDED',
    source: baseline('7.1.2.1.4'),
    effectiveFrom: PROFILES,
    applies: isRoot,
    check: ({ pathLength }) =>
      pathLength === undefined ? undefined : expected('no path length', String(pathLength)),
  },
  {
    id: 'cert_root_authority_key_id',
    title: 'Root: the authority key identifier is its own, by key only',
    source: baseline('7.1.2.1.3'),
    effectiveFrom: PROFILES,
    applies: (certificate) => isRoot(certificate) && has(EXTENSION.authorityKeyIdentifier)(certificate),
    check: ({ authorityKeyId, subjectKeyId }) =>
      authorityKeyId !== undefined && authorityKeyId === subjectKeyId
        ? undefined
        : expected(`key identifier ${subjectKeyId ?? 'of the subject'}`, authorityKeyId ?? 'none'),
  },
  {
    id: 'cert_sub_ca_eku',
    title: 'Subordinate CA: extended key usage is serverAuth, at most with clientAuth',
    source: baseline('7.1.2.10.6'),
    effectiveFrom: PROFILES,
    applies: isSubCa,
    check: (certificate) => purposesFault(certificate, PURPOSE.serverAuth, [PURPOSE.clientAuth]),
  },
  {
    id: 'cert_sub_ca_policies_present',
    title: 'Subordinate CA: certificate policies are there',
    source: baseline('7.1.2.10.5'),
    applies: isSubCa,
    check: present(EXTENSION.certificatePolicies),
  },
  {
    id: 'cert_sub_ca_crl_distribution_point_present',
    title: 'Subordinate CA: a CRL is named',
    source: baseline('7.1.2.11.2'),
    applies: isSubCa,
    check: present(EXTENSION.crlDistributionPoints),
  },
  {
    id: 'cert_sub_ca_ca_issuers_present',
    title: "Subordinate CA: the issuer's certificate SHOULD be linked",
    source: baseline('7.1.2.10.3'),
    applies: isSubCa,
    check: ({ caIssuerUrls }) =>
      caIssuerUrls.length > 0 ? undefined : expected('a URL of id-ad-caIssuers', 'none'),
  },
]

const RESPONDER_ABSENT: readonly { name: string; oid: string; section: string; word: string }[] = [
  {
    name: 'crl_distribution_points',
    oid: EXTENSION.crlDistributionPoints,
    section: '7.1.2.8.2',
    word: 'absent',
  },
  { name: 'san', oid: EXTENSION.subjectAltName, section: '7.1.2.8.2', word: 'absent' },
  { name: 'name_constraints', oid: EXTENSION.nameConstraints, section: '7.1.2.8.2', word: 'absent' },
  {
    name: 'policies',
    oid: EXTENSION.certificatePolicies,
    section: '7.1.2.8.8',
    word: 'absent (SHOULD)',
  },
  {
    name: 'authority_info_access',
    oid: EXTENSION.authorityInfoAccess,
    section: '7.1.2.8.3',
    word: 'NOT RECOMMENDED',
  },
]

/** 7.1.2.8: delegated OCSP responders. */
export const RESPONDER_LINTS: readonly CertificateLint[] = [
  {
    id: 'cert_ocsp_responder_eku',
    title: 'OCSP responder: extended key usage is OCSPSigning only',
    source: baseline('7.1.2.8.5'),
    applies: isResponder,
    check: (certificate) => purposesFault(certificate, PURPOSE.ocspSigning, []),
  },
  {
    id: 'cert_ocsp_responder_no_check',
    title: 'OCSP responder: ocsp-nocheck is there',
    source: baseline('7.1.2.8.6'),
    applies: isResponder,
    check: present(EXTENSION.ocspNoCheck),
  },
  {
    id: 'cert_ocsp_responder_key_usage',
    title: 'OCSP responder: key usage is digitalSignature only',
    source: baseline('7.1.2.8.7'),
    applies: isResponder,
    check: (certificate) => keyUsageFault(certificate, ['digitalSignature'], []),
  },
  {
    id: 'cert_ocsp_responder_subject_key_id',
    title: 'OCSP responder: a subject key identifier SHOULD be there',
    source: baseline('7.1.2.8.2'),
    applies: isResponder,
    check: present(EXTENSION.subjectKeyIdentifier),
  },
  ...RESPONDER_ABSENT.map(({ name, oid, section, word }): CertificateLint => ({
    id: `cert_ocsp_responder_no_${name}`,
    title: `OCSP responder: extension ${name.replaceAll('_', ' ')} is ${word}`,
    source: baseline(section),
    effectiveFrom: PROFILES,
    applies: isResponder,
    check: absent(oid),
  })),
]
