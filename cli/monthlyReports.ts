import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Journal } from '../journal/journal.ts'
import { messageOf } from '../model/thrown.ts'
import type { Clock } from '../model/time.ts'
import { timestampAuthorityFile } from './commands/report.ts'
import type { LoadedConfig } from './load.ts'
import type { Problems } from './problems.ts'
import { writeReportInProcess } from './reportProcess.ts'
import { reportSchedule } from './reportSchedule.ts'
import { afterTimeout, type Schedule } from './schedule.ts'

interface MonthlyReports {
  readonly loaded: Pick<LoadedConfig, 'reports' | 'journalDirectory' | 'file' | 'config'>
  readonly now: Clock
  readonly logger: Logger
  readonly journal: Journal
  readonly problems: Problems
}

/** Writes the report of each month that ended, where reports are configured. */
export function createReportSchedule({
  loaded,
  now,
  logger,
  journal,
  problems,
}: MonthlyReports): Schedule<string> | undefined {
  if (loaded.reports === undefined) return undefined
  const { directory, cron, trust, checkpoints } = loaded.reports
  return reportSchedule({
    cron,
    now,
    began: journal.epoch * 1000,
    isWritten: (month) => existsSync(join(directory, month, 'report.json')),
    write: async (month, signal) => {
      await journal.publish()
      const output = join(directory, month)
      const tsa = timestampAuthorityFile(loaded)
      const request = { journal: loaded.journalDirectory, month, output, tsa, trust, checkpoints }
      const missing = await writeReportInProcess(request, signal)
      problems.clear('reports')
      logger.info({ part: 'reports', output }, `the report of ${month} is written`)
      if (missing !== '') logger.warn({ part: 'reports' }, missing)
    },
    onError: (error) => problems.raise('reports', messageOf(error)),
    after: afterTimeout,
  })
}
