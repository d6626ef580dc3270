import { testRows } from './row.ts'
import { TLS_ROWS } from './rows/tls.ts'

testRows(TLS_ROWS)
