import type { Row } from '../row.ts'

export const CRL_ROWS: readonly Row[] = [
  {
    id: 'C01',
    fault: 'crl-expired',
    target: 'issuing-1',
    rules: ['crl_not_expired', 'crl_freshness_ok', 'crl_on_schedule'],
    unsettled: ['cert_not_revoked'],
  },
]
