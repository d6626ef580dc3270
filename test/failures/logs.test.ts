import { testRows } from './row.ts'
import { LOG_ROWS } from './rows/logs.ts'

testRows(LOG_ROWS)
