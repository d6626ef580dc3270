import type { Retention } from '../../model/record.ts'
import { nodeDisk } from '../disk.ts'
import { openJournal, type JournalOptions } from '../journal.ts'
import { findOutstanding } from './apply.ts'
import { standingDecisions, toldAgain } from './standing.ts'
import type { Retained } from './takeOut.ts'

/**
 * Plans on a journal that nobody writes, journals the plan, publishes it, and only then removes what it says. What an earlier call recorded and did not come to
 * is removed too. With `verdicts`, decisions that hold are journaled once more when they would go. Rejects with JournalError, `locked` while vigil runs.
 */
export async function retain(
  options: JournalOptions,
  plan: () => Promise<readonly Retention[]>,
  keep?: 'verdicts',
): Promise<Retained> {
  const { directory, disk = nodeDisk } = options
  const journal = await openJournal(options)
  try {
    return await journal.retain({
      plan: async () => {
        const planned = await plan()
        const again = keep === 'verdicts' ? toldAgain(await standingDecisions(directory, planned)) : []
        if (again.length > 0) await journal.append(again)
        return planned
      },
      outstanding: () => findOutstanding(disk, directory),
    })
  } finally {
    await journal.close()
  }
}
