import type { Facts } from '../../../model/facts.ts'
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
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR
/** Ballot SC-063: the CRL profile. */
const PROFILE = Date.parse('2024-03-15')

const at = (text: string): number => Date.parse(text)
const crl = (thisUpdate: number, nextUpdate = thisUpdate + 7 * DAY): Facts => ({
  crl: { issuer: 'CN=Issuing 1', thisUpdate: toTimestamp(thisUpdate), nextUpdate: toTimestamp(nextUpdate) },
})
const network = ran({ phase: 'connect', code: 'refused' })
/** Everything is wrong with the CRL; only its date decides. */
const dated: readonly Case[] = [
  fails('from the first second of the profile', { ...crl(PROFILE), lint: linted(['crl'], {}, 'fail') }),
  isNotApplicable('a second before', { ...crl(PROFILE - SECOND), lint: linted(['crl'], {}, 'fail') }),
]

const ofCrl = (none: 'pass' | 'not_applicable', ...lints: readonly string[]): Case[] =>
  byLints({ kinds: ['crl'], lints, none, facts: crl(NOW - HOUR) })

/** What fails, once the ballot is in force. */
const byBallot = (facts: Facts): Case[] => [
  fails('from the first second of the ballot', facts, PROFILE),
  isNotApplicable('a second before', facts, PROFILE - SECOND),
]

/** A CRL of so many seconds. */
const lasting = (seconds: number, thisUpdate = NOW - HOUR): Facts =>
  crl(thisUpdate, thisUpdate + seconds * SECOND)

export const CRL_CASES: PackCases = {
  br_crl_01: [
    passes('seven days old', crl(NOW - 7 * DAY)),
    fails('a second older', crl(NOW - 7 * DAY - SECOND)),
    passes('older by now, but not when it was fetched', crl(NOW - 7 * DAY), NOW + HOUR),
    fails('over', { ...crl(NOW - 11 * DAY), probe: ran({ phase: 'time', code: 'crl_expired' }) }),
    isUnknown('nothing was received', { probe: network }),
    ...byBallot(crl(PROFILE - 9 * DAY)),
  ],
  br_crl_01_without_ocsp: [
    passes('four days old', crl(NOW - 4 * DAY)),
    fails('a second older', crl(NOW - 4 * DAY - SECOND)),
    isUnknown('nothing was received', { probe: network }),
    ...byBallot(crl(PROFILE - 9 * DAY)),
  ],
  br_crl_03: [
    passes('twelve calendar months old', crl(at('2025-11-22T08:00:00Z'))),
    fails('a second older', crl(at('2025-11-22T07:59:59Z'))),
    // 2028 has a 29 February: 366 days.
    passes('twelve months that are 366 days', {
      ...crl(at('2027-11-22T08:00:00Z')),
      probe: ran({}, at('2028-11-22T08:00:00Z')),
    }),
    fails('a second more than 366 days', {
      ...crl(at('2027-11-22T08:00:00Z')),
      probe: ran({}, at('2028-11-22T08:00:01Z')),
    }),
    isUnknown('the signature is wrong', { probe: ran({ phase: 'signature', code: 'signature_invalid' }) }),
  ],
  br_crl_05: [
    passes('864 000 s', lasting(864_000)),
    fails('864 001 s', lasting(864_001)),
    fails('from the first second of the profile', lasting(864_001, PROFILE)),
    isNotApplicable('a second before', lasting(864_001, PROFILE - SECOND)),
    isUnknown('without nextUpdate', { crl: { thisUpdate: toTimestamp(NOW) } }),
    isUnknown('nothing was received', { probe: network }),
  ],
  br_crl_06: [
    passes('365 days', lasting(365 * 86_400)),
    fails('365 days and a second', lasting(365 * 86_400 + 1)),
    passes('a leap year', lasting(366 * 86_400, at('2027-03-01'))),
    fails('a leap year and a second', lasting(366 * 86_400 + 1, at('2027-03-01'))),
    fails('from the first second of the profile', lasting(9999 * 86_400, PROFILE)),
    isNotApplicable('a second before', lasting(9999 * 86_400, PROFILE - SECOND)),
    isUnknown('nothing was received', { probe: network }),
  ],
  br_crl_07: [
    passes('a CRL', crl(NOW)),
    passes('a CRL with a wrong signature', { probe: ran({ phase: 'signature', code: 'signature_invalid' }) }),
    fails('not found', { probe: ran({ phase: 'http', code: 'http_status' }) }),
    fails('too large', { probe: ran({ phase: 'size', code: 'too_large' }) }),
    fails('PEM', { probe: ran({ phase: 'decode', code: 'pem_instead_of_der' }) }),
    isUnknown('nobody answers', { probe: network }),
    isUnknown('nothing was observed', { probe: {} }),
    ...byBallot({ probe: ran({ phase: 'decode' }) }),
  ],
  br_crl_09: [
    ...ofCrl('pass', 'crl_version_2', 'crl_issuer_encoded_as_subject', 'crl_next_update_present'),
    fails('two signature algorithms', { probe: ran({ phase: 'decode', code: 'algorithm_mismatch' }) }),
    fails('of another issuer', { probe: ran({ phase: 'path', code: 'issuer_mismatch' }) }),
    ...byBallot({ lint: linted(['crl'], {}, 'fail') }),
  ],
  br_crl_10: [
    ...ofCrl(
      'pass',
      'crl_authority_key_id_present',
      'crl_authority_key_id_not_critical',
      'crl_authority_key_id_only_key_id',
      'crl_authority_key_id_matches_issuer',
    ),
    ...dated,
  ],
  br_crl_11: [
    ...ofCrl('pass', 'crl_number_present', 'crl_number_not_critical', 'crl_number_range'),
    ...dated,
  ],
  br_crl_12: [
    ...ofCrl(
      'not_applicable',
      'crl_idp_critical',
      'crl_idp_full_name',
      'crl_idp_uris_only',
      'crl_idp_urls_http',
    ),
    ...dated,
  ],
  br_crl_13: [
    ...ofCrl('not_applicable', 'crl_idp_one_kind_of_certificates', 'crl_idp_no_attribute_certificates'),
    ...dated,
  ],
  br_crl_13_reasons: [...ofCrl('pass', 'crl_idp_all_reasons'), ...dated],
  br_crl_15: [
    ...ofCrl('pass', 'crl_idp_not_indirect'),
    fails('the probe refused it for that', { probe: ran({ phase: 'profile', code: 'indirect_crl' }) }),
    ...byBallot({ lint: linted(['crl'], {}, 'fail') }),
  ],
  br_crl_16: [
    ...ofCrl(
      'not_applicable',
      'crl_entry_reason_code_baseline',
      'crl_entry_reason_code_not_critical',
      'crl_entry_reason_code_not_unspecified',
    ),
    fails('from the first second of ballot SC-061', {
      ...crl(at('2023-07-15')),
      lint: linted(['crl'], { crl_entry_reason_code_baseline: 'fail' }),
    }),
    isNotApplicable('a second before', {
      ...crl(at('2023-07-14T23:59:59Z')),
      lint: linted(['crl'], { crl_entry_reason_code_baseline: 'fail' }),
    }),
  ],
  br_crl_18: [...ofCrl('pass', 'crl_extensions_recommended', 'crl_entry_extensions_recommended'), ...dated],
  br_sig_01_crl: [
    ...BR_SIGNATURES.map((signatureAlgorithm) => passes(signatureAlgorithm, { crl: { signatureAlgorithm } })),
    passes('SHA-1, which is a matter of dates', { crl: { signatureAlgorithm: 'RSA-SHA1' } }),
    fails('EdDSA', { crl: { issuer: 'CN=Issuing 1', signatureAlgorithm: 'Ed25519' } }),
    fails('ECDSA with SHA-1', { crl: { issuer: 'CN=Issuing 1', signatureAlgorithm: 'ECDSA-SHA1' } }),
    isUnknown('nothing was received', { probe: network }),
  ],
  br_sig_02_crl: [
    isNotApplicable('SHA-1 on the last day', {
      crl: { signatureAlgorithm: 'RSA-SHA1', thisUpdate: '2026-09-14T23:59:59Z' },
    }),
    fails('SHA-1 a second later', {
      crl: { issuer: 'CN=Issuing 1', signatureAlgorithm: 'RSA-SHA1', thisUpdate: '2026-09-15T00:00:00Z' },
    }),
    passes('SHA-256', { crl: { signatureAlgorithm: 'RSA-SHA256', thisUpdate: '2026-09-15T00:00:00Z' } }),
    isUnknown('nothing was received', { probe: network }),
  ],
}
