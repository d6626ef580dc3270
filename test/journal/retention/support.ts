import type { Journal } from '../../../journal/journal.ts'
import type { NewRecord } from '../../../model/record.ts'
import { FakeClock, numbered, observed, openTestJournal, type Place } from '../support.ts'

export const DAY = 86_400_000
export const START = Date.UTC(2026, 0, 1)

/** An observation that names artifacts, which are put. */
export async function observation(journal: Journal, contents: readonly Buffer[]): Promise<NewRecord> {
  const artifacts = []
  for (const bytes of contents) artifacts.push(await journal.putArtifact({ mediaType: 'text/plain', bytes }))
  return observed('ca_crl[issuing-1]', artifacts, START)
}

/** Five days, a segment each; every day has artifacts of its own, small and large, and one that every other day has too. */
export async function fiveDays(place: Place): Promise<Place & { readonly clock: FakeClock }> {
  const clock = new FakeClock(START)
  const journal = await openTestJournal(place, { now: clock.now })
  for (let day = 0; day < 5; day++) {
    clock.ms = START + day * DAY + 60_000
    const own = [Buffer.from(`small ${day}`), Buffer.alloc(70_000, `large ${day}`)]
    await journal.append([
      await observation(journal, [...own, Buffer.from(`shared by days ${day % 2}`)]),
      numbered(day),
    ])
    await journal.append([numbered(10 + day)])
    await journal.finishSegment()
  }
  await journal.close()
  return { ...place, clock }
}
