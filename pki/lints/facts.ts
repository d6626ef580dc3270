import type { FactsOf } from '../../model/facts.ts'
import type { LintOutcome, LintResult } from './lint.ts'

/** The facts of the group `lint`: ids by outcome, in the order of the table. Messages are not kept; they can be had again from the artifact. */
export function lintFacts(results: readonly LintResult[]): FactsOf<'lint'> {
  const ids = (outcome: LintOutcome) => results.filter((r) => r.outcome === outcome).map(({ id }) => id)
  const failed = ids('fail')
  return { failures: failed.length, failed, passed: ids('pass'), notApplicable: ids('not_applicable') }
}
