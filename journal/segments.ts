import { join } from 'node:path'
import { decodeBlock, decodeBlocks, encodeBlock, type Block } from './block.ts'
import type { Disk } from './disk.ts'
import { JournalError } from './error.ts'
import { decodeFrames, MAX_FRAME_PAYLOAD } from './frame.ts'
import { FramedFile } from './framedFile.ts'
import { recordedAt } from './record.ts'
import { decodeSealed, decodeTrailer, encodeSealed, TRAILER_BYTES, type Trailer } from './sealedFile.ts'

/** A pending segment this long or old is compressed: what a restart reads stays small, and evidence is soon immutable. */
const ROTATE_BYTES = 4 * 1024 * 1024
const ROTATE_AGE_MS = 3_600_000
/** A pending segment that cannot be compressed (disk full) grows up to here; then nothing more is accepted. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024
/** Most octets of content that a segment decompresses to. */
export const MAX_SEGMENT_BYTES = MAX_PENDING_BYTES + MAX_FRAME_PAYLOAD

const DIRECTORY = 'segments'

export function segmentPath(number: number, state: 'zst' | 'pending'): string {
  return `${DIRECTORY}/${String(number).padStart(8, '0')}.${state}`
}

/** undefined when the name is no segment's. */
export function parseSegmentPath(path: string): { number: number; state: 'zst' | 'pending' } | undefined {
  const match = /^segments\/(\d{8})\.(zst|pending)$/.exec(path)
  return match === null
    ? undefined
    : { number: Number(match[1]), state: match[2] === 'zst' ? 'zst' : 'pending' }
}

/** Numbers of the segments in a journal directory, in order. */
export async function listSegments(
  disk: Disk,
  directory: string,
): Promise<{ readonly sealed: readonly number[]; readonly pending: readonly number[] }> {
  const names = await disk.list(join(directory, DIRECTORY))
  const found = names.flatMap((name) => parseSegmentPath(`${DIRECTORY}/${name}`) ?? [])
  const numbers = (state: 'zst' | 'pending') => found.filter((s) => s.state === state).map((s) => s.number)
  return { sealed: numbers('zst'), pending: numbers('pending') }
}

/** What a sealed segment says about itself. Throws JournalError(altered). */
export async function readTrailer(disk: Disk, directory: string, number: number): Promise<Trailer> {
  const path = segmentPath(number, 'zst')
  const end = await disk.readPart(join(directory, path), -TRAILER_BYTES, TRAILER_BYTES)
  const trailer = decodeTrailer('segment', end ?? Buffer.alloc(0))
  if (trailer.number !== number)
    throw new JournalError('altered', `${path}: expected segment ${number}, got ${trailer.number}`)
  return trailer
}

/** Blocks of a sealed segment. Throws JournalError(altered, format). */
export async function readSealedSegment(
  disk: Disk,
  directory: string,
  number: number,
): Promise<readonly Block[]> {
  const path = segmentPath(number, 'zst')
  const file = await disk.read(join(directory, path))
  if (file === undefined) throw new JournalError('altered', `${path}: expected a file, got none`)
  const { content } = await decodeSealed('segment', file, MAX_SEGMENT_BYTES)
  return [...decodeBlocks(content)]
}

/** Appends blocks to the pending segment, and compresses it when it is due. */
export class SegmentWriter {
  readonly #disk: Disk
  readonly #directory: string
  #number: number
  #pending: FramedFile | undefined
  #first = 0
  #count = 0
  /** `recorded` of the first record in the pending segment. */
  #since = 0

  private constructor(disk: Disk, directory: string, number: number) {
    this.#disk = disk
    this.#directory = directory
    this.#number = number
  }

  /** Opens the segment that is being filled; hands out the blocks in it. Throws JournalError(altered). */
  static async open(
    disk: Disk,
    directory: string,
  ): Promise<{ writer: SegmentWriter; blocks: readonly Block[] }> {
    await disk.makeDirectory(join(directory, DIRECTORY))
    const { sealed, pending } = await listSegments(disk, directory)
    const next = (sealed.at(-1) ?? -1) + 1
    for (const number of pending.filter((p) => p < next)) await removeSuperseded(disk, directory, number)
    const open = pending.filter((p) => p >= next)
    if (open.some((p) => p !== next))
      throw new JournalError('altered', `expected ${segmentPath(next, 'pending')}, got ${open.join(', ')}`)
    const writer = new SegmentWriter(disk, directory, next)
    return { writer, blocks: open.length === 0 ? [] : await writer.#reopen() }
  }

  /** Number of the segment that the next block goes to. */
  get number(): number {
    return this.#number
  }

  /** Rejects with JournalError(storage); then the block does not count. */
  async append(block: Block, recorded: number): Promise<void> {
    if (this.#pending !== undefined && this.#pending.length > MAX_PENDING_BYTES)
      throw new JournalError('storage', `${this.#path('pending')}: full, and cannot be compressed`)
    this.#pending ??= (await FramedFile.open(this.#disk, this.#path('pending'))).file
    await this.#pending.append(block.entry, encodeBlock(block))
    if (this.#count === 0) {
      this.#first = block.entry
      this.#since = recorded
    }
    this.#count++
  }

  isDue(now: number): boolean {
    if (this.#pending === undefined || this.#count === 0) return false
    return this.#pending.length >= ROTATE_BYTES || now - this.#since >= ROTATE_AGE_MS
  }

  /** Compresses the pending segment; the next block starts another. */
  async rotate(): Promise<void> {
    if (this.#count === 0) return
    const content = await this.#content()
    const head = { number: this.#number, first: this.#first, count: this.#count }
    await this.#disk.replace(this.#path('zst'), await encodeSealed('segment', head, content))
    await this.#pending?.close()
    const done = this.#path('pending')
    this.#pending = undefined
    this.#number++
    this.#count = 0
    await this.#disk.remove(done)
  }

  async close(): Promise<void> {
    await this.#pending?.close()
    this.#pending = undefined
  }

  async #reopen(): Promise<readonly Block[]> {
    const { file, frames } = await FramedFile.open(this.#disk, this.#path('pending')).catch(
      (error: unknown) => {
        throw located(error, segmentPath(this.#number, 'pending'))
      },
    )
    const blocks = frames.map((frame) => decodeBlock(frame.payload))
    this.#pending = file
    this.#count = blocks.length
    const record = blocks[0]?.records[0]
    if (blocks[0] !== undefined && record !== undefined) {
      this.#first = blocks[0].entry
      this.#since = recordedAt(record)
    }
    return blocks
  }

  /** What the pending segment holds on disk, which must be what was appended. */
  async #content(): Promise<Buffer> {
    const { frames } = decodeFrames((await this.#disk.read(this.#path('pending'))) ?? Buffer.alloc(0))
    if (frames.length !== this.#count)
      throw new JournalError(
        'altered',
        `${this.#path('pending')}: expected ${this.#count} blocks, got ${frames.length}`,
      )
    return Buffer.concat(frames.map((frame) => frame.payload))
  }

  #path(state: 'zst' | 'pending'): string {
    return join(this.#directory, segmentPath(this.#number, state))
  }
}

/** A crash between compressing and removing leaves both: the pending one goes, once it is certain that nothing is lost. */
async function removeSuperseded(disk: Disk, directory: string, number: number): Promise<void> {
  const path = join(directory, segmentPath(number, 'pending'))
  const file = await disk.read(join(directory, segmentPath(number, 'zst')))
  const { content } = await decodeSealed('segment', file ?? Buffer.alloc(0), MAX_SEGMENT_BYTES)
  const { frames } = decodeFrames((await disk.read(path)) ?? Buffer.alloc(0))
  if (!Buffer.concat(frames.map((frame) => frame.payload)).equals(content))
    throw new JournalError(
      'altered',
      `${path}: expected what ${segmentPath(number, 'zst')} holds, got other blocks`,
    )
  await disk.remove(path)
}

function located(error: unknown, path: string): unknown {
  if (!(error instanceof JournalError)) return error
  return new JournalError(error.code, `${path}: ${error.message}`, { cause: error })
}
