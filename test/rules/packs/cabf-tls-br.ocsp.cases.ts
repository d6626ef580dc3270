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
  type PackCases,
} from './harness.ts'
import { BR_OCSP_MATRIX } from './ocspMatrix.cases.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Ballot SC-076. */
const INTERVALS = Date.parse('2024-11-14')
const REASONS = Date.parse('2023-07-15')
const SHA1_ENDS = Date.parse('2022-06-01')

const network = ran({ phase: 'connect', code: 'refused' })

/** An answer whose interval has so many seconds with both ends counted, fetched so many milliseconds after thisUpdate. */
function answered(seconds: number, age: number, producedAt = NOW): Facts {
  const thisUpdate = NOW - age
  return {
    ocsp: {
      responder: 'CN=OCSP 1',
      producedAt: toTimestamp(producedAt),
      thisUpdate: toTimestamp(thisUpdate),
      nextUpdate: toTimestamp(thisUpdate + (seconds - 1) * SECOND),
    },
    lint: linted(['ocsp']),
  }
}

const EIGHT_HOURS = 8 * 3600
const SIXTEEN_HOURS = 16 * 3600
const TEN_DAYS = 864_000

const delegate = { responder: 'CN=OCSP 1', responderDelegated: true } as const
const RESPONDER_LINTS = [
  'cert_ocsp_responder_eku',
  'cert_ocsp_responder_no_check',
  'cert_ocsp_responder_key_usage',
  'cert_ocsp_no_check_null',
  'cert_ocsp_no_check_not_critical',
  'cert_ocsp_responder_no_crl_distribution_points',
  'cert_ocsp_responder_no_san',
  'cert_ocsp_responder_no_name_constraints',
]
const itself = isNotApplicable('the authority signs itself', {
  ocsp: { responderDelegated: false },
  lint: linted(['ocsp']),
})

const ocsp = (facts: FactsOf<'ocsp'>): Facts => ({
  ocsp: { serial: '4711', responder: 'CN=OCSP 1', producedAt: toTimestamp(NOW), ...facts },
})

export const OCSP_CASES: PackCases = {
  br_ocsp_02: [
    passes('8 hours, both ends counted', answered(EIGHT_HOURS, HOUR)),
    fails('a second less', answered(EIGHT_HOURS - 1, HOUR)),
    passes('10 days, both ends counted', answered(TEN_DAYS, HOUR)),
    fails('a second more, which is nextUpdate - thisUpdate = 10 days', answered(TEN_DAYS + 1, HOUR)),
    fails('without end', {
      ocsp: { responder: 'CN=OCSP 1', producedAt: toTimestamp(NOW), thisUpdate: toTimestamp(NOW) },
      lint: linted(['ocsp'], { ocsp_next_update_present: 'fail' }),
    }),
    fails('from the first second of the ballot', answered(TEN_DAYS + 1, HOUR, INTERVALS)),
    isNotApplicable('a second before', answered(TEN_DAYS + 1, HOUR, INTERVALS - SECOND)),
    isUnknown('nothing was received', { probe: network }),
  ],
  br_ocsp_03: [
    passes('a second less than 16 hours, in the middle', answered(SIXTEEN_HOURS - 1, 8 * HOUR - SECOND)),
    fails('a second past the middle', answered(SIXTEEN_HOURS - 1, 8 * HOUR)),
    isNotApplicable('16 hours', answered(SIXTEEN_HOURS, 15 * HOUR)),
    fails('from the first second of the ballot', answered(EIGHT_HOURS, 7 * HOUR, INTERVALS)),
    isNotApplicable('a second before', answered(EIGHT_HOURS, 7 * HOUR, INTERVALS - SECOND)),
    isUnknown('without end', ocsp({ thisUpdate: toTimestamp(NOW) })),
    isUnknown('nothing was received', { probe: network }),
  ],
  br_ocsp_04: [
    passes('16 hours, eight before the end', answered(SIXTEEN_HOURS, 8 * HOUR - SECOND)),
    fails('a second later', answered(SIXTEEN_HOURS, 8 * HOUR)),
    passes('10 days, four days old', answered(TEN_DAYS, 4 * DAY)),
    fails('a second older', answered(TEN_DAYS, 4 * DAY + SECOND)),
    isNotApplicable('a second less than 16 hours', answered(SIXTEEN_HOURS - 1, 15 * HOUR)),
    fails('from the first second of the ballot', answered(TEN_DAYS, 9 * DAY, INTERVALS)),
    isNotApplicable('a second before', answered(TEN_DAYS, 9 * DAY, INTERVALS - SECOND)),
    isUnknown('nothing was received', { probe: network }),
  ],
  br_ocsp_06: [
    passes('twelve calendar months old', ocsp({ thisUpdate: '2025-11-22T08:00:00Z' })),
    fails('a second older', ocsp({ thisUpdate: '2025-11-22T07:59:59Z' })),
    isUnknown('nothing was received', { probe: network }),
  ],
  ...BR_OCSP_MATRIX,
  br_ocsp_09: [
    passes('a signer who may', ocsp({})),
    passes('over', { ...ocsp({}), probe: ran({ phase: 'time', code: 'ocsp_expired' }) }),
    fails('a wrong signature', { probe: ran({ phase: 'signature', code: 'signature_invalid' }) }),
    fails('a signer of another authority', {
      probe: ran({ phase: 'path', code: 'responder_not_authorized' }),
    }),
    isUnknown('an error without signature', { probe: ran({ phase: 'profile', code: 'ocsp_try_later' }) }),
    isUnknown('about another certificate', {
      probe: ran({ phase: 'consistency', code: 'cert_id_mismatch' }),
    }),
    isUnknown('an algorithm that is not known', {
      probe: ran({ phase: 'signature', code: 'unsupported' }),
    }),
    isUnknown('nothing was received', { probe: network }),
  ],
  br_ocsp_10: [
    ...byLints({
      kinds: ['ocsp', 'certificate'],
      lints: RESPONDER_LINTS,
      // It has the purpose, or it could not have signed, and yet it is no responder's: a CA's, then.
      none: 'fail',
      facts: { ocsp: delegate },
    }),
    itself,
  ],
  br_ocsp_10_recommended: [
    ...byLints({
      kinds: ['ocsp', 'certificate'],
      lints: [
        'cert_ocsp_responder_subject_key_id',
        'cert_ocsp_responder_no_policies',
        'cert_ocsp_responder_no_authority_info_access',
      ],
      none: 'pass',
      facts: { ocsp: delegate },
    }),
    itself,
  ],
  br_ocsp_11: [
    passes('with a reason', ocsp({ status: 'revoked', reason: 'superseded' })),
    fails('without', ocsp({ status: 'revoked', revokedAt: toTimestamp(NOW - DAY) })),
    isNotApplicable('good', ocsp({ status: 'good' })),
    isUnknown('the answer is over', { ...ocsp({}), probe: ran({ phase: 'time', code: 'ocsp_expired' }) }),
  ],
  br_ocsp_11_reason: [
    ...byLints({
      kinds: ['ocsp'],
      lints: ['ocsp_reason_code_baseline'],
      none: 'not_applicable',
      facts: ocsp({ reason: 'certificateHold' }),
    }),
    fails('from the first second of ballot SC-061', {
      ...ocsp({ producedAt: toTimestamp(REASONS), reason: 'certificateHold' }),
      lint: linted(['ocsp'], { ocsp_reason_code_baseline: 'fail' }),
    }),
    isNotApplicable('a second before', {
      ...ocsp({ producedAt: toTimestamp(REASONS - SECOND) }),
      lint: linted(['ocsp'], { ocsp_reason_code_baseline: 'fail' }),
    }),
  ],
  br_ocsp_12: byLints({
    kinds: ['ocsp'],
    lints: ['ocsp_reason_not_in_extensions'],
    none: 'pass',
    facts: ocsp({}),
  }),
  br_sig_01_ocsp: [
    ...BR_SIGNATURES.map((signatureAlgorithm) => passes(signatureAlgorithm, ocsp({ signatureAlgorithm }))),
    passes('SHA-1, which is a matter of dates', ocsp({ signatureAlgorithm: 'RSA-SHA1' })),
    fails('SHA-224', ocsp({ signatureAlgorithm: 'RSA-SHA224' })),
    isUnknown('nothing was received', { probe: network }),
  ],
  br_sig_02_ocsp: [
    isNotApplicable(
      'SHA-1 on the last day',
      ocsp({ signatureAlgorithm: 'RSA-SHA1', producedAt: toTimestamp(SHA1_ENDS - SECOND) }),
    ),
    fails(
      'SHA-1 a second later',
      ocsp({ signatureAlgorithm: 'RSA-SHA1', producedAt: toTimestamp(SHA1_ENDS) }),
    ),
    fails('ECDSA with SHA-1', ocsp({ signatureAlgorithm: 'ECDSA-SHA1' })),
    passes('SHA-256', ocsp({ signatureAlgorithm: 'RSA-SHA256' })),
    isUnknown('nothing was received', { probe: network }),
  ],
  br_avail_01: [
    passes('10 s', { probe: ran({ duration: 10_000 }) }),
    fails('10.001 s', { probe: ran({ duration: 10_001 }) }),
    fails('no answer for longer', { probe: ran({ phase: 'http', code: 'timeout', duration: 15_000 }) }),
    isUnknown('given up earlier', { probe: ran({ phase: 'http', code: 'timeout', duration: 5000 }) }),
    isUnknown('refused at once', { probe: network }),
  ],
  br_avail_02: [
    passes('an answer', { probe: ran() }),
    passes('an answer that is no good', { probe: ran({ phase: 'signature', code: 'signature_invalid' }) }),
    ...(['resolve', 'connect', 'tls', 'http', 'size'] as const).map((phase) =>
      fails(phase, { probe: ran({ phase, code: 'x' }) }),
    ),
    isUnknown('nothing was observed', { probe: {} }),
  ],
}
