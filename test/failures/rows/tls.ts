import type { Row } from '../row.ts'

/** A service in a zone of its own; the lab's certificates are valid for 90 days and the second in which they end. */
const ZONE = {
  packs: ['private-trust-zones'],
  settings: {
    tags: { 'internal-api': ['trust-zone'] },
    rules: { parameters: { zone_max_lifetime: { max_lifetime: '91d' } } },
  },
} as const satisfies Pick<Row, 'packs' | 'settings'>

export const TLS_ROWS: readonly Row[] = [
  {
    id: 'D07',
    fault: 'undeclared-crl-url',
    target: 'payments',
    rules: ['cert_urls_declared'],
    // What the CA's CRLs are is compared with what certificates name, a look later.
    unsettled: ['crl_partitions_complete'],
    endsWith: 'next_crl',
  },
  { id: 'O11', fault: 'issuer-signs-ocsp', target: 'payments', rules: ['tls_no_authority_signs_ocsp'] },
  { id: 'T01', fault: 'issuer-ends-first', target: 'payments', rules: ['cert_path_outlives'] },
  {
    id: 'T01',
    fault: 'issuer-ends-soon',
    target: 'payments',
    rules: ['cert_path_outlives', 'cert_path_time_left'],
  },
  { id: 'T02', fault: 'cross-certificate-ends', target: 'payments', rules: ['tls_unneeded_in_force'] },
  { id: 'T03', fault: 'renewed-not-deployed', target: 'payments', rules: ['cert_newest_served'] },
  {
    id: 'T03',
    fault: 'node-not-rotated',
    target: 'payments',
    rules: ['cert_newest_served', 'tls_addresses_agree'],
  },
  { id: 'T05', fault: 'staple-missing', target: 'shop', rules: ['tls_staple_present'] },
  { id: 'T05', fault: 'staple-expired', target: 'shop', rules: ['tls_staple_valid'] },
  { id: 'T05', fault: 'staple-revoked', target: 'shop', rules: ['tls_staple_valid'] },
  { id: 'T06', fault: 'classical-key-exchange', target: 'payments', rules: ['tls_quantum_safe_kept'] },
  { id: 'T08', fault: 'ca-certificate-missing', target: 'issuing-1', rules: ['ca_published'] },
  { id: 'T08', fault: 'ca-certificate-wrong-type', target: 'issuing-1', rules: ['ca_published'] },
  { id: 'T08', fault: 'ca-certificate-pem', target: 'issuing-1', rules: ['ca_published'] },
  { id: 'T08', fault: 'ca-certificate-of-another', target: 'issuing-1', rules: ['ca_published'] },
  {
    id: 'T09',
    fault: 'cert-near-expiry',
    target: 'payments',
    rules: ['cert_lifetime_threshold', 'cert_lifetime_share', 'cert_newest_served'],
  },
  { id: 'T09', fault: 'lifetime-short', target: 'payments', rules: ['cert_lifetime_threshold'] },
  { id: 'T10', fault: 'lifetime-too-long', target: 'payments', rules: ['cert_max_lifetime_policy'] },
  {
    id: 'T11',
    fault: 'wrong-certificate',
    target: 'payments',
    rules: ['tls_identity_ok'],
    unsettled: ['cert_newest_served'],
  },
  {
    id: 'T11',
    fault: 'wildcard-certificate',
    target: 'internal-api',
    rules: ['zone_identities_declared', 'zone_no_wildcard'],
    ...ZONE,
  },
  { id: 'T12', fault: 'weak-key', target: 'payments', rules: ['cert_strength_sufficient'] },
  { id: 'T12', fault: 'weak-signature', target: 'payments', rules: ['cert_strength_sufficient'] },
  {
    id: 'T12',
    fault: 'old-protocol',
    target: 'payments',
    rules: ['tls_protocol_current', 'tls_quantum_safe_kept'],
  },
  {
    id: 'T13',
    fault: 'chain-incomplete',
    target: 'shop',
    rules: ['tls_chain_complete'],
    unsettled: ['cert_path_outlives', 'cert_path_time_left'],
  },
  { id: 'T13', fault: 'chain-out-of-order', target: 'payments', rules: ['tls_chain_ordered'] },
  {
    id: 'T13',
    fault: 'other-root',
    target: 'payments',
    rules: ['tls_path_ok'],
    unsettled: [
      ...['cert_path_outlives', 'cert_path_time_left', 'ocsp_status_good', 'cert_not_revoked'],
      ...['cert_newest_served', 'cert_urls_declared'],
    ],
  },
  {
    id: 'T15',
    fault: 'revoked-served',
    target: 'payments',
    rules: ['ocsp_status_good', 'cert_not_revoked'],
  },
  { id: 'T16', fault: 'shared-key', target: 'internal-api', rules: ['zone_key_not_shared'], ...ZONE },
  { id: 'T16', fault: 'key-not-renewed', target: 'internal-api', rules: ['zone_key_renewed'], ...ZONE },
]
