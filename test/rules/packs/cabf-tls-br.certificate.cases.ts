import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { BR_SIGNATURES } from './cabf-tls-br.signatures.ts'
import {
  byLints,
  fails,
  isNotApplicable,
  isUnknown,
  linted,
  NOW,
  passes,
  ran,
  type Case,
  type PackCases,
} from './harness.ts'

const SECOND = 1000
const DAY_SECONDS = 86_400
/** Ballot SC-062: the certificate profiles. */
const PROFILES = Date.parse('2023-09-15')
/** Ballot 164. */
const SERIALS = Date.parse('2016-09-30')

const network = ran({ phase: 'connect', code: 'refused' })
const unseen = isUnknown('nothing was served', { probe: network })

const certificate = (facts: FactsOf<'certificate'>): Facts => ({
  certificate: {
    serial: '4711471147114711',
    subject: 'CN=shop.example',
    notBefore: toTimestamp(NOW),
    identities: ['shop.example'],
    keyUsage: ['digitalSignature'],
    policies: ['2.23.140.1.2.1'],
    ...facts,
  },
})

/** Issued then, for so many seconds with both ends counted. */
const issued = (notBefore: string, seconds: number): Facts =>
  certificate({
    notBefore,
    notAfter: toTimestamp(Date.parse(notBefore) + (seconds - 1) * SECOND),
  })

/** Up to so many days passes, a second more does not. `now` must not matter: it is years later. */
function limit(notBefore: string, days: number): Case[] {
  const later = Date.parse('2031-01-01')
  return [
    passes(`${days} days from ${notBefore}`, issued(notBefore, days * DAY_SECONDS), later),
    fails(`${days} days and a second from ${notBefore}`, issued(notBefore, days * DAY_SECONDS + 1), later),
  ]
}

const validity = (before2026: number, before2027: number, before2029: number, after: number): Case[] => [
  ...limit('2020-09-01T00:00:00Z', before2026),
  ...limit('2026-03-14T23:59:59Z', before2026),
  ...limit('2026-03-15T00:00:00Z', before2027),
  ...limit('2027-03-14T23:59:59Z', before2027),
  ...limit('2027-03-15T00:00:00Z', before2029),
  ...limit('2029-03-14T23:59:59Z', before2029),
  ...limit('2029-03-15T00:00:00Z', after),
  isNotApplicable('issued before the first limit', issued('2020-08-31T23:59:59Z', 825 * DAY_SECONDS)),
  isUnknown('without a date', { certificate: { serial: '4711' } }),
  unseen,
]

/** Everything is wrong with the certificate; only the ballot's date decides. */
const issuedBy = (ballot: number, facts: FactsOf<'certificate'> = {}): Case[] =>
  [ballot, ballot - SECOND].map((notBefore) =>
    (notBefore < ballot ? isNotApplicable : fails)(`issued at ${toTimestamp(notBefore)}`, {
      ...certificate({ ...facts, notBefore: toTimestamp(notBefore) }),
      lint: linted(['certificate'], {}, 'fail'),
    }),
  )

const ofLints = (none: 'pass' | 'not_applicable', ...lints: readonly string[]): Case[] => [
  ...byLints({ kinds: ['certificate', 'ocsp'], lints, none, facts: certificate({}) }),
  ...issuedBy(PROFILES),
]

export const CERTIFICATE_CASES: PackCases = {
  br_val_01: validity(398, 200, 100, 47),
  br_val_01_recommended: validity(397, 199, 99, 46),
  br_key_01: [
    passes('2048 bits', certificate({ keyAlgorithm: 'RSA', keyBits: 2048 })),
    fails('2047 bits', certificate({ keyAlgorithm: 'RSA', keyBits: 2047 })),
    fails('1024 bits', certificate({ keyAlgorithm: 'RSA', keyBits: 1024 })),
    fails('2052 bits, not divisible by 8', certificate({ keyAlgorithm: 'RSA', keyBits: 2052 })),
    isNotApplicable('another algorithm', certificate({ keyAlgorithm: 'EC P-256', keyBits: 256 })),
    unseen,
  ],
  br_key_02: [
    ...['RSA', 'EC P-256', 'EC P-384', 'EC P-521'].map((keyAlgorithm) =>
      passes(keyAlgorithm, certificate({ keyAlgorithm })),
    ),
    ...['RSA-PSS', 'EC P-224', 'EC brainpoolP256r1', 'Ed25519', 'ML-DSA-65', '1.2.3'].map((keyAlgorithm) =>
      fails(keyAlgorithm, certificate({ keyAlgorithm })),
    ),
    unseen,
  ],
  br_sig_01: [
    ...BR_SIGNATURES.map((signatureAlgorithm) =>
      passes(signatureAlgorithm, certificate({ signatureAlgorithm })),
    ),
    ...['RSA-SHA1', 'ECDSA-SHA1', 'RSA-SHA224', 'RSA-SHA3-256', 'Ed25519', 'ML-DSA-65'].map(
      (signatureAlgorithm) => fails(signatureAlgorithm, certificate({ signatureAlgorithm })),
    ),
    unseen,
  ],
  br_ser_01: [
    ...byLints({
      kinds: ['certificate'],
      lints: ['cert_serial_positive', 'cert_serial_at_most_20_octets'],
      none: 'pass',
      facts: certificate({}),
    }),
    ...issuedBy(SERIALS),
  ],
  br_ser_01_entropy: [
    passes('14 digits', certificate({ serial: '1'.repeat(14) })),
    fails('13 digits', certificate({ serial: '1'.repeat(13) })),
    ...issuedBy(SERIALS, { serial: '1' }),
    unseen,
  ],
  br_cdp_01: [
    // Without extended key usage everything else is for a server that nobody declared; the rule then asks nothing.
    isNotApplicable('no TLS server', {
      ...certificate({}),
      lint: linted(['certificate'], { cert_subscriber_eku_present: 'not_applicable' }),
    }),
    ...ofLints(
      'pass',
      'cert_subscriber_revocation_information',
      'cert_baseline_distribution_points',
      'cert_baseline_info_access',
    ),
  ],
  br_profile_purpose: [
    passes('servers', certificate({ extendedKeyUsage: ['serverAuth'] })),
    passes('servers and clients', certificate({ extendedKeyUsage: ['clientAuth', 'serverAuth'] })),
    fails('clients only', certificate({ extendedKeyUsage: ['clientAuth'] })),
    fails('anything', certificate({ extendedKeyUsage: ['serverAuth', 'anyExtendedKeyUsage'] })),
    fails('nothing', certificate({ extendedKeyUsage: [] })),
    fails(
      'from the first second of the profiles',
      certificate({ extendedKeyUsage: [], notBefore: toTimestamp(PROFILES) }),
    ),
    isNotApplicable(
      'a second before',
      certificate({ extendedKeyUsage: [], notBefore: toTimestamp(PROFILES - SECOND) }),
    ),
    unseen,
  ],
  br_profile_key_usage: ofLints('not_applicable', 'cert_subscriber_key_usage'),
  br_profile_extensions: ofLints(
    'not_applicable',
    'cert_subscriber_eku_present',
    'cert_subscriber_aia_present',
    'cert_subscriber_basic_constraints',
    'cert_subscriber_no_name_constraints',
    'cert_subscriber_criticality',
    'cert_baseline_authority_key_id',
  ),
  br_profile_policies: ofLints(
    'not_applicable',
    'cert_subscriber_policies',
    'cert_subscriber_no_any_policy',
    'cert_subscriber_policy_qualifiers',
  ),
  br_profile_names: ofLints(
    'not_applicable',
    'cert_subscriber_san_present',
    'cert_subscriber_san_forms',
    'cert_baseline_dns_names',
    'cert_subscriber_dns_underscore',
    'cert_subscriber_dns_wildcard',
    'cert_subscriber_dns_not_internal',
    'cert_subscriber_ip_not_reserved',
  ),
  br_profile_subject: ofLints(
    'not_applicable',
    'cert_subscriber_one_common_name',
    'cert_subscriber_common_name_in_san',
    'cert_subscriber_no_organizational_unit',
    'cert_subscriber_subject_attributes',
    'cert_subscriber_subject_values',
  ),
  br_profile_recommended: ofLints(
    'not_applicable',
    'cert_subscriber_ca_issuers_present',
    'cert_subscriber_no_subject_key_id',
  ),
  br_ct_timestamps: byLints({
    kinds: ['certificate'],
    lints: ['cert_scts_present'],
    none: 'not_applicable',
    facts: certificate({}),
  }),
}
