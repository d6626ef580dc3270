import type { JournalReader } from '../../journal/reader.ts'
import type { SealedRecord } from '../../model/record.ts'
import { formatInstant, fromTimestamp } from '../../model/time.ts'
import { LatestRuns } from '../../rules/latestRuns.ts'
import { simulateFuture, type FutureReport } from '../../rules/simulation/future.ts'
import { PastSimulation, type PastReport } from '../../rules/simulation/past.ts'
import { CommandError, EXIT } from '../exit.ts'
import { ProgressLine } from '../progress.ts'
import type { RulesUnderTest } from './rulesUnderTest.ts'

export type Future = FutureReport & {
  /** When the newest evidence was recorded, in milliseconds. */
  readonly now: number
  readonly at: number
}

/** What the evidence at the end of the journal means at a later time, in milliseconds. Throws CommandError, JournalError. */
export async function futureOf(reader: JournalReader, rules: RulesUnderTest, at: number): Promise<Future> {
  const runs = new LatestRuns()
  let now = -Infinity
  await replay(reader, (batch) => {
    for (const record of batch) {
      runs.add(record)
      now = fromTimestamp(record.recorded)
    }
    return true
  })
  if (now === -Infinity) throw new CommandError(EXIT.usage, 'the journal holds nothing yet')
  if (at <= now)
    throw new CommandError(
      EXIT.usage,
      `--at: expected a time after the newest record, of ${formatInstant(now)}, got ${formatInstant(at)}; vigil explain shows the past`,
    )
  const { inForce, then } = rules
  return { ...simulateFuture({ inForce, then, latest: runs.latest(), now, at }), now, at }
}

export interface Period {
  /** [from, to), in milliseconds. */
  readonly from: number
  readonly to: number
}

/** What the rules would have said in a period. Throws CommandError, JournalError. */
export async function pastOf(
  reader: JournalReader,
  rules: RulesUnderTest,
  period: Period,
): Promise<PastReport> {
  const simulation = new PastSimulation({ rules: rules.tested, kept: rules.kept, period })
  let first: number | undefined
  let last = -Infinity
  await replay(reader, (batch) => {
    simulation.add(batch)
    const record = batch.at(-1)
    if (record !== undefined) last = fromTimestamp(record.recorded)
    first ??= last
    return last < period.to
  })
  const report = simulation.report()
  if (report !== undefined) return report
  const { from, to } = period
  const why =
    first === undefined
      ? 'it holds nothing yet'
      : first >= to
        ? `it begins at ${formatInstant(first)}`
        : `it ends at ${formatInstant(last)}`
  const message = `the journal holds nothing from ${formatInstant(from)} to ${formatInstant(to)}: ${why}`
  throw new CommandError(EXIT.usage, message)
}

/** Hands on the journal from its beginning, as long as `take` wants more, with progress on a terminal. */
export async function replay(
  reader: JournalReader,
  take: (batch: readonly SealedRecord[]) => boolean,
): Promise<void> {
  const progress = new ProgressLine(process.stderr, 'reading the journal')
  // A journal that was never published has no checkpoint, and is as readable.
  const total = await reader.checkpoint().then(
    ({ size }) => size,
    () => undefined,
  )
  try {
    for await (const batch of reader.read()) {
      const entry = batch[0]?.position.entry ?? 0
      if (total !== undefined) progress.update(Math.min(entry + 1, total), total)
      if (!take(batch)) return
    }
  } finally {
    progress.end()
  }
}
