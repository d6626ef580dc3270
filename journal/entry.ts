import { DIGEST_BYTES } from './digest.ts'
import { JournalError } from './error.ts'

/** Records in a full entry. 1024 digests and the header stay below the 65535 octets that an entry bundle can hold. */
export const MAX_RECORDS_PER_ENTRY = 1024

const VERSION = 1
const HEADER_BYTES = 31

/** What a leaf of the log says about a block of records (docs/journal-format.md, "Entries"). */
export interface Entry {
  readonly epoch: number
  /** Earliest and latest `recorded` of the records, in ms since the Unix epoch. */
  readonly first: number
  readonly last: number
  /** Segment that holds the records. */
  readonly segment: number
  /** SHA-256 of each record, in order. */
  readonly digests: readonly Uint8Array[]
}

/** The entry of a block of records. */
export function entryOf(
  epoch: number,
  segment: number,
  records: readonly { readonly recorded: number; readonly digest: Uint8Array }[],
): Entry {
  let first = Infinity
  let last = 0
  for (const { recorded } of records) {
    first = Math.min(first, recorded)
    last = Math.max(last, recorded)
  }
  return { epoch, first, last, segment, digests: records.map((record) => record.digest) }
}

export function encodeEntry(entry: Entry): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + DIGEST_BYTES * entry.digests.length)
  bytes.writeUInt8(VERSION, 0)
  bytes.writeBigUInt64BE(BigInt(entry.epoch), 1)
  bytes.writeBigUInt64BE(BigInt(entry.first), 9)
  bytes.writeBigUInt64BE(BigInt(entry.last), 17)
  bytes.writeUInt32BE(entry.segment, 25)
  bytes.writeUInt16BE(entry.digests.length, 29)
  entry.digests.forEach((digest, i) => bytes.set(digest, HEADER_BYTES + DIGEST_BYTES * i))
  return bytes
}

/** Throws JournalError(format). */
export function decodeEntry(bytes: Buffer): Entry {
  if (bytes.length < HEADER_BYTES || bytes.readUInt8(0) !== VERSION)
    throw new JournalError('format', {
      expected: `an entry of version ${VERSION}`,
      got: `${bytes.length} other octets`,
    })
  const count = bytes.readUInt16BE(29)
  if (count < 1 || count > MAX_RECORDS_PER_ENTRY || bytes.length !== HEADER_BYTES + DIGEST_BYTES * count)
    throw new JournalError('format', {
      expected: `an entry of ${count} digests`,
      got: `${bytes.length} octets`,
    })
  return {
    epoch: Number(bytes.readBigUInt64BE(1)),
    first: Number(bytes.readBigUInt64BE(9)),
    last: Number(bytes.readBigUInt64BE(17)),
    segment: bytes.readUInt32BE(25),
    digests: Array.from({ length: count }, (_, i) => {
      const at = HEADER_BYTES + DIGEST_BYTES * i
      return bytes.subarray(at, at + DIGEST_BYTES)
    }),
  }
}
