import { join } from 'node:path'
import type { SealedRecord } from '../model/record.ts'
import type { Position } from '../model/recordId.ts'
import { nodeDisk } from './disk.ts'
import { openReader, type JournalReader } from './reader.ts'

/** Beside a journal directory: the epochs before it, each a whole journal directory named by its epoch. Nothing writes there any more. */
export function earlierEpochs(directory: string): string {
  return `${directory}.epochs`
}

/** Directories of all epochs, the oldest first; the last is the one that is written. */
export async function epochDirectories(directory: string): Promise<readonly string[]> {
  const folder = earlierEpochs(directory)
  const names = (await nodeDisk.list(folder)).filter((name) => /^\d{1,15}$/.test(name))
  const earlier = names.toSorted((a, b) => Number(a) - Number(b)).map((name) => join(folder, name))
  return [...earlier, directory]
}

/**
 * What the epochs before the newest hold, in order: all of it, or what comes after a position, which may stand in any epoch. Throws JournalError(altered, format).
 */
export async function* readEarlierEpochs(
  directory: string,
  after: (Position & { readonly epoch: number }) | undefined,
): AsyncGenerator<readonly SealedRecord[]> {
  const directories = await epochDirectories(directory)
  for (const earlier of directories.slice(0, -1)) {
    const reader = await openReader(earlier)
    if (after === undefined || reader.epoch > after.epoch) yield* reader.read()
    else if (reader.epoch === after.epoch) yield* reader.read(after)
  }
}

/**
 * A journal with the epochs before it, as one: what was watched before a restore counts as well. `after` is a position in the newest epoch.
 * Throws JournalError(format) where the directory is no journal.
 */
export async function openHistory(directory: string): Promise<JournalReader> {
  const readers: JournalReader[] = []
  for (const epoch of await epochDirectories(directory)) readers.push(await openReader(epoch))
  const newest = readers.at(-1)
  if (newest === undefined) throw new RangeError('expected an epoch')
  return {
    origin: newest.origin,
    epoch: newest.epoch,
    async *read(after): AsyncGenerator<readonly SealedRecord[]> {
      for (const reader of readers)
        if (reader === newest) yield* reader.read(after)
        else if (after === undefined) yield* reader.read()
    },
    checkpoint: () => newest.checkpoint(),
    async getArtifact(digest) {
      for (const reader of readers.toReversed()) {
        const artifact = await reader.getArtifact(digest)
        if (artifact !== undefined) return artifact
      }
      return undefined
    },
  }
}
