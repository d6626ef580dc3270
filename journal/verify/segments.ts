import { decodeBlock, decodeBlocks, type Block } from '../block.ts'
import { sha256 } from '../digest.ts'
import { decodeFrames } from '../frame.ts'
import { decodeSealed } from '../sealedFile.ts'
import { MAX_SEGMENT_BYTES, segmentPath } from '../segments.ts'
import { asFault, fault, inFile } from './fault.ts'
import { checkConsecutive, type Inventory } from './inventory.ts'
import type { FileSource } from './source.ts'

export interface SegmentBlock extends Block {
  readonly segment: number
  readonly file: string
}

/** How often a pending segment is read again when it changed under the reader. */
const ATTEMPTS = 3

/** Blocks of every segment in order, each entry exactly once. Throws FaultFound. */
export async function* readSegments(
  source: FileSource,
  inventory: Inventory,
  notes: string[],
): AsyncGenerator<SegmentBlock> {
  const { sealed, pending } = inventory
  checkConsecutive(sealed, (number) => segmentPath(number, 'zst'))
  let next = 0
  for (const segment of sealed) {
    const { file, content } = await readSealed(source, segment, next)
    if (pending.includes(segment)) await checkSuperseded(source, segment, content, notes)
    for (const block of blocksOf(file, content, next)) {
      next++
      yield { ...block, segment, file }
    }
  }
  for (const segment of pending.filter((p) => p >= sealed.length)) {
    const file = segmentPath(segment, 'pending')
    if (segment !== sealed.length) throw fault(segmentPath(sealed.length, 'pending'), '', 'a file', 'none')
    for (const block of await readPending(source, segment, next, notes)) {
      next++
      yield { ...block, segment, file }
    }
  }
}

async function readSealed(
  source: FileSource,
  segment: number,
  first: number,
): Promise<{ file: string; content: Buffer }> {
  const file = segmentPath(segment, 'zst')
  const bytes = await source.read(file)
  if (bytes === undefined) throw fault(file, '', 'a file', 'none')
  const { trailer, content } = await decodeSealed('segment', bytes, MAX_SEGMENT_BYTES).catch(
    (error: unknown) => {
      throw asFault(error, file, '')
    },
  )
  const count = inFile(file, 'content', () => [...decodeBlocks(content)].length)
  const expected = `segment ${segment} with ${count} entries from ${first}`
  const got = `segment ${trailer.number} with ${trailer.count} entries from ${trailer.first}`
  if (got !== expected) throw fault(file, 'trailer', expected, got)
  return { file, content }
}

function* blocksOf(file: string, content: Buffer, first: number): Generator<Block> {
  let next = first
  for (const block of decodeBlocks(content)) {
    if (block.entry !== next) throw fault(file, 'content', `entry ${next}`, `entry ${block.entry}`)
    next++
    yield block
  }
}

/** A pending segment that was compressed but not yet removed must hold the same. */
async function checkSuperseded(
  source: FileSource,
  segment: number,
  content: Buffer,
  notes: string[],
): Promise<void> {
  const file = segmentPath(segment, 'pending')
  const bytes = await source.read(file)
  if (bytes === undefined) return
  const { frames, torn } = inFile(file, '', () => decodeFrames(bytes))
  if (torn > 0 || !Buffer.concat(frames.map((frame) => frame.payload)).equals(content))
    throw fault(file, '', `the blocks of ${segmentPath(segment, 'zst')}`, 'other blocks')
  notes.push(`${file}: left over; ${segmentPath(segment, 'zst')} holds the same`)
}

async function readPending(
  source: FileSource,
  segment: number,
  first: number,
  notes: string[],
): Promise<readonly Block[]> {
  const file = segmentPath(segment, 'pending')
  const bytes = await readStable(source, file)
  // A writer at work compressed it after the directory was listed.
  if (bytes === undefined)
    return [...blocksOf(file, (await readSealed(source, segment, first)).content, first)]
  const { frames, torn } = inFile(file, '', () => decodeFrames(bytes))
  if (torn > 0) notes.push(`${file}: ${torn} octets of an unsealed frame at the end`)
  return frames.map((frame, i) => {
    const block = inFile(file, `frame at octet ${frame.start}`, () => decodeBlock(frame.payload))
    if (frame.sequence !== first + i || block.entry !== first + i)
      throw fault(file, `frame at octet ${frame.start}`, `entry ${first + i}`, `entry ${block.entry}`)
    return block
  })
}

/** The octets of a file that a writer may be appending to. */
async function readStable(source: FileSource, file: string): Promise<Buffer | undefined> {
  let bytes = await source.read(file)
  for (let attempt = 1; attempt < ATTEMPTS && bytes !== undefined; attempt++) {
    try {
      decodeFrames(bytes)
      break
    } catch {
      const again = await source.read(file)
      if (again === undefined || sha256(again).equals(sha256(bytes))) break
      bytes = again
    }
  }
  return bytes
}
