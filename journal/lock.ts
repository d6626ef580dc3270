import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { JournalError } from './error.ts'

/** An empty file, for ever: only its lock means something. */
export const LOCK_NAME = 'lock'

/**
 * Takes the directory for this process. The lock is the operating system's, which releases it when the process ends in
 * whatever way, so nothing stale is left by kill -9. Node has no call for it; SQLite takes one in the most portable way there is.
 * On POSIX, opening and closing the lock file elsewhere in this process would release it: nothing else opens it.
 * Throws JournalError(locked, storage).
 */
export function lockDirectory(directory: string): { release(): void } {
  const file = join(directory, LOCK_NAME)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file)
    // Without a rollback journal in memory, SQLite would put one beside the file.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    if (isBusy(error))
      throw new JournalError('locked', `${directory}: another process writes this journal`, { cause: error })
    throw new JournalError('storage', `${file}: cannot be locked`, { cause: error })
  }
  const held = database
  return { release: () => held.close() }
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}
