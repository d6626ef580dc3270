import { DIGEST_BYTES, sha256 } from './digest.ts'
import { JournalError } from './error.ts'

// Small artifacts live in packs: framed files whose payloads are items. An index beside a full pack lists them by digest; it
// can be rebuilt from the pack at any time (docs/journal-format.md, "Artifacts").

const ITEM_HEADER_BYTES = DIGEST_BYTES + 8
const ROW_BYTES = DIGEST_BYTES + 12

export interface PackItem {
  readonly digest: Buffer
  /** Octets of the artifact. */
  readonly size: number
  /** zstd. */
  readonly compressed: Buffer
}

/** Where an item stands in its pack. */
export interface PackLocation {
  /** Offset of the item in the file, and octets of it. */
  readonly offset: number
  readonly length: number
}

export function packPath(number: number, ending: 'pack' | 'idx'): string {
  return `artifacts/packs/${String(number).padStart(8, '0')}.${ending}`
}

/** undefined when the path is no pack's. */
export function parsePackPath(path: string): { number: number; ending: 'pack' | 'idx' } | undefined {
  const match = /^artifacts\/packs\/(\d{8})\.(pack|idx)$/.exec(path)
  return match === null
    ? undefined
    : { number: Number(match[1]), ending: match[2] === 'idx' ? 'idx' : 'pack' }
}

export function encodeItem(item: PackItem): Buffer {
  const bytes = Buffer.alloc(ITEM_HEADER_BYTES + item.compressed.length)
  item.digest.copy(bytes)
  bytes.writeUInt32BE(item.size, DIGEST_BYTES)
  bytes.writeUInt32BE(item.compressed.length, DIGEST_BYTES + 4)
  item.compressed.copy(bytes, ITEM_HEADER_BYTES)
  return bytes
}

/** Items of a frame with the offset of each in the payload. Throws JournalError(altered). */
export function* decodeItems(payload: Buffer): Generator<PackItem & PackLocation> {
  let offset = 0
  while (offset < payload.length) {
    const header = payload.subarray(offset, offset + ITEM_HEADER_BYTES)
    const length = header.length < ITEM_HEADER_BYTES ? 0 : header.readUInt32BE(DIGEST_BYTES + 4)
    const end = offset + ITEM_HEADER_BYTES + length
    if (header.length < ITEM_HEADER_BYTES || end > payload.length)
      throw new JournalError('altered', {
        expected: 'an item within its frame',
        got: 'the end',
        where: `octet ${offset}`,
      })
    yield {
      digest: header.subarray(0, DIGEST_BYTES),
      size: header.readUInt32BE(DIGEST_BYTES),
      compressed: payload.subarray(offset + ITEM_HEADER_BYTES, end),
      offset,
      length: end - offset,
    }
    offset = end
  }
}

/** Artifacts in one pack, by digest: rows of digest, offset, length and size, sorted. */
export class PackIndex {
  readonly #rows: Buffer

  private constructor(rows: Buffer) {
    this.#rows = rows
  }

  static of(items: Iterable<Pick<PackItem, 'digest' | 'size'> & PackLocation>): PackIndex {
    const rows = Array.from(items, ({ digest, offset, length, size }) => {
      const row = Buffer.alloc(ROW_BYTES)
      digest.copy(row)
      row.writeUInt32BE(offset, DIGEST_BYTES)
      row.writeUInt32BE(length, DIGEST_BYTES + 4)
      row.writeUInt32BE(size, DIGEST_BYTES + 8)
      return row
    })
    return new PackIndex(Buffer.concat(rows.sort((a, b) => a.compare(b))))
  }

  /** Throws JournalError(altered). */
  static decode(bytes: Buffer): PackIndex {
    const rows = bytes.subarray(0, -DIGEST_BYTES)
    if (rows.length % ROW_BYTES !== 0 || !sha256(rows).equals(bytes.subarray(rows.length)))
      throw new JournalError('altered', { expected: 'an index that fits its digest', got: 'other octets' })
    return new PackIndex(rows)
  }

  encode(): Buffer {
    return Buffer.concat([this.#rows, sha256(this.#rows)])
  }

  get count(): number {
    return this.#rows.length / ROW_BYTES
  }

  find(digest: Buffer): (PackLocation & { readonly size: number }) | undefined {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      const at = middle * ROW_BYTES
      const order = this.#rows.compare(digest, 0, DIGEST_BYTES, at, at + DIGEST_BYTES)
      if (order === 0)
        return {
          offset: this.#rows.readUInt32BE(at + DIGEST_BYTES),
          length: this.#rows.readUInt32BE(at + DIGEST_BYTES + 4),
          size: this.#rows.readUInt32BE(at + DIGEST_BYTES + 8),
        }
      if (order < 0) low = middle + 1
      else high = middle
    }
    return undefined
  }
}
