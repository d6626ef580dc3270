import { durationBucket, durationPercentile, DURATION_BUCKETS } from '../model/durationBuckets.ts'
import type { Observation, Phase } from '../model/observation.ts'
import type { RecordId } from '../model/recordId.ts'
import { toTimestamp } from '../model/time.ts'
import { clip, listing } from './listing.ts'
import { percent } from './period.ts'
import type { Period } from './period.ts'
import type { ReportSubject } from './schema.ts'
import { SlotSeries } from './slots.ts'
import type { TimeAxis } from './slots.ts'

/** Error codes listed for a target; the vocabulary of a probe kind is closed and smaller. */
const MAX_CODES = 50
const MAX_TEXT = 500

interface Moment {
  at: number
  record: RecordId
}

interface FailureCount {
  phase: Phase
  code: string
  message: string
  runs: number
  first: Moment
  last: Moment
}

/** Runs of one target in the period. */
export class TargetRuns {
  readonly subject: string
  readonly probe: Observation['probe']
  readonly target: string
  readonly vantage: string
  readonly buckets = new Float64Array(DURATION_BUCKETS)
  readonly failed = new Map<string, FailureCount>()
  readonly series: SlotSeries
  runs = 0
  failures = 0
  longest = 0
  first: Moment | undefined
  last: Moment | undefined
  /** Longest time between the starts of two runs. */
  silence: { from: number; to: number } | undefined
  owner: string | undefined
  authorityClass: string | undefined

  constructor(observation: Observation, axis: TimeAxis) {
    this.subject = observation.subject
    this.probe = observation.probe
    this.target = observation.target
    this.vantage = observation.vantage
    this.series = new SlotSeries(axis)
  }

  /** `observation` is the full one that this run made or repeated; `record` holds the run. */
  add(at: number, duration: number, observation: Observation, record: RecordId): void {
    const failed = observation.outcome === 'failure'
    this.runs++
    if (failed) this.#addFailure(at, observation, record)
    const bucket = durationBucket(duration)
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1
    if (duration > this.longest) this.longest = duration
    this.series.add(at, duration, failed)
    if (this.last !== undefined) this.#noteSilence(this.last.at, at)
    this.first ??= { at, record }
    if (this.last === undefined || at >= this.last.at) this.last = { at, record }
    this.owner = observation.facts.service?.owner ?? this.owner
    this.authorityClass = observation.facts.authority?.class ?? this.authorityClass
  }

  /** Takes in the time before the first and after the last run. */
  close(covered: Period): void {
    this.#noteSilence(covered.from, this.first?.at ?? covered.to)
    if (this.last !== undefined) this.#noteSilence(this.last.at, covered.to)
  }

  #addFailure(at: number, { error }: Observation, record: RecordId): void {
    this.failures++
    if (error === undefined) return
    const key = `${error.phase} ${error.code}`
    const known = this.failed.get(key)
    if (known !== undefined) {
      known.runs++
      if (at >= known.last.at) known.last = { at, record }
    } else if (this.failed.size < MAX_CODES) {
      const { phase, code, message } = error
      const moment = { at, record }
      this.failed.set(key, { phase, code, message, runs: 1, first: moment, last: moment })
    }
  }

  #noteSilence(from: number, to: number): void {
    const longest = this.silence === undefined ? 0 : this.silence.to - this.silence.from
    if (to - from > longest) this.silence = { from, to }
  }
}

type Figures = Pick<
  ReportSubject,
  'runs' | 'failures' | 'availability' | 'duration' | 'first' | 'last' | 'longestUnobserved'
>

/** The figures of several targets together; of one, when there is one. */
export function figures(targets: readonly TargetRuns[]): Figures {
  const buckets = new Float64Array(DURATION_BUCKETS)
  let [runs, failures, longest] = [0, 0, 0]
  let first: Moment | undefined
  let last: Moment | undefined
  let silence: { from: number; to: number } | undefined
  for (const t of targets) {
    runs += t.runs
    failures += t.failures
    longest = Math.max(longest, t.longest)
    t.buckets.forEach((n, i) => (buckets[i] = (buckets[i] ?? 0) + n))
    if (t.first !== undefined && (first === undefined || t.first.at < first.at)) first = t.first
    if (t.last !== undefined && (last === undefined || t.last.at > last.at)) last = t.last
    if (
      t.silence !== undefined &&
      (silence === undefined || t.silence.to - t.silence.from > silence.to - silence.from)
    )
      silence = t.silence
  }
  const percentile = (p: number) => milliseconds(durationPercentile(buckets, p, longest) ?? 0)
  return {
    runs,
    failures,
    availability: runs === 0 ? null : percent(runs - failures, runs),
    duration:
      runs === 0
        ? null
        : {
            p50: percentile(0.5),
            p95: percentile(0.95),
            p99: percentile(0.99),
            longest: milliseconds(longest),
          },
    first: moment(first),
    last: moment(last),
    longestUnobserved:
      silence === undefined
        ? null
        : {
            from: toTimestamp(silence.from),
            to: toTimestamp(silence.to),
            duration: silence.to - silence.from,
          },
  }
}

export function targetEntry(target: TargetRuns): ReportSubject['targets']['items'][number] {
  const failed = [...target.failed.values()].sort(
    (a, b) => b.runs - a.runs || (a.phase + a.code < b.phase + b.code ? -1 : 1),
  )
  return {
    ...figures([target]),
    probe: target.probe,
    target: clip(target.target, MAX_TEXT),
    vantage: clip(target.vantage, MAX_TEXT),
    failed: listing(
      failed.map(({ phase, code, message, runs, first, last }) => ({
        phase,
        code: clip(code, MAX_TEXT),
        message: clip(message, MAX_TEXT),
        runs,
        first: { time: toTimestamp(first.at), record: first.record },
        last: { time: toTimestamp(last.at), record: last.record },
      })),
      MAX_CODES,
    ),
  }
}

/** Durations in a report: milliseconds with one decimal. */
export function milliseconds(ms: number): number {
  return Math.round(ms * 10) / 10
}

function moment(m: Moment | undefined): { time: string; record: string } | null {
  return m === undefined ? null : { time: toTimestamp(m.at), record: m.record }
}
