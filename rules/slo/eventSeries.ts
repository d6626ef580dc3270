import { DURATION_BUCKETS, bucketBound, durationBucket } from '../../model/durationBuckets.ts'
import type { RollUp } from '../../store/contract.ts'
import type { Objective } from './objective.ts'

export const HOUR = 3_600_000
export const MINUTE = 60_000

/** Minutes that are counted each for itself: an hour of them, the one under way, and the one in which the hour began. */
const MINUTES = 62
/** More events in an hour or minute than this are counted as this: 18 a second. */
const MAX_COUNT = 65_535

/** Events, and how many of them were bad. */
export interface Events {
  readonly total: number
  readonly bad: number
}

/** One run, as far as objectives are concerned. Milliseconds. */
export interface EventRun {
  readonly start: number
  readonly duration: number
  readonly failed: boolean
}

/** What counts of an hour that maintenance covers in part. */
interface Partial {
  /** How much of the hour is excluded, in milliseconds. */
  readonly excluded: number
  readonly counted: Events
}

/**
 * The events of one objective: by hour for its window, by minute for the last hour. An hour holds everything, and beside it what maintenance excludes;
 * a minute only what counts. Some kilobytes each, as there may be tens of thousands.
 */
export class EventSeries {
  /** The first bucket of slow runs; undefined: only the outcome counts. */
  readonly #slow: number | undefined
  readonly #hours: Counters
  readonly #minutes = new Counters(MINUTES)
  readonly #excluded = new Map<number, Events>()
  readonly #partial = new Map<number, Partial>()

  constructor({ kind, limit, window }: Pick<Objective, 'kind' | 'limit' | 'window'>) {
    // Beside the window the day, and the hours, that are under way or not settled.
    this.#hours = new Counters(window / HOUR + 27)
    this.#slow = kind === 'latency' && limit !== undefined ? slowBucket(limit) : undefined
  }

  /** `maintained`: it started in a time that counts for nothing. */
  add(run: EventRun, maintained: boolean): void {
    const events = this.#eventsOf(run)
    const hour = Math.floor(run.start / HOUR)
    this.#hours.add(hour, events)
    if (maintained) this.#excluded.set(hour, sum(this.#excluded.get(hour) ?? NOTHING, events))
    else this.#minutes.add(Math.floor(run.start / MINUTE), events)
  }

  /** The newest run before a restart, which is among the hours already: short windows go on from it. */
  recall(run: EventRun): void {
    this.#minutes.add(Math.floor(run.start / MINUTE), this.#eventsOf(run))
  }

  /** An hour, or the part of one, as the store counted it. */
  restore(rollUp: RollUp): void {
    const events = this.#slow === undefined ? outcomesOf(rollUp) : latenciesOf(rollUp, this.#slow)
    this.#hours.add(Math.floor(Date.parse(rollUp.hour) / HOUR), events)
  }

  /** What counts of an hour that maintenance covers in part, as it was worked out when that could still be told. */
  settle(hour: number, partial: Partial): void {
    this.#partial.set(hour, partial)
  }

  /** Maintenance is at other times now: what was excluded until here says nothing any more. */
  forgetExcluded(): void {
    this.#excluded.clear()
  }

  /** Forgets what lies before this hour. */
  prune(hour: number): void {
    for (const map of [this.#excluded, this.#partial])
      for (const held of map.keys()) if (held < hour) map.delete(held)
  }

  /** Everything in an hour, by its number since the epoch. */
  total(hour: number): number {
    return this.#hours.total(hour)
  }

  bad(hour: number): number {
    return Math.min(this.#hours.bad(hour), this.#hours.total(hour))
  }

  /**
   * What counts of an hour of which maintenance excludes so many milliseconds. undefined: that cannot be told any more. `known`: maintenance was known
   * before it began.
   */
  partialHour(hour: number, excluded: number, known: boolean): Events | undefined {
    const settled = this.#partial.get(hour)
    if (settled?.excluded === excluded) return settled.counted
    if (!known) return undefined
    const out = this.#excluded.get(hour) ?? NOTHING
    return bounded({ total: this.#hours.total(hour) - out.total, bad: this.#hours.bad(hour) - out.bad })
  }

  /** Events outside of maintenance in the minutes [from, to), of the last hour only. */
  minutes(from: number, to: number): Events {
    let [total, bad] = [0, 0]
    for (let minute = Math.max(from, to - MINUTES); minute < to; minute++) {
      total += this.#minutes.total(minute)
      bad += this.#minutes.bad(minute)
    }
    return bounded({ total, bad })
  }

  #eventsOf(run: EventRun): Events {
    return this.#slow === undefined ? outcomeOf(run) : latencyOf(run, this.#slow)
  }
}

/** Counts by number of an hour or a minute; a new one takes the place of the oldest. */
class Counters {
  readonly #held: Int32Array
  readonly #totals: Uint16Array
  /** There are few: most of the time nothing is bad. */
  readonly #bad = new Map<number, number>()

  constructor(size: number) {
    this.#held = new Int32Array(size)
    this.#totals = new Uint16Array(size)
  }

  add(at: number, { total, bad }: Events): void {
    const slot = at % this.#held.length
    const held = this.#held[slot] ?? 0
    // Recorded too late to matter.
    if (held > at) return
    if (held < at) {
      this.#bad.delete(held)
      this.#held[slot] = at
      this.#totals[slot] = 0
    }
    this.#totals[slot] = Math.min(MAX_COUNT, (this.#totals[slot] ?? 0) + total)
    if (bad > 0) this.#bad.set(at, Math.min(MAX_COUNT, (this.#bad.get(at) ?? 0) + bad))
  }

  total(at: number): number {
    const slot = at % this.#held.length
    return this.#held[slot] === at ? (this.#totals[slot] ?? 0) : 0
  }

  bad(at: number): number {
    return this.#bad.size === 0 ? 0 : (this.#bad.get(at) ?? 0)
  }
}

const NOTHING: Events = { total: 0, bad: 0 }

function sum(a: Events, b: Events): Events {
  return { total: a.total + b.total, bad: a.bad + b.bad }
}

/** Slow runs may be failed ones, which are no events of latency: there are never more bad events than events. */
function bounded({ total, bad }: Events): Events {
  return { total: Math.max(0, total), bad: Math.max(0, Math.min(bad, total)) }
}

function outcomeOf({ failed }: EventRun): Events {
  return { total: 1, bad: failed ? 1 : 0 }
}

function outcomesOf({ runs, failures }: RollUp): Events {
  return { total: runs, bad: failures }
}

function slowBucket(limit: number): number {
  for (let i = 0; i < DURATION_BUCKETS; i++) if (bucketBound(i) >= limit) return i + 1
  return DURATION_BUCKETS
}

/**
 * Events of latency are the runs that succeed; a failed one counts for availability. Roll-ups don't tell how long the failed ones took, so those of them
 * that were slow count as slow: latency is never shown better than it was.
 */
function latencyOf({ duration, failed }: EventRun, slow: number): Events {
  return { total: failed ? 0 : 1, bad: durationBucket(duration) >= slow ? 1 : 0 }
}

function latenciesOf({ runs, failures, buckets }: RollUp, slow: number): Events {
  return { total: runs - failures, bad: buckets.slice(slow).reduce((n, count) => n + count, 0) }
}
