import type { Row } from '../row.ts'

/** A service whose enforcement of mutual TLS is tested. */
const ENFORCING = {
  target: 'internal-api',
  settings: { enforcing: ['internal-api'] },
} as const satisfies Pick<Row, 'target' | 'settings'>

export const MTLS_ROWS: readonly Row[] = [
  {
    id: 'T04',
    fault: 'clients-unverified',
    rules: [
      'mtls_requires_certificate',
      'mtls_refuses_foreign',
      'mtls_refuses_expired',
      'mtls_refuses_revoked',
    ],
    ...ENFORCING,
  },
  { id: 'T04', fault: 'foreign-clients-trusted', rules: ['mtls_refuses_foreign'], ...ENFORCING },
  { id: 'T04', fault: 'expired-clients-accepted', rules: ['mtls_refuses_expired'], ...ENFORCING },
  { id: 'T04', fault: 'revoked-clients-accepted', rules: ['mtls_refuses_revoked'], ...ENFORCING },
  {
    id: 'T07',
    fault: 'prober-near-expiry',
    rules: ['prober_certificate_current', 'mtls_credentials_current'],
    ...ENFORCING,
  },
]
