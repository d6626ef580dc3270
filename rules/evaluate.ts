import type { Facts } from '../model/facts.ts'
import { formatRead, type FactRead } from './cel.ts'
import { lintOutcomes } from '../pki/lints/facts.ts'
import type { FactValues } from './factValues.ts'
import { judgementDate, notInForce } from './inForce.ts'
import type { Rule } from './pack.ts'
import { ATTESTATION_DIRECTORY } from './packSchema.ts'
import { versionAt, type ParameterVersion, type RuleSettings } from './parameters.ts'

/** The edition of a rule that an object is judged by, and the date that decided so, in milliseconds; undefined where none matters. */
export interface Edition {
  readonly version: ParameterVersion
  readonly date: number | undefined
}

/** What a rule says about the facts of one observation. A missing fact is never a pass. */
export interface Verdict {
  readonly verdict: 'pass' | 'fail' | 'unknown' | 'not_applicable'
  /** Why it is unknown or does not apply; '' otherwise. */
  readonly reason: string
  /** undefined: the object does not show which. */
  readonly edition: Edition | undefined
}

/** Judges facts by a rule, as of `now`. Pure: the same arguments give the same verdict, whenever it is asked. */
export function evaluate(rule: Rule, settings: RuleSettings, facts: FactValues, now: Date): Verdict {
  const edition = editionOf(rule, settings, facts, now)
  if (edition === undefined) {
    const reason = `${rule.judgedBy}, by which this is judged, was not established`
    return { verdict: 'unknown', reason, edition }
  }
  const outdated = edition.date === undefined ? undefined : notInForce(rule, edition.date)
  if (outdated !== undefined) return { verdict: 'not_applicable', reason: outdated, edition }
  const scope = { facts, parameters: edition.version.values, now }
  if (rule.given !== undefined) {
    const given = rule.given.evaluate(scope)
    if (given.kind !== 'value') return { verdict: 'unknown', reason: whyUnknown(given), edition }
    if (given.value !== true) return { verdict: 'unknown', reason: whyNotGiven(facts), edition }
  }
  if (rule.when !== undefined) {
    const when = rule.when.evaluate(scope)
    if (when.kind !== 'value') return { verdict: 'unknown', reason: whyUnknown(when), edition }
    if (when.value !== true) {
      const reason = `does not concern this object, for which ${rule.when.source} is false`
      return { verdict: 'not_applicable', reason, edition }
    }
  }
  const standing = attested(rule, facts, now)
  if (standing === 'missing')
    return { verdict: 'unknown', reason: 'attestation.expires was not established', edition }
  if (standing === 'expired') return { verdict: 'fail', reason: '', edition }
  const condition = rule.condition.evaluate(scope)
  if (condition.kind !== 'value') return { verdict: 'unknown', reason: whyUnknown(condition), edition }
  return { verdict: condition.value === true ? 'pass' : 'fail', reason: '', edition }
}

function editionOf(rule: Rule, settings: RuleSettings, facts: FactValues, now: Date): Edition | undefined {
  if (!settings.isDated) return settings.undated
  const date = judgementDate(rule, facts, now)
  return date === undefined ? undefined : { version: versionAt(settings, date), date }
}

/** A statement that has expired proves nothing, whatever the condition says. */
function attested(rule: Rule, facts: FactValues, now: Date): 'in_force' | 'expired' | 'missing' {
  if (rule.attestation === undefined || rule.attestation === ATTESTATION_DIRECTORY) return 'in_force'
  const expires: unknown = Reflect.get(facts.attestation, 'expires')
  if (!(expires instanceof Date)) return 'missing'
  return now < expires ? 'in_force' : 'expired'
}

/** An algorithm that is not known here is no fault of whoever used it (docs/verification.md). */
function whyNotGiven(facts: FactValues): string {
  const code: unknown = Reflect.get(facts.probe, 'code')
  return code === 'unsupported'
    ? 'what was received is made in a way that vigil cannot verify'
    : 'nothing was received that could be judged'
}

function whyUnknown(
  outcome: { kind: 'missing'; read: FactRead } | { kind: 'error'; message: string },
): string {
  return outcome.kind === 'missing'
    ? `${formatRead(outcome.read)} was not established`
    : `the condition cannot be evaluated: ${outcome.message}`
}

/** Every fact that a rule looks at. */
export function readsOf(rule: Rule): readonly FactRead[] {
  const expiry: FactRead = { group: 'attestation', name: 'expires' }
  return [
    ...rule.condition.reads,
    ...(rule.when?.reads ?? []),
    ...(rule.given?.reads ?? []),
    ...(rule.datedBy === undefined ? [] : [rule.datedBy]),
    ...(rule.attestation === undefined ? [] : [expiry]),
  ]
}

/** One run's outcomes are read by many rules, and take longer to decode than to judge. */
const decoded = new WeakMap<object, ReturnType<typeof lintOutcomes>>()

function outcomesOf(held: Readonly<Record<string, unknown>>): ReturnType<typeof lintOutcomes> {
  const known = decoded.get(held) ?? lintOutcomes(held)
  decoded.set(held, known)
  return known
}

/** The facts that the rule reads, as they were, and when they were looked up (`probe.at`). */
export function factsRead(rule: Rule, facts: Facts): Facts {
  const read: Record<string, Record<string, unknown>> = {}
  for (const { group, name } of [{ group: 'probe', name: 'at' } as const, ...readsOf(rule)]) {
    const held: Readonly<Record<string, unknown>> | undefined = facts[group]
    const value =
      held?.[name] ?? (group === 'lint' && held !== undefined ? outcomesOf(held)[name] : undefined)
    if (value !== undefined) (read[group] ??= {})[name] = value
  }
  return read
}
