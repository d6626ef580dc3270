import type { Finding, FindingState, Severity } from '../../model/finding.ts'
import type { SealedRecord } from '../../model/record.ts'
import { fromTimestamp } from '../../model/time.ts'
import { RuleEngine, type RuleEngineOptions } from '../engine.ts'
import { LatestRuns } from '../latestRuns.ts'
import type { Rule } from '../pack.ts'
import { attestationTargets, watchedSubjects } from '../subjects.ts'
import { Tally, type Said, type Side, type TallyTotals } from './tally.ts'

// What other rules would have said about a past time, and what was said: the journal's observations once more, with its own clock, through an
// engine of its own. All times in milliseconds.

export interface PastRequest {
  /** The rules under test. */
  readonly rules: RuleEngineOptions
  /** In force, not under test and no matter of it: told as recorded. Every other rule of the journal is one that would be left out. */
  readonly kept: ReadonlySet<string>
  /** [from, to). */
  readonly period: { readonly from: number; readonly to: number }
}

/**
 * - `new`: nothing was decided by it in the journal up to the end of the period
 * - `tested`: was in force, and is simulated
 * - `left_out`: was in force, and would not be asked any more
 * - `kept`: is in force, and not under test: what it said stays as it was
 */
export type RuleStatus = 'new' | 'tested' | 'left_out' | 'kept'

export interface RuleComparison {
  readonly rule: string
  readonly status: RuleStatus
  /** undefined: the journal names a rule that is in no pack here. */
  readonly definition: Rule | undefined
  readonly severity: Severity | undefined
  /** What it would be about; of a rule that is not simulated 0. */
  readonly subjects: number
  /** Subjects about which either side said that something fails, or nothing could be said. */
  readonly said: readonly SubjectComparison[]
}

export interface SubjectComparison extends TallyTotals {
  readonly subject: string
  /** Of the newest simulated failure or, of what is unjudged, why; '' where there is neither. */
  readonly summary: string
  /** Of the newest recorded failure. */
  readonly recordedSummary: string
  readonly difference: Difference
}

/**
 * - `more`: it would have failed (longer)
 * - `less`: it would not have failed (as long)
 * - `unjudged`: a rule that would have said nothing at all, since its facts are not in the evidence
 * - `none`: as it was
 */
export type Difference = 'more' | 'less' | 'unjudged' | 'none'

export interface PastReport {
  /** What of the period the journal holds. */
  readonly judged: { readonly from: number; readonly to: number }
  readonly records: number
  readonly rules: readonly RuleComparison[]
  /** Subjects of decisions by rules under test that the inventory does not have any more: not compared. */
  readonly goneSubjects: readonly string[]
}

/** Differences up to this long are none: at a restart, records and decisions do not stand where they stand in one run. */
const TOLERANCE = 60_000

/** Nothing is decided at once by what was observed before: so much sooner than the period the engine begins, beside the longest `for`. */
const WARM_UP = 10 * 60_000

interface Pair {
  readonly rule: string
  readonly subject: string
  readonly tally: Tally
  summary: string
  recordedSummary: string
}

/** Feed it the journal in order, from its beginning; it grows with targets, rules and subjects, not with records. */
export class PastSimulation {
  readonly #request: PastRequest
  readonly #engine: RuleEngine
  readonly #runs = new LatestRuns()
  readonly #start: number
  /** What was wrong before the engine began. */
  readonly #before = new Map<string, Finding>()
  readonly #pairs = new Map<string, Pair>()
  /** Rules that something was decided by. */
  readonly #decided = new Set<string>()
  readonly #severities = new Map<string, Severity>()
  #simulated: ReadonlyMap<string, ReadonlySet<string>> = new Map()
  readonly #watched: ReadonlySet<string>
  readonly #gone = new Set<string>()
  #period: { readonly from: number; readonly to: number } | undefined
  #clock = -Infinity
  #records = 0

  /** Throws RulesError(parameters_invalid). */
  constructor(request: PastRequest) {
    this.#request = request
    this.#engine = new RuleEngine(request.rules)
    const { packs, inventory, targets } = request.rules
    const rules = packs.flatMap((pack) => pack.rules)
    const signed = attestationTargets(rules, inventory, targets)
    this.#watched = new Set(watchedSubjects(inventory, [...targets, ...signed]).map(({ subject }) => subject))
    const waits = [...this.#engine.rules.values()].map((rule) => rule.for)
    this.#start = request.period.from - Math.max(0, ...waits) - WARM_UP
  }

  /** What comes after the end of the period changes nothing. */
  add(batch: readonly SealedRecord[]): void {
    for (const record of batch) {
      const at = fromTimestamp(record.recorded)
      if (at >= this.#request.period.to) {
        if (this.#period !== undefined) this.#clock = this.#request.period.to
      } else if (this.#period === undefined && at < this.#start) this.#remember(record)
      else this.#apply(record, at)
    }
  }

  /** undefined: the journal holds nothing of the period. */
  report(): PastReport | undefined {
    const judged = this.#period
    if (judged === undefined || this.#records === 0) return undefined
    const said = Map.groupBy(this.#pairs.values(), ({ rule }) => rule)
    const ids = new Set([...this.#engine.rules.keys(), ...this.#decided])
    return {
      judged: { from: judged.from, to: this.#clock },
      records: this.#records,
      rules: [...ids].map((id) => this.#comparison(id, said.get(id) ?? [])),
      goneSubjects: [...this.#gone].toSorted(),
    }
  }

  #comparison(id: string, pairs: readonly Pair[]): RuleComparison {
    const definition = this.#engine.rules.get(id)
    const status = this.#statusOf(id)
    return {
      rule: id,
      status,
      definition,
      severity: definition?.severity ?? this.#severities.get(id),
      subjects: this.#simulated.get(id)?.size ?? 0,
      said: pairs.map(({ subject, tally, summary, recordedSummary }) => {
        const totals = tally.totals(this.#clock)
        const difference = differenceOf(totals, status)
        // Why nothing can be said changes without a change of state.
        const why = difference === 'unjudged' ? this.#engine.finding(id, subject)?.summary : undefined
        return { ...totals, subject, summary: why ?? summary, recordedSummary, difference }
      }),
    }
  }

  #statusOf(rule: string): RuleStatus {
    if (this.#engine.rules.has(rule)) return this.#decided.has(rule) ? 'tested' : 'new'
    return this.#request.kept.has(rule) ? 'kept' : 'left_out'
  }

  /** From before the engine begins. */
  #remember(record: SealedRecord): void {
    this.#runs.add(record)
    if (record.kind !== 'decision') return
    const { rule, subject, state } = record.body
    this.#decided.add(rule)
    if (saidBy(state) === 'quiet') this.#before.delete(keyOf(rule, subject))
    else this.#before.set(keyOf(rule, subject), record.body)
  }

  #begin(at: number): void {
    const { from, to } = this.#request.period
    this.#period = { from: Math.max(from, at), to }
    this.#engine.hydrate({ now: at, latest: this.#runs.latest(), findings: [] })
    const findings = this.#engine.apply([])
    this.#simulated = new Map(
      [...Map.groupBy(findings, ({ rule }) => rule)].map(([rule, own]) => [
        rule,
        new Set(own.map(({ subject }) => subject)),
      ]),
    )
    for (const finding of findings) this.#hear('simulated', finding)
    for (const decision of this.#before.values()) this.#hear('recorded', decision)
    this.#before.clear()
  }

  #apply(record: SealedRecord, at: number): void {
    if (this.#period === undefined) this.#begin(at)
    this.#clock = Math.max(this.#clock, at)
    if (at >= this.#request.period.from) this.#records++
    switch (record.kind) {
      case 'observation':
      case 'unchanged':
      case 'tick':
        for (const finding of this.#engine.apply([record])) this.#hear('simulated', finding)
        return
      case 'decision':
        this.#decided.add(record.body.rule)
        this.#hear('recorded', record.body)
        return
      case 'epoch':
      case 'configuration':
      case 'key':
      case 'retention':
      case 'audit':
      case 'action':
        return
    }
  }

  #hear(side: Side, finding: Finding): void {
    const { rule, subject, state, since, severity, summary } = finding
    const said = saidBy(state)
    if (side === 'recorded') {
      this.#severities.set(rule, severity)
      const simulated = this.#simulated.get(rule)
      if (simulated !== undefined && !simulated.has(subject) && !this.#watched.has(subject)) {
        this.#gone.add(subject)
        return
      }
    }
    const key = keyOf(rule, subject)
    const known = this.#pairs.get(key)
    if (known === undefined && said === 'quiet') return
    const period = this.#period ?? this.#request.period
    const pair = known ?? { rule, subject, tally: new Tally(period), summary: '', recordedSummary: '' }
    this.#pairs.set(key, pair)
    pair.tally.say(side, fromTimestamp(since), said)
    if (side === 'recorded') {
      if (said === 'fail') pair.recordedSummary = summary
    } else if (said === 'fail') pair.summary = summary
  }
}

function keyOf(rule: string, subject: string): string {
  return `${rule} ${subject}`
}

/** A failure that is pending has not been told to anybody. */
function saidBy(state: FindingState): Said {
  return state === 'fail' || state === 'unknown' ? state : 'quiet'
}

function differenceOf(totals: TallyTotals, status: RuleStatus): Difference {
  const { simulated, recorded, bothFailing, judged } = totals
  if (status === 'kept') return 'none'
  if (isLonger(simulated, recorded, bothFailing)) return 'more'
  if (isLonger(recorded, simulated, bothFailing)) return 'less'
  if (status === 'left_out' || judged) return 'none'
  const isOld = status === 'tested' && simulated.unknown - recorded.unknown <= TOLERANCE
  return isOld || simulated.unknown === 0 ? 'none' : 'unjudged'
}

function isLonger(one: TallyTotals[Side], other: TallyTotals[Side], both: number): boolean {
  if (one.failures === 0) return false
  return other.failures === 0 || one.failing - both > TOLERANCE
}
