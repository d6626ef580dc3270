import { testRows } from './row.ts'
import { RECONCILIATION_ROWS } from './rows/reconciliation.ts'

testRows(RECONCILIATION_ROWS)
