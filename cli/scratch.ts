import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { JournalError } from '../journal/error.ts'
import { LOCK_NAME, lockDirectory } from '../journal/lock.ts'
import { CommandError, EXIT } from './exit.ts'

/**
 * An empty directory for large work of one kind, empty again and gone afterwards. What one that was killed has left is removed by the next. Throws CommandError when
 * it is in other hands, or such work is under way.
 */
export function openScratch(parent: string, purpose: string): Disposable & { readonly path: string } {
  const id = createHash('sha256').update(purpose).digest('hex').slice(0, 12)
  const path = join(parent, `vigil-restore-drill-${id}`)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const status = lstatSync(path)
  // A directory for temporary files is everybody's: somebody may have been there first.
  if (!status.isDirectory() || (process.getuid !== undefined && status.uid !== process.getuid()))
    throw new CommandError(EXIT.failed, `${path}: expected a directory of this user's, got somebody else's`)
  const lock = lockOf(path)
  const clear = (): void => {
    for (const name of readdirSync(path))
      if (name !== LOCK_NAME) rmSync(join(path, name), { recursive: true, force: true })
  }
  clear()
  return {
    path,
    [Symbol.dispose]() {
      clear()
      lock.release()
      rmSync(path, { recursive: true, force: true })
    },
  }
}

function lockOf(path: string): { release(): void } {
  try {
    return lockDirectory(path)
  } catch (error) {
    if (!(error instanceof JournalError) || error.code !== 'locked') throw error
    throw new CommandError(EXIT.failed, `${path}: another restore drill is under way`)
  }
}
