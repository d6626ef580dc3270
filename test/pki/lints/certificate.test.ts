import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as der from '../../../lab/der.ts'
import { extension } from '../../../lab/issue.ts'
import type { Certificate } from '../../../pki/certificate.ts'
import { CERTIFICATE_LINTS, lintCertificate } from '../../../pki/lints/certificate.ts'
import * as build from './build.ts'
import {
  CA_NAME,
  DAY,
  ISSUER,
  MADE,
  OIDS,
  critical,
  dns,
  leaf,
  name,
  responder,
  root,
  subCa,
  uri,
} from './build.ts'
import { testLints } from './table.ts'

const utf8 = der.utf8String
const CN = OIDS.anyPolicy.replace('32.0', '3').replace('2.5.29', '2.5.4')
/** A Name with one common name of any string type. */
const named = (value: Uint8Array): Uint8Array => name([CN, value])
const string = (tag: number, text: string): Uint8Array => der.tlv(tag, Buffer.from(text, 'latin1'))
const san = (value: Uint8Array) => leaf({ extensions: { [OIDS.san]: value } })
const withExtension = (oid: string, value: Uint8Array | ReturnType<typeof critical>) =>
  leaf({ extensions: { [oid]: value } })
const ca = (oid: string, value: Uint8Array | ReturnType<typeof critical> | null) =>
  subCa({ extensions: { [oid]: value } })
const NAME_CONSTRAINTS = der.sequence(
  der.context(0, der.sequence(der.contextPrimitive(2, Buffer.from('example.com')))),
)
const skipCerts = (n: number) => der.contextPrimitive(n, Uint8Array.of(0))
const MAPPING = der.sequence(der.sequence(der.oid('1.2.3.4'), der.oid('1.2.3.5')))
const USER_NOTICE = '1.3.6.1.5.5.7.2.2'
const notice = (...parts: readonly Uint8Array[]) =>
  withExtension(OIDS.policies, build.qualified('2.23.140.1.2.1', USER_NOTICE, der.sequence(...parts)))
const NOTICE_REFERENCE = der.sequence(utf8('Example'), der.sequence(der.integer(1n)))

/** RFC 5280 4.2.1.2: SHOULD be there; BR 7.1.2.7.6: NOT RECOMMENDED. */
const NO_KEY_ID = ['cert_subject_key_id_present_in_end_entity']
const issued = (object: Certificate, ...fails: readonly string[]) => ({ object, issuer: ISSUER, fails })

const GOOD = [
  issued(leaf(), ...NO_KEY_ID),
  issued(
    leaf({ key: 'rsa', signature: 'rsa', extensions: { [OIDS.keyUsage]: build.keyUsage(0, 2) } }),
    ...NO_KEY_ID,
  ),
  issued(
    leaf({
      subject: der.sequence(),
      extensions: { [OIDS.san]: critical(dns('www.example.com', '*.example.com')) },
    }),
    ...NO_KEY_ID,
  ),
  { object: subCa() },
  { object: root() },
  issued(responder()),
  // A certificate for people, with what few have.
  issued(
    leaf({
      subject: name(['CN', 'Ann'], ['OU', 'People']),
      extensions: {
        [OIDS.eku]: build.purposes(OIDS.emailProtection),
        [OIDS.san]: der.sequence(
          der.contextPrimitive(1, Buffer.from('ann@example.com')),
          uri('https://example.com/ann'),
          uri('urn:uuid:4a1f'),
        ),
        [OIDS.ski]: der.octetString(Buffer.alloc(20, 3)),
        [OIDS.sctList]: null,
        [OIDS.issuerAltName]: dns('pki.example.com'),
        [OIDS.freshestCrl]: der.sequence(build.point(uri('http://crl.example.com/delta.crl'))),
        [OIDS.directoryAttributes]: der.sequence(der.sequence(der.oid('1.2.3'), der.set())),
        [OIDS.sia]: build.access([OIDS.caIssuers, uri('http://pki.example.com/repository')]),
      },
    }),
  ),
  // A CA that limits those below.
  {
    object: subCa({
      extensions: {
        [OIDS.nameConstraints]: critical(
          der.sequence(der.context(0, der.sequence(build.ip(10, 0, 0, 0, 255, 0, 0, 0)))),
        ),
        [OIDS.policies]: build.policies('1.2.3.4', OIDS.anyPolicy),
        [OIDS.policyMappings]: critical(MAPPING),
        [OIDS.policyConstraints]: critical(der.sequence(skipCerts(0))),
        [OIDS.inhibitAnyPolicy]: critical(der.integer(0n)),
      },
    }),
  },
  issued(
    leaf({ extensions: { [OIDS.sctList]: null, [OIDS.poison]: critical(der.nullValue()) } }),
    ...NO_KEY_ID,
  ),
  issued(
    leaf({ extensions: { [OIDS.eku]: build.purposes(OIDS.clientAuth, OIDS.anyPurpose) } }),
    ...NO_KEY_ID,
    'cert_subscriber_eku',
  ),
  issued(leaf({ extensions: { [OIDS.eku]: critical(build.purposes(OIDS.timeStamping)) } }), ...NO_KEY_ID),
  issued(
    leaf({ extensions: { [OIDS.keyUsage]: build.keyUsage(0, 4, 7) } }),
    ...NO_KEY_ID,
    'cert_subscriber_key_usage',
  ),
  issued(notice(utf8('Read the policy.')), ...NO_KEY_ID, 'cert_subscriber_policy_qualifiers'),
  issued(
    leaf({
      subject: name(['CN', '192.0.9.1']),
      extensions: { [OIDS.san]: der.sequence(build.ip(192, 0, 9, 1)) },
    }),
    ...NO_KEY_ID,
  ),
  issued(leaf({ extensions: { [OIDS.basicConstraints]: critical(der.sequence()) } }), ...NO_KEY_ID),
]

const BEFORE_PROFILES = der.time(Date.UTC(2012, 0))

testLints({
  lints: CERTIFICATE_LINTS,
  run: (object, issuer) => lintCertificate(object, { issuer }),
  issuer: ISSUER,
  good: GOOD,
  /** Before the profiles of the Baseline Requirements. */
  old: leaf({ notBefore: BEFORE_PROFILES }),
  none: [
    leaf(),
    root(),
    subCa(),
    responder({ version: null }),
    leaf({ notBefore: der.time(Date.UTC(2005, 0)) }),
  ],
  failing: {
    // Encoding
    cert_encoding_der: () =>
      leaf({ extensions: { [OIDS.basicConstraints]: Buffer.from('30030101aa', 'hex') } }),
    cert_time_encoding: () => leaf({ notBefore: der.generalizedTime(MADE) }),
    cert_defaults_omitted: () => withExtension(OIDS.basicConstraints, der.sequence(der.boolean(false))),
    cert_sets_sorted: () =>
      leaf({ subject: der.sequence(der.set(build.attributeOf(['O', 'b']), build.attributeOf(['CN', 'a']))) }),
    cert_named_bits_trimmed: () =>
      withExtension(OIDS.keyUsage, critical(Buffer.from('0302 0080'.replace(' ', ''), 'hex'))),
    cert_string_alphabet: () => leaf({ subject: named(der.printableString('a*b')) }),
    cert_rsa_parameters_null: () => leaf({ signature: 'rsaWithoutNull' }),
    cert_extensions_unique: () => leaf({ raw: [extension(OIDS.san, false, dns('other.example.com'))] }),
    cert_lists_not_empty: () => withExtension(OIDS.eku, der.sequence()),
    // Fields
    cert_serial_positive: () => leaf({ serial: der.integer(0n) }),
    cert_serial_at_most_20_octets: () => leaf({ serial: der.integer(1n << 159n) }),
    cert_validity_order: () => leaf({ notAfter: der.time(MADE - DAY) }),
    cert_unique_identifiers_absent: () => leaf({ more: [der.contextPrimitive(2, Uint8Array.of(0, 1))] }),
    cert_version_3: () => leaf({ version: null }),
    // Names
    cert_issuer_not_empty: () => leaf({ issuer: der.sequence() }),
    cert_issuer_encoded_as_subject: () =>
      leaf({ issuer: name(['C', 'SE'], ['O', der.printableString('Example PKI')], ['CN', 'Issuing CA 1']) }),
    cert_ca_subject_not_empty: () => subCa({ subject: der.sequence() }),
    cert_empty_subject_has_critical_san: () => leaf({ subject: der.sequence() }),
    cert_san_not_critical_with_subject: () => withExtension(OIDS.san, critical(dns('www.example.com'))),
    cert_san_not_empty: () => san(der.sequence()),
    cert_san_dns_syntax: () => san(dns('www..example.com')),
    cert_san_email_syntax: () => san(build.email('Ann <ann@example.com>')),
    cert_san_uri_absolute: () => san(der.sequence(uri('/ann'))),
    cert_san_uri_host: () => san(der.sequence(uri('https://intranet/ann'))),
    cert_name_string_types: () => leaf({ subject: named(string(0x14, 'www.example.com')) }),
    cert_name_lengths: () => leaf({ subject: named(utf8('a'.repeat(65))) }),
    cert_name_country_code: () => leaf({ subject: name(['C', 'se'], ['CN', 'www.example.com']) }),
    cert_name_values_not_empty: () => leaf({ subject: name(['CN', 'www.example.com'], ['L', ' ']) }),
    cert_name_values_trimmed: () => leaf({ subject: name(['CN', 'www.example.com'], ['L', ' Stockholm']) }),
    // Criticality
    cert_authority_key_id_not_critical: () => withExtension(OIDS.aki, critical(build.keyId(build.CA_KEY_ID))),
    cert_subject_key_id_not_critical: () =>
      withExtension(OIDS.ski, critical(der.octetString(Uint8Array.of(1)))),
    cert_key_usage_critical: () => withExtension(OIDS.keyUsage, der.namedBits([0])),
    cert_policy_mappings_critical: () => ca(OIDS.policyMappings, MAPPING),
    cert_issuer_alt_name_not_critical: () =>
      withExtension(OIDS.issuerAltName, critical(dns('pki.example.com'))),
    cert_subject_directory_attributes_not_critical: () =>
      withExtension(
        OIDS.directoryAttributes,
        critical(der.sequence(der.sequence(der.oid('1.2.3'), der.set()))),
      ),
    cert_basic_constraints_critical: () => ca(OIDS.basicConstraints, der.sequence(der.boolean(true))),
    cert_name_constraints_critical: () => ca(OIDS.nameConstraints, NAME_CONSTRAINTS),
    cert_policy_constraints_critical: () => ca(OIDS.policyConstraints, der.sequence(skipCerts(0))),
    cert_crl_distribution_points_not_critical: () =>
      withExtension(OIDS.cdp, critical(der.sequence(build.point(uri('http://crl.example.com/1.crl'))))),
    cert_inhibit_any_policy_critical: () => ca(OIDS.inhibitAnyPolicy, der.integer(0n)),
    cert_freshest_crl_not_critical: () =>
      withExtension(
        OIDS.freshestCrl,
        critical(der.sequence(build.point(uri('http://crl.example.com/d.crl')))),
      ),
    cert_authority_info_access_not_critical: () =>
      withExtension(OIDS.aia, critical(build.access([OIDS.ocsp, uri('http://ocsp.example.com')]))),
    cert_subject_info_access_not_critical: () =>
      withExtension(OIDS.sia, critical(build.access([OIDS.caIssuers, uri('http://pki.example.com')]))),
    cert_ocsp_no_check_not_critical: () =>
      responder({ extensions: { [OIDS.noCheck]: critical(der.nullValue()) } }),
    cert_ct_poison_critical: () =>
      leaf({ extensions: { [OIDS.sctList]: null, [OIDS.poison]: der.nullValue() } }),
    cert_name_constraints_only_in_ca: () => withExtension(OIDS.nameConstraints, critical(NAME_CONSTRAINTS)),
    cert_policy_mappings_only_in_ca: () => withExtension(OIDS.policyMappings, critical(MAPPING)),
    cert_policy_constraints_only_in_ca: () =>
      withExtension(OIDS.policyConstraints, critical(der.sequence(skipCerts(0)))),
    cert_inhibit_any_policy_only_in_ca: () => withExtension(OIDS.inhibitAnyPolicy, critical(der.integer(0n))),
    // Keys
    cert_authority_key_id_present: () => leaf({ extensions: { [OIDS.aki]: null } }),
    cert_authority_key_id_has_key_id: () => withExtension(OIDS.aki, der.sequence()),
    cert_authority_key_id_issuer_and_serial: () =>
      withExtension(
        OIDS.aki,
        der.sequence(der.contextPrimitive(0, build.CA_KEY_ID), der.contextPrimitive(2, Uint8Array.of(1))),
      ),
    cert_authority_key_id_matches_issuer: () => withExtension(OIDS.aki, build.keyId(Uint8Array.of(1))),
    cert_subject_key_id_present_in_ca: () => ca(OIDS.ski, null),
    cert_subject_key_id_present_in_end_entity: () => leaf(),
    cert_key_usage_not_empty: () => withExtension(OIDS.keyUsage, build.keyUsage()),
    cert_key_usage_cert_sign_needs_ca: () => withExtension(OIDS.keyUsage, build.keyUsage(0, 5)),
    cert_key_usage_present_in_ca: () => ca(OIDS.keyUsage, build.keyUsage(6)),
    cert_key_usage_encipher_only_needs_agreement: () => withExtension(OIDS.keyUsage, build.keyUsage(0, 7)),
    cert_key_usage_fits_key: () => withExtension(OIDS.keyUsage, build.keyUsage(0, 2)),
    cert_path_length_only_in_ca: () =>
      withExtension(OIDS.basicConstraints, critical(der.sequence(der.integer(0n)))),
    cert_name_constraints_not_empty: () => ca(OIDS.nameConstraints, critical(der.sequence())),
    cert_name_constraints_no_distance: () =>
      ca(
        OIDS.nameConstraints,
        critical(
          der.sequence(
            der.context(
              0,
              der.sequence(
                der.contextPrimitive(2, Buffer.from('example.com')),
                der.contextPrimitive(0, Uint8Array.of(1)),
              ),
            ),
          ),
        ),
      ),
    cert_name_constraints_masks: () =>
      ca(
        OIDS.nameConstraints,
        critical(der.sequence(der.context(0, der.sequence(build.ip(10, 0, 0, 0, 255, 0, 255, 0))))),
      ),
    cert_eku_unique: () => withExtension(OIDS.eku, build.purposes(OIDS.serverAuth, OIDS.serverAuth)),
    cert_eku_any_not_critical: () =>
      withExtension(OIDS.eku, critical(build.purposes(OIDS.serverAuth, OIDS.anyPurpose))),
    cert_eku_consistent_with_key_usage: () => withExtension(OIDS.keyUsage, build.keyUsage(1)),
    cert_time_stamping_eku_alone_and_critical: () =>
      withExtension(OIDS.eku, build.purposes(OIDS.timeStamping)),
    // Policies
    cert_policies_unique: () =>
      withExtension(OIDS.policies, build.policies('2.23.140.1.2.1', '1.2.3', '1.2.3')),
    cert_any_policy_qualifiers: () =>
      withExtension(OIDS.policies, build.qualified(OIDS.anyPolicy, '1.2.3.4')),
    cert_policy_notice_text_type: () => notice(der.ia5String('Read the policy.')),
    cert_policy_notice_text_length: () => notice(utf8('a'.repeat(201))),
    cert_policy_notice_no_reference: () => notice(NOTICE_REFERENCE, utf8('Read the policy.')),
    cert_policy_mappings_not_any: () =>
      ca(
        OIDS.policyMappings,
        critical(der.sequence(der.sequence(der.oid(OIDS.anyPolicy), der.oid('1.2.3')))),
      ),
    cert_policy_mappings_declared: () => ca(OIDS.policyMappings, critical(MAPPING)),
    cert_policy_constraints_not_empty: () => ca(OIDS.policyConstraints, critical(der.sequence())),
    // Where to find more
    cert_distribution_point_has_name_or_issuer: () =>
      withExtension(OIDS.cdp, der.sequence(der.sequence(der.contextPrimitive(1, Uint8Array.of(6, 0x40))))),
    cert_crl_urls_scheme: () =>
      withExtension(OIDS.cdp, der.sequence(build.point(uri('https://crl.example.com/1.crl')))),
    cert_ca_issuers_urls_scheme: () =>
      withExtension(OIDS.aia, build.access([OIDS.caIssuers, uri('ftp://pki.example.com/ca.cer')])),
    cert_ocsp_urls_scheme: () =>
      withExtension(OIDS.aia, build.access([OIDS.ocsp, uri('ldap://ocsp.example.com')])),
    cert_authority_info_access_locations_uri: () =>
      withExtension(OIDS.aia, build.access([OIDS.caIssuers, build.directory(CA_NAME)])),
    cert_ct_poison_null: () =>
      leaf({ extensions: { [OIDS.sctList]: null, [OIDS.poison]: critical(der.boolean(true)) } }),
    cert_ct_poison_without_scts: () => leaf({ extensions: { [OIDS.poison]: critical(der.nullValue()) } }),
    cert_scts_present: () => leaf({ extensions: { [OIDS.sctList]: null } }),
    cert_ocsp_no_check_null: () => responder({ extensions: { [OIDS.noCheck]: new Uint8Array() } }),
    cert_issuer_alt_name_not_empty: () => withExtension(OIDS.issuerAltName, der.sequence()),
    // All profiles of the Baseline Requirements
    cert_baseline_authority_key_id: () =>
      withExtension(
        OIDS.aki,
        der.sequence(
          der.contextPrimitive(0, build.CA_KEY_ID),
          der.context(1, build.directory(CA_NAME)),
          der.contextPrimitive(2, Uint8Array.of(1)),
        ),
      ),
    cert_baseline_distribution_points: () =>
      withExtension(
        OIDS.cdp,
        der.sequence(
          build.point(uri('http://a.example.com/1.crl')),
          build.point(uri('http://b.example.com/1.crl')),
        ),
      ),
    cert_baseline_info_access: () =>
      withExtension(OIDS.aia, build.access([OIDS.private, uri('http://a.example.com')])),
    cert_baseline_key_algorithm: () => leaf({ key: 'ed25519' }),
    cert_baseline_signature_algorithm: () => leaf({ signature: 'ed25519' }),
    cert_baseline_dns_names: () => san(dns('www.example.com.')),
    // Subscribers
    cert_subscriber_eku_present: () => leaf({ extensions: { [OIDS.eku]: null } }),
    cert_subscriber_eku: () => withExtension(OIDS.eku, build.purposes(OIDS.serverAuth, OIDS.emailProtection)),
    cert_subscriber_key_usage: () => withExtension(OIDS.keyUsage, build.keyUsage(0, 1)),
    cert_subscriber_basic_constraints: () => withExtension(OIDS.basicConstraints, der.sequence()),
    cert_subscriber_san_present: () => leaf({ extensions: { [OIDS.san]: null } }),
    cert_subscriber_san_forms: () => san(build.email('ann@example.com')),
    cert_subscriber_dns_underscore: () => san(dns('a_b.example.com')),
    cert_subscriber_dns_wildcard: () => san(dns('*.com')),
    cert_subscriber_dns_not_internal: () => san(dns('www.corp')),
    cert_subscriber_ip_not_reserved: () => san(der.sequence(build.ip(10, 1, 2, 3))),
    cert_subscriber_common_name_in_san: () => leaf({ subject: name(['CN', 'other.example.com']) }),
    cert_subscriber_one_common_name: () =>
      leaf({ subject: name(['CN', 'www.example.com'], ['CN', 'www.example.com']) }),
    cert_subscriber_no_organizational_unit: () =>
      leaf({ subject: name(['CN', 'www.example.com'], ['OU', 'IT']) }),
    cert_subscriber_subject_attributes: () =>
      leaf({ subject: name(['CN', 'www.example.com'], ['title', 'Dr']) }),
    cert_subscriber_subject_values: () => leaf({ subject: name(['CN', 'www.example.com'], ['L', '-']) }),
    cert_subscriber_policies: () =>
      withExtension(OIDS.policies, build.policies('2.23.140.1.2.1', '2.23.140.1.2.2')),
    cert_subscriber_no_any_policy: () =>
      withExtension(OIDS.policies, build.policies('2.23.140.1.2.1', OIDS.anyPolicy)),
    cert_subscriber_policy_qualifiers: () => notice(utf8('Read the policy.')),
    cert_subscriber_criticality: () => withExtension(OIDS.eku, critical(build.purposes(OIDS.serverAuth))),
    cert_subscriber_aia_present: () => leaf({ extensions: { [OIDS.aia]: null } }),
    cert_subscriber_ca_issuers_present: () =>
      withExtension(OIDS.aia, build.access([OIDS.ocsp, uri('http://ocsp.example.com')])),
    cert_subscriber_revocation_information: () =>
      leaf({ extensions: { [OIDS.aia]: null, [OIDS.cdp]: null } }),
    cert_subscriber_no_subject_key_id: () => withExtension(OIDS.ski, der.octetString(Uint8Array.of(1))),
    cert_subscriber_no_name_constraints: () =>
      withExtension(OIDS.nameConstraints, critical(NAME_CONSTRAINTS)),
    // CAs
    cert_ca_key_usage: () => ca(OIDS.keyUsage, build.keyUsage(2, 5, 6)),
    cert_ca_subject_attributes: () => subCa({ subject: name(['O', 'Example PKI'], ['CN', 'Issuing CA 1']) }),
    cert_ca_no_ocsp_signing: () => ca(OIDS.eku, build.purposes(OIDS.serverAuth, OIDS.ocspSigning)),
    cert_root_no_eku: () => root({ extensions: { [OIDS.eku]: build.purposes(OIDS.serverAuth) } }),
    cert_root_no_policies: () => root({ extensions: { [OIDS.policies]: build.policies('1.2.3') } }),
    cert_root_no_path_length: () =>
      root({
        extensions: { [OIDS.basicConstraints]: critical(der.sequence(der.boolean(true), der.integer(1n))) },
      }),
    cert_root_authority_key_id: () => root({ extensions: { [OIDS.aki]: build.keyId(Uint8Array.of(1)) } }),
    cert_sub_ca_eku: () => ca(OIDS.eku, null),
    cert_sub_ca_policies_present: () => ca(OIDS.policies, null),
    cert_sub_ca_crl_distribution_point_present: () => ca(OIDS.cdp, null),
    cert_sub_ca_ca_issuers_present: () => ca(OIDS.aia, null),
    // OCSP responders
    cert_ocsp_responder_eku: () =>
      responder({ extensions: { [OIDS.eku]: build.purposes(OIDS.ocspSigning, OIDS.clientAuth) } }),
    cert_ocsp_responder_no_check: () => responder({ extensions: { [OIDS.noCheck]: null } }),
    cert_ocsp_responder_key_usage: () => responder({ extensions: { [OIDS.keyUsage]: build.keyUsage(0, 1) } }),
    cert_ocsp_responder_subject_key_id: () => responder({ extensions: { [OIDS.ski]: null } }),
    cert_ocsp_responder_no_crl_distribution_points: () =>
      responder({
        extensions: { [OIDS.cdp]: der.sequence(build.point(uri('http://crl.example.com/1.crl'))) },
      }),
    cert_ocsp_responder_no_san: () => responder({ extensions: { [OIDS.san]: dns('ocsp.example.com') } }),
    cert_ocsp_responder_no_name_constraints: () =>
      responder({ extensions: { [OIDS.nameConstraints]: critical(NAME_CONSTRAINTS) } }),
    cert_ocsp_responder_no_policies: () =>
      responder({ extensions: { [OIDS.policies]: build.policies('1.2.3') } }),
    cert_ocsp_responder_no_authority_info_access: () =>
      responder({ extensions: { [OIDS.aia]: build.access([OIDS.ocsp, uri('http://ocsp.example.com')]) } }),
  },
})

describe('short-lived subscriber certificates (BR 1.6.1)', () => {
  const SECOND = 1000
  const outcome = (notBefore: number, lifetime: number) => {
    const certificate = leaf({
      notBefore: der.time(notBefore),
      // Both ends belong to it: a lifetime of one day ends a second earlier.
      notAfter: der.time(notBefore + lifetime - SECOND),
      extensions: { [OIDS.aia]: null, [OIDS.cdp]: null },
    })
    return lintCertificate(certificate).find(({ id }) => id === 'cert_subscriber_revocation_information')
      ?.outcome
  }

  it('need no revocation information: ten days, from 2026-03-15 seven', () => {
    const [before, after] = [Date.UTC(2026, 2, 14), Date.UTC(2026, 2, 15)]
    assert.equal(outcome(before, 10 * DAY), 'not_applicable')
    assert.equal(outcome(before, 10 * DAY + SECOND), 'fail')
    assert.equal(outcome(after, 7 * DAY), 'not_applicable')
    assert.equal(outcome(after, 7 * DAY + SECOND), 'fail')
  })

  it('are not known before 2024-03-15, when naming a CRL was not demanded either', () => {
    assert.equal(outcome(Date.UTC(2024, 2, 14), DAY), 'not_applicable')
    assert.equal(outcome(Date.UTC(2024, 2, 15), 11 * DAY), 'fail')
  })
})
