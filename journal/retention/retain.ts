import type { Retention } from '../../model/record.ts'
import { nodeDisk } from '../disk.ts'
import { openJournal, type JournalOptions, type Retained } from '../journal.ts'
import { findOutstanding } from './apply.ts'

/**
 * Plans on a journal that nobody writes, journals the plan, publishes it, and only then removes what it says. What an earlier call recorded and did not come to
 * is removed too. Rejects with JournalError, `locked` while vigil runs.
 */
export async function retain(
  options: JournalOptions,
  plan: () => Promise<readonly Retention[]>,
): Promise<Retained> {
  const { directory, disk = nodeDisk } = options
  const journal = await openJournal(options)
  try {
    return await journal.retain({ plan, outstanding: () => findOutstanding(disk, directory) })
  } finally {
    await journal.close()
  }
}
