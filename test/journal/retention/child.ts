import { nodeDisk } from '../../../journal/disk.ts'
import { findOutstanding } from '../../../journal/retention/apply.ts'
import { planRetention, type RetentionRequest } from '../../../journal/retention/plan.ts'
import { openTestJournal } from '../support.ts'

// Takes out what is old, and is killed meanwhile. Says when it begins to write.

interface Task {
  readonly directory: string
  readonly keyFile: string
  readonly now: number
  readonly request: RetentionRequest
}

const { directory, keyFile, now, request } = JSON.parse(process.argv[2] ?? '') as Task
const journal = await openTestJournal({ directory, keyFile }, { now: () => now })
await journal.retain({
  plan: async () => {
    const planned = await planRetention(nodeDisk, directory, request)
    process.stdout.write('planned\n')
    return planned
  },
  outstanding: () => findOutstanding(nodeDisk, directory),
})
await journal.close()
