import { isDeepStrictEqual } from 'node:util'
import type { Finding } from '../model/finding.ts'
import type { SealedRecord } from '../model/record.ts'
import type { RecordId } from '../model/recordId.ts'
import { fromTimestamp } from '../model/time.ts'
import type { Stored } from '../store/contract.ts'
import { RuleEngine, type RuleEngineOptions } from './engine.ts'
import { LatestRuns } from './latestRuns.ts'

// The decisions that a journal holds, made once more from its other records. An engine is given every record as the running vigil gave it to its own: it begins
// anew where vigil started, takes over a configuration where the record of it stands, and knows no other clock than the records.

/** Milliseconds between a record and the decision that follows from it, at most: what is nearer to the end of a run may have been lost with the process. */
const MAX_DELAY = 60_000
/** The same where vigil was stopped, for which it takes no longer. */
const STOP_DELAY = 5000
/** Milliseconds of the beginning of a journal whose beginning is gone that are not compared: until then every target is recorded in full once. */
const SETTLING = 25 * 3_600_000
/** Differences that are named; more are counted. */
const MAX_NAMED = 100

/**
 * - `differs`: it was decided, and otherwise
 * - `missing`: it follows from the records, and stands nowhere
 * - `extra`: it stands there, and does not follow
 */
export interface DecisionDifference {
  readonly kind: 'differs' | 'missing' | 'extra'
  readonly rule: string
  readonly subject: string
  /** The decision; of a missing one the record that it follows from. */
  readonly record: RecordId
  /** What is not as it was, in order; of a missing or extra one its state and summary. */
  readonly members: readonly MemberDifference[]
}

export interface MemberDifference {
  readonly member: string
  /** undefined: not there. */
  readonly recorded: unknown
  readonly recomputed: unknown
}

export interface DecisionReport {
  /** Decisions that were made again, and of them those that are the same. */
  readonly compared: number
  readonly same: number
  readonly differs: number
  readonly missing: number
  readonly extra: number
  /** Decisions that nothing could be said about: their configuration is not known, or what was before is gone. */
  readonly unjudged: number
  /** Decisions that follow from the last minute before a run ended, and were not journaled any more: a crash, or the end of the journal. */
  readonly cutOff: number
  readonly starts: number
  readonly reloads: number
  /** In the order of the journal, the first hundred. */
  readonly differences: readonly DecisionDifference[]
}

/** A decision that follows from records, and must come by. */
interface Expected {
  readonly key: string
  readonly finding: Finding
  /** The newest record that was known when it was made. */
  readonly cause: { readonly id: RecordId; readonly recorded: number }
}

/** Feed it the journal in order. It grows with targets, rules and subjects, not with records. */
export class DecisionReplay {
  /** By the record; undefined: it cannot be used. */
  readonly #configurations = new Map<RecordId, RuleEngineOptions | undefined>()
  readonly #runs = new LatestRuns()
  /** The newest decision of every rule and subject, as it follows. */
  readonly #decided = new Map<string, Stored<Finding>>()
  #engine: RuleEngine | undefined
  #starting: { readonly options: RuleEngineOptions | undefined } | undefined
  #expected: Expected[] = []
  #held: readonly SealedRecord[] | undefined
  #last = -Infinity
  /** The run under way ends in order. */
  #isStopped = false
  /** From when on it is compared, in milliseconds. */
  #from: number | undefined
  /** When the oldest record that is left of a journal without its beginning was journaled, in milliseconds. */
  #left = -Infinity
  /** What follows and did not come by, of rules and subjects whose decision may be gone: it is told again later, or replaced. */
  readonly #unheard = new Map<string, Expected>()
  readonly #counts = {
    compared: 0,
    same: 0,
    differs: 0,
    missing: 0,
    extra: 0,
    unjudged: 0,
    cutOff: 0,
    starts: 0,
    reloads: 0,
  }
  readonly #differences: DecisionDifference[] = []

  /** What a configuration record puts in force; undefined: it cannot be used. Before the batch with that record. */
  configure(record: RecordId, options: RuleEngineOptions | undefined): void {
    this.#configurations.set(record, options)
  }

  /** One entry of the journal. */
  add(batch: readonly SealedRecord[]): void {
    if (this.#held !== undefined) this.#process(this.#held, batch[0])
    this.#held = batch
  }

  /** After the last entry. */
  end(): DecisionReport {
    if (this.#held !== undefined) this.#process(this.#held, undefined)
    this.#held = undefined
    this.#endRun()
    for (const one of this.#unheard.values()) this.#nameMissing(one)
    return { ...this.#counts, differences: this.#differences }
  }

  #process(batch: readonly SealedRecord[], next: SealedRecord | undefined): void {
    let part: SealedRecord[] = []
    for (const [i, record] of batch.entries()) {
      if (record.kind === 'configuration') {
        this.#apply(part)
        part = []
        this.#configured(record, batch[i + 1] ?? next)
      }
      if (this.#starting !== undefined && isStart(record)) {
        this.#apply([...part, record])
        part = []
        this.#begin(record, this.#starting.options)
      } else part.push(record)
    }
    this.#apply(part)
  }

  /** A start says so in the next record; anything else is a reload. */
  #configured(record: SealedRecord, following: SealedRecord | undefined): void {
    const options = this.#configurations.get(record.id)
    this.#configurations.delete(record.id)
    if (following === undefined || isStart(following)) {
      this.#endRun()
      this.#engine = undefined
      this.#starting = { options }
      return
    }
    this.#counts.reloads++
    if (options === undefined) this.#engine = undefined
    else this.#engine?.reconfigure(options)
  }

  #begin({ recorded }: SealedRecord, options: RuleEngineOptions | undefined): void {
    this.#starting = undefined
    this.#counts.starts++
    if (options === undefined) return
    this.#engine = new RuleEngine(options)
    this.#engine.hydrate({
      now: fromTimestamp(recorded),
      latest: this.#runs.latest(),
      findings: [...this.#decided.values()],
    })
  }

  #apply(part: readonly SealedRecord[]): void {
    const given = part.flatMap((record) => (record.kind === 'decision' ? this.#hear(record) : [record]))
    for (const record of part) {
      this.#runs.add(record)
      if (record.kind === 'tick' && record.body.reason === 'stop') this.#isStopped = true
    }
    const last = part.at(-1)
    if (last === undefined) return
    this.#last = fromTimestamp(last.recorded)
    if (this.#from === undefined) {
      const begins = isBeginning(part[0])
      this.#from = begins ? -Infinity : this.#last + SETTLING
      if (!begins) this.#left = fromTimestamp((part[0] ?? last).recorded)
    }
    const cause = { id: last.id, recorded: this.#last }
    for (const finding of this.#engine?.apply(given) ?? [])
      if (this.#last >= this.#from) this.#expected.push({ key: keyOf(finding), finding, cause })
  }

  /** What the engine is told in its place: the decision as it follows. */
  #hear(record: SealedRecord & { readonly kind: 'decision' }): readonly SealedRecord[] {
    const { body, id, recorded } = record
    const key = keyOf(body)
    const like = this.#expected.findIndex((one) => one.key === key)
    const same = this.#expected.findIndex(
      (one) => one.key === key && differences(record, one.finding).length === 0,
    )
    // One like it may have been left out before it.
    const at = same === -1 ? like : same
    const expected = this.#expected[at]
    const isFirst = this.#unheard.delete(key) || !this.#decided.has(key)
    if (isFirst && fromTimestamp(body.since) < this.#left) {
      if (at !== -1) this.#expected.splice(at, 1)
      this.#counts.unjudged++
      this.#decided.set(key, { ...body, id, recorded })
      return [record]
    }
    if (same === -1 && this.#engine !== undefined && this.#repeats(key, body)) {
      this.#counts.compared++
      this.#counts.same++
      return []
    }
    if (expected === undefined) {
      if (this.#engine !== undefined && fromTimestamp(recorded) > (this.#from ?? Infinity) + MAX_DELAY) {
        this.#counts.compared++
        this.#counts.extra++
        this.#name({ kind: 'extra', ...named(body), record: id, members: verdictOf(body, 'recorded') })
        return []
      }
      this.#counts.unjudged++
      this.#decided.set(key, { ...body, id, recorded })
      return [record]
    }
    // Those that follow from the same records may come in any order; those from earlier ones came before.
    this.#expected.splice(at, 1)
    const late = this.#expected.findIndex(({ cause }) => cause.id === expected.cause.id)
    const overdue = late === -1 ? Math.min(at, this.#expected.length) : Math.min(at, late)
    for (const missing of this.#expected.splice(0, overdue)) this.#miss(missing)
    this.#counts.compared++
    const { finding } = expected
    const members = differences(record, finding)
    if (members.length === 0) this.#counts.same++
    else {
      this.#counts.differs++
      this.#name({ kind: 'differs', ...named(body), record: id, members })
    }
    this.#decided.set(key, { ...finding, id, recorded })
    return [{ ...record, body: finding }]
  }

  /** A decision is told again before its record goes (docs/journal-format.md, Retention). */
  #repeats(key: string, body: Finding): boolean {
    const decided = this.#decided.get(key)
    return (
      decided !== undefined &&
      isDeepStrictEqual({ ...body, id: decided.id, recorded: decided.recorded }, decided)
    )
  }

  #miss(one: Expected): void {
    const { key, finding, cause } = one
    if (this.#left > -Infinity && !this.#decided.has(key)) this.#unheard.set(key, one)
    else this.#nameMissing(one)
    const recorded = new Date(cause.recorded).toISOString()
    this.#decided.set(key, { ...finding, id: cause.id, recorded })
  }

  #nameMissing({ finding, cause }: Expected): void {
    this.#counts.missing++
    this.#name({
      kind: 'missing',
      ...named(finding),
      record: cause.id,
      members: verdictOf(finding, 'recomputed'),
    })
  }

  /** What was not journaled by the end of a process never happened, where it could not have been. */
  #endRun(): void {
    const delay = this.#isStopped ? STOP_DELAY : MAX_DELAY
    for (const one of this.#expected.splice(0)) {
      if (one.cause.recorded >= this.#last - delay) this.#counts.cutOff++
      else this.#miss(one)
    }
    this.#isStopped = false
  }

  #name(difference: DecisionDifference): void {
    if (this.#differences.length < MAX_NAMED) this.#differences.push(difference)
  }
}

/** The first record of a journal before which nothing was known. */
export function isBeginning(first: SealedRecord | undefined): boolean {
  return first?.kind === 'epoch' && first.body.reason === 'new'
}

function isStart(record: SealedRecord): boolean {
  return record.kind === 'tick' && record.body.reason === 'start'
}

function keyOf({ rule, subject }: Pick<Finding, 'rule' | 'subject'>): string {
  return `${rule} ${subject}`
}

function named({ rule, subject }: Finding): Pick<Finding, 'rule' | 'subject'> {
  return { rule, subject }
}

function verdictOf({ state, summary }: Finding, side: 'recorded' | 'recomputed'): MemberDifference[] {
  return Object.entries({ state, summary }).map(([member, value]) => ({
    ...{ member, recorded: undefined, recomputed: undefined },
    [side]: value,
  }))
}

function differences(
  { time, body }: SealedRecord & { readonly kind: 'decision' },
  recomputed: Finding,
): MemberDifference[] {
  const one: Readonly<Record<string, unknown>> = { ...body, time }
  const other: Readonly<Record<string, unknown>> = { ...recomputed, time: recomputed.since }
  const members = [...new Set([...Object.keys(other), ...Object.keys(one)])]
  return members
    .filter((member) => !isDeepStrictEqual(one[member], other[member]))
    .map((member) => ({ member, recorded: one[member], recomputed: other[member] }))
}
