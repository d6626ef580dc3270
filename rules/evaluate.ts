import type { Facts } from '../model/facts.ts'
import { formatRead, type Expression, type FactRead } from './cel.ts'
import { lintOutcomes } from '../pki/lints/facts.ts'
import type { FactValues } from './factValues.ts'
import { decidingFact, isDated, judgementDate, notInForce } from './inForce.ts'
import type { Rule } from './pack.ts'
import { ATTESTATION_DIRECTORY } from './packSchema.ts'
import { versionAt, type ParameterVersion, type RuleSettings } from './parameters.ts'

/** The edition of a rule that an object is judged by, and the date that decided so, in milliseconds. */
export interface Edition {
  readonly version: ParameterVersion
  readonly date: number
}

/** What a rule says about the facts of one observation. A missing fact is never a pass. */
export type Verdict =
  | { readonly verdict: 'pass' | 'fail'; readonly edition: Edition }
  | { readonly verdict: 'unknown' | 'not_applicable'; readonly reason: string; readonly edition?: Edition }

/** Judges facts by a rule, as of `now`. Pure: the same arguments give the same verdict, whenever it is asked. */
export function evaluate(rule: Rule, settings: RuleSettings, facts: FactValues, now: Date): Verdict {
  const edition = editionOf(rule, settings, facts, now)
  if (edition === undefined)
    return { verdict: 'unknown', reason: `${rule.judgedBy}, by which this is judged, was not established` }
  const outdated = notInForce(rule, edition.date)
  if (outdated !== undefined) return { verdict: 'not_applicable', reason: outdated, edition }
  const holds = (expression: Expression): boolean | { reason: string } => {
    const outcome = expression.evaluate({ facts, parameters: edition.version.values, now })
    if (outcome.kind === 'value') return outcome.value === true
    return { reason: whyUnknown(outcome) }
  }
  const given = rule.given === undefined || holds(rule.given)
  if (given === false) return { verdict: 'unknown', reason: whyNotGiven(facts), edition }
  if (given !== true) return { verdict: 'unknown', reason: given.reason, edition }
  if (rule.when !== undefined) {
    const when = holds(rule.when)
    if (when === false) {
      const reason = `does not concern this object, for which ${rule.when.source} is false`
      return { verdict: 'not_applicable', reason, edition }
    }
    if (when !== true) return { verdict: 'unknown', reason: when.reason, edition }
  }
  const standing = attested(rule, facts, now)
  if (standing === 'missing')
    return { verdict: 'unknown', reason: 'attestation.expires was not established', edition }
  const condition = standing === 'in_force' ? holds(rule.condition) : false
  if (typeof condition === 'object') return { verdict: 'unknown', reason: condition.reason, edition }
  return { verdict: condition ? 'pass' : 'fail', edition }
}

/** undefined when the object does not show the date that decides between editions. */
function editionOf(rule: Rule, settings: RuleSettings, facts: FactValues, now: Date): Edition | undefined {
  const date = judgementDate(rule, facts, now) ?? (isDated(rule, settings) ? undefined : now.getTime())
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
  const deciding = decidingFact(rule)
  const expiry: FactRead = { group: 'attestation', name: 'expires' }
  return [
    ...rule.condition.reads,
    ...(rule.when?.reads ?? []),
    ...(rule.given?.reads ?? []),
    ...(deciding === undefined ? [] : [deciding]),
    ...(rule.attestation === undefined ? [] : [expiry]),
  ]
}

/** The facts that the rule reads, as they were, and when they were looked up (`probe.at`). */
export function factsRead(rule: Rule, facts: Facts): Facts {
  const read: Record<string, Record<string, unknown>> = {}
  for (const { group, name } of [{ group: 'probe', name: 'at' } as const, ...readsOf(rule)]) {
    const held: Readonly<Record<string, unknown>> | undefined = facts[group]
    const value = held?.[name] ?? (group === 'lint' ? lintOutcomes(held ?? {})[name] : undefined)
    if (value !== undefined) (read[group] ??= {})[name] = value
  }
  return read
}
