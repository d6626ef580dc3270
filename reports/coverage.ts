import type { SealedRecord } from '../model/record.ts'
import type { RecordId } from '../model/recordId.ts'
import { toTimestamp } from '../model/time.ts'
import { BoundedList, clip } from './listing.ts'
import type { Listing } from './listing.ts'
import { instant, overlap, percent, within } from './period.ts'
import type { Period } from './period.ts'
import type { Report, ReportGap } from './schema.ts'

/** vigil ticks every 10 s by default: without tick and run for 5 minutes it was not watching. */
export const DEFAULT_SILENCE_MS = 5 * 60_000

/** A clock that went back less than this was corrected, not wrong (the order of records is the journal's anyway). */
const CLOCK_STEP_MS = 1000

const MAX_GAPS = 200
const MAX_EPOCHS = 50
const MAX_RECORDS = 20
const MAX_TEXT = 2000

/** Ticks remembered to say when a verdict was last judged: decisions are journaled a moment after what caused them. */
const TICKS_KEPT = 32

/** What of the period vigil really watched, told from its ticks and runs. */
export class Coverage {
  readonly #period: Period
  readonly #silence: number
  readonly #gaps = new BoundedList<ReportGap>(MAX_GAPS)
  readonly #epochs = new BoundedList<Report['completeness']['epochs']['items'][number]>(MAX_EPOCHS)
  readonly #clockSteps = new BoundedList<RecordId>(MAX_RECORDS)
  readonly #unresolved = new BoundedList<RecordId>(MAX_RECORDS)
  readonly #ticks: number[] = []
  #started = false
  #missing = 0
  #longestStep = 0
  #begin: { at: number; record: RecordId } | undefined
  #end: { at: number; record: RecordId } | undefined
  /** The newest sign of life. */
  #last: { at: number; record: RecordId } | undefined
  #stopped = false

  constructor(period: Period, silence: number) {
    this.#period = period
    this.#silence = silence
  }

  /** Every record, in order, before it is looked at. */
  addRecord({ recorded, id }: SealedRecord): void {
    const at = instant(recorded, this.#end?.at ?? 0)
    this.#begin ??= { at, record: id }
    this.#last ??= { at, record: id }
    const back = (this.#end?.at ?? at) - at
    if (back > CLOCK_STEP_MS && within(this.#period, at)) {
      this.#clockSteps.add(() => id)
      this.#longestStep = Math.max(this.#longestStep, back)
    }
    if (back <= 0) this.#end = { at, record: id }
  }

  addTick(record: SealedRecord & { kind: 'tick' }): void {
    const at = instant(record.time, this.#end?.at ?? 0)
    const { reason } = record.body
    this.#ticks.push(at)
    if (this.#ticks.length > TICKS_KEPT) this.#ticks.shift()
    if (reason === 'start' && this.#started && this.#last !== undefined) {
      this.#addGap(this.#stopped ? 'stopped' : 'crashed', this.#last, { at, record: record.id })
      this.#last = { at, record: record.id }
    } else {
      this.addActivity(at, record.id)
    }
    this.#started = true
    this.#stopped = reason === 'stop'
  }

  addActivity(at: number, record: RecordId): void {
    if (this.#last !== undefined) {
      if (at <= this.#last.at) return
      if (at - this.#last.at > this.#silence) this.#addGap('silent', this.#last, { at, record })
    }
    this.#last = { at, record }
  }

  addEpoch(record: SealedRecord & { kind: 'epoch' }): void {
    if (!within(this.#period, instant(record.recorded, 0))) return
    const { reason, previous } = record.body
    this.#epochs.add(() => ({
      time: record.recorded,
      record: record.id,
      reason,
      previous: previous === null ? null : clip(previous, MAX_TEXT),
    }))
  }

  addUnresolved(record: RecordId): void {
    this.#unresolved.add(() => record)
  }

  /** Ticks up to `at`, newest first: times at which every rule was judged. */
  ticksUpTo(at: number): number[] {
    return this.#ticks.filter((t) => t <= at).reverse()
  }

  /** The part of the period that the journal covers. */
  covered(): Period | undefined {
    if (this.#begin === undefined || this.#end === undefined) return undefined
    const from = Math.max(this.#period.from, this.#begin.at)
    // The last record itself is covered: [from, to) ends after it.
    const to = Math.min(this.#period.to, this.#end.at + 1)
    return from < to ? { from, to } : undefined
  }

  report(): Report['completeness'] {
    const { from, to } = this.#period
    const outside = new BoundedList<ReportGap>(2)
    const covered = this.covered()
    if (covered === undefined || this.#begin === undefined || this.#end === undefined) {
      this.#missing = to - from
      const kind = this.#end !== undefined && this.#end.at < from ? 'after_end' : 'before_start'
      outside.add(() => gap(kind, from, to, []))
    } else {
      const last = this.#last ?? this.#begin
      if (this.#end.at - last.at > this.#silence) this.#addGap('silent', last, this.#end)
      if (covered.from > from) {
        const { record } = this.#begin
        this.#missing += covered.from - from
        outside.add(() => gap('before_start', from, covered.from, [record]))
      }
      if (covered.to < to) {
        const { record } = this.#end
        this.#missing += to - covered.to
        outside.add(() => gap('after_end', covered.to, to, [record]))
      }
    }
    const observed = Math.max(0, to - from - this.#missing)
    return {
      period: to - from,
      observed,
      percent: percent(observed, to - from),
      gaps: join(this.#gaps.list(), outside.list()),
      epochs: this.#epochs.list(),
      clockSteps: { records: this.#clockSteps.list(), longest: this.#longestStep },
      unresolved: this.#unresolved.list(),
    }
  }

  #addGap(
    kind: ReportGap['kind'],
    last: { at: number; record: RecordId },
    next: { at: number; record: RecordId },
  ): void {
    const lost = overlap(this.#period, last.at, next.at)
    if (lost === 0) return
    this.#missing += lost
    const [from, to] = [Math.max(last.at, this.#period.from), Math.min(next.at, this.#period.to)]
    this.#gaps.add(() => gap(kind, from, to, [last.record, next.record]))
  }
}

function gap(kind: ReportGap['kind'], from: number, to: number, records: RecordId[]): ReportGap {
  return { kind, from: toTimestamp(from), to: toTimestamp(to), duration: to - from, records }
}

function join(inside: Listing<ReportGap>, outside: Listing<ReportGap>): Listing<ReportGap> {
  const items = [...inside.items, ...outside.items].sort((a, b) => (a.from < b.from ? -1 : 1))
  return { total: inside.total + outside.total, more: inside.more, items }
}
