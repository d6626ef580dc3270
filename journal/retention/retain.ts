import type { Retention, SealedRecord } from '../../model/record.ts'
import { toTimestamp } from '../../model/time.ts'
import { nodeDisk } from '../disk.ts'
import { openJournal, type JournalOptions } from '../journal.ts'
import { lockDirectory } from '../lock.ts'
import { applyRetention, type Removed } from './apply.ts'

export interface Retained {
  /** What says so in the journal. */
  readonly records: readonly SealedRecord[]
  readonly removed: Removed
}

/**
 * Plans on a journal that nobody writes, journals the plan, publishes it, and only then removes what it says. What an earlier call recorded and did not come to
 * is removed too. Rejects with JournalError, `locked` while vigil runs.
 */
export async function retain(
  options: JournalOptions,
  plan: () => Promise<readonly Retention[]>,
): Promise<Retained> {
  const { directory, now, disk = nodeDisk } = options
  const records = await journaled(options, plan, toTimestamp(now()))
  const lock = lockDirectory(directory)
  try {
    return { records, removed: await applyRetention(disk, directory) }
  } finally {
    lock.release()
  }
}

async function journaled(
  options: JournalOptions,
  plan: () => Promise<readonly Retention[]>,
  time: string,
): Promise<readonly SealedRecord[]> {
  const journal = await openJournal(options)
  try {
    // Records are erased in finished segments only.
    await journal.finishSegment()
    const bodies = await plan()
    const records = await journal.append(bodies.map((body) => ({ kind: 'retention', time, body })))
    await journal.finishSegment()
    return records
  } finally {
    await journal.close()
  }
}
