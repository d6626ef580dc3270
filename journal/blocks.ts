import { join } from 'node:path'
import { decodeBlock, type Block } from './block.ts'
import type { Disk } from './disk.ts'
import { JournalError } from './error.ts'
import { decodeFrames, type Frame } from './frame.ts'
import { listSegments, readSealedSegment, readTrailer, segmentPath } from './segments.ts'

/** How often a pending segment is read again when a writer was in the middle of something. */
const PENDING_ATTEMPTS = 3

/**
 * Blocks from entry `from` up to but not including `to`, in order, one segment in memory at a time. Without `to`: up to what
 * carries a seal mark now, so that a writer in another process can't take back what was read. Of segments that were pruned there
 * are none: the first that is left comes first. Whether a record says that they were is for verifyJournal.
 * Throws JournalError(altered).
 */
export async function* readBlocks(
  disk: Disk,
  directory: string,
  from: number,
  to?: number,
): AsyncGenerator<Block> {
  let next = from
  const end = to ?? Infinity
  while (next < end) {
    const { sealed, pending } = await listSegments(disk, directory)
    try {
      next = Math.max(next, await firstKept(disk, directory, sealed))
      for (const number of sealed.slice(await firstSegment(disk, directory, sealed, next))) {
        for (const block of await readSealedSegment(disk, directory, number)) {
          if (block.entry < next) continue
          if (block.entry >= end) return
          checkOrder(number, block, next)
          next++
          yield block
        }
      }
    } catch (error) {
      // Pruned after the listing: list again.
      const [lowest] = (await listSegments(disk, directory)).sealed
      if (lowest === sealed[0]) throw error
      continue
    }
    const open = pending.at(-1)
    if (open === undefined || open <= (sealed.at(-1) ?? -1)) return
    const frames = await readPending(disk, directory, open)
    // It was compressed and removed after the listing: list again.
    if (frames === undefined) continue
    for (const frame of frames) {
      if (frame.sequence < next) continue
      if (frame.sequence >= end || (to === undefined && !frame.marked)) return
      const block = decodeBlock(frame.payload)
      checkOrder(open, block, next)
      next++
      yield block
    }
    return
  }
}

/** The first entry that was not pruned with its segment. The newest sealed segment never is. */
async function firstKept(disk: Disk, directory: string, sealed: readonly number[]): Promise<number> {
  const [lowest = 0] = sealed
  return lowest === 0 ? 0 : (await readTrailer(disk, directory, lowest)).first
}

/** Index in `numbers` of the segment that holds the entry, or of the first one when none does. */
async function firstSegment(
  disk: Disk,
  directory: string,
  numbers: readonly number[],
  entry: number,
): Promise<number> {
  let low = 0
  let high = numbers.length
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    const { first } = await readTrailer(disk, directory, numbers[middle] ?? 0)
    if (first <= entry) low = middle
    else high = middle
  }
  return low
}

/** undefined when the file is gone. */
async function readPending(
  disk: Disk,
  directory: string,
  number: number,
): Promise<readonly Frame[] | undefined> {
  for (let attempt = 1; ; attempt++) {
    const bytes = await disk.read(join(directory, segmentPath(number, 'pending')))
    if (bytes === undefined) return undefined
    try {
      return decodeFrames(bytes).frames
    } catch (error) {
      if (attempt === PENDING_ATTEMPTS) throw error
    }
  }
}

function checkOrder(segment: number, block: Block, expected: number): void {
  if (block.entry !== expected)
    throw new JournalError('altered', `segment ${segment}: expected entry ${expected}, got ${block.entry}`)
}
