import { decodeBlock, decodeBlocks, type Block } from '../block.ts'
import { sha256 } from '../digest.ts'
import { decodeFrames } from '../frame.ts'
import { decodeSealed } from '../sealedFile.ts'
import { MAX_SEGMENT_BYTES, segmentPath } from '../segments.ts'
import { asFault, fault, inFile } from './fault.ts'
import { checkNoneLeft, type Inventory } from './inventory.ts'
import type { FileSource } from './source.ts'

export interface SegmentBlock extends Block {
  readonly segment: number
  readonly file: string
}

/** How often a pending segment is read again when it changed under the reader. */
const ATTEMPTS = 3

/**
 * Blocks of every segment in order from one on, each entry exactly once. Numbers are tried one after the other, because a writer at work
 * begins segments after the directory was listed; none that was listed may be left. Throws FaultFound.
 */
export async function* readSegments(
  source: FileSource,
  inventory: Inventory,
  notes: string[],
  start: { readonly segment: number; readonly entry: number },
): AsyncGenerator<SegmentBlock> {
  let next = start.entry
  let { segment } = start
  for (let open = false; !open; segment++) {
    const found = await readSegment(source, inventory, segment, next, notes)
    if (found === undefined) break
    for (const block of found.blocks) {
      next++
      yield { ...block, segment, file: found.file }
    }
    open = found.open
  }
  checkNoneLeft([...inventory.sealed, ...inventory.pending], segment, (n) => segmentPath(n, 'zst'))
}

/** undefined when there is none of this number. `open`: it was still being filled, so it is the last. */
async function readSegment(
  source: FileSource,
  inventory: Inventory,
  segment: number,
  first: number,
  notes: string[],
): Promise<{ readonly file: string; readonly blocks: Iterable<Block>; readonly open: boolean } | undefined> {
  const file = segmentPath(segment, 'zst')
  const sealed = await source.read(file)
  const pending = sealed === undefined ? await readPending(source, segment, first, notes) : undefined
  if (pending !== undefined) return { file: segmentPath(segment, 'pending'), blocks: pending, open: true }
  // A writer at work may have compressed it between the two looks.
  const bytes = sealed ?? (await source.read(file))
  if (bytes === undefined) return undefined
  const { content, blocks } = await readSealed(bytes, segment, first)
  if (inventory.pending.includes(segment)) await checkSuperseded(source, segment, content, notes)
  return { file, blocks: inOrder(file, blocks, first), open: false }
}

async function readSealed(
  bytes: Buffer,
  segment: number,
  first: number,
): Promise<{ readonly content: Buffer; readonly blocks: readonly Block[] }> {
  const file = segmentPath(segment, 'zst')
  const { trailer, content } = await decodeSealed('segment', bytes, MAX_SEGMENT_BYTES).catch(
    (error: unknown) => {
      throw asFault(error, file, '')
    },
  )
  const blocks = inFile(file, 'content', () => [...decodeBlocks(content)])
  const expected = `segment ${segment} with ${blocks.length} entries from ${first}`
  const got = `segment ${trailer.number} with ${trailer.count} entries from ${trailer.first}`
  if (got !== expected) throw fault(file, 'trailer', expected, got)
  return { content, blocks }
}

function* inOrder(file: string, blocks: readonly Block[], first: number): Generator<Block> {
  let next = first
  for (const block of blocks) {
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

/** undefined when there is no such file. */
async function readPending(
  source: FileSource,
  segment: number,
  first: number,
  notes: string[],
): Promise<readonly Block[] | undefined> {
  const file = segmentPath(segment, 'pending')
  const bytes = await readStable(source, file)
  if (bytes === undefined) return undefined
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
