import type { Row } from '../row.ts'

/** What is said of an answer cannot be said without one. */
const OF_ANSWERS = [
  'ocsp_status_good',
  'ocsp_addresses_agree',
  'ocsp_response_fresh',
  'ocsp_next_update_reasonable',
  'ocsp_signer_outlives_answer',
  'ocsp_signer_time_left',
  'ocsp_signature_strong',
  'ocsp_nonce_echoed',
]
const OF_MATRIX = [
  'ocsp_get_agrees',
  'ocsp_get_paths',
  'ocsp_cache_ends',
  'ocsp_served_known',
  'ocsp_never_issued_not_good',
  'ocsp_revoked_known',
  'ocsp_crl_status_agrees',
  'ocsp_crl_details_agree',
]
const OF_REVOCATIONS = ['ocsp_revocations_published', 'ocsp_revocations_logged']
const WITHOUT_ANSWER = [...OF_ANSWERS, ...OF_MATRIX, ...OF_REVOCATIONS]
/** Nothing at all was received. */
const UNREACHABLE = [...WITHOUT_ANSWER, 'ocsp_response_valid']

/** What stands there is no news: as if an hour had passed. */
const AT_ONCE = {
  rules: {
    parameters: {
      ocsp_crl_status_agrees: { publication_delay: '1m' },
      ocsp_crl_details_agree: { publication_delay: '1m' },
    },
  },
}

/** A nonce is wanted. */
const NONCE_WANTED = { tags: { 'issuing-3': ['ocsp-nonce'] } }

/** A CA without services, with certificates that were revoked, on partitions. */
const target = 'issuing-3'
const RFC = ['rfc5280-6960']

export const OCSP_ROWS: readonly Row[] = [
  {
    id: 'C21',
    fault: 'ocsp-revoked-good',
    target,
    rules: ['ocsp_crl_status_agrees', 'ocsp_revoked_known'],
    settings: AT_ONCE,
  },
  { id: 'C21', fault: 'ocsp-other-date', target, rules: ['ocsp_crl_details_agree'], settings: AT_ONCE },
  { id: 'C21', fault: 'ocsp-other-reason', target, rules: ['ocsp_crl_details_agree'], settings: AT_ONCE },

  { id: 'O01', fault: 'ocsp-down', target, rules: ['ocsp_responder_available'], unsettled: UNREACHABLE },
  { id: 'O01', fault: 'ocsp-slow', target, rules: ['ocsp_responder_available'] },
  { id: 'O02', fault: 'ocsp-issued-unknown', target, rules: ['ocsp_status_good'] },
  { id: 'O03', fault: 'ocsp-try-later', target, rules: ['ocsp_response_valid'], unsettled: WITHOUT_ANSWER },
  {
    id: 'O03',
    fault: 'ocsp-unauthorized',
    target,
    rules: ['ocsp_response_valid'],
    unsettled: WITHOUT_ANSWER,
  },
  { id: 'O04', fault: 'ocsp-always-good', target, rules: ['ocsp_never_issued_not_good'] },
  { id: 'O05', fault: 'ocsp-one-octet', target, rules: ['ocsp_response_valid'], unsettled: WITHOUT_ANSWER },
  {
    id: 'O06',
    fault: 'ocsp-subset-missing',
    target: 'issuing-2',
    rules: ['ocsp_served_known'],
    unsettled: ['ocsp_status_good'],
  },
  { id: 'O07', fault: 'ocsp-old', target, rules: ['ocsp_response_fresh'] },
  { id: 'O08', fault: 'ocsp-without-end', target, rules: ['ocsp_next_update_reasonable'] },
  { id: 'O08', fault: 'ocsp-far-end', target, rules: ['ocsp_next_update_reasonable'] },
  {
    id: 'O09',
    fault: 'ocsp-signer-ends-first',
    target,
    rules: ['ocsp_signer_outlives_answer', 'ocsp_signer_time_left'],
  },
  { id: 'O09', fault: 'ocsp-signer-ends-soon', target, rules: ['ocsp_signer_time_left'] },
  {
    id: 'O10',
    fault: 'ocsp-signer-purpose',
    target,
    rules: ['ocsp_response_valid'],
    unsettled: WITHOUT_ANSWER,
  },
  {
    id: 'O10',
    fault: 'ocsp-signer-foreign',
    target,
    rules: ['ocsp_response_valid'],
    unsettled: WITHOUT_ANSWER,
  },
  { id: 'O10', fault: 'ocsp-signer-checked', target, rules: ['rfc6960_02_nocheck'], packs: RFC },
  { id: 'O12', fault: 'ocsp-sha1', target, rules: ['ocsp_signature_strong'] },
  { id: 'O13', fault: 'ocsp-no-get', target, rules: ['ocsp_get_agrees', 'ocsp_get_paths'] },
  { id: 'O13', fault: 'ocsp-path-decoded', target, rules: ['ocsp_get_agrees', 'ocsp_get_paths'] },
  { id: 'O13', fault: 'ocsp-no-sha256', target, rules: ['rfc9919_01'], packs: RFC },
  {
    id: 'O14',
    fault: 'ocsp-other-certificate',
    target,
    rules: ['ocsp_response_valid'],
    unsettled: WITHOUT_ANSWER,
  },
  { id: 'O15', fault: 'ocsp-future', target, rules: ['ocsp_response_valid'], unsettled: WITHOUT_ANSWER },
  { id: 'O15', fault: 'ocsp-times-swapped', target, rules: ['rfc6960_01_times'], packs: RFC },
  { id: 'O16', fault: 'ocsp-node-expired', target, rules: ['ocsp_addresses_agree'] },
  { id: 'O16', fault: 'ocsp-node-try-later', target, rules: ['ocsp_addresses_agree'] },
  { id: 'O17', fault: 'ocsp-no-nonce', target, rules: ['ocsp_nonce_echoed'], settings: NONCE_WANTED },
  {
    id: 'O17',
    fault: 'ocsp-replayed',
    target,
    rules: ['ocsp_response_valid'],
    unsettled: [...OF_ANSWERS, ...OF_REVOCATIONS],
  },
  { id: 'O18', fault: 'ocsp-signature', target, rules: ['ocsp_response_valid'], unsettled: WITHOUT_ANSWER },
  { id: 'O18', fault: 'ocsp-stranger', target, rules: ['ocsp_response_valid'], unsettled: WITHOUT_ANSWER },
  { id: 'O19', fault: 'ocsp-withdrawn', target, rules: ['ocsp_responder_available'], unsettled: UNREACHABLE },
  { id: 'O20', fault: 'ocsp-cache-expired', target, rules: ['ocsp_get_agrees', 'ocsp_cache_ends'] },
  { id: 'O20', fault: 'ocsp-cached-too-long', target, rules: ['ocsp_cache_ends'] },
]
