import type { Cron } from 'croner'
import { toTimestamp, type Clock } from '../model/time.ts'
import { Schedule, type ScheduleOptions } from './schedule.ts'

export interface ReportScheduleOptions extends Pick<ScheduleOptions<string>, 'after' | 'onError'> {
  readonly cron: Cron
  readonly now: Clock
  /** When the journal began, in ms: there is nothing to report about months before it. */
  readonly began: number
  readonly isWritten: (month: string) => boolean
  /** The signal aborts when vigil stops. */
  readonly write: (month: string, signal: AbortSignal) => Promise<void>
}

/** Writes the report of a month at the first due time after its end. */
export function reportSchedule(options: ReportScheduleOptions): Schedule<string> {
  const { cron, now, after, write, onError } = options
  return new Schedule({ cron, now, after, onError, due: () => dueMonth(options), run: write })
}

/** The month before this one, once its report is due and as long as it is not written. */
function dueMonth({ cron, now, began, isWritten }: ReportScheduleOptions): string | undefined {
  const today = new Date(now())
  const monthStart = Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), 1)
  const due = cron.nextRun(new Date(monthStart - 1))
  if (began >= monthStart || due === null || due.getTime() > now()) return undefined
  const month = toTimestamp(monthStart - 1).slice(0, 7)
  return isWritten(month) ? undefined : month
}
