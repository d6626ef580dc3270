// Certificates of one authority by serial number, in columns: 61 octets each instead of some hundreds, since a CA's log has millions of them.

import type { EpochPosition } from '../../model/recordId.ts'

/** 32-bit words of a serial number: 20 octets (RFC 5280 section 4.1.2.2). */
const WORDS = 5
const HEX_IN_WORD = 8
const MAX_HEX = WORDS * HEX_IN_WORD
const FIRST_CAPACITY = 256
const FREE = -1
/** Milliseconds after which the whole table is searched again for what has expired: that takes some of them. */
const SEARCH_INTERVAL = 3_600_000

/** Where a certificate stands in the table; it stays there until it is forgotten. */
export type Row = number

/** What was done to each certificate, and where in the journal that stands. */
export class SerialTable {
  readonly #limit: number
  #size = 0
  /** Of each row, with leading zeros. */
  #words = new Uint32Array(FIRST_CAPACITY * WORDS)
  /** Twice as many as there is room for rows, and a power of two. */
  #slots = new Int32Array(FIRST_CAPACITY * 2).fill(FREE)
  /** Seconds since 1970; 0: not known. */
  #notAfter = new Uint32Array(FIRST_CAPACITY)
  #revokedAt = new Uint32Array(FIRST_CAPACITY)
  #status = new Uint8Array(FIRST_CAPACITY)
  /** The first 32 bits of the certificate's SHA-256; 0: not known. */
  #digest = new Uint32Array(FIRST_CAPACITY)
  /** Seconds since 1970; 0: no issuance is known. */
  #issuedAt = new Uint32Array(FIRST_CAPACITY)
  #issuedIn = new Uint8Array(FIRST_CAPACITY)
  #profile = new Uint8Array(FIRST_CAPACITY)
  #service = new Uint16Array(FIRST_CAPACITY)
  #expected = new Uint8Array(FIRST_CAPACITY)
  #epoch = new Uint32Array(FIRST_CAPACITY)
  #entry = new Uint32Array(FIRST_CAPACITY)
  #n = new Uint32Array(FIRST_CAPACITY)
  /** Where the search for what has expired goes on, and from which time (milliseconds) on it may find something again. */
  #searched = 0
  #searchFrom = -Infinity

  /** `limit`: rows that it takes. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#size
  }

  get isFull(): boolean {
    return this.#size >= this.#limit
  }

  /** Of a serial number in lower-case hex without leading zeros; undefined: there is none. */
  find(serial: string): Row | undefined {
    const key = wordsOf(serial)
    const row = key && this.#slots[this.#slotOf(key)]
    return row === undefined || row === FREE ? undefined : row
  }

  /** The row of a serial number, a new one if need be; undefined: the table is full, or it is no serial number that a certificate may have. */
  put(serial: string): Row | undefined {
    const key = wordsOf(serial)
    if (key === undefined) return undefined
    const slot = this.#slotOf(key)
    const known = this.#slots[slot]
    if (known !== undefined && known !== FREE) return known
    if (this.#size >= this.#limit) return undefined
    const row = this.#size++
    if (row >= this.#notAfter.length) this.#grow()
    this.#words.set(key, row * WORDS)
    this.#slots[this.#slotOf(key)] = row
    return row
  }

  /** Of a certificate that expired before that time (milliseconds), another one with every call. */
  expired(before: number): Row | undefined {
    if (before < this.#searchFrom) return undefined
    for (let i = 0; i < this.#size; i++) {
      const row = this.#searched
      this.#searched = (row + 1) % this.#size
      if ((this.notAfter(row) ?? Infinity) < before) return row
    }
    this.#searchFrom = before + SEARCH_INTERVAL
    return undefined
  }

  /** The certificate of this row is forgotten. The row is for a serial number that the table does not have. */
  reuse(row: Row, serial: string): void {
    const key = wordsOf(serial)
    if (key === undefined) return
    this.#free(this.#slotOf(this.#keyOf(row)))
    for (const column of this.#columns()) column[row] = 0
    this.#words.set(key, row * WORDS)
    this.#slots[this.#slotOf(key)] = row
  }

  serialOf(row: Row): string {
    const words = this.#keyOf(row)
    const hex = [...words].map((word) => word.toString(16).padStart(HEX_IN_WORD, '0')).join('')
    return hex.replace(/^0+(?=.)/, '')
  }

  /** Milliseconds; undefined: not known. */
  notAfter(row: Row): number | undefined {
    return inMilliseconds(this.#notAfter[row])
  }

  setNotAfter(row: Row, ms: number): void {
    this.#notAfter[row] = inSeconds(ms)
  }

  /** Milliseconds; undefined: it is not revoked. */
  revokedAt(row: Row): number | undefined {
    return this.#status[row] === REVOKED ? (inMilliseconds(this.#revokedAt[row]) ?? 0) : undefined
  }

  /** Which log says that it was issued, 1 to 255; 0: none is known to. */
  issuedIn(row: Row): number {
    return this.#issuedIn[row] ?? 0
  }

  setIssuedIn(row: Row, log: number): void {
    this.#issuedIn[row] = log
  }

  /** Milliseconds; undefined: no issuance is known. */
  issuedAt(row: Row): number | undefined {
    return inMilliseconds(this.#issuedAt[row])
  }

  setIssuedAt(row: Row, ms: number): void {
    this.#issuedAt[row] = inSeconds(ms)
  }

  /** Small numbers that say more of its issuance, 0 where nothing was said: up to 255, 65,535. */
  issuance(row: Row): { readonly profile: number; readonly service: number; readonly isExpected: boolean } {
    const [profile = 0, service = 0] = [this.#profile[row], this.#service[row]]
    return { profile, service, isExpected: this.#expected[row] === 1 }
  }

  setIssuance(
    row: Row,
    told: { readonly profile?: number; readonly service?: number; readonly isExpected: boolean },
  ): void {
    if (told.profile !== undefined) this.#profile[row] = told.profile
    if (told.service !== undefined) this.#service[row] = told.service
    if (told.isExpected) this.#expected[row] = 1
  }

  /** Serial number and notAfter (milliseconds) of revoked certificates whose notAfter is known, the newest rows first. */
  *revoked(limit: number): Generator<readonly [serial: string, notAfter: number], undefined> {
    let left = limit
    for (let row = this.#size - 1; row >= 0 && left > 0; row--) {
      const notAfter = this.notAfter(row)
      if (notAfter === undefined || this.#status[row] !== REVOKED) continue
      left--
      yield [this.serialOf(row), notAfter]
    }
  }

  /** Whether it was ever said to be revoked, or not to be any more. */
  hasStatus(row: Row): boolean {
    return this.#status[row] !== NOTHING
  }

  revoke(row: Row, ms: number): void {
    this.#status[row] = REVOKED
    this.#revokedAt[row] = inSeconds(ms)
  }

  release(row: Row): void {
    this.#status[row] = RELEASED
  }

  /** Whether a certificate with this SHA-256 (hex) may be the one; true where nothing is known of it. */
  mayBe(row: Row, sha256: string): boolean {
    const known = this.#digest[row] ?? 0
    return known === 0 || known === digestWord(sha256)
  }

  setDigest(row: Row, sha256: string): void {
    this.#digest[row] = digestWord(sha256)
  }

  /** Of the record that said the newest of what is known. */
  position(row: Row): EpochPosition {
    return { epoch: this.#epoch[row] ?? 0, entry: this.#entry[row] ?? 0, n: this.#n[row] ?? 0 }
  }

  setPosition(row: Row, { epoch, entry, n }: EpochPosition): void {
    this.#epoch[row] = epoch
    this.#entry[row] = entry
    this.#n[row] = n
  }

  /** The slot that holds the serial number, or the free one where it belongs. */
  #slotOf(key: Uint32Array): number {
    const mask = this.#slots.length - 1
    let slot = mix(key) & mask
    for (;;) {
      const row = this.#slots[slot]
      if (row === undefined || row === FREE || this.#isAt(row, key)) return slot
      slot = (slot + 1) & mask
    }
  }

  #keyOf(row: Row): Uint32Array {
    return this.#words.subarray(row * WORDS, (row + 1) * WORDS)
  }

  /** What follows without a gap moves up, so that it is found. */
  #free(slot: number): void {
    const mask = this.#slots.length - 1
    let hole = slot
    for (let next = (hole + 1) & mask; ; next = (next + 1) & mask) {
      const row = this.#slots[next] ?? FREE
      if (row === FREE) break
      const home = mix(this.#keyOf(row)) & mask
      if (((next - home) & mask) < ((next - hole) & mask)) continue
      this.#slots[hole] = row
      hole = next
    }
    this.#slots[hole] = FREE
  }

  #columns(): readonly (Uint32Array | Uint16Array | Uint8Array)[] {
    return [
      ...[this.#notAfter, this.#revokedAt, this.#status, this.#digest, this.#issuedAt, this.#issuedIn],
      ...[this.#profile, this.#service, this.#expected, this.#epoch, this.#entry, this.#n],
    ]
  }

  #isAt(row: Row, key: Uint32Array): boolean {
    const at = row * WORDS
    for (let i = 0; i < WORDS; i++) if (this.#words[at + i] !== key[i]) return false
    return true
  }

  #grow(): void {
    const capacity = this.#notAfter.length * 2
    this.#words = larger(this.#words, new Uint32Array(capacity * WORDS))
    this.#notAfter = larger(this.#notAfter, new Uint32Array(capacity))
    this.#revokedAt = larger(this.#revokedAt, new Uint32Array(capacity))
    this.#status = larger(this.#status, new Uint8Array(capacity))
    this.#digest = larger(this.#digest, new Uint32Array(capacity))
    this.#issuedAt = larger(this.#issuedAt, new Uint32Array(capacity))
    this.#issuedIn = larger(this.#issuedIn, new Uint8Array(capacity))
    this.#profile = larger(this.#profile, new Uint8Array(capacity))
    this.#service = larger(this.#service, new Uint16Array(capacity))
    this.#expected = larger(this.#expected, new Uint8Array(capacity))
    this.#epoch = larger(this.#epoch, new Uint32Array(capacity))
    this.#entry = larger(this.#entry, new Uint32Array(capacity))
    this.#n = larger(this.#n, new Uint32Array(capacity))
    this.#slots = new Int32Array(capacity * 2).fill(FREE)
    // The newest row has no words yet.
    for (let row = 0; row < this.#size - 1; row++) this.#slots[this.#slotOf(this.#keyOf(row))] = row
  }
}

const [NOTHING, REVOKED, RELEASED] = [0, 1, 2]

function larger<T extends Uint32Array | Uint16Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** undefined: no serial number of at most 20 octets. */
function wordsOf(serial: string): Uint32Array | undefined {
  if (!isSerialNumber(serial)) return undefined
  const words = new Uint32Array(WORDS)
  for (let i = WORDS - 1, end = serial.length; end > 0; i--, end -= HEX_IN_WORD)
    words[i] = Number.parseInt(serial.slice(Math.max(0, end - HEX_IN_WORD), end), 16)
  return words
}

/** Spreads serial numbers that follow one another, too. */
function mix(words: Uint32Array): number {
  let hash = 0
  for (const word of words) {
    hash = Math.imul(hash ^ word, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash >>> 0
}

/** Whole seconds fit until 2106. */
function inSeconds(ms: number): number {
  return Math.min(Math.max(Math.floor(ms / 1000), 1), 0xffffffff)
}

function inMilliseconds(seconds = 0): number | undefined {
  return seconds === 0 ? undefined : seconds * 1000
}

function digestWord(sha256: string): number {
  return Number.parseInt(sha256.slice(0, HEX_IN_WORD), 16)
}

/** Whether a certificate may have it (RFC 5280 section 4.1.2.2): lower-case hex of at most 20 octets. */
export function isSerialNumber(serial: string): boolean {
  return serial.length > 0 && serial.length <= MAX_HEX && /^[0-9a-f]+$/.test(serial)
}
