import { NOTHING_SEEN, type Row } from '../row.ts'

/** One CRL of everything; partitions with certificates that were revoked before, which are known; a full CRL with a delta and a mirror. */
const [ONE, PARTITIONED, WITH_DELTA] = ['issuing-1', 'issuing-3', 'issuing-2']

const FORM = { packs: ['rfc5280-6960'] } as const
const PUBLIC = {
  packs: ['cabf-tls-br'],
  settings: { tags: { 'issuing-3': ['public-tls'] } },
} as const satisfies Pick<Row, 'packs' | 'settings'>
/** Nothing that vigil can use came, and the CRL after it shows that a number is missing. */
const REFUSED = { rules: ['crl_valid'], unsettled: NOTHING_SEEN, endsWith: 'next_crl' } as const

export const CRL_ROWS: readonly Row[] = [
  {
    id: 'C01',
    fault: 'crl-expired',
    target: ONE,
    rules: ['crl_not_expired', 'crl_freshness_ok', 'crl_on_schedule'],
    unsettled: ['cert_not_revoked'],
  },
  { id: 'C02', fault: 'crl-overdue', target: ONE, rules: ['crl_on_schedule'] },
  {
    id: 'C03',
    fault: 'crl-stale',
    target: ONE,
    rules: ['crl_freshness_ok', 'crl_on_schedule', 'crl_number_increases'],
  },
  { id: 'C04', fault: 'crl-from-the-future', target: ONE, rules: ['crl_not_expired'] },
  { id: 'C05', fault: 'crl-entry-vanishes', target: PARTITIONED, rules: ['crl_entries_kept'] },
  { id: 'C06', fault: 'crl-empty', target: PARTITIONED, rules: ['crl_not_shrunk', 'crl_entries_kept'] },
  { id: 'C07', fault: 'crl-number-repeats', target: ONE, rules: ['crl_number_increases'] },
  { id: 'C08', fault: 'crl-number-gap', target: ONE, rules: ['crl_numbers_complete'] },
  {
    id: 'C09',
    fault: 'crl-number-missing',
    target: ONE,
    rules: ['rfc5280_01'],
    ...FORM,
    endsWith: 'next_crl',
  },
  { id: 'C09', fault: 'crl-number-critical', target: ONE, rules: ['rfc5280_05'], ...FORM },
  { id: 'C10', fault: 'crl-of-another', target: ONE, ...REFUSED },
  { id: 'C11', fault: 'crl-issuer-encoding', target: ONE, rules: ['crl_issuer_encoded_as_subject'] },
  { id: 'C12', fault: 'crl-other-key', target: ONE, ...REFUSED },
  {
    id: 'C13',
    fault: 'crl-without-scope',
    target: PARTITIONED,
    rules: ['crl_scope_matches', 'crl_scope_unchanged'],
    endsWith: 'next_crl',
  },
  {
    id: 'C13',
    fault: 'crl-scope-of-another',
    target: ONE,
    rules: ['crl_scope_matches', 'crl_scope_unchanged'],
    endsWith: 'next_crl',
  },
  {
    id: 'C14',
    fault: 'crl-scope-changes',
    target: ONE,
    rules: ['crl_scope_unchanged'],
    endsWith: 'next_crl',
  },
  { id: 'C15', fault: 'crl-long-lived', target: ONE, rules: ['crl_next_update_reasonable'] },
  { id: 'C16', fault: 'crl-serial-twice', target: PARTITIONED, rules: ['rfc5280_crl_entries'], ...FORM },
  {
    id: 'C17',
    fault: 'crl-partitions-overlap',
    target: PARTITIONED,
    rules: ['crl_partitions_disjoint'],
    endsWith: 'next_crl',
  },
  {
    id: 'C18',
    fault: 'crl-partition-missing',
    target: PARTITIONED,
    rules: ['crl_available', 'crl_partitions_complete'],
    unsettled: NOTHING_SEEN,
  },
  {
    id: 'C18',
    fault: 'crl-partition-undeclared',
    target: PARTITIONED,
    rules: ['crl_partitions_complete', 'crl_scope_unchanged'],
    endsWith: 'next_crl',
  },
  {
    id: 'C19',
    fault: 'crl-reasons-lost',
    target: PARTITIONED,
    rules: ['crl_reasons_kept'],
    endsWith: 'next_crl',
  },
  {
    id: 'C20',
    fault: 'crl-reason-unspecified',
    target: ONE,
    rules: ['rfc5280_07_unspecified'],
    ...FORM,
    endsWith: 'next_crl',
  },
  { id: 'C20', fault: 'crl-reason-hold', target: PARTITIONED, rules: ['br_crl_16'], ...PUBLIC },
  {
    id: 'C22',
    fault: 'crl-revoked-later',
    target: ONE,
    rules: ['rfc5280_09'],
    ...FORM,
    endsWith: 'next_crl',
  },
  {
    id: 'C23',
    fault: 'crl-dates-change',
    target: PARTITIONED,
    rules: ['crl_entries_unchanged'],
    endsWith: 'next_crl',
  },
  { id: 'C26', fault: 'crl-version-1', target: ONE, rules: ['rfc5280_01'], ...FORM, endsWith: 'next_crl' },
  { id: 'C26', fault: 'crl-without-key-identifier', target: ONE, rules: ['rfc5280_01'], ...FORM },
  { id: 'C26', fault: 'crl-empty-list', target: ONE, rules: ['rfc5280_03'], ...FORM },
  { id: 'C26', fault: 'crl-extension-twice', target: ONE, rules: ['rfc5280_crl_encoding'], ...FORM },
  { id: 'C26', fault: 'crl-algorithms-differ', target: ONE, ...REFUSED },
  { id: 'C26', fault: 'crl-unknown-critical', target: ONE, ...REFUSED },
  { id: 'C27', fault: 'delta-expired', target: WITH_DELTA, rules: ['crl_not_expired'] },
  { id: 'C27', fault: 'delta-ahead', target: WITH_DELTA, rules: ['crl_delta_usable'] },
  { id: 'C29', fault: 'mass-revocation', target: ONE, rules: ['crl_no_mass_revocation'] },
]
