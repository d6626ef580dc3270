import { basename } from 'node:path'
import { epochDirectories, openHistory } from '../../journal/epochs.ts'
import { verifyJournal, type VerifyOptions } from '../../journal/verify.ts'
import { CommandError, EXIT } from '../exit.ts'
import { ProgressLine } from '../progress.ts'
import { printReplay } from './print.ts'
import { differencesIn, replay, type ReplayReport } from './replay.ts'

/**
 * Replays so many entries of a journal, which were verified, and the epochs before it, which are verified here: what was decided in them is known at the
 * beginning of this one. Throws CommandError when one is broken.
 */
// Imported when it is asked for.
// ts-unused-exports:disable-next-line
export async function replayDirectory(
  directory: string,
  { size, ...trusted }: { readonly size: number } & Pick<VerifyOptions, 'trust' | 'timestampAuthorities'>,
): Promise<{ readonly report: ReplayReport; readonly differences: number; readonly print: () => void }> {
  const earlier = (await epochDirectories(directory)).slice(0, -1)
  let before = 0
  for (const epoch of earlier) {
    const report = await verifyJournal(epoch, trustedFor(epoch, trusted))
    if (report.fault !== undefined)
      throw new CommandError(EXIT.findings, `${epoch}, which came before, is broken: vigil verify ${epoch}`)
    before += report.size
  }
  const progress = new ProgressLine(process.stderr, 'replaying')
  const report = await replay(await openHistory(directory), {
    size,
    onProgress: (entries) => progress.update(entries, Math.max(entries, before + size)),
  }).finally(() => progress.end())
  return { report, differences: differencesIn(report), print: () => printReplay(report) }
}

/** A key vouches for the log of its epoch. */
function trustedFor(
  directory: string,
  { trust, ...rest }: Pick<VerifyOptions, 'trust' | 'timestampAuthorities'>,
): VerifyOptions {
  return trust?.includes(`/${basename(directory)}+`) === true ? { trust, ...rest } : rest
}
