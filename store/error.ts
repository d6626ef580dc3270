/**
 * Why a store refused or failed.
 * - `busy`: another process holds the database; `full`: no space left; `io`: the file or server can't be read or written. Nothing was
 *   applied; the caller retries.
 * - `corrupt`: the database is damaged; `foreign_file`: the file is not one of ours. Neither is touched.
 * - `conflict`: a record id came again with other content; `order`: positions within a batch don't rise; `other_journal`: the store
 *   holds another journal; `dangling_reference`: an `unchanged` item repeats an observation that was never applied; `bad_record`: id,
 *   position or time is not what a sealed record has. Nothing was applied; retrying does not help.
 * - `unknown_record`: a query names a record that the store does not hold.
 * - `closed`: the store was closed; `worker_failed`: its thread ended.
 */
export type StoreErrorCode =
  | 'busy'
  | 'full'
  | 'io'
  | 'corrupt'
  | 'foreign_file'
  | 'conflict'
  | 'order'
  | 'other_journal'
  | 'dangling_reference'
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
