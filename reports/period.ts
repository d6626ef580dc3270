import { fromTimestamp, toTimestamp } from '../model/time.ts'
import type { Timestamp } from '../model/time.ts'
import { ReportError } from './error.ts'

/** [from, to) in milliseconds since the epoch. */
export interface Period {
  readonly from: number
  readonly to: number
}

export function parsePeriod(period: { from: Timestamp; to: Timestamp }): Period {
  const read = (text: string) => {
    try {
      return fromTimestamp(text)
    } catch (cause) {
      throw new ReportError('bad_period', `expected an instant, got ${JSON.stringify(text)}`, { cause })
    }
  }
  const from = read(period.from)
  const to = read(period.to)
  if (to <= from)
    throw new ReportError('bad_period', `expected a period, got ${toTimestamp(from)} to ${toTimestamp(to)}`)
  return { from, to }
}

/** The calendar month `2026-11` in UTC. */
export function monthPeriod(month: string): { from: Timestamp; to: Timestamp } {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month)
  if (match === null)
    throw new ReportError('bad_period', `expected a month as YYYY-MM, got ${JSON.stringify(month)}`)
  const [year, index] = [Number(match[1]), Number(match[2]) - 1]
  return { from: toTimestamp(Date.UTC(year, index, 1)), to: toTimestamp(Date.UTC(year, index + 1, 1)) }
}

export function within(period: Period, at: number): boolean {
  return at >= period.from && at < period.to
}

/** Milliseconds that [from, to) and the period have in common. */
export function overlap(period: Period, from: number, to: number): number {
  return Math.max(0, Math.min(period.to, to) - Math.max(period.from, from))
}

/** Milliseconds of a record's time; `fallback` when a source claimed something that is not an instant. */
export function instant(text: Timestamp, fallback: number): number {
  const at = Date.parse(text)
  return Number.isNaN(at) ? fallback : at
}

/** `part` of `whole` in percent, rounded down to three decimals: 100 only when nothing is missing. */
export function percent(part: number, whole: number): number {
  return Math.floor((part * 100_000) / whole) / 1000
}
