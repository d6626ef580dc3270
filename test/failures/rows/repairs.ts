import { MINUTE } from '../../rules/journalDouble.ts'
import type { Row } from '../row.ts'

export const REPAIR_ROWS: readonly Row[] = [
  {
    id: 'L13',
    fault: 'crl-cache-stuck',
    target: 'issuing-1',
    rules: ['crl_on_schedule', 'repair_effective'],
    settings: {
      remediation: {
        deadline: '1m',
        policies: [{ rule: 'crl_on_schedule', action: 'reissue_crl' }],
      },
    },
    showsAfter: 2 * MINUTE,
    // What was reissued in vain nobody saw: its number is missing.
    endsWith: 'next_crl',
  },
]
