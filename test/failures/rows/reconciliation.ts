import type { Row } from '../row.ts'

export const RECONCILIATION_ROWS: readonly Row[] = [
  {
    id: 'C24',
    fault: 'revocation-unpublished',
    target: 'issuing-1',
    rules: ['crl_revocations_published'],
    settings: { rules: { parameters: { crl_revocations_published: { deadline: '30s' } } } },
  },
  {
    id: 'C25',
    fault: 'crl-entry-unlogged',
    target: 'issuing-1',
    rules: ['crl_entries_logged'],
    endsWith: 'next_crl',
  },
  { id: 'C25', fault: 'crl-unlogged', target: 'issuing-3', rules: ['crl_issuance_logged'] },
  { id: 'T14', fault: 'certificate-unlogged', target: 'shop', rules: ['cert_issuance_logged'] },
]
