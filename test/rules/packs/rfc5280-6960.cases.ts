import type { Facts } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { RFC_CRL_SERIES } from './crlSeries.cases.ts'
import {
  byLints,
  fails,
  isNotApplicable,
  isUnknown,
  linted,
  NOW,
  passes,
  ran,
  type PackCases,
} from './harness.ts'
import { RFC_OCSP_MATRIX } from './ocspMatrix.cases.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const crl: Facts = {
  crl: { issuer: 'CN=Issuing 1', number: '7', thisUpdate: toTimestamp(NOW - HOUR) },
}
const ocsp: Facts = { ocsp: { serial: '4711', responder: 'CN=OCSP 1' } }
const certificate: Facts = { certificate: { serial: '4711' } }
const network = ran({ phase: 'connect', code: 'refused' })

const ofCrl = (none: 'pass' | 'not_applicable', ...lints: readonly string[]) =>
  byLints({ kinds: ['crl'], lints, none, facts: crl })
const ofOcsp = (none: 'pass' | 'not_applicable', ...lints: readonly string[]) =>
  byLints({ kinds: ['ocsp'], lints, none, facts: ocsp })
/** With the answer about it, as a TLS probe records them. */
const ofCertificate = (none: 'pass' | 'not_applicable', ...lints: readonly string[]) =>
  byLints({ kinds: ['certificate', 'ocsp'], lints, none, facts: certificate })

const answer = (thisUpdate: number, nextUpdate?: number): Facts => ({
  ocsp: {
    thisUpdate: toTimestamp(thisUpdate),
    ...(nextUpdate === undefined ? {} : { nextUpdate: toTimestamp(nextUpdate) }),
  },
})

const CRL_CASES: PackCases = {
  rfc5280_01: ofCrl(
    'pass',
    'crl_version_2',
    'crl_next_update_present',
    'crl_next_update_after_this_update',
    'crl_number_present',
    'crl_authority_key_id_present',
  ),
  rfc5280_02: ofCrl('pass', 'crl_time_encoding', 'crl_entry_date_plausible'),
  rfc5280_03: ofCrl('pass', 'crl_entries_not_empty_list'),
  rfc5280_04: ofCrl('pass', 'crl_issuer_not_empty'),
  rfc5280_05: ofCrl('not_applicable', 'crl_number_not_critical', 'crl_number_range'),
  rfc5280_06: [
    ...ofCrl(
      'pass',
      'crl_delta_indicator_critical',
      'crl_idp_critical',
      'crl_authority_key_id_not_critical',
      'crl_freshest_crl_not_critical',
      'crl_authority_info_access_not_critical',
    ),
    fails('a critical extension that nobody knows', {
      probe: ran({ phase: 'profile', code: 'unknown_critical_extension' }),
    }),
  ],
  rfc5280_07: ofCrl(
    'not_applicable',
    'crl_entry_reason_code_defined',
    'crl_entry_reason_code_not_critical',
    'crl_entry_remove_from_crl_only_in_delta',
  ),
  rfc5280_07_unspecified: ofCrl('not_applicable', 'crl_entry_reason_code_not_unspecified'),
  rfc5280_08: [
    ...ofCrl('not_applicable', 'crl_issuer_may_sign'),
    fails('the probe refused it for that', { probe: ran({ phase: 'path', code: 'crl_sign_missing' }) }),
    isUnknown('the signature is wrong', { probe: ran({ phase: 'signature', code: 'signature_invalid' }) }),
  ],
  rfc5280_09: ofCrl('not_applicable', 'crl_entry_date_not_after_this_update'),
  rfc5280_crl_encoding: ofCrl(
    'pass',
    'crl_encoding_der',
    'crl_defaults_omitted',
    'crl_sets_sorted',
    'crl_named_bits_trimmed',
    'crl_string_alphabet',
    'crl_rsa_parameters_null',
    'crl_extensions_unique',
    'crl_lists_not_empty',
  ),
  rfc5280_crl_key: ofCrl('not_applicable', 'crl_authority_key_id_matches_issuer'),
  rfc5280_crl_entries: ofCrl(
    'not_applicable',
    'crl_entry_serials_unique',
    'crl_entry_serials_valid',
    'crl_entry_extensions_unique',
    'crl_entry_invalidity_date_not_critical',
    'crl_entry_certificate_issuer_critical',
    'crl_entry_certificate_issuer_only_in_indirect',
  ),
  rfc5280_crl_scope: ofCrl(
    'not_applicable',
    'crl_idp_not_empty',
    'crl_idp_one_kind_of_certificates',
    'crl_idp_no_attribute_certificates',
  ),
  rfc5280_crl_delta: ofCrl(
    'not_applicable',
    'crl_delta_base_number_range',
    'crl_delta_number_above_base',
    'crl_delta_no_freshest_crl',
  ),
  rfc5280_crl_issuer_access: ofCrl(
    'not_applicable',
    'crl_authority_info_access_ca_issuers',
    'crl_authority_info_access_scheme',
  ),
  rfc5280_crl_other_extensions: ofCrl(
    'pass',
    'crl_extensions_defined',
    'crl_entry_extensions_defined',
    'crl_issuer_alt_name_not_critical',
  ),
}

const OCSP_CASES: PackCases = {
  rfc6960_01: [
    passes('in force from now to now', answer(NOW, NOW)),
    passes('without end', answer(NOW - HOUR)),
    passes('from a clock that is five minutes fast', answer(NOW + 5 * MINUTE, NOW + HOUR)),
    fails('from a clock that is a second faster', answer(NOW + 5 * MINUTE + SECOND, NOW + HOUR)),
    fails('over for a second', {
      ...answer(NOW - HOUR, NOW - SECOND),
      probe: ran({ phase: 'time', code: 'ocsp_expired' }),
    }),
    fails('a wrong signature', { probe: ran({ phase: 'signature', code: 'signature_invalid' }) }),
    passes('received when it was in force', answer(NOW - HOUR, NOW + MINUTE), NOW + HOUR),
    isUnknown('nothing was received', { probe: network }),
    isUnknown('an algorithm that is not known', {
      probe: ran({ phase: 'signature', code: 'unsupported' }),
    }),
  ],
  rfc6960_01_times: ofOcsp(
    'pass',
    'ocsp_this_update_not_after_produced_at',
    'ocsp_next_update_after_this_update',
    'ocsp_revocation_not_after_this_update',
  ),
  rfc6960_02: [
    passes('the signer is known', ocsp),
    passes('an answer that is over', { ...ocsp, probe: ran({ phase: 'time', code: 'ocsp_expired' }) }),
    fails('a signer of another authority', {
      probe: ran({ phase: 'path', code: 'responder_not_authorized' }),
    }),
    isUnknown('the signature is wrong', { probe: ran({ phase: 'signature', code: 'signature_invalid' }) }),
    isUnknown('an error without signature', { probe: ran({ phase: 'profile', code: 'ocsp_try_later' }) }),
    isUnknown('an algorithm that is not known', { probe: ran({ phase: 'path', code: 'unsupported' }) }),
  ],
  rfc6960_02_nocheck: [
    passes('a delegate with ocsp-nocheck', {
      ocsp: { responderDelegated: true, responderNoCheck: true },
      lint: linted(['ocsp', 'certificate']),
    }),
    fails('a delegate without', {
      ocsp: { ...ocsp.ocsp, responderDelegated: true, responderNoCheck: false },
    }),
    ...['cert_ocsp_no_check_null', 'cert_ocsp_no_check_not_critical'].map((id) =>
      fails(id, {
        ocsp: { ...ocsp.ocsp, responderDelegated: true, responderNoCheck: true },
        lint: linted(['ocsp', 'certificate'], { [id]: 'fail' }),
      }),
    ),
    isNotApplicable('the authority signs itself', { ocsp: { responderDelegated: false } }),
    isUnknown('nothing was received', { probe: network }),
  ],
  rfc6960_03: [
    ...ofOcsp('pass', 'ocsp_responses_not_empty', 'ocsp_cert_ids_unique', 'ocsp_cert_id_names_issuer'),
    fails('about another certificate', { probe: ran({ phase: 'consistency', code: 'cert_id_mismatch' }) }),
    fails('to another question', { probe: ran({ phase: 'consistency', code: 'nonce_mismatch' }) }),
    isUnknown('an algorithm that is not known', {
      probe: ran({ phase: 'signature', code: 'unsupported' }),
      lint: linted(['ocsp']),
    }),
  ],
  rfc6960_04: ofOcsp('not_applicable', 'ocsp_not_issued_form', 'ocsp_extended_revoke_null'),
  rfc6960_encoding: ofOcsp(
    'pass',
    'ocsp_encoding_der',
    'ocsp_time_encoding',
    'ocsp_defaults_omitted',
    'ocsp_sets_sorted',
    'ocsp_string_alphabet',
    'ocsp_rsa_parameters_null',
    'ocsp_extensions_unique',
    'ocsp_lists_not_empty',
  ),
  rfc6960_reason: ofOcsp('not_applicable', 'ocsp_reason_code_defined'),
  rfc6960_extensions: ofOcsp(
    'not_applicable',
    'ocsp_extensions_defined',
    'ocsp_extensions_not_critical',
    'ocsp_extensions_not_of_requests',
    'ocsp_archive_cutoff_not_after_produced_at',
  ),
  rfc9654_01: ofOcsp('not_applicable', 'ocsp_nonce_octet_string', 'ocsp_nonce_length'),
  rfc5019_01: ofOcsp('pass', 'ocsp_one_response', 'ocsp_next_update_present', 'ocsp_cert_id_hash'),
  ...RFC_OCSP_MATRIX,
}

const CERTIFICATE_CASES: PackCases = {
  rfc5280_02_certificate: ofCertificate('pass', 'cert_time_encoding'),
  rfc5280_cert_encoding: ofCertificate(
    'pass',
    'cert_encoding_der',
    'cert_defaults_omitted',
    'cert_sets_sorted',
    'cert_named_bits_trimmed',
    'cert_string_alphabet',
    'cert_rsa_parameters_null',
    'cert_extensions_unique',
    'cert_lists_not_empty',
  ),
  rfc5280_cert_fields: ofCertificate(
    'pass',
    'cert_version_3',
    'cert_serial_positive',
    'cert_serial_at_most_20_octets',
    'cert_validity_order',
    'cert_unique_identifiers_absent',
    'cert_issuer_not_empty',
    'cert_issuer_encoded_as_subject',
    'cert_ca_subject_not_empty',
    'cert_empty_subject_has_critical_san',
  ),
  rfc5280_cert_names: ofCertificate(
    'pass',
    'cert_san_not_empty',
    'cert_san_dns_syntax',
    'cert_san_email_syntax',
    'cert_san_uri_absolute',
    'cert_san_uri_host',
    'cert_issuer_alt_name_not_empty',
    'cert_name_string_types',
  ),
  rfc5280_cert_name_values: ofCertificate(
    'pass',
    'cert_name_lengths',
    'cert_name_country_code',
    'cert_name_values_not_empty',
    'cert_name_values_trimmed',
  ),
  rfc5280_cert_criticality: ofCertificate(
    'pass',
    'cert_authority_key_id_not_critical',
    'cert_subject_key_id_not_critical',
    'cert_subject_directory_attributes_not_critical',
    'cert_basic_constraints_critical',
    'cert_name_constraints_critical',
    'cert_policy_constraints_critical',
    'cert_inhibit_any_policy_critical',
    'cert_freshest_crl_not_critical',
    'cert_authority_info_access_not_critical',
    'cert_subject_info_access_not_critical',
  ),
  rfc5280_cert_key_ids: ofCertificate(
    'pass',
    'cert_authority_key_id_present',
    'cert_authority_key_id_has_key_id',
    'cert_authority_key_id_issuer_and_serial',
    'cert_authority_key_id_matches_issuer',
    'cert_subject_key_id_present_in_ca',
  ),
  rfc5280_cert_subject_key_id: ofCertificate('not_applicable', 'cert_subject_key_id_present_in_end_entity'),
  rfc5280_cert_usage: ofCertificate(
    'pass',
    'cert_key_usage_not_empty',
    'cert_key_usage_cert_sign_needs_ca',
    'cert_key_usage_present_in_ca',
    'cert_key_usage_encipher_only_needs_agreement',
    'cert_key_usage_fits_key',
    'cert_path_length_only_in_ca',
    'cert_eku_unique',
    'cert_eku_consistent_with_key_usage',
  ),
  rfc5280_cert_constraints: ofCertificate(
    'pass',
    'cert_name_constraints_only_in_ca',
    'cert_policy_mappings_only_in_ca',
    'cert_policy_constraints_only_in_ca',
    'cert_inhibit_any_policy_only_in_ca',
    'cert_name_constraints_not_empty',
    'cert_name_constraints_no_distance',
    'cert_name_constraints_masks',
    'cert_policy_constraints_not_empty',
    'cert_policy_mappings_not_any',
  ),
  rfc5280_cert_policies: ofCertificate(
    'not_applicable',
    'cert_policies_unique',
    'cert_any_policy_qualifiers',
    'cert_policy_notice_text_length',
  ),
  rfc6818_notice_text: ofCertificate('not_applicable', 'cert_policy_notice_text_type'),
  rfc5280_cert_locations: ofCertificate(
    'not_applicable',
    'cert_distribution_point_has_name_or_issuer',
    'cert_crl_urls_scheme',
    'cert_ca_issuers_urls_scheme',
    'cert_ocsp_urls_scheme',
    'cert_authority_info_access_locations_uri',
  ),
  rfc5280_cert_recommended: ofCertificate(
    'pass',
    'cert_key_usage_critical',
    'cert_policy_mappings_critical',
    'cert_issuer_alt_name_not_critical',
    'cert_crl_distribution_points_not_critical',
    'cert_san_not_critical_with_subject',
    'cert_eku_any_not_critical',
    'cert_policy_notice_no_reference',
    'cert_policy_mappings_declared',
  ),
}

export const RFC_5280_6960: PackCases = {
  ...CRL_CASES,
  ...RFC_CRL_SERIES,
  ...OCSP_CASES,
  ...CERTIFICATE_CASES,
}
