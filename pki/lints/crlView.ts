import type { IndexedCrl } from '../crl.ts'
import type { CrlFields } from '../crlReader.ts'

/** A CRL as one pass shows it, streamed or not; whether a serial number occurs twice is only known with an index. */
export type LintableCrl = CrlFields & Partial<Pick<IndexedCrl, 'duplicates'>>
