import type { Finding } from '../../model/finding.ts'
import type { NewRecord, Retention } from '../../model/record.ts'
import { openReader } from '../reader.ts'

/**
 * The decisions that go, of those that hold: the newest of each rule and subject. A verdict may stand for longer than records are kept, and must not be gone with
 * the record that says it: it is journaled once more, before. Reads all of a journal.
 */
export async function standingDecisions(
  directory: string,
  planned: readonly Retention[],
): Promise<readonly Finding[]> {
  const below = Math.max(0, ...planned.map((one) => (one.action === 'prune' ? one.entries : 0)))
  const single = new Set(
    planned.flatMap((one) =>
      one.action === 'erase' ? one.records.map(([entry, n]) => `${entry}/${n}`) : [],
    ),
  )
  if (below === 0 && single.size === 0) return []
  const standing = new Map<string, Finding>()
  for await (const batch of (await openReader(directory)).read())
    for (const { kind, body, position } of batch) {
      if (kind !== 'decision') continue
      const key = `${body.rule} ${body.subject}`
      const goes = position.entry < below || single.has(`${position.entry}/${position.n}`)
      if (goes) standing.set(key, body)
      else standing.delete(key)
    }
  return [...standing.values()]
}

/** As it was journaled first: since when it holds is part of it. */
export function toldAgain(decisions: readonly Finding[]): readonly NewRecord[] {
  return decisions.map((body) => ({ kind: 'decision', time: body.since, body }))
}
