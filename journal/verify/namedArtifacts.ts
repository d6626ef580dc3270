import type { Position } from '../../model/recordId.ts'
import { DIGEST_BYTES } from '../digest.ts'

/** An artifact that a record says is kept. */
export interface NamedArtifact {
  /** SHA-256, lower-case hex. */
  readonly digest: string
  /** Octets, as the record says. */
  readonly size: number
  /** The first record that names it. */
  readonly position: Position
}

const DIGEST = /^[0-9a-f]{64}$/
/** Digest, size, entry, record in the entry, whether it was found. */
const SIZE_AT = DIGEST_BYTES
const ENTRY_AT = SIZE_AT + 8
const N_AT = ENTRY_AT + 8
const FOUND_AT = N_AT + 2
const ROW_BYTES = FOUND_AT + 1
/** Rows that get memory together. */
const CHUNK_ROWS = 65_536
const FIRST_SLOTS = 4096

/**
 * What records say must be kept, each once. A journal names millions of artifacts in a year (one OCSP answer an hour for each question), more in the end than a Map
 * holds; here each takes about 60 octets: a row, and its number in a hash table (open addressing; digests are their own hash).
 */
export class NamedArtifacts {
  readonly #chunks: Buffer[] = []
  #count = 0
  /** Number of a row plus 1; 0 where there is none. */
  #slots = new Uint32Array(FIRST_SLOTS)

  /** Of several records that name it the first counts. False when the digest is none. */
  add({ digest, size, position }: NamedArtifact): boolean {
    if (!DIGEST.test(digest)) return false
    const key = Buffer.from(digest, 'hex')
    const slot = this.#slotOf(key)
    if (this.#slots[slot] !== 0) return true
    if (this.#count % CHUNK_ROWS === 0) this.#chunks.push(Buffer.alloc(CHUNK_ROWS * ROW_BYTES))
    const row = this.#row(this.#count)
    key.copy(row)
    row.writeDoubleBE(size, SIZE_AT)
    row.writeDoubleBE(position.entry, ENTRY_AT)
    row.writeUInt16BE(position.n, N_AT)
    this.#slots[slot] = ++this.#count
    if (2 * this.#count > this.#slots.length) this.#grow()
    return true
  }

  /** What was said of an artifact that is there; from now on it is not missing. undefined: no record names it. */
  found(digest: Uint8Array): NamedArtifact | undefined {
    const number = this.#slots[this.#slotOf(digest)] ?? 0
    if (number === 0) return undefined
    const row = this.#row(number - 1)
    row[FOUND_AT] = 1
    return named(row)
  }

  /** In the order in which they were named. */
  *missing(): Generator<NamedArtifact> {
    for (let number = 0; number < this.#count; number++) {
      const row = this.#row(number)
      if (row[FOUND_AT] === 0) yield named(row)
    }
  }

  #row(number: number): Buffer {
    const at = (number % CHUNK_ROWS) * ROW_BYTES
    return (this.#chunks[Math.floor(number / CHUNK_ROWS)] ?? Buffer.alloc(0)).subarray(at, at + ROW_BYTES)
  }

  /** Where the digest is, or would be. */
  #slotOf(digest: Uint8Array): number {
    const mask = this.#slots.length - 1
    let slot = Buffer.from(digest.buffer, digest.byteOffset, digest.length).readUInt32BE() & mask
    for (let number; (number = this.#slots[slot] ?? 0) !== 0; slot = (slot + 1) & mask)
      if (this.#row(number - 1).compare(digest, 0, DIGEST_BYTES, 0, DIGEST_BYTES) === 0) break
    return slot
  }

  #grow(): void {
    this.#slots = new Uint32Array(2 * this.#slots.length)
    for (let number = 0; number < this.#count; number++)
      this.#slots[this.#slotOf(this.#row(number).subarray(0, DIGEST_BYTES))] = number + 1
  }
}

function named(row: Buffer): NamedArtifact {
  return {
    digest: row.toString('hex', 0, DIGEST_BYTES),
    size: row.readDoubleBE(SIZE_AT),
    position: { entry: row.readDoubleBE(ENTRY_AT), n: row.readUInt16BE(N_AT) },
  }
}
