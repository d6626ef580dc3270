import { testRows } from './row.ts'
import { CLONE_ROWS } from './rows/clones.ts'

testRows(CLONE_ROWS)
