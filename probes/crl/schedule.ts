import { Cron } from 'croner'
import type { FactsOf } from '../../model/facts.ts'
import { formatDuration, fromTimestamp, toTimestamp } from '../../model/time.ts'

/** When an authority issues CRLs, as the inventory declares it. Plain data. */
export type IssuingSchedule =
  | { readonly kind: 'every'; /** Milliseconds. */ readonly period: number }
  | { readonly kind: 'cron'; readonly expression: string; readonly timezone: string }

/**
 * Milliseconds. CAs write an earlier thisUpdate than the time at which they sign, for relying parties whose clocks are behind: 10 minutes
 * by default at AD CS. A CRL from so shortly before a time of the schedule is the one of that time.
 */
const BACKDATING = 15 * 60_000

/** Throws TypeError or RangeError when it is no cron expression (5 or 6 fields) or no IANA time zone. */
export function checkSchedule(schedule: IssuingSchedule): void {
  if (schedule.kind === 'cron' && cronOf(schedule).nextRun(new Date(0)) === null)
    throw new RangeError('it never comes')
}

/** When the next CRL is due. Says nothing about the present, so that it stays the same as long as the CRL does. Pure. */
export function scheduleFacts(
  { thisUpdate }: Pick<FactsOf<'crl'>, 'thisUpdate'>,
  schedule: IssuingSchedule | undefined,
): FactsOf<'crlSchedule'> | undefined {
  if (schedule === undefined || thisUpdate === undefined) return undefined
  const due = dueAfter(fromTimestamp(thisUpdate), schedule)
  if (due === undefined) return undefined
  return { nextDue: toTimestamp(due), schedule: describe(schedule) }
}

function dueAfter(issued: number, schedule: IssuingSchedule): number | undefined {
  if (schedule.kind === 'every') return issued + schedule.period
  const cron = cronOf(schedule)
  const [next, following] = cron.nextRuns(2, new Date(issued)).map((date) => date.getTime())
  if (next === undefined || following === undefined) return next
  return next - issued <= Math.min(BACKDATING, (following - next) / 2) ? following : next
}

function cronOf({ expression, timezone }: Extract<IssuingSchedule, { kind: 'cron' }>): Cron {
  // Paused: it only computes times.
  return new Cron(expression, { timezone, paused: true })
}

function describe(schedule: IssuingSchedule): string {
  return schedule.kind === 'every'
    ? `every ${formatDuration(schedule.period)}`
    : `${schedule.expression} ${schedule.timezone}`
}
