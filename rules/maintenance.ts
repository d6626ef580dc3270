import { Cron } from 'croner'
import type { Waiver } from '../model/finding.ts'
import type { Problem } from '../model/problem.ts'
import type { MaintenanceConfig } from '../model/slos.ts'
import { toTimestamp } from '../model/time.ts'
import { matchesPattern } from '../model/textPattern.ts'
import { messageOf } from '../model/thrown.ts'
import { listed } from './listed.ts'

/** A time in [from, to), in milliseconds. */
export interface Interval {
  readonly from: number
  readonly to: number
}

/** What maintenance can be about. */
interface Maintained {
  readonly subject: string
  /** Those of its authority or service. */
  readonly tags: ReadonlySet<string>
}

/** One that comes more often is a way to switch alerts off. */
const MAX_A_DAY = 24
const DAY = 86_400_000

/** One entry of the configuration, and when it is. */
class MaintenanceWindow {
  readonly config: MaintenanceConfig
  readonly #cron: Cron | undefined
  /** What `at` found last, as long as it holds. */
  #known: { readonly from: number; readonly until: number; readonly waiver: Waiver | undefined } | undefined

  /** Throws TypeError or RangeError for a cron expression or a time zone that is none. */
  constructor(config: MaintenanceConfig) {
    this.config = config
    if (config.cron === undefined) return
    // Paused: it only computes times.
    this.#cron = new Cron(config.cron, { timezone: config.timezone, paused: true })
  }

  covers({ subject, tags }: Maintained): boolean {
    return (
      this.config.tags.some((tag) => tags.has(tag)) ||
      this.config.subjects.some((pattern) => matchesPattern(pattern, subject))
    )
  }

  /** Begins after `at`, in milliseconds; Infinity when there is none. */
  nextStart(at: number): number {
    const { from = -Infinity } = this.config
    if (this.#cron === undefined) return from > at ? from : Infinity
    return this.#cron.nextRun(new Date(at))?.getTime() ?? Infinity
  }

  /** What of [from, to) it covers, in order. */
  within({ from, to }: Interval): Interval[] {
    const { from: once, to: end, duration = 0 } = this.config
    if (once !== undefined && end !== undefined) return clipped([{ from: once, to: end }], from, to)
    const found: Interval[] = []
    // One that began before may last into it.
    for (let at = this.nextStart(from - duration - 1); at < to; at = this.nextStart(at))
      found.push({ from: at, to: at + duration })
    return clipped(found, from, to)
  }

  /** The waiver that it is at a time, and until when that holds. */
  at(now: number): { readonly until: number; readonly waiver: Waiver | undefined } {
    const known = this.#known
    if (known !== undefined && now >= known.from && now < known.until) return known
    const current = this.#current(now)
    const { owner, reason } = this.config
    this.#known =
      current === undefined
        ? { from: now, until: this.nextStart(now), waiver: undefined }
        : { from: now, until: current.to, waiver: { owner, reason, expires: toTimestamp(current.to) } }
    return this.#known
  }

  #current(now: number): Interval | undefined {
    const { from, to, duration = 0 } = this.config
    if (from !== undefined && to !== undefined) return now >= from && now < to ? { from, to } : undefined
    let current: Interval | undefined
    for (let at = this.nextStart(now - duration); at <= now; at = this.nextStart(at))
      current = { from: at, to: at + duration }
    return current
  }
}

/** When one subject is maintained: all its windows together. */
export class MaintenancePlan {
  readonly #windows: readonly MaintenanceWindow[]

  constructor(windows: readonly MaintenanceWindow[]) {
    this.#windows = windows
  }

  /** What mutes it at a time, the one that lasts longest; and until when to ask no more. */
  at(now: number): { readonly until: number; readonly waiver: Waiver | undefined } {
    let until = Infinity
    let waiver: Waiver | undefined
    for (const window of this.#windows) {
      const own = window.at(now)
      if (own.until < until) until = own.until
      if (own.waiver !== undefined && (waiver === undefined || own.waiver.expires > waiver.expires))
        waiver = own.waiver
    }
    return { until, waiver }
  }

  /** What of [from, to) is maintenance, in order, without overlaps. */
  within(interval: Interval): readonly Interval[] {
    const all = this.#windows.flatMap((window) => window.within(interval)).toSorted((a, b) => a.from - b.from)
    const merged: { from: number; to: number }[] = []
    for (const { from, to } of all) {
      const last = merged.at(-1)
      if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to)
      else merged.push({ from, to })
    }
    return merged
  }
}

/** The maintenance of the configuration. */
export class Maintenance {
  readonly #windows: readonly MaintenanceWindow[]
  /** Thousands of subjects are in the same windows. */
  readonly #plans = new Map<string, MaintenancePlan>()

  /** Throws TypeError or RangeError for a cron expression or a time zone that is none: `checkMaintenance` says which. */
  constructor(configs: readonly MaintenanceConfig[]) {
    this.#windows = configs.map((config) => new MaintenanceWindow(config))
  }

  /** undefined: never. */
  of(subject: Maintained): MaintenancePlan | undefined {
    const covering = this.#windows.flatMap((window, i) => (window.covers(subject) ? [i] : []))
    if (covering.length === 0) return undefined
    const key = covering.join(',')
    const plan =
      this.#plans.get(key) ?? new MaintenancePlan(this.#windows.filter((_, i) => covering.includes(i)))
    this.#plans.set(key, plan)
    return plan
  }
}

/** Everything about maintenance that cannot be meant so. `now` in milliseconds. */
export function checkMaintenance(
  configs: readonly MaintenanceConfig[],
  subjects: readonly Maintained[],
  now: number,
): readonly Problem[] {
  const tags = new Set(subjects.flatMap((subject) => [...subject.tags]))
  return configs.flatMap((config, i) => {
    const problem = (key: string, message: string): Problem => ({
      file: '',
      line: undefined,
      path: [
        'maintenance',
        i,
        ...(key === '' ? [] : key.split('.').map((k) => (/^\d+$/.test(k) ? Number(k) : k))),
      ],
      message,
    })
    const problems = config.subjects.flatMap((pattern, j) =>
      subjects.some(({ subject }) => matchesPattern(pattern, subject))
        ? []
        : [
            problem(
              `subjects.${j}`,
              `no subject "${pattern}" is watched; watched are ${listed(subjects.map((s) => s.subject))}`,
            ),
          ],
    )
    config.tags.forEach((tag, j) => {
      if (!tags.has(tag))
        problems.push(
          problem(
            `tags.${j}`,
            `nothing is tagged "${tag}" in the inventory; tags are ${listed([...tags]) || 'none'}`,
          ),
        )
    })
    const fault = scheduleFault(config, now)
    return fault === undefined ? problems : [...problems, problem('cron', fault)]
  })
}

/** Why a cron expression cannot be used. */
function scheduleFault(config: MaintenanceConfig, now: number): string | undefined {
  const { cron, timezone, duration = 0 } = config
  if (cron === undefined) return undefined
  try {
    const window = new MaintenanceWindow(config)
    let at = window.nextStart(now)
    if (at === Infinity) return `"${cron}" in ${timezone} is not a time that comes: it never comes`
    const first = at
    for (let i = 0; i < MAX_A_DAY && at !== Infinity; i++) {
      const next = window.nextStart(at)
      if (next - at <= duration)
        return `"${cron}" comes again before or when its duration is over: it would never end`
      at = next
    }
    return at - first < DAY ? `expected at most ${MAX_A_DAY} times a day, got "${cron}"` : undefined
  } catch (error) {
    const why = messageOf(error)
    return `"${cron}" in ${timezone} is not a time that comes: ${why}`
  }
}

function clipped(intervals: readonly Interval[], from: number, to: number): Interval[] {
  return intervals
    .map((interval) => ({ from: Math.max(from, interval.from), to: Math.min(to, interval.to) }))
    .filter((interval) => interval.from < interval.to)
}
