/**
 * Why a store refused or failed.
 * - `busy`: another process holds or has changed the database, or the server has too much to do; `full`: no space left; `io`: the file or server can't be read or written. Nothing was
 *   applied; the caller retries.
 * - `unsupported_server`: it answers, but is not what this version can work with.
 * - `corrupt`: the database is damaged; `foreign_file`: the file (or the server's index) is not one of ours. Neither is touched.
 * - `conflict`: a record id came again with other content; `order`: positions within a batch don't rise; `other_journal`: the store
 *   holds another journal; `bad_record`: id,
 *   position or time is not what a sealed record has. Nothing was applied; retrying does not help.
 * - `unknown_record`: a query names a record that the store does not hold.
 * - `closed`: the store was closed; `worker_failed`: its thread ended.
 */
export type StoreErrorCode =
  | 'busy'
  | 'full'
  | 'io'
  | 'unsupported_server'
  | 'corrupt'
  | 'foreign_file'
  | 'conflict'
  | 'order'
  | 'other_journal'
  | 'bad_record'
  | 'unknown_record'
  | 'closed'
  | 'worker_failed'

export class StoreError extends Error {
  readonly code: StoreErrorCode
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
  }
}

/** Refused for now, and worth another try: the database is locked, the disk is full, the server does not answer. */
export function isTransientStoreError(error: unknown): boolean {
  return (
    error instanceof StoreError && (error.code === 'busy' || error.code === 'full' || error.code === 'io')
  )
}
