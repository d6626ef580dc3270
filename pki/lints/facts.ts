import { hash } from 'node:crypto'
import type { FactsOf } from '../../model/facts.ts'
import type { LintOutcome, LintResult } from './lint.ts'
import { LINTS } from './table.ts'
import type { LintEntry } from './table.ts'

// What observations record of lints. With two hundred ids the outcomes would be most of an observation, so they are written as one letter
// for each lint of a table, beside the digest that says which table; only the ids of those that failed are spelt out.

const LETTERS: Readonly<Record<LintOutcome, string>> = { pass: 'p', fail: 'f', not_applicable: '-' }
/** Characters of a table's digest: it tells editions of a table apart, nothing rests on it. */
const DIGEST = 8

interface Table {
  readonly kind: LintEntry['kind']
  readonly ids: readonly string[]
  /** Over the ids in their order. */
  readonly digest: string
}

const TABLES: readonly Table[] = (['certificate', 'crl', 'ocsp'] as const).map((kind) => {
  const ids = LINTS.filter((lint) => lint.kind === kind).map(({ id }) => id)
  return { kind, ids, digest: hash('sha256', ids.join('\n')).slice(0, DIGEST) }
})

/** The facts of the group `lint`, of at most one object of each kind. Messages are not kept: the artifact gives them again. */
export function lintFacts(results: readonly LintResult[]): FactsOf<'lint'> {
  const outcomes = new Map(results.map(({ id, outcome }) => [id, outcome]))
  const failed = results.flatMap(({ id, outcome }) => (outcome === 'fail' ? [id] : []))
  const judged = TABLES.flatMap(({ kind, ids, digest }) => {
    const letters = ids.flatMap((id) => LETTERS[outcomes.get(id) ?? 'not_applicable'])
    return ids.some((id) => outcomes.has(id)) ? [`${kind} ${digest} ${letters.join('')}`] : []
  })
  return { failures: failed.length, failed, judged }
}

/**
 * The outcome of every lint by id. Of an observation that was made with another edition of the table only the failures are known:
 * what passed then is not known to have passed now. Takes what was recorded, whatever it is.
 */
export function lintOutcomes(lint: Readonly<Record<string, unknown>>): Readonly<Record<string, LintOutcome>> {
  const outcomes: Record<string, LintOutcome> = {}
  for (const line of strings(lint['judged'])) {
    const [kind, digest, letters = ''] = line.split(' ')
    const table = TABLES.find((known) => known.kind === kind && known.digest === digest)
    for (const [i, id] of (table?.ids ?? []).entries()) {
      if (letters[i] === LETTERS.pass) outcomes[id] = 'pass'
      if (letters[i] === LETTERS.not_applicable) outcomes[id] = 'not_applicable'
    }
  }
  for (const id of strings(lint['failed'])) outcomes[id] = 'fail'
  return outcomes
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
