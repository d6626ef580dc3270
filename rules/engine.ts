import type { Inventory, WaiverConfig } from '../model/config.ts'
import type { Finding } from '../model/finding.ts'
import type { ProbeKind } from '../model/observation.ts'
import { type SealedRecord, type Unchanged } from '../model/record.ts'
import { comparePositions, formatRecordId, parseRecordId } from '../model/recordId.ts'
import type { MaintenanceConfig } from '../model/slos.ts'
import { fromTimestamp, type Timestamp } from '../model/time.ts'
import type { LatestObservation, Stored } from '../store/contract.ts'
import { RulesError } from './error.ts'
import type { Explanation } from './explanation.ts'
import { MAX_CLOCK_DIFFERENCE, Pair } from './pair.ts'
import { Maintenance } from './maintenance.ts'
import { checkPacks, type Pack, type Rule } from './pack.ts'
import { resolveSettings, type ParameterOverrides, type RuleSettings } from './parameters.ts'
import {
  applicability,
  attestationTargets,
  judgesBy,
  watchedSubjects,
  type WatchedTarget,
} from './subjects.ts'
import { TargetState } from './targetState.ts'
import { waiverOf } from './waivers.ts'

export interface RuleEngineOptions {
  readonly packs: readonly Pack[]
  readonly inventory: Inventory
  readonly parameters: ParameterOverrides
  /** Default: none. */
  readonly waivers?: readonly WaiverConfig[]
  /** Default: none. */
  readonly maintenance?: readonly MaintenanceConfig[]
  /** What is probed. Evidence is too old after three intervals of its target, unless a rule says otherwise. */
  readonly targets: readonly WatchedTarget[]
}

/**
 * Turns journal records into findings. A projection: its state is what the journal says, its only clock is the time of
 * the records it was given. Feed it every sealed batch in order; what it returns are the changes of state, to be
 * journaled as `decision` records, which will come back in a later batch.
 */
export class RuleEngine {
  /** With the settings of the configuration. */
  #rules: ReadonlyMap<string, Rule> = new Map()
  #pairs = new Map<string, Pair>()
  #targets = new Map<string, TargetState>()
  /** Who judges by a target. */
  #judges = new Map<TargetState, Pair[]>()
  /** The full observation that `unchanged` items refer to. */
  readonly #byObservation = new Map<string, TargetState>()
  /** Stored findings whose rule or subject is no longer there; they end as not_applicable. */
  readonly #orphans = new Map<string, Finding>()
  /** The last record that was applied, by origin and epoch, so that nothing counts twice. */
  readonly #applied = new Map<string, { entry: number; n: number }>()
  #clock: number | undefined
  /** Something other than a record changed what must be judged: the start, or a new configuration. */
  #judgeAll = true

  /** Throws RulesError(parameters_invalid) when the parameters do not fit the packs, or packs each other. */
  constructor(options: RuleEngineOptions) {
    this.#build(options)
  }

  get rules(): ReadonlyMap<string, Rule> {
    return this.#rules
  }

  /**
   * Other packs, parameters and waivers from now on; what was observed and decided stays. The next `apply` judges everything anew.
   * Throws RulesError(parameters_invalid), and then nothing has changed.
   */
  reconfigure(options: RuleEngineOptions): void {
    const before = { pairs: this.#pairs, targets: this.#targets }
    const now = this.#clock ?? 0
    this.#build(options)
    for (const [key, target] of this.#targets) {
      const known = before.targets.get(key)
      if (known?.run === undefined) continue
      target.take(known.run)
      this.#byObservation.set(known.run.observation, target)
    }
    for (const [key, pair] of before.pairs) {
      const successor = this.#pairs.get(key)
      if (successor !== undefined) successor.succeed(pair)
      else this.#orphan(pair.finding(now))
    }
    this.#judgeAll = true
  }

  /** Nothing is changed when it throws. */
  #build(options: RuleEngineOptions): void {
    const problems = checkPacks(options.packs, options.parameters)
    if (problems.length > 0) throw new RulesError('parameters_invalid', problems)
    const resolved = options.packs
      .flatMap((pack) => pack.rules)
      .map((rule) => ({ rule, ...resolveSettings(rule, options.parameters[rule.id] ?? {}) }))
    const rules = resolved.map(({ rule }) => rule)
    const waivers = options.waivers ?? []
    const maintenance = new Maintenance(options.maintenance ?? [])
    this.#rules = new Map(resolved.map(({ rule, settings }) => [rule.id, { ...rule, ...timing(settings) }]))
    this.#pairs = new Map()
    this.#targets = new Map()
    this.#judges = new Map()
    this.#byObservation.clear()
    const signed = attestationTargets(rules, options.inventory, options.targets)
    for (const subject of watchedSubjects(options.inventory, [...options.targets, ...signed])) {
      for (const { rule, settings } of resolved) {
        const applies = applicability(rule, subject)
        const watched = subject.targets.filter((target) => judgesBy(rule, target))
        if (applies === undefined || watched.length === 0) continue
        const targets = watched.map((target) => this.#target(target))
        const waiver = waiverOf(waivers, rule.id, subject.subject)
        const pair = new Pair({
          rule,
          settings,
          subject,
          applies,
          targets,
          waiver,
          maintenance: maintenance.of(subject),
        })
        this.#pairs.set(pairKey(rule.id, subject.subject), pair)
        for (const target of targets) this.#judgesOf(target).push(pair)
      }
    }
  }

  #target(watched: WatchedTarget): TargetState {
    const key = targetKey(watched.subject, watched.probe, watched.address)
    const target = this.#targets.get(key) ?? new TargetState(watched)
    this.#targets.set(key, target)
    return target
  }

  #orphan(finding: Finding): void {
    if (finding.state !== 'not_applicable') this.#orphans.set(pairKey(finding.rule, finding.subject), finding)
  }

  /**
   * Takes the state of the store, once, before the first `apply`. `now`, in milliseconds, is not before the last record that
   * the store holds. Decisions are loaded as they were made, not made again.
   */
  hydrate(state: {
    readonly now: number
    readonly latest: readonly LatestObservation[]
    readonly findings: readonly Stored<Finding>[]
  }): void {
    this.#clock = state.now
    for (const { observation, lastStart, lastDuration } of state.latest) {
      const key = targetKey(observation.subject, observation.probe, observation.target)
      const target = this.#targets.get(key)
      if (target === undefined) continue
      this.#observe(target, observation.id, () => {
        target.observe(observation, observation.id)
        target.repeat(fromTimestamp(lastStart), lastDuration, undefined)
      })
    }
    for (const stored of state.findings) {
      const finding = withoutRecord(stored)
      const pair = this.#pairs.get(pairKey(finding.rule, finding.subject))
      if (pair !== undefined) pair.adopt(finding)
      else this.#orphan(finding)
      this.#remember(stored.id)
    }
  }

  /** The changes of state that these records cause, in order. The same batch again causes none. */
  apply(batch: readonly SealedRecord[]): readonly Finding[] {
    const changes: Finding[] = []
    for (const record of batch) {
      if (!this.#remember(record.id)) continue
      const now = this.#advance(record.recorded)
      switch (record.kind) {
        case 'observation': {
          const { subject, probe, target: address } = record.body
          const target = this.#targets.get(targetKey(subject, probe, address))
          if (target === undefined) break
          this.#observe(target, record.id, () => {
            target.observe(record.body, record.id)
          })
          this.#judge(this.#judgesOf(target), now, changes)
          break
        }
        case 'unchanged':
          this.#applyUnchanged(record, record.body, now, changes)
          break
        case 'decision':
          this.#applyDecision(record.body)
          break
        case 'tick':
          this.#judge(this.#pairs.values(), now, changes, 'due')
          break
        case 'epoch':
        case 'configuration':
        case 'key':
        case 'retention':
        case 'audit':
        case 'action':
          break
      }
    }
    this.#settleStart(changes)
    return changes
  }

  /** The current finding of every rule and subject that it concerns; a subject without evidence is `unknown`. */
  findings(): readonly Finding[] {
    return [...this.#pairs.values()].map((pair) => pair.finding(this.#clock ?? 0))
  }

  finding(rule: string, subject: string): Finding | undefined {
    return this.#pairs.get(pairKey(rule, subject))?.finding(this.#clock ?? 0)
  }

  /** Whether a decision is what stands, so that it may be journaled once more, at once; it comes by as one of ours then. */
  tellAgain(decision: Finding): boolean {
    return this.#pairs.get(pairKey(decision.rule, decision.subject))?.tellAgain(decision) ?? false
  }

  /** How the finding comes about, as of the last record; undefined when the rule is not about this subject. */
  explain(rule: string, subject: string): Explanation | undefined {
    return this.#pairs.get(pairKey(rule, subject))?.explain(this.#clock ?? 0)
  }

  #applyUnchanged(record: SealedRecord, body: Unchanged, now: number, changes: Finding[]): void {
    const own = parseRecordId(record.id)
    if (own === undefined) return
    const base = fromTimestamp(record.time)
    for (const [entry, n, startOffset, duration] of body.items) {
      const target = this.#byObservation.get(formatRecordId(own.origin, own.epoch, { entry, n }))
      if (target === undefined) continue
      target.repeat(base + startOffset, duration, record.id)
      this.#judge(this.#judgesOf(target), now, changes)
    }
  }

  #applyDecision(decision: Finding): void {
    const key = pairKey(decision.rule, decision.subject)
    this.#orphans.delete(key)
    this.#pairs.get(key)?.heard(decision)
  }

  /** After the first records: what has no verdict yet gets one, and what is no longer declared ends. */
  #settleStart(changes: Finding[]): void {
    if (!this.#judgeAll || this.#clock === undefined) return
    this.#judgeAll = false
    this.#judge(this.#pairs.values(), this.#clock, changes)
    for (const finding of this.#orphans.values()) changes.push(ended(finding, this.#clock))
    this.#orphans.clear()
  }

  #judge(pairs: Iterable<Pair>, now: number, changes: Finding[], which: 'all' | 'due' = 'all'): void {
    const date = new Date(now)
    for (const pair of pairs) {
      if (which === 'due' && now < pair.due) continue
      const change = pair.judge(now, date)
      if (change !== undefined) changes.push(change)
    }
  }

  #judgesOf(target: TargetState): Pair[] {
    const known = this.#judges.get(target)
    if (known !== undefined) return known
    const pairs: Pair[] = []
    this.#judges.set(target, pairs)
    return pairs
  }

  /** Keeps the index of full observations in step with the targets. */
  #observe(target: TargetState, id: string, take: () => void): void {
    if (target.run !== undefined) this.#byObservation.delete(target.run.observation)
    take()
    this.#byObservation.set(id, target)
    this.#remember(id)
  }

  /** false when the record, or a later one of its journal, was applied already. */
  #remember(id: string): boolean {
    const at = parseRecordId(id)
    if (at === undefined) return true
    const journal = `${at.origin}/${at.epoch}`
    const last = this.#applied.get(journal)
    if (last !== undefined && comparePositions(at, last) <= 0) return false
    this.#applied.set(journal, { entry: at.entry, n: at.n })
    return true
  }

  /** Does not follow a small step back. After a larger one it does, or it would judge by a wrong time for long. */
  #advance(recorded: Timestamp): number {
    const at = fromTimestamp(recorded)
    const before = this.#clock
    if (before === undefined || at > before) this.#clock = at
    else if (before - at > MAX_CLOCK_DIFFERENCE) {
      this.#clock = at
      this.#judgeAll = true
    }
    return this.#clock ?? at
  }
}

function pairKey(rule: string, subject: string): string {
  return `${rule} ${subject}`
}

function targetKey(subject: string, probe: ProbeKind, target: string): string {
  return `${subject} ${probe} ${target}`
}

function withoutRecord(stored: Stored<Finding>): Finding {
  const { rule, pack, subject, state, severity, since, summary, facts, parameters, evidence } = stored
  const { target, waiver } = stored
  const finding = { rule, pack, subject, state, severity, since, summary, facts, parameters, evidence }
  return {
    ...finding,
    ...(target === undefined ? {} : { target }),
    ...(waiver === undefined ? {} : { waiver }),
  }
}

/** What others than the engine need of the settings. */
function timing({ for: wait, unknownFor }: RuleSettings): Pick<Rule, 'for' | 'unknownFor'> {
  return { for: wait, unknownFor }
}

function ended({ rule, pack, subject, severity, target, parameters }: Finding, now: number): Finding {
  return {
    rule,
    pack,
    subject,
    severity,
    ...(target === undefined ? {} : { target }),
    parameters,
    state: 'not_applicable',
    since: new Date(now).toISOString(),
    summary: 'No longer watched: the rule or the subject was removed from the configuration',
    facts: {},
    evidence: [],
  }
}
