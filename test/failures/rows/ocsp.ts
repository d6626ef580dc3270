import type { Row } from '../row.ts'

export const OCSP_ROWS: readonly Row[] = []
