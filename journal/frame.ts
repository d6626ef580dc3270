import { DIGEST_BYTES, sha256 } from './digest.ts'
import { JournalError } from './error.ts'

// A file that is appended to (a pending segment, a pack of artifacts) is a row of frames. A frame is written, then fsynced,
// then followed by a seal mark; the next frame starts only after that. So whatever a crash leaves can be told from
// an alteration: only the last frame may be incomplete, and a frame with a mark was whole (docs/journal-format.md, "Frames").

export const FRAME_HEADER_BYTES = 24
export const SEAL_MARK = Buffer.from('VGLSEAL\n', 'latin1')
/** Largest payload: a block at its limit, with its header line and line feeds, fits. */
export const MAX_FRAME_PAYLOAD = 8 * 1024 * 1024

const MAGIC = Buffer.from('VGLF', 'latin1')
const ALIGNMENT = 8
/** Disks lose whole sectors; what stands in their place after a crash is zeros. */
const SECTOR = 512

export interface Frame {
  /** Increases by one from frame to frame. Pending segment: the entry index. Pack: from 0. */
  readonly sequence: number
  readonly payload: Buffer
  /** Offset in the file of the frame, and of what follows its digest. */
  readonly start: number
  readonly end: number
  /** Whether the seal mark follows. Without it the frame was perhaps never acknowledged. */
  readonly marked: boolean
}

export interface FramedContent {
  readonly frames: readonly Frame[]
  /** Octets at the end that belong to no whole frame: what a crash left. */
  readonly torn: number
}

export function encodeFrame(sequence: number, payload: Uint8Array): Buffer {
  const padding = -payload.length & (ALIGNMENT - 1)
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length + padding + DIGEST_BYTES)
  MAGIC.copy(bytes, 0)
  bytes.writeUInt32BE(payload.length, 4)
  bytes.writeBigUInt64BE(BigInt(sequence), 8)
  sha256(bytes.subarray(0, 16)).copy(bytes, 16, 0, 8)
  bytes.set(payload, FRAME_HEADER_BYTES)
  const end = bytes.length - DIGEST_BYTES
  sha256(bytes.subarray(0, end)).copy(bytes, end)
  return bytes
}

/** Reads a whole file of frames. Throws JournalError(altered) naming the offset, when what stands there is no crash's work. */
export function decodeFrames(bytes: Buffer): FramedContent {
  const frames: Frame[] = []
  let at = 0
  while (at < bytes.length) {
    const frame = decodeFrame(bytes, at)
    if (frame === undefined) return { frames, torn: bytes.length - at }
    const before = frames.at(-1)
    if (before !== undefined && frame.sequence !== before.sequence + 1)
      throw altered(at, `frame ${before.sequence + 1}`, `frame ${frame.sequence}`)
    frames.push(frame)
    if (!frame.marked) return { frames, torn: bytes.length - frame.end }
    at = frame.end + SEAL_MARK.length
  }
  return { frames, torn: 0 }
}

/** undefined: what a crash left of a frame that was never sealed. */
function decodeFrame(bytes: Buffer, start: number): Frame | undefined {
  const left = bytes.length - start
  if (left < FRAME_HEADER_BYTES) {
    checkCutHeader(bytes, start)
    return undefined
  }
  const header = bytes.subarray(start, start + FRAME_HEADER_BYTES)
  const checked =
    header.subarray(0, 4).equals(MAGIC) &&
    sha256(header.subarray(0, 16)).subarray(0, 8).equals(header.subarray(16))
  if (!checked) {
    checkLostSector(bytes, start, start + FRAME_HEADER_BYTES, 'a frame header')
    return undefined
  }

  const length = header.readUInt32BE(4)
  if (length > MAX_FRAME_PAYLOAD)
    throw altered(start, `a payload of at most ${MAX_FRAME_PAYLOAD}`, `${length}`)
  const digestAt = start + FRAME_HEADER_BYTES + length + (-length & (ALIGNMENT - 1))
  const end = digestAt + DIGEST_BYTES
  if (end > bytes.length) {
    checkCut(bytes, start)
    return undefined
  }
  if (!sha256(bytes.subarray(start, digestAt)).equals(bytes.subarray(digestAt, end))) {
    if (bytes.length > end + SEAL_MARK.length)
      throw altered(start, 'a frame that fits its digest', 'other octets')
    checkLostSector(bytes, start, end, 'a frame that fits its digest')
    return undefined
  }
  return {
    sequence: Number(header.readBigUInt64BE(8)),
    payload: bytes.subarray(start + FRAME_HEADER_BYTES, start + FRAME_HEADER_BYTES + length),
    start,
    end,
    marked: isMarked(bytes, end),
  }
}

function isMarked(bytes: Buffer, at: number): boolean {
  const mark = bytes.subarray(at, at + SEAL_MARK.length)
  if (mark.equals(SEAL_MARK)) return true
  const cut = mark.length < SEAL_MARK.length && SEAL_MARK.subarray(0, mark.length).equals(mark)
  // The mark is not fsynced by itself: its sector may be lost while parts of the next, unsealed frame are there.
  const lost = isZero(mark) && !endsSealed(bytes)
  if (!cut && !lost) throw altered(at, 'a seal mark', 'other octets')
  return false
}

function checkCutHeader(bytes: Buffer, start: number): void {
  const rest = bytes.subarray(start, start + MAGIC.length)
  if (!MAGIC.subarray(0, rest.length).equals(rest) && !isZero(rest))
    throw altered(start, 'a frame', 'other octets')
  checkCut(bytes, start)
}

/** A frame that ends before its length: the file was not written to its end, so it can't end in a seal mark. */
function checkCut(bytes: Buffer, start: number): void {
  if (endsSealed(bytes)) throw altered(start, 'a whole frame before the last seal mark', 'a part of one')
}

/** Octets [start, end) of the last frame are wrong: a crash explains that only where they are zeros, and nothing is sealed. */
function checkLostSector(bytes: Buffer, start: number, end: number, expected: string): void {
  if (endsSealed(bytes) || !hasLostSector(bytes, start, end)) throw altered(start, expected, 'other octets')
}

function endsSealed(bytes: Buffer): boolean {
  return bytes.subarray(-SEAL_MARK.length).equals(SEAL_MARK)
}

function hasLostSector(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[end - 1] === 0) return true
  for (let at = start; at < end;) {
    const next = Math.min(end, at - (at % SECTOR) + SECTOR)
    if (isZero(bytes.subarray(at, next))) return true
    at = next
  }
  return false
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((octet) => octet === 0)
}

function altered(at: number, expected: string, got: string): JournalError {
  return new JournalError('altered', { expected, got, where: `octet ${at}` })
}
