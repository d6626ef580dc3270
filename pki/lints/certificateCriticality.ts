import type { Certificate } from '../certificate.ts'
import { isCa } from './certificateView.ts'
import { EXTENSION, extensionOf, has } from './extensionView.ts'
import { expected, rfc } from './lint.ts'
import type { Lint, LintSource } from './lint.ts'

type CertificateLint = Lint<Certificate>

// RFC 5280 4.2: whether extensions are critical, and where they may stand.

interface Criticality {
  readonly name: string
  readonly oid: string
  readonly critical: boolean
  /** RFC 2119 word of the standard. */
  readonly word: 'MUST' | 'SHOULD'
  readonly source: LintSource
  readonly applies?: (certificate: Certificate) => boolean
}

const CRITICALITY: readonly Criticality[] = [
  {
    name: 'authority_key_id',
    oid: EXTENSION.authorityKeyIdentifier,
    critical: false,
    word: 'MUST',
    source: rfc(5280, '4.2.1.1'),
  },
  {
    name: 'subject_key_id',
    oid: EXTENSION.subjectKeyIdentifier,
    critical: false,
    word: 'MUST',
    source: rfc(5280, '4.2.1.2'),
  },
  {
    name: 'key_usage',
    oid: EXTENSION.keyUsage,
    critical: true,
    word: 'SHOULD',
    source: rfc(5280, '4.2.1.3'),
  },
  {
    name: 'policy_mappings',
    oid: EXTENSION.policyMappings,
    critical: true,
    word: 'SHOULD',
    source: rfc(5280, '4.2.1.5'),
  },
  {
    name: 'issuer_alt_name',
    oid: EXTENSION.issuerAltName,
    critical: false,
    word: 'SHOULD',
    source: rfc(5280, '4.2.1.7'),
  },
  {
    name: 'subject_directory_attributes',
    oid: EXTENSION.subjectDirectoryAttributes,
    critical: false,
    word: 'MUST',
    source: rfc(5280, '4.2.1.8'),
  },
  {
    name: 'basic_constraints',
    oid: EXTENSION.basicConstraints,
    critical: true,
    word: 'MUST',
    source: rfc(5280, '4.2.1.9'),
    applies: isCa,
  },
  {
    name: 'name_constraints',
    oid: EXTENSION.nameConstraints,
    critical: true,
    word: 'MUST',
    source: rfc(5280, '4.2.1.10'),
  },
  {
    name: 'policy_constraints',
    oid: EXTENSION.policyConstraints,
    critical: true,
    word: 'MUST',
    source: rfc(5280, '4.2.1.11'),
  },
  {
    name: 'crl_distribution_points',
    oid: EXTENSION.crlDistributionPoints,
    critical: false,
    word: 'SHOULD',
    source: rfc(5280, '4.2.1.13'),
  },
  {
    name: 'inhibit_any_policy',
    oid: EXTENSION.inhibitAnyPolicy,
    critical: true,
    word: 'MUST',
    source: rfc(5280, '4.2.1.14'),
  },
  {
    name: 'freshest_crl',
    oid: EXTENSION.freshestCrl,
    critical: false,
    word: 'MUST',
    source: rfc(5280, '4.2.1.15'),
  },
  {
    name: 'authority_info_access',
    oid: EXTENSION.authorityInfoAccess,
    critical: false,
    word: 'MUST',
    source: rfc(5280, '4.2.2.1'),
  },
  {
    name: 'subject_info_access',
    oid: EXTENSION.subjectInfoAccess,
    critical: false,
    word: 'MUST',
    source: rfc(5280, '4.2.2.2'),
  },
  {
    name: 'ocsp_no_check',
    oid: EXTENSION.ocspNoCheck,
    critical: false,
    word: 'SHOULD',
    source: rfc(6960, '4.2.2.2.1'),
  },
  { name: 'ct_poison', oid: EXTENSION.ctPoison, critical: true, word: 'MUST', source: rfc(6962, '3.1') },
]

function criticalityLint({ name, oid, critical, word, source, applies }: Criticality): CertificateLint {
  return {
    id: `cert_${name}_${critical ? '' : 'not_'}critical`,
    title: `Extension ${name.replaceAll('_', ' ')} ${word} ${critical ? '' : 'NOT '}be critical`,
    source,
    applies: (certificate) => has(oid)(certificate) && (applies?.(certificate) ?? true),
    check: (certificate) =>
      extensionOf(certificate, oid)?.critical === critical
        ? undefined
        : expected(
            `extension ${oid} ${critical ? '' : 'not '}to be critical`,
            critical ? 'one that is not' : 'a critical one',
          ),
  }
}

/** Extensions that only mean something in a CA certificate. */
const ONLY_IN_CA: readonly { name: string; oid: string; source: LintSource }[] = [
  { name: 'name_constraints', oid: EXTENSION.nameConstraints, source: rfc(5280, '4.2.1.10') },
  { name: 'policy_mappings', oid: EXTENSION.policyMappings, source: rfc(5280, '4.2.1.5') },
  { name: 'policy_constraints', oid: EXTENSION.policyConstraints, source: rfc(5280, '4.2.1.11') },
  { name: 'inhibit_any_policy', oid: EXTENSION.inhibitAnyPolicy, source: rfc(5280, '4.2.1.14') },
]

export const CRITICALITY_LINTS: readonly CertificateLint[] = [
  ...CRITICALITY.map(criticalityLint),
  ...ONLY_IN_CA.map(({ name, oid, source }): CertificateLint => ({
    id: `cert_${name}_only_in_ca`,
    title: `Extension ${name.replaceAll('_', ' ')} stands in CA certificates only`,
    source,
    applies: has(oid),
    check: (certificate) => (certificate.isCa ? undefined : expected('a CA certificate', 'an end entity')),
  })),
]
