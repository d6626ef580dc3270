// Every failure that a switch of the lab makes, and what finds it: the tests of this folder, and docs/failure-modes.md.
import type { Row } from './row.ts'
import { CRL_ROWS } from './rows/crl.ts'
import { DELIVERY_ROWS } from './rows/delivery.ts'
import { OCSP_ROWS } from './rows/ocsp.ts'
import { TLS_ROWS } from './rows/tls.ts'

/** By the first letter of the ids, and by the file that tests them. */
export const ROWS: Readonly<Record<string, readonly Row[]>> = {
  C: CRL_ROWS,
  D: DELIVERY_ROWS,
  O: OCSP_ROWS,
  T: TLS_ROWS,
}
