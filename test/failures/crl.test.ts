import { testRows } from './row.ts'
import { CRL_ROWS } from './rows/crl.ts'

testRows(CRL_ROWS)
