import type { Facts } from '../model/facts.ts'
import { formatRead, type FactRead } from './cel.ts'
import type { FactValues } from './factValues.ts'
import type { Rule } from './pack.ts'

/** What a rule says about the facts of one observation. A missing fact is never a pass. */
type Verdict =
  | { readonly verdict: 'pass' }
  | { readonly verdict: 'fail' }
  | { readonly verdict: 'unknown'; readonly reason: string }

const PASS: Verdict = { verdict: 'pass' }
const FAIL: Verdict = { verdict: 'fail' }

/**
 * Judges facts by a rule, as of `now`. Pure: the same arguments give the same verdict, whenever it is asked.
 * `parameters` is an instance of the rule's parameter class.
 */
export function evaluate(rule: Rule, facts: FactValues, parameters: object, now: Date): Verdict {
  if (rule.given !== undefined) {
    const given = rule.given.evaluate({ facts, parameters, now })
    if (given.kind !== 'value') return unknown(given)
    if (given.value !== true)
      return { verdict: 'unknown', reason: 'nothing was received that could be judged' }
  }
  const outcome = rule.condition.evaluate({ facts, parameters, now })
  if (outcome.kind !== 'value') return unknown(outcome)
  return outcome.value === true ? PASS : FAIL
}

function unknown(outcome: { kind: 'missing'; read: FactRead } | { kind: 'error'; message: string }): Verdict {
  const reason =
    outcome.kind === 'missing'
      ? `${formatRead(outcome.read)} was not established`
      : `the condition cannot be evaluated: ${outcome.message}`
  return { verdict: 'unknown', reason }
}

/** The facts that the rule reads, as they were, and when they were looked up (`probe.at`). */
export function factsRead(rule: Rule, facts: Facts): Facts {
  const read: Record<string, Record<string, unknown>> = {}
  const reads: FactRead[] = [
    { group: 'probe', name: 'at' },
    ...rule.condition.reads,
    ...(rule.given?.reads ?? []),
  ]
  for (const { group, name } of reads) {
    const held: Readonly<Record<string, unknown>> | undefined = facts[group]
    const value = held?.[name]
    if (value !== undefined) (read[group] ??= {})[name] = value
  }
  return read
}
