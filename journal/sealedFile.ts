import { createHash } from 'node:crypto'
import { pipeline, Readable, type Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { constants, createZstdCompress, createZstdDecompress, zstdDecompress } from 'node:zlib'
import { promisify } from 'node:util'
import { DIGEST_BYTES, sha256InTurns } from './digest.ts'
import { JournalError } from './error.ts'

// A finished file (a segment, a large artifact): one zstd frame, and a zstd "skippable frame" (RFC 8878 section 3.1.2) that
// any zstd tool passes over. It holds a digest of the file, because some bits of a zstd frame can be changed without
// changing what it decodes to (docs/journal-format.md, "Sealed files").

const decompress = promisify(zstdDecompress)

const SKIPPABLE_MAGIC = 0x184d2a56
const TRAILER_CONTENT = 72
export const TRAILER_BYTES = 8 + TRAILER_CONTENT
const LEVEL = 3

export type SealedKind = 'segment' | 'artifact'
const TAGS: Readonly<Record<SealedKind, string>> = { segment: 'VGLSEGM1', artifact: 'VGLARTF1' }

export interface Trailer {
  /** Segment number; 0 for an artifact. */
  readonly number: number
  /** First entry in the segment and how many; 0 for an artifact. */
  readonly first: number
  readonly count: number
  /** Octets of the content. */
  readonly length: number
}

/** Octets of content that are compressed or decompressed at a time. */
const PIECE_BYTES = 1024 * 1024

export async function encodeSealed(
  kind: SealedKind,
  head: Omit<Trailer, 'length'>,
  content: Uint8Array,
): Promise<Buffer> {
  return await buffer(sealedPieces(kind, head, content))
}

/** A sealed file in pieces: of a large content no second copy is held. */
export async function* sealedPieces(
  kind: SealedKind,
  head: Omit<Trailer, 'length'>,
  content: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const digest = createHash('sha256')
  const params = { [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_compressionLevel]: LEVEL }
  const zstd = createZstdCompress({ params, pledgedSrcSize: content.length, chunkSize: PIECE_BYTES })
  const body = through(content, zstd)
  for await (const piece of body) {
    digest.update(piece)
    yield piece
  }
  const trailer = encodeTrailer(kind, head, content.length)
  yield trailer
  yield digest.update(trailer).digest()
}

/** What a transformation makes of the content. */
function through(content: Uint8Array, transform: Transform): AsyncIterable<Uint8Array> {
  // A failure ends the iteration, too.
  pipeline(Readable.from(piecesOf(content)), transform, () => undefined)
  return transform
}

function* piecesOf(content: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < content.length; at += PIECE_BYTES) yield content.subarray(at, at + PIECE_BYTES)
}

function encodeTrailer(kind: SealedKind, head: Omit<Trailer, 'length'>, length: number): Buffer {
  const trailer = Buffer.alloc(TRAILER_BYTES - DIGEST_BYTES)
  trailer.writeUInt32LE(SKIPPABLE_MAGIC, 0)
  trailer.writeUInt32LE(TRAILER_CONTENT, 4)
  trailer.write(TAGS[kind], 8, 'latin1')
  trailer.writeBigUInt64BE(BigInt(head.number), 16)
  trailer.writeBigUInt64BE(BigInt(head.first), 24)
  trailer.writeBigUInt64BE(BigInt(head.count), 32)
  trailer.writeBigUInt64BE(BigInt(length), 40)
  return trailer
}

/** The trailer from the last TRAILER_BYTES of a file; its digest is not checked. Throws JournalError(altered). */
export function decodeTrailer(kind: SealedKind, end: Buffer): Trailer {
  const at = end.length - TRAILER_BYTES
  if (
    at < 0 ||
    end.readUInt32LE(at) !== SKIPPABLE_MAGIC ||
    end.readUInt32LE(at + 4) !== TRAILER_CONTENT ||
    end.toString('latin1', at + 8, at + 16) !== TAGS[kind]
  )
    throw new JournalError('altered', { expected: `the trailer of a sealed ${kind}`, got: 'other octets' })
  return {
    number: Number(end.readBigUInt64BE(at + 16)),
    first: Number(end.readBigUInt64BE(at + 24)),
    count: Number(end.readBigUInt64BE(at + 32)),
    length: Number(end.readBigUInt64BE(at + 40)),
  }
}

/** Reads a whole sealed file of at most `limit` octets of content. Throws JournalError(altered). */
export async function decodeSealed(
  kind: SealedKind,
  file: Buffer,
  limit: number,
): Promise<{ readonly trailer: Trailer; readonly content: Buffer }> {
  const trailer = decodeTrailer(kind, file)
  const digestAt = file.length - DIGEST_BYTES
  const digest = await sha256InTurns(file.subarray(0, digestAt))
  if (!digest.equals(file.subarray(digestAt)))
    throw new JournalError('altered', { expected: 'a file that fits its digest', got: 'other octets' })
  if (trailer.length > limit)
    throw new JournalError('altered', {
      expected: `at most ${limit} octets of content`,
      got: `${trailer.length}`,
    })
  const content = await inflate(file.subarray(0, file.length - TRAILER_BYTES), trailer.length)
  return { trailer, content }
}

/** Decompresses to exactly `length` octets, never more. Throws JournalError(altered). */
export async function inflate(bytes: Uint8Array, length: number): Promise<Buffer> {
  const inflated =
    length <= PIECE_BYTES
      ? decompress(bytes, { maxOutputLength: Math.max(1, length) })
      : inflateInPieces(bytes, length)
  const content = await inflated.catch((error: unknown) => {
    const message = { expected: `zstd of ${length} octets`, got: 'other octets' }
    throw new JournalError('altered', message, { cause: error })
  })
  if (content.length !== length)
    throw new JournalError('altered', { expected: `${length} octets of content`, got: `${content.length}` })
  return content
}

/** Into memory that is reserved once. Rejects when there is more; returns what there is when it is less. */
async function inflateInPieces(bytes: Uint8Array, length: number): Promise<Buffer> {
  const content = Buffer.allocUnsafeSlow(length)
  let at = 0
  const pieces = through(bytes, createZstdDecompress({ chunkSize: PIECE_BYTES }))
  for await (const piece of pieces) {
    if (at + piece.length > length) throw new RangeError('expected an end, got more')
    content.set(piece, at)
    at += piece.length
  }
  return content.subarray(0, at)
}
