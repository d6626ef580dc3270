import { MAX_RECORDS_PER_ENTRY } from './entry.ts'
import { JournalError } from './error.ts'

// A block is the text of one entry's records: a line `entry <index> <count>`, then a line a record (canonical JSON holds
// no line feed). Segments are blocks one after the other, so `zstd -dc` and `grep` read them.

/** Most octets of records in a block, which bounds what a reader must hold for one entry. */
export const MAX_BLOCK_BYTES = 4 * 1024 * 1024

export interface Block {
  /** Entry index in the log. */
  readonly entry: number
  /** Each record as stored, without its line feed. */
  readonly records: readonly Buffer[]
}

const LINE_FEED = 0x0a
const HEADER = /^entry (0|[1-9]\d{0,14}) ([1-9]\d{0,3})$/
/** Longer than any header line. */
const HEADER_LIMIT = 32

export function encodeBlock(block: Block): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`entry ${block.entry} ${block.records.length}\n`)]
  const lineFeed = Buffer.from([LINE_FEED])
  for (const record of block.records) parts.push(record, lineFeed)
  return Buffer.concat(parts)
}

/** Blocks in the text of a segment, in order. Throws JournalError(format) naming the offset. */
export function* decodeBlocks(text: Buffer): Generator<Block> {
  let at = 0
  while (at < text.length) {
    const { entry, count, end } = decodeHeader(text, at)
    const records: Buffer[] = []
    let start = end
    for (let i = 0; i < count; i++) {
      const lineEnd = text.indexOf(LINE_FEED, start)
      if (lineEnd === -1) throw malformed(start, 'a record ending in a line feed', 'the end')
      records.push(text.subarray(start, lineEnd))
      start = lineEnd + 1
    }
    yield { entry, records }
    at = start
  }
}

/** The one block of a frame. Throws JournalError(format). */
export function decodeBlock(text: Buffer): Block {
  const [block, ...rest] = decodeBlocks(text)
  if (block === undefined || rest.length > 0) throw malformed(0, 'one block', `${rest.length + 1}`)
  return block
}

function decodeHeader(text: Buffer, at: number): { entry: number; count: number; end: number } {
  const line = text.toString('latin1', at, at + HEADER_LIMIT).split('\n', 1)[0] ?? ''
  const match = HEADER.exec(line)
  const end = at + line.length + 1
  if (match === null || end > text.length)
    throw malformed(at, 'a line "entry <index> <count>"', JSON.stringify(line))
  const count = Number(match[2])
  if (count > MAX_RECORDS_PER_ENTRY)
    throw malformed(at, `at most ${MAX_RECORDS_PER_ENTRY} records`, `${count}`)
  return { entry: Number(match[1]), count, end }
}

function malformed(at: number, expected: string, got: string): JournalError {
  return new JournalError('format', { expected, got, where: `octet ${at}` })
}
