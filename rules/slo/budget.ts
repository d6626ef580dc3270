import type { FactsOf } from '../../model/facts.ts'
import type { Interval } from '../maintenance.ts'
import { HOUR, MINUTE, NOTHING, type Events, type EventSeries } from './eventSeries.ts'
import type { Objective } from './objective.ts'

/** Runs are journaled a moment after they ended: an hour is whole only so many milliseconds after its end. */
const SETTLE = 2 * MINUTE

/** A window holds at least so many events of a target that is well: below two, one bad run is everything. */
const MIN_EVENTS = 2

/** Hours listed among the facts as covered in part by maintenance, the newest; older ones are left out once that is forgotten. */
const MAX_LISTED = 200

/** The windows over which burn rates are looked at, in milliseconds: the pairs of the SRE workbook (chapter 5, table 5-8). */
const BURN_WINDOWS = {
  burn5m: 5 * MINUTE,
  burn30m: 30 * MINUTE,
  burn1h: HOUR,
  burn2h: 2 * HOUR,
  burn6h: 6 * HOUR,
  burn1d: 24 * HOUR,
  burn3d: 72 * HOUR,
} as const

export interface BudgetInput {
  readonly objective: Objective
  readonly series: EventSeries
  /** What of a time is maintenance, in order, without overlaps. */
  readonly maintained: (interval: Interval) => readonly Interval[]
  /** Since when runs are counted by minute, and maintenance is known, in milliseconds. */
  readonly countingSince: number
  readonly maintenanceSince: number
  /** Milliseconds. */
  readonly now: number
}

/** What of one hour counts, and for how long. */
interface CountedHour {
  readonly hour: number
  readonly events: Events
  /** Milliseconds outside of maintenance, up to now. */
  readonly length: number
  /** Milliseconds in maintenance. */
  readonly excluded: number
  /** Maintenance covers a part of it, and what counts of the rest is known. */
  readonly isPartial: boolean
}

/**
 * What an objective's events come to. A budget is time: how long the subject may be bad in the window, maintenance apart. Each hour spends of it what its share
 * of bad events comes to; an hour without events spends nothing and is not observed. Facts that have no events to rest on are left out.
 */
export function objectiveFacts(input: BudgetInput): FactsOf<'slo'> {
  const { objective, now } = input
  const { kind, target, window, limit } = objective
  const hours = countHours(input)
  const settled = Math.floor((now - SETTLE) / HOUR)
  const whole = hours.filter(({ hour }) => hour < settled)
  const [total, bad] = [sumOf(whole, (h) => h.events.total), sumOf(whole, (h) => h.events.bad)]
  const excluded = sumOf(whole, (h) => h.excluded)
  const partial = whole.filter((h) => h.isPartial).slice(-MAX_LISTED)
  const definition = {
    objective: kind,
    target,
    window,
    ...(limit === undefined ? {} : { threshold: Math.round(limit) }),
    excluded,
    ...(partial.length === 0 ? {} : { maintained: partial.map(formatPartial) }),
  }
  return {
    ...definition,
    ...(total === 0 ? {} : { total, good: total - bad }),
    observed: sumOf(whole, (h) => (h.events.total > 0 ? h.length : 0)),
    ...budgetFacts(hours, (1 - target) * (window - excluded)),
    ...burnFacts(input, hours),
  }
}

function budgetFacts(hours: readonly CountedHour[], budget: number): FactsOf<'slo'> {
  if (budget <= 0 || !hours.some(({ events }) => events.total > 0)) return {}
  const spent = sumOf(hours, ({ events, length }) =>
    events.total === 0 ? 0 : (events.bad / events.total) * length,
  )
  // Rounded, so that it is news only when it changes by as much as somebody would notice.
  const budgetRemaining = Math.round((1 - spent / budget) * 1000) / 1000
  return {
    budget: Math.round(budget),
    budgetRemaining,
    budgetLeft: Math.round((budget * budgetRemaining) / 1000) * 1000,
  }
}

function burnFacts(input: BudgetInput, hours: readonly CountedHour[]): FactsOf<'slo'> {
  const facts: { -readonly [K in keyof FactsOf<'slo'>]: FactsOf<'slo'>[K] } = {}
  const allowed = 1 - input.objective.target
  for (const name of Object.keys(BURN_WINDOWS).filter(isBurn)) {
    const { total, bad } = recent(input, hours, BURN_WINDOWS[name])
    if (total === 0) continue
    facts[name] = Math.round((bad / total / allowed) * 10) / 10
    if (name === 'burn1h') facts.bad1h = Math.round(bad)
    if (name === 'burn6h') facts.bad6h = Math.round(bad)
  }
  return facts
}

function isBurn(name: string): name is keyof typeof BURN_WINDOWS {
  return name in BURN_WINDOWS
}

/**
 * Events of the last so many milliseconds. Up to an hour they are counted by minute, once that has been done for so long; beyond by hour, and the
 * hour in which the window begins counts in proportion.
 */
function recent(input: BudgetInput, hours: readonly CountedHour[], nominal: number): Events {
  const { objective, series, countingSince, now } = input
  const length = Math.max(nominal, MIN_EVENTS * objective.spacing)
  const from = now - length
  if (length < HOUR || (length === HOUR && countingSince <= from))
    return series.minutes(Math.floor(from / MINUTE), Math.floor(now / MINUTE) + 1)
  let [total, bad] = [0, 0]
  for (const { hour, events } of hours) {
    const share = Math.min(1, hour + 1 - from / HOUR)
    if (share <= 0) continue
    total += events.total * share
    bad += events.bad * share
  }
  return { total, bad }
}

/** The hours of the window, and those after it that are under way or not settled. */
function countHours({ objective, series, maintained, maintenanceSince, now }: BudgetInput): CountedHour[] {
  const current = Math.floor(now / HOUR)
  const first = Math.floor((now - SETTLE) / HOUR) - objective.window / HOUR
  const exclusions = maintained({ from: first * HOUR, to: now })
  const hours: CountedHour[] = []
  for (let hour = first, next = 0; hour <= current; hour++) {
    const [start, end] = [hour * HOUR, Math.min(now, (hour + 1) * HOUR)]
    while ((exclusions[next]?.to ?? Infinity) <= start) next++
    let excluded = 0
    let begins = Infinity
    for (let i = next; (exclusions[i]?.from ?? Infinity) < end; i++) {
      const { from, to } = exclusions[i] ?? { from: 0, to: 0 }
      excluded += Math.min(to, end) - Math.max(from, start)
      begins = Math.min(begins, from)
    }
    if (excluded === 0)
      hours.push({ hour, events: series.hour(hour), length: end - start, excluded, isPartial: false })
    else {
      const isWhole = excluded >= end - start
      const events = isWhole ? NOTHING : series.partialHour(hour, excluded, begins >= maintenanceSince)
      const length = end - start - excluded
      hours.push({
        hour,
        events: events ?? NOTHING,
        length,
        excluded,
        isPartial: !isWhole && events !== undefined,
      })
    }
  }
  return hours
}

function sumOf(hours: readonly CountedHour[], value: (hour: CountedHour) => number): number {
  return hours.reduce((sum, hour) => sum + value(hour), 0)
}

function formatPartial({ hour, excluded, events: { total, bad } }: CountedHour): string {
  return `${new Date(hour * HOUR).toISOString().slice(0, 13)}Z ${excluded} ${total - bad}/${total}`
}

const PARTIAL = /^(\d{4}-\d{2}-\d{2}T\d{2})Z (\d{1,7}) (\d{1,9})\/(\d{1,9})$/

/** What `maintained` says of an hour; undefined when it is nothing of the sort. */
export function parsePartial(text: string): { hour: number; excluded: number; counted: Events } | undefined {
  const [, start = '', excluded, good, total] = PARTIAL.exec(text) ?? []
  const at = Date.parse(`${start}:00:00Z`)
  if (Number.isNaN(at)) return undefined
  return {
    hour: at / HOUR,
    excluded: Number(excluded),
    counted: { total: Number(total), bad: Math.max(0, Number(total) - Number(good)) },
  }
}
