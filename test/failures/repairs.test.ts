import { testRows } from './row.ts'
import { REPAIR_ROWS } from './rows/repairs.ts'

testRows(REPAIR_ROWS)
