import { testRows } from './row.ts'
import { OCSP_ROWS } from './rows/ocsp.ts'

testRows(OCSP_ROWS)
