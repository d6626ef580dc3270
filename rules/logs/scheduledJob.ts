import { Cron } from 'croner'
import type { Facts, FactsOf } from '../../model/facts.ts'
import type { JobConfig } from '../../model/logSource.ts'
import { fromTimestamp, toTimestamp } from '../../model/time.ts'
import { continued, dueBy, lineOf, readLine, startOf, stepOf, type JobEvent, type JobRun } from './jobRuns.ts'

/** Clocks of others: a run that begins this much before it is due, in milliseconds, is the one that was due. */
const EARLY = 60_000
/** Runs of one job that are followed: of a partitioned one there are many for one time. */
const MAX_RUNS = 200
/** A run whose end is not heard of for this long, in milliseconds, is not waited for: Dagster may have been told to forget it. */
const ABANDONED = 7 * 86_400_000
/** Records that are named as evidence. */
const MAX_RECORDS = 10

/** A time at which the job is due, in milliseconds, and what ran for it, in order. */
interface Slot {
  readonly due: number
  readonly runs: readonly JobRun[]
}

/**
 * One job that is expected to run, by what its log says. A projection, which goes on from its own facts. The newest time that was due is judged as soon as a
 * run of it has begun, or its grace is over; until then the one before.
 */
export class ScheduledJob {
  readonly #job: JobConfig
  readonly #cron: Cron
  /** By id, in the order in which they were heard of. */
  readonly #runs = new Map<string, JobRun>()
  #since: number
  #heard = -Infinity
  #succeeded: boolean | undefined

  /** `started`: what was due before is not judged, in milliseconds, unless the log goes back further. */
  constructor(job: JobConfig, started: number) {
    this.#job = job
    // Paused: it only computes times.
    this.#cron = new Cron(job.cron, { timezone: job.timezone, paused: true })
    this.#since = started
  }

  /** From the facts that it gave last. Events that it knows already change nothing. */
  restore({ job = {} }: Facts): void {
    if (job.since !== undefined) this.#since = fromTimestamp(job.since)
    // That it was missed was seen in a log that went on.
    if (job.state === 'missed' && job.due !== undefined)
      this.#heard = fromTimestamp(job.due) + this.#job.grace + 1
    this.#succeeded = job.succeeded
    for (const line of job.newest ?? []) {
      const run = readLine(line)
      if (run !== undefined) this.#runs.set(run.id, run)
    }
  }

  hear(told: JobEvent): void {
    this.#since = Math.min(this.#since, told.at)
    this.#heard = Math.max(this.#heard, told.at)
    const step = stepOf(this.#job, told)
    if (step === undefined) return
    this.#runs.set(step.id, continued(this.#runs.get(step.id), step))
    this.#forget()
  }

  /** As of `now`, in milliseconds; the same again as long as nothing is due and nothing is heard that matters. */
  facts(now: number): FactsOf<'job'> {
    const { cron, timezone, grace, max_duration: maxDuration } = this.#job
    const slots = this.#slots(now)
    const running = [...this.#runs.values()].filter((run) => this.#counts(run) && isRunning(run))
    const newest = new Set([...slots.flatMap(({ runs }) => runs), ...running])
    for (const { runs } of slots.toReversed()) this.#succeeded = succeeded(runs) ?? this.#succeeded
    return {
      schedule: `${cron} ${timezone}`,
      since: toTimestamp(this.#since),
      grace,
      ...(maxDuration === undefined ? {} : { maxDuration }),
      ...this.#judged(slots, now),
      ...(running.length === 0 ? {} : { runningSince: toTimestamp(firstStart(running)) }),
      ...(this.#succeeded === undefined ? {} : { succeeded: this.#succeeded }),
      newest: [...newest].map(lineOf),
    }
  }

  #judged(slots: readonly Slot[], now: number): FactsOf<'job'> {
    const { grace } = this.#job
    const slot = slots.find(({ due, runs }) => runs.length > 0 || (due >= this.#since && now > due + grace))
    if (slot === undefined) return { state: 'waiting', runs: 0 }
    const { due, runs } = slot
    const judged = { due: toTimestamp(due), runs: runs.length }
    if (runs.length === 0) return { ...judged, state: this.#heard > due + grace ? 'missed' : 'silent' }
    const started = firstStart(runs)
    const durations = runs.flatMap((run) => durationOf(run) ?? [])
    return {
      ...judged,
      state: stateOf(runs),
      repeated: repeated(runs),
      started: toTimestamp(started),
      late: Math.max(0, started - due),
      ...(durations.length === 0 ? {} : { duration: Math.max(...durations) }),
      records: runs.slice(-MAX_RECORDS).map(({ record }) => record),
    }
  }

  /** The two newest times that were due, the newest first; before them the next one, where a run has begun a little before its time. */
  #slots(now: number): readonly Slot[] {
    const dues = this.#cron.previousRuns(2, new Date(now + 1)).map((date) => date.getTime())
    const [newest = -Infinity, before = -Infinity] = dues
    const next = this.#cron.nextRun(new Date(now))?.getTime()
    const early = Math.min(EARLY, (newest - before) / 4)
    this.#drop({ before: Math.min(newest, before) - early, now })
    const times = [...(next === undefined ? [] : [next]), ...dues]
    const slots = times.map((due, i) => {
      const [from, to] = [due - early, (times[i - 1] ?? Infinity) - early]
      const runs = [...this.#runs.values()].filter((run) => {
        const at = dueBy(run)
        return at !== undefined && at >= from && at < to && this.#counts(run)
      })
      return { due, runs: runs.toSorted((a, b) => (startOf(a) ?? 0) - (startOf(b) ?? 0)) }
    })
    return slots.filter(({ due, runs }) => due <= now || runs.length > 0)
  }

  #counts({ kind, schedule }: JobRun): boolean {
    const { schedule: wanted } = this.#job
    return wanted === undefined || (kind !== 'unsaid' && schedule === wanted)
  }

  /** Runs that are over and began before the times that matter. */
  #drop({ before, now }: { readonly before: number; readonly now: number }): void {
    for (const [id, run] of this.#runs) {
      const at = dueBy(run)
      if (at === undefined) continue
      if (isRunning(run) ? now - at > ABANDONED : at < before) this.#runs.delete(id)
    }
  }

  /** Not the first one: it says when the job began. */
  #forget(): void {
    const [, second] = this.#runs.keys()
    if (this.#runs.size > MAX_RUNS && second !== undefined) this.#runs.delete(second)
  }
}

function isRunning({ started, ended }: JobRun): boolean {
  return started !== undefined && ended === undefined
}

function firstStart(runs: readonly JobRun[]): number {
  return Math.min(...runs.map((run) => startOf(run) ?? Infinity))
}

function durationOf({ started, ended }: JobRun): number | undefined {
  return started === undefined || ended === undefined ? undefined : Math.max(0, ended - started)
}

function stateOf(runs: readonly JobRun[]): string {
  if (runs.some(isRunning)) return 'running'
  const isGood = succeeded(runs)
  return isGood === undefined ? 'ran' : isGood ? 'succeeded' : 'failed'
}

/** Of each partition the run that began last counts. undefined: there is none, one of them goes on, or does not say how it ended. */
function succeeded(runs: readonly JobRun[]): boolean | undefined {
  const last = [...new Map(runs.map((run) => [run.partition, run])).values()]
  if (last.length === 0 || runs.some(isRunning)) return undefined
  if (last.some(({ outcome }) => outcome === 'failure')) return false
  return last.every(({ outcome }) => outcome === 'success') ? true : undefined
}

/** Runs of what was run already. */
function repeated(runs: readonly JobRun[]): number {
  const own = runs.filter(({ kind }) => kind === 'own')
  return own.length - new Set(own.map(({ partition }) => partition)).size
}
