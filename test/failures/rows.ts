// Every failure that a switch of the lab makes, and what finds it: the tests of this folder, and docs/failure-modes.md.
import type { Row } from './row.ts'
import { CONTROL_PLANE_ROWS } from './rows/controlPlane.ts'
import { CLONE_ROWS } from './rows/clones.ts'
import { CRL_ROWS } from './rows/crl.ts'
import { DELIVERY_ROWS } from './rows/delivery.ts'
import { LOG_ROWS } from './rows/logs.ts'
import { MTLS_ROWS } from './rows/mtls.ts'
import { OCSP_ROWS } from './rows/ocsp.ts'
import { REPAIR_ROWS } from './rows/repairs.ts'
import { RECONCILIATION_ROWS } from './rows/reconciliation.ts'
import { TLS_ROWS } from './rows/tls.ts'

interface RowGroup {
  readonly rows: readonly Row[]
  /** The test that runs them, and what it calls them. */
  readonly file: string
  readonly list: string
}

export const ROWS: readonly RowGroup[] = [
  {
    rows: CONTROL_PLANE_ROWS,
    file: 'test/failures/controlPlane.test.ts',
    list: 'CONTROL_PLANE_ROWS',
  },
  { rows: CRL_ROWS, file: 'test/failures/crl.test.ts', list: 'CRL_ROWS' },
  { rows: DELIVERY_ROWS, file: 'test/failures/delivery.test.ts', list: 'DELIVERY_ROWS' },
  { rows: LOG_ROWS, file: 'test/failures/logs.test.ts', list: 'LOG_ROWS' },
  { rows: OCSP_ROWS, file: 'test/failures/ocsp.test.ts', list: 'OCSP_ROWS' },
  { rows: MTLS_ROWS, file: 'test/failures/mtls.test.ts', list: 'MTLS_ROWS' },
  {
    rows: RECONCILIATION_ROWS,
    file: 'test/failures/reconciliation.test.ts',
    list: 'RECONCILIATION_ROWS',
  },
  { rows: CLONE_ROWS, file: 'test/failures/clones.test.ts', list: 'CLONE_ROWS' },
  { rows: REPAIR_ROWS, file: 'test/failures/repairs.test.ts', list: 'REPAIR_ROWS' },
  { rows: TLS_ROWS, file: 'test/failures/tls.test.ts', list: 'TLS_ROWS' },
]
