import type { FactGroup } from '../../model/facts.ts'
import type { Finding, FindingState, Severity, Waiver } from '../../model/finding.ts'
import type { ProbeKind } from '../../model/observation.ts'
import { fromTimestamp } from '../../model/time.ts'
import type { LatestObservation } from '../../store/contract.ts'
import { RuleEngine, type RuleEngineOptions } from '../engine.ts'
import { evaluate, readsOf } from '../evaluate.ts'
import { factValues, type FactValues } from '../factValues.ts'
import type { Rule } from '../pack.ts'
import { resolveSettings, type ParameterOverrides, type RuleSettings } from '../parameters.ts'
import { TargetState } from '../targetState.ts'
import { asRemadeAt, asServedAt, lifetimeOf, runLater, type Remade } from './later.ts'

// What rules will say at a date about what is observed now. Two questions: is what is served now still right then, and could it still be made
// like this. Evidence is as old then as it is now: that probes go on is taken for granted. All times in milliseconds.

/**
 * - `wrong`: fails or is unknown then, and renewing it alike does not help
 * - `lapsed`: the same, but gone when it is renewed by then
 * - `unmuted`: fails now too, under a waiver that has ended by then
 * - `not_renewable`: what is served stays right, but could not be made like this any more
 * - `unjudged`: of a rule that is not in force now: unknown now and then, since nothing in the evidence tells
 * - `mended`: is wrong now and not then: a rule or a value is no longer in force
 */
export type FutureGroup = 'wrong' | 'lapsed' | 'unmuted' | 'not_renewable' | 'unjudged' | 'mended'

/** A rule and a subject for which the date makes a difference. */
export interface FutureChange {
  readonly group: FutureGroup
  readonly rule: string
  readonly pack: string
  readonly subject: string
  readonly severity: Severity
  /** undefined: the rule is not in force now. */
  readonly now: FindingState | undefined
  /** As served; of `not_renewable` when made anew. */
  readonly then: FindingState
  /** The first whole second at which it is so; undefined: it would be so now. */
  readonly from: number | undefined
  readonly summary: string
  readonly target: string | undefined
  /** In force then. */
  readonly waiver: Waiver | undefined
  /** It lapses like this again and again, and machines renew it: see `ROUTINE_LIFETIME`. */
  readonly routine: boolean
}

export interface FutureReport {
  readonly changes: readonly FutureChange[]
  /** How many pairs of rule and subject are in which state now and, as served, then. */
  readonly transitions: readonly Transition[]
}

export interface Transition {
  readonly now: FindingState | 'absent'
  readonly then: FindingState
  readonly pairs: number
}

export interface FutureRequest {
  /** What is in force now. */
  readonly inForce: RuleEngineOptions
  /** What is judged by then; the same, where only time goes on. */
  readonly then: RuleEngineOptions
  readonly latest: readonly LatestObservation[]
  /** When the newest of it was recorded. */
  readonly now: number
  /** After `now`. */
  readonly at: number
}

/**
 * What lives no longer is issued by machines, again and again: certificate revocation lists of the web's authorities may live ten days
 * (CA/Browser Forum TLS BR 7.2), short-lived certificates seven.
 */
const ROUTINE_LIFETIME = 10 * 86_400_000

/** Judges known evidence as of `at`. Throws RulesError(parameters_invalid). */
function judgeLater(
  options: RuleEngineOptions,
  latest: readonly LatestObservation[],
  { now, at }: { readonly now: number; readonly at: number },
): readonly Finding[] {
  const engine = new RuleEngine({ ...options, parameters: atOnce(options), maintenance: [] })
  engine.hydrate({ now: at, latest: latest.map((one) => runLater(one, now, at)), findings: [] })
  // Whatever it says first is news.
  return engine.apply([])
}

/** Throws RulesError(parameters_invalid). */
export function simulateFuture(request: FutureRequest): FutureReport {
  const { inForce, then, latest, now, at } = request
  const before = byKey(judgeLater(inForce, latest, { now, at: now }))
  // What the others would say now.
  const already = inForce === then ? before : byKey(judgeLater(then, latest, { now, at: now }))
  const made = withObservations(latest, (observation) => asRemadeAt(observation, now, at))
  const remade = byKey(judgeLater(then, made, { now, at }).filter(({ state }) => isWrong(state)))
  const served = withObservations(latest, (observation) => asServedAt(observation, at))
  const transitions = new Transitions()
  const history = new Beginnings(request)
  const changes: FutureChange[] = []
  for (const finding of judgeLater(then, served, { now, at })) {
    const known = before.get(keyOf(finding))
    transitions.add(known?.state ?? 'absent', finding.state)
    const anew = remade.get(keyOf(finding))
    const same = already.get(keyOf(finding))
    const group =
      known === undefined && finding.state === 'unknown' && same?.state === 'unknown'
        ? 'unjudged'
        : groupOf(known, finding, anew)
    if (group === undefined) continue
    const shown = (group === 'not_renewable' ? anew : group === 'unjudged' ? same : finding) ?? finding
    const from = history.of(group, shown, known)
    changes.push({
      group,
      rule: finding.rule,
      pack: finding.pack,
      subject: finding.subject,
      severity: finding.severity,
      now: known?.state,
      then: shown.state,
      from,
      summary: shown.summary,
      target: shown.target,
      waiver: shown.waiver,
      routine: group === 'lapsed' && history.isRoutine(shown, from),
    })
  }
  return { changes, transitions: transitions.list() }
}

function groupOf(
  now: Finding | undefined,
  then: Finding,
  anew: Finding | undefined,
): FutureGroup | undefined {
  const wasWrong = now !== undefined && isWrong(now.state)
  if (!isWrong(then.state)) {
    if (wasWrong) return 'mended'
    return anew?.state === 'fail' ? 'not_renewable' : undefined
  }
  // What is not known now is not known then either; that it fails is news.
  if (!wasWrong || (now.state === 'unknown' && then.state === 'fail'))
    return anew === undefined ? 'lapsed' : 'wrong'
  return now.waiver !== undefined && then.waiver === undefined ? 'unmuted' : undefined
}

function isWrong(state: FindingState): boolean {
  return state === 'fail' || state === 'unknown'
}

function byKey(findings: readonly Finding[]): ReadonlyMap<string, Finding> {
  return new Map(findings.map((finding) => [keyOf(finding), finding]))
}

function keyOf({ rule, subject }: Finding): string {
  return `${rule} ${subject}`
}

/** A failure is one at once: for how long something has failed by then is not asked. */
function atOnce({ packs, parameters }: RuleEngineOptions): ParameterOverrides {
  const rules = packs.flatMap((pack) => pack.rules)
  return {
    ...parameters,
    ...Object.fromEntries(rules.map(({ id }) => [id, { ...parameters[id], for: '0s' }])),
  }
}

function withObservations(
  latest: readonly LatestObservation[],
  change: (observation: LatestObservation['observation']) => LatestObservation['observation'],
): readonly LatestObservation[] {
  return latest.map((one) => ({ ...one, observation: change(one.observation) }))
}

class Transitions {
  readonly #counts = new Map<string, Transition>()

  add(now: Transition['now'], then: FindingState): void {
    const key = `${now} ${then}`
    const pairs = (this.#counts.get(key)?.pairs ?? 0) + 1
    this.#counts.set(key, { now, then, pairs })
  }

  list(): readonly Transition[] {
    return [...this.#counts.values()].toSorted((a, b) => b.pairs - a.pairs)
  }
}

/** Finds out since when something is so. */
class Beginnings {
  readonly #request: FutureRequest
  readonly #rules = new Map<string, { readonly rule: Rule; readonly settings: RuleSettings }>()
  readonly #byRecord: ReadonlyMap<string, LatestObservation>

  constructor(request: FutureRequest) {
    this.#request = request
    const { packs, parameters } = request.then
    for (const rule of packs.flatMap((pack) => pack.rules))
      this.#rules.set(rule.id, { rule, settings: resolveSettings(rule, parameters[rule.id] ?? {}).settings })
    this.#byRecord = new Map(request.latest.map((latest) => [latest.observation.id, latest]))
  }

  /** In milliseconds, the first whole second; undefined when it is so now, or it cannot be said. */
  of(group: FutureGroup, finding: Finding, now: Finding | undefined): number | undefined {
    if (group === 'unmuted') return now?.waiver && fromTimestamp(now.waiver.expires)
    const known = this.#rules.get(finding.rule)
    const latest = this.#observationOf(finding)
    if (known === undefined || latest === undefined) return undefined
    const { now: present, at } = this.#request
    const { observation } = latest
    const replay = new Replay()
    const isWrongAt = (time: number): boolean => {
      const seen =
        group === 'not_renewable' ? asRemadeAt(observation, present, time) : asServedAt(observation, time)
      const facts = replay.at(runLater({ ...latest, observation: seen }, present, time))
      const { verdict } = evaluate(known.rule, known.settings, facts, new Date(time))
      return verdict === 'fail' || verdict === 'unknown'
    }
    const sought = group !== 'mended'
    return firstSecond(present, at, (time) => isWrongAt(time) === sought)
  }

  /** What it is about is renewed all the time, and that it has not been is why it lapses at `from`. */
  isRoutine(finding: Finding, from: number | undefined): boolean {
    if (from === undefined || from - this.#request.now > ROUTINE_LIFETIME) return false
    const rule = this.#rules.get(finding.rule)?.rule
    const observation = this.#observationOf(finding)?.observation
    if (rule === undefined || observation === undefined) return false
    const reads = readsOf(rule)
    // The certificate that signs answers is in them, and is not renewed with each.
    if (reads.some(({ group, name }) => group === 'ocsp' && name === 'responderNotAfter')) return false
    const read = [...new Set(reads.flatMap(({ group }) => OBJECT_OF[group] ?? []))]
    const about = read.length > 0 ? read : (MAIN_OBJECTS[observation.probe] ?? [])
    return (
      about.length > 0 && about.every((group) => lifetimeOf(group, observation.facts) <= ROUTINE_LIFETIME)
    )
  }

  #observationOf({ evidence }: Finding): LatestObservation | undefined {
    return this.#byRecord.get(evidence[0] ?? '')
  }
}

/** Whose times the facts of a group depend on. */
const OBJECT_OF: Partial<Record<FactGroup, Remade>> = {
  certificate: 'certificate',
  tls: 'certificate',
  crl: 'crl',
  ocsp: 'ocsp',
  attestation: 'attestation',
}

/** The same for rules that read only how a probe ended. */
const MAIN_OBJECTS: Partial<Record<ProbeKind, readonly Remade[]>> = {
  crl: ['crl'],
  ocsp: ['ocsp'],
  tls: ['certificate'],
}

/** The facts of one target at other times; made anew only when what is observed is another. */
class Replay {
  #observation: LatestObservation['observation'] | undefined
  #target: TargetState | undefined

  at({ observation, lastStart, lastDuration }: LatestObservation): FactValues {
    if (this.#target === undefined || this.#observation !== observation) {
      const { subject, probe, target: address, id } = observation
      this.#target = new TargetState({ subject, probe, address, interval: 0 })
      this.#target.observe(observation, id)
      this.#observation = observation
    }
    this.#target.repeat(fromTimestamp(lastStart), lastDuration, undefined)
    return this.#target.run?.values ?? factValues({})
  }
}

/**
 * The first whole second after `from` at which it holds, where it holds at `to` and, once it does, goes on to; undefined when it holds at `from`.
 * What comes and goes is found at one of its beginnings.
 */
function firstSecond(from: number, to: number, holds: (time: number) => boolean): number | undefined {
  if (holds(from)) return undefined
  let before = Math.floor(from / 1000)
  let after = Math.ceil(to / 1000)
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (holds(middle * 1000)) after = middle
    else before = middle
  }
  return Math.min(after * 1000, to)
}
