import type { FactsOf } from '../../model/facts.ts'
import type { Interval } from '../maintenance.ts'
import { HOUR, MINUTE, type Events, type EventSeries } from './eventSeries.ts'
import type { Objective } from './objective.ts'

/** Runs are journaled a moment after they ended: an hour is whole only so many milliseconds after its end. */
const SETTLE = 2 * MINUTE

const DAY_HOURS = 24

/** A window holds at least so many events of a target that is well: below two, one bad run is everything. */
const MIN_EVENTS = 2

/** Hours listed among the facts as covered in part by maintenance, the newest; older ones are left out once that is forgotten. */
const MAX_LISTED = 200

/** The windows over which burn rates are looked at, in milliseconds: the pairs of the SRE workbook (chapter 5, table 5-8). */
const BURN_WINDOWS = [
  ['burn5m', 5 * MINUTE],
  ['burn30m', 30 * MINUTE],
  ['burn1h', HOUR],
  ['burn2h', 2 * HOUR],
  ['burn6h', 6 * HOUR],
  ['burn1d', 24 * HOUR],
  ['burn3d', 72 * HOUR],
] as const

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

/**
 * What an objective's events come to. A budget is time: how long the subject may be bad in the window, maintenance apart. Each hour spends of it what its share
 * of bad events comes to; an hour without events spends nothing and is not observed. Facts that have no events to rest on are left out. Plain counts change with every
 * run, so they are of whole days: what is well then makes one record a day, which the other evaluations repeat.
 */
export function objectiveFacts(input: BudgetInput): FactsOf<'slo'> {
  const { kind, target, window, limit } = input.objective
  const hours = new HourReader(input)
  let [total, bad, excluded, observed, spent, seen] = [0, 0, 0, 0, 0, 0]
  const partial: string[] = []
  for (let hour = hours.firstOfDays; hour <= hours.current; hour++) {
    hours.read(hour)
    if (hour < hours.endOfDays) {
      total += hours.total
      bad += hours.bad
      if (hours.total > 0) observed += hours.length
    }
    if (hour < hours.first) continue
    seen += hours.total
    if (hours.bad > 0) spent += (hours.bad / hours.total) * hours.length
    if (hour >= hours.settled) continue
    excluded += hours.excluded
    if (hours.isPartial) partial.push(hours.partial(hour))
  }
  return {
    objective: kind,
    target,
    window,
    ...(limit === undefined ? {} : { threshold: Math.round(limit) }),
    excluded,
    ...(partial.length === 0 ? {} : { maintained: partial.slice(-MAX_LISTED) }),
    ...(total === 0 ? {} : { total, good: total - bad }),
    observed,
    ...(seen === 0 ? {} : budgetFacts((1 - target) * (window - excluded), spent)),
    ...burnFacts(input, hours),
  }
}

/** Both in milliseconds. */
function budgetFacts(budget: number, spent: number): FactsOf<'slo'> {
  if (budget <= 0) return {}
  // Rounded, so that it is news only when it changes by as much as somebody would notice.
  const budgetRemaining = Math.round((1 - spent / budget) * 1000) / 1000
  return {
    budget: Math.round(budget),
    budgetRemaining,
    budgetLeft: Math.round((budget * budgetRemaining) / 1000) * 1000,
  }
}

function burnFacts(input: BudgetInput, hours: HourReader): FactsOf<'slo'> {
  const facts: { -readonly [K in keyof FactsOf<'slo'>]: FactsOf<'slo'>[K] } = {}
  const allowed = 1 - input.objective.target
  for (const [name, length] of BURN_WINDOWS) {
    const { total, bad } = recent(input, hours, length)
    if (total === 0) continue
    facts[name] = Math.round((bad / total / allowed) * 10) / 10
    if (name === 'burn1h') facts.bad1h = Math.round(bad)
    if (name === 'burn6h') facts.bad6h = Math.round(bad)
  }
  return facts
}

/**
 * Events of the last so many milliseconds. Up to an hour they are counted by minute, once that has been done for so long; beyond by hour, and the
 * hour in which the window begins counts in proportion.
 */
function recent(input: BudgetInput, hours: HourReader, nominal: number): Events {
  const { objective, series, countingSince, now } = input
  const length = Math.max(nominal, MIN_EVENTS * objective.spacing)
  const from = now - length
  if (length < HOUR || (length === HOUR && countingSince <= from))
    return series.minutes(Math.floor(from / MINUTE), Math.floor(now / MINUTE) + 1)
  let [total, bad] = [0, 0]
  for (let hour = Math.floor(from / HOUR); hour <= hours.current; hour++) {
    const share = Math.min(1, hour + 1 - from / HOUR)
    hours.read(hour)
    total += hours.total * share
    bad += hours.bad * share
  }
  return { total, bad }
}

/** What counts of one hour after the other. Filled in place: there are 720 of them for each of tens of thousands of objectives, every minute. */
class HourReader {
  /** Numbers of hours since the epoch: the first of the window's whole days, and after the last of them, */
  readonly firstOfDays: number
  readonly endOfDays: number
  /** in which the window begins, after the last whole one, under way. */
  readonly first: number
  readonly settled: number
  readonly current: number
  /** Of the hour that was read: its events, */
  total = 0
  bad = 0
  /** its milliseconds outside of maintenance up to now, those in it, */
  length = 0
  excluded = 0
  /** and whether maintenance covers a part of it, and what counts of the rest is known. */
  isPartial = false
  readonly #input: BudgetInput
  /** By hour, where there is any: how many milliseconds, and since when. */
  readonly #maintained: ReadonlyMap<number, { readonly excluded: number; readonly begins: number }>

  constructor(input: BudgetInput) {
    const { now, objective, maintained } = input
    this.#input = input
    this.current = Math.floor(now / HOUR)
    this.settled = Math.floor((now - SETTLE) / HOUR)
    this.first = this.settled - objective.window / HOUR
    this.endOfDays = Math.floor(this.settled / DAY_HOURS) * DAY_HOURS
    this.firstOfDays = this.endOfDays - objective.window / HOUR
    this.#maintained = byHour(maintained({ from: this.firstOfDays * HOUR, to: now }))
  }

  read(hour: number): void {
    const { series, now, maintenanceSince } = this.#input
    const span = hour === this.current ? now - hour * HOUR : HOUR
    const maintained = this.#maintained.get(hour)
    this.excluded = maintained?.excluded ?? 0
    this.length = span - this.excluded
    this.isPartial = false
    if (maintained === undefined) {
      this.total = series.total(hour)
      this.bad = series.bad(hour)
      return
    }
    const { excluded, begins } = maintained
    const events =
      this.length <= 0 ? undefined : series.partialHour(hour, excluded, begins >= maintenanceSince)
    this.total = events?.total ?? 0
    this.bad = events?.bad ?? 0
    this.isPartial = events !== undefined
  }

  /** How `maintained` names the hour that was read. */
  partial(hour: number): string {
    return `${new Date(hour * HOUR).toISOString().slice(0, 13)}Z ${this.excluded} ${this.total - this.bad}/${this.total}`
  }
}

function byHour(intervals: readonly Interval[]): Map<number, { excluded: number; begins: number }> {
  const hours = new Map<number, { excluded: number; begins: number }>()
  for (const { from, to } of intervals) {
    for (let hour = Math.floor(from / HOUR); hour * HOUR < to; hour++) {
      const known = hours.get(hour)
      const excluded = Math.min(to, (hour + 1) * HOUR) - Math.max(from, hour * HOUR)
      hours.set(hour, { excluded: (known?.excluded ?? 0) + excluded, begins: known?.begins ?? from })
    }
  }
  return hours
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
