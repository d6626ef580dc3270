import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { promisify } from 'node:util'
import { DIGEST_BYTES, sha256 } from './digest.ts'
import { JournalError } from './error.ts'

// A finished file (a segment, a large artifact): one zstd frame, and a zstd "skippable frame" (RFC 8878 section 3.1.2) that
// any zstd tool passes over. It holds a digest of the file, because some bits of a zstd frame can be changed without
// changing what it decodes to (docs/journal-format.md, "Sealed files").

const compress = promisify(zstdCompress)
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

export async function encodeSealed(
  kind: SealedKind,
  head: Omit<Trailer, 'length'>,
  content: Uint8Array,
): Promise<Buffer> {
  const params = { [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_compressionLevel]: LEVEL }
  const body = await compress(content, { params })
  const trailer = Buffer.alloc(TRAILER_BYTES - DIGEST_BYTES)
  trailer.writeUInt32LE(SKIPPABLE_MAGIC, 0)
  trailer.writeUInt32LE(TRAILER_CONTENT, 4)
  trailer.write(TAGS[kind], 8, 'latin1')
  trailer.writeBigUInt64BE(BigInt(head.number), 16)
  trailer.writeBigUInt64BE(BigInt(head.first), 24)
  trailer.writeBigUInt64BE(BigInt(head.count), 32)
  trailer.writeBigUInt64BE(BigInt(content.length), 40)
  const file = Buffer.concat([body, trailer])
  return Buffer.concat([file, sha256(file)])
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
  if (!sha256(file.subarray(0, digestAt)).equals(file.subarray(digestAt)))
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
  const content = await decompress(bytes, { maxOutputLength: Math.max(1, length) }).catch(
    (error: unknown) => {
      throw new JournalError(
        'altered',
        { expected: `zstd of ${length} octets`, got: 'other octets' },
        {
          cause: error,
        },
      )
    },
  )
  if (content.length !== length)
    throw new JournalError('altered', { expected: `${length} octets of content`, got: `${content.length}` })
  return content
}
