import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { lintFacts } from '../../../pki/lints/facts.ts'
import type { LintOutcome } from '../../../pki/lints/lint.ts'
import { LINTS, type LintEntry } from '../../../pki/lints/table.ts'
import { evaluate, type Verdict } from '../../../rules/evaluate.ts'
import { factValues } from '../../../rules/factValues.ts'
import { loadPack } from '../../../rules/loadPack.ts'
import type { Rule } from '../../../rules/pack.ts'
import { resolveSettings, versionAt } from '../../../rules/parameters.ts'
import { renderSummary } from '../../../rules/summary.ts'

// Cases for the rules of a pack, judged by the pure `evaluate`: what one run found out, and the verdict.

export const NOW = Date.parse('2026-11-22T08:00:00Z')

export const VERDICTS = ['fail', 'pass', 'unknown', 'not_applicable'] as const

export interface Case {
  readonly name: string
  readonly verdict: Verdict['verdict']
  /** Of one run; where `probe` is not given, of one that succeeded at NOW. */
  readonly facts: Facts
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** By rule. */
export type PackCases = Readonly<Record<string, readonly Case[]>>

const made =
  (verdict: Verdict['verdict']) =>
  (name: string, facts: Facts, now = NOW): Case => ({ name, verdict, facts, now })
export const passes = made('pass')
export const fails = made('fail')
export const isUnknown = made('unknown')
export const isNotApplicable = made('not_applicable')

/** The run itself; `at` in milliseconds. */
export function ran(changes: Omit<FactsOf<'probe'>, 'at'> = {}, at = NOW): FactsOf<'probe'> {
  const outcome = (changes.phase ?? '') === '' ? 'success' : 'failure'
  return { outcome, phase: '', code: '', duration: 20, at: toTimestamp(at), ...changes }
}

/** Outcomes as a probe records them: of every lint of these kinds, `others` where nothing else is said. */
export function linted(
  kinds: readonly LintEntry['kind'][],
  outcomes: Readonly<Record<string, LintOutcome>> = {},
  others: LintOutcome = 'pass',
): FactsOf<'lint'> {
  const judged = LINTS.filter(({ kind }) => kinds.includes(kind))
  const stray = Object.keys(outcomes).filter((id) => !judged.some((lint) => lint.id === id))
  assert.deepEqual(stray, [], 'lints of these kinds')
  return lintFacts(judged.map(({ id }) => ({ id, outcome: outcomes[id] ?? others })))
}

interface ByLints {
  readonly kinds: readonly LintEntry['kind'][]
  /** Each of them is enough to fail. */
  readonly lints: readonly string[]
  /** What is said where none of them applies. */
  readonly none: 'pass' | 'fail' | 'not_applicable'
  /** The other facts of the run: what the summary names, and what decides beside the lints. */
  readonly facts?: Facts
}

/** A rule that gathers lints: each of them makes it fail alone, and what was not judged makes it unknown. */
export function byLints({ kinds, lints, none, facts = {} }: ByLints): Case[] {
  const absent = Object.fromEntries(lints.map((id) => [id, 'not_applicable' as const]))
  return [
    passes('every lint passes', { ...facts, lint: linted(kinds) }),
    ...lints.map((id) => fails(`${id} fails`, { ...facts, lint: linted(kinds, { [id]: 'fail' }) })),
    made(none)('none of its lints applies', { ...facts, lint: linted(kinds, absent) }),
    isUnknown('nothing was linted', facts),
  ]
}

/** What a rule says about the facts of a run, with its own parameters. */
export function judge(rule: Rule, facts: Facts, now = NOW): Verdict & { readonly summary: string } {
  const { settings } = resolveSettings(rule, {})
  const values = factValues({ probe: ran(), ...facts })
  const verdict = evaluate(rule, settings, values, new Date(now))
  const { values: parameters } = verdict.edition?.version ?? versionAt(settings, now)
  const texts = { subject: 'subject', target: 'target', error: 'error' }
  const summary = renderSummary(rule.summary, { facts: values, parameters, now: new Date(now), texts })
  return { ...verdict, summary }
}

/** `rule: verdict` for each rule of a pack and each verdict that no case of it has. */
export function uncovered(rules: readonly Rule[], cases: PackCases): string[] {
  return rules.flatMap(({ id, when, effective }) => {
    const found = new Set((cases[id] ?? []).map(({ verdict }) => verdict))
    const isConditional = when !== undefined || effective.from !== -Infinity || effective.until !== Infinity
    return VERDICTS.filter((verdict) => verdict !== 'not_applicable' || isConditional)
      .filter((verdict) => !found.has(verdict))
      .map((verdict) => `${id}: ${verdict}`)
  })
}

/** Judges every case of a shipped pack. Whether the cases are complete, completeness.test.ts asks. */
export function testPack(id: string, cases: PackCases): void {
  const rules = new Map(loadPack(id).rules.map((rule) => [rule.id, rule]))
  for (const [ruleId, own] of Object.entries(cases)) {
    describe(ruleId, () => {
      const rule = rules.get(ruleId)
      assert.ok(rule !== undefined, `${id} has a rule ${ruleId}`)
      for (const { name, verdict, facts, now } of own) {
        it(`${verdict}: ${name}`, () => {
          const judged = judge(rule, facts, now)
          assert.equal(judged.verdict, verdict, judged.reason)
          if (verdict === 'fail')
            assert.doesNotMatch(judged.summary, /\?/, 'the summary names what was established')
          if (verdict === 'unknown' || verdict === 'not_applicable') assert.notEqual(judged.reason, '')
        })
      }
    })
  }
}
