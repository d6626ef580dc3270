import { testRows } from './row.ts'
import { CONTROL_PLANE_ROWS } from './rows/controlPlane.ts'

testRows(CONTROL_PLANE_ROWS)
