import { testRows } from './row.ts'
import { DELIVERY_ROWS } from './rows/delivery.ts'

testRows(DELIVERY_ROWS)
