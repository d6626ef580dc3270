import { StoreError } from '../error.ts'
import type { StoreErrorCode } from '../error.ts'

// Primary result codes, https://www.sqlite.org/rescode.html
const CODES: Readonly<Record<number, StoreErrorCode>> = {
  3: 'io', // PERM
  5: 'busy', // BUSY
  6: 'busy', // LOCKED
  8: 'io', // READONLY
  10: 'io', // IOERR
  11: 'corrupt', // CORRUPT
  13: 'full', // FULL
  14: 'io', // CANTOPEN
  26: 'foreign_file', // NOTADB
}

/** What node:sqlite threw, as a StoreError that names the file; anything that is not a database error is returned as it is. */
export function fromSqlite(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error
  const code = CODES[error.errcode & 0xff]
  if (code === undefined) return error
  const advice = code === 'corrupt' ? '; remove the file, the next start rebuilds it from the journal' : ''
  return new StoreError(code, `${file}: ${error.message} (SQLite ${error.errcode})${advice}`, {
    cause: error,
  })
}
