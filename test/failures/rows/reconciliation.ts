import type { Row } from '../row.ts'

const DEADLINE = { rules: { parameters: { crl_revocations_published: { deadline: '30s' } } } }

/** One that says the least of what it does, and one that says all. */
const LOGS = { 'issuing-1': 'dogtag', 'issuing-2': 'json' } as const

export const RECONCILIATION_ROWS: readonly Row[] = [
  {
    id: 'C24',
    fault: 'revocation-unpublished',
    target: 'issuing-1',
    rules: ['crl_revocations_published'],
    settings: DEADLINE,
  },
  ...(['issuing-1', 'issuing-2'] as const).flatMap((target): Row[] => [
    {
      id: 'C24',
      fault: 'revocation-unpublished',
      target,
      logs: LOGS,
      rules: ['crl_revocations_published'],
      settings: DEADLINE,
    },
    {
      id: 'C25',
      fault: 'crl-entry-unlogged',
      target,
      logs: LOGS,
      rules: ['crl_entries_logged'],
      settings: DEADLINE,
      endsWith: 'next_crl',
    },
    {
      id: 'C25',
      fault: 'crl-unlogged',
      target,
      logs: LOGS,
      rules: ['crl_issuance_logged'],
      settings: DEADLINE,
    },
  ]),
  ...(['shop', 'payments'] as const).map((target): Row => ({
    id: 'T14',
    fault: 'certificate-unlogged',
    target,
    logs: LOGS,
    rules: ['cert_issuance_logged'],
    settings: DEADLINE,
  })),
  {
    id: 'C25',
    fault: 'crl-entry-unlogged',
    target: 'issuing-1',
    rules: ['crl_entries_logged'],
    endsWith: 'next_crl',
  },
  { id: 'C25', fault: 'crl-unlogged', target: 'issuing-3', rules: ['crl_issuance_logged'] },
  {
    id: 'C24',
    fault: 'revocation-not-in-ocsp',
    target: 'issuing-1',
    rules: ['ocsp_revocations_published'],
    settings: { rules: { parameters: { ocsp_revocations_published: { deadline: '30s' } } } },
  },
  {
    id: 'C25',
    fault: 'ocsp-revocation-unlogged',
    target: 'shop',
    rules: ['ocsp_revocations_logged', 'ocsp_status_good'],
    subjects: ['deployed_service_cert[shop,prod]', 'ocsp_responder_status[issuing-1]'],
  },
  {
    id: 'L08',
    fault: 'issuance-unknown',
    target: 'issuing-1',
    rules: ['issued_certificates_known'],
    settings: { rules: { parameters: { issued_certificates_known: { deployed_within: '30s' } } } },
  },
  { id: 'L08', fault: 'signer-unlogged', target: 'issuing-1', rules: ['inventory_certificates_logged'] },
  { id: 'T14', fault: 'certificate-unlogged', target: 'shop', rules: ['cert_issuance_logged'] },
]
