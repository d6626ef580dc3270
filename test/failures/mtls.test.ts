import { testRows } from './row.ts'
import { MTLS_ROWS } from './rows/mtls.ts'

testRows(MTLS_ROWS)
