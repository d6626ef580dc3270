import { getRandomValues } from 'node:crypto'

// Millions of serial numbers, found again in 22 octets each. Nothing here knows DER.

/**
 * The fingerprint of a serial number: two sums of its 16-bit words and its length, each times a secret key, modulo a prime. For any two
 * different serials the chance over the keys that both sums are equal is below 2^-61, whoever chose them, since he cannot know the keys:
 * they are made anew in every process. All sums stay below 2^53 and are exact: 22 products of less than 2^32 with less than 2^16.
 */
const PRIME = 4_294_967_291
/** 16-bit words of the longest serial number that is read at all, 41 octets, and one for the length. */
const KEYS = 22
/** Which key is for the length. */
export const LENGTH_KEY = KEYS - 1
export const HIGH_KEYS = randomKeys()
export const LOW_KEYS = randomKeys()

function randomKeys(): Float64Array {
  return Float64Array.from(getRandomValues(new Uint32Array(KEYS)))
}

/** `sum` modulo PRIME, for whole numbers below 2^53. `%` on such numbers is a slow call; the quotient may come out one too high. */
export function modulo(sum: number): number {
  const rest = sum - Math.floor(sum / PRIME) * PRIME
  return rest < 0 ? rest + PRIME : rest
}

/** Two 32-bit halves. */
export interface Fingerprint {
  readonly high: number
  readonly low: number
}

/** Of the content octets of a serial number. The scan of a list computes the same without a call. */
export function fingerprint(serial: Uint8Array): Fingerprint {
  const length = serial.length
  let high = length * (HIGH_KEYS[LENGTH_KEY] ?? 0)
  let low = length * (LOW_KEYS[LENGTH_KEY] ?? 0)
  for (let i = 0; i < length; i += 2) {
    const word = (serial[i] ?? 0) | ((serial[i + 1] ?? 0) << 8)
    high += word * (HIGH_KEYS[i >> 1] ?? 0)
    low += word * (LOW_KEYS[i >> 1] ?? 0)
  }
  return { high: modulo(high), low: modulo(low) }
}

/** Words of one entry in `CrlIndex.words`. */
export const WORDS = 4
export const [HIGH, LOW, OFFSET, DATE] = [0, 1, 2, 3]
/** Entries for which there is room at first. */
const FIRST_CAPACITY = 1024
/** Entries in a group, about: so many fingerprints are compared for one look-up. */
const GROUP_SIZE = 4
/** Groups of more entries are sorted. Only serial numbers that are listed again and again make such groups. */
const LARGE_GROUP = 32

/** Entries that are sorted in one call: many calls are compiled sooner than one long loop, which counts in a new process. */
const BLOCK = 4096
/** Bits that tell whether a fingerprint may have been there before: of 17 new ones, one is looked up. */
const BITS_AN_ENTRY = 8

/** The entries by the upper bits of their fingerprints. */
interface Groups {
  /** Where each group begins in `order`; one more for the end. */
  readonly starts: Uint32Array
  /** Ordinals of entries, in each group in the order of the list; a large group is sorted by fingerprint first. */
  readonly order: Uint32Array
  /** Bits of `high` that do not name the group. */
  readonly shift: number
}

interface Duplicates {
  /** Entries whose serial number an earlier entry has. */
  readonly count: number
  /** Ordinal of the first of them. */
  readonly first: number | undefined
}

/** Fingerprint, place, date and reason of every entry of a CRL, by its ordinal. */
export class CrlIndex {
  /** Fingerprint, octets from the start of the CRL to the entry, date as the scan packs it. */
  words = new Uint32Array(FIRST_CAPACITY * WORDS)
  reasons = new Uint8Array(FIRST_CAPACITY)
  count = 0
  /** A bit for each entry that names the issuer of its certificate. */
  #naming: Uint32Array | undefined
  #groups: Groups | undefined
  #duplicates: Duplicates | undefined

  get capacity(): number {
    return this.reasons.length
  }

  /** Makes room for `expected` entries, and at least for a quarter more. */
  grow(expected: number): void {
    const capacity = Math.ceil(Math.max(expected, this.capacity * 1.25))
    const { words, reasons } = this
    this.words = new Uint32Array(capacity * WORDS)
    this.words.set(words)
    this.reasons = new Uint8Array(capacity)
    this.reasons.set(reasons)
  }

  add({ high, low }: Fingerprint, offset: number, date: number, reason: number): void {
    if (this.count === this.capacity) this.grow(0)
    this.words.set([high, low, offset, date], this.count * WORDS)
    this.reasons[this.count++] = reason
  }

  /** The entry added last names the issuer of its certificate, which holds for those after it too. */
  markNaming(): void {
    const ordinal = this.count - 1
    const size = (this.capacity >> 5) + 1
    let naming = this.#naming ?? new Uint32Array(size)
    if (naming.length <= ordinal >> 5) {
      naming = new Uint32Array(size)
      naming.set(this.#naming ?? [])
    }
    naming[ordinal >> 5] = (naming[ordinal >> 5] ?? 0) | (1 << (ordinal & 31))
    this.#naming = naming
  }

  /** Ordinal of the last entry up to this one that names an issuer. */
  namingUpTo(ordinal: number): number | undefined {
    const naming = this.#naming
    if (naming === undefined) return undefined
    for (let word = ordinal >> 5; word >= 0; word--) {
      let bits = naming[word] ?? 0
      if (word === ordinal >> 5) bits &= 0xffff_ffff >>> (31 - (ordinal & 31))
      if (bits !== 0) return word * 32 + 31 - Math.clz32(bits)
    }
    return undefined
  }

  /** Octets from the start of the CRL to the entry. */
  offsetOf(ordinal: number): number {
    return this.words[ordinal * WORDS + OFFSET] ?? 0
  }

  /** Ordinal of the first entry with that fingerprint; -1: none. */
  first(high: number, low: number): number {
    const place = this.#place(high, low)
    return place < 0 ? -1 : (this.#groups?.order[place] ?? -1)
  }

  /** Ordinals of all entries with that fingerprint, in the order of the list. */
  *matches({ high, low }: Fingerprint): Generator<number, undefined> {
    const { words } = this
    const { order, starts, shift } = (this.#groups ??= group(this))
    const end = starts[(high >>> shift) + 1] ?? 0
    for (let at = this.#place(high, low); at >= 0 && at < end; at++) {
      const ordinal = order[at] ?? 0
      if (words[ordinal * WORDS] === high && words[ordinal * WORDS + LOW] === low) yield ordinal
    }
  }

  /** Where in `order` the first of them is; -1: there is none. */
  #place(high: number, low: number): number {
    const { starts, order, shift } = (this.#groups ??= group(this))
    const { words } = this
    const end = starts[(high >>> shift) + 1] ?? 0
    let at = starts[high >>> shift] ?? 0
    if (end - at > LARGE_GROUP) at = lowerBound(words, order, at, end, high, low)
    for (; at < end; at++) {
      const word = (order[at] ?? 0) * WORDS
      if (words[word] === high && words[word + LOW] === low) return at
    }
    return -1
  }

  /** Counted once, on demand. */
  get duplicates(): Duplicates {
    return (this.#duplicates ??= this.#countDuplicates())
  }

  /** Nearly all are told to be new by a bit for their fingerprint, without the look-up that would cost a cache miss or two. */
  #countDuplicates(): Duplicates {
    const { words } = this
    const bits = Math.min(32, 32 - Math.clz32(this.count * BITS_AN_ENTRY))
    const seen = new Uint32Array(2 ** Math.max(bits - 5, 0))
    let count = 0
    let first: number | undefined
    for (let ordinal = 0; ordinal < this.count; ordinal++) {
      const low = words[ordinal * WORDS + LOW] ?? 0
      const bit = low >>> (32 - bits)
      const word = seen[bit >>> 5] ?? 0
      if ((word & (1 << (bit & 31))) === 0) {
        seen[bit >>> 5] = word | (1 << (bit & 31))
      } else if (this.first(words[ordinal * WORDS] ?? 0, low) !== ordinal) {
        count++
        first ??= ordinal
      }
    }
    return { count, first }
  }

  /** Octets that it takes. */
  get size(): number {
    const { starts, order } = this.#groups ?? {}
    const parts = [this.words, this.reasons, this.#naming, starts, order]
    return parts.reduce((sum, part) => sum + (part?.byteLength ?? 0), 0)
  }
}

/** A counting sort by the upper bits of the fingerprints. */
function group({ words, count }: CrlIndex): Groups {
  const bits = Math.max(1, 31 - Math.clz32(count / GROUP_SIZE))
  const groups = { starts: new Uint32Array(2 ** bits + 1), order: new Uint32Array(count), shift: 32 - bits }
  const { starts, order } = groups
  for (let from = 0; from < count; from += BLOCK)
    countEntries(words, groups, from, Math.min(from + BLOCK, count))
  // Each count becomes the end of its group; filling the groups from behind leaves their beginnings there.
  let end = 0
  let largest = 0
  for (let bucket = 0; bucket < starts.length; bucket++) {
    const size = starts[bucket] ?? 0
    largest = Math.max(largest, size)
    end += size
    starts[bucket] = end
  }
  for (let to = count; to > 0; to -= BLOCK) placeEntries(words, groups, Math.max(to - BLOCK, 0), to)
  for (let bucket = 0; largest > LARGE_GROUP && bucket + 1 < starts.length; bucket++) {
    const [from = 0, to = 0] = [starts[bucket], starts[bucket + 1]]
    if (to - from > LARGE_GROUP) sortGroup(words, order.subarray(from, to))
  }
  return groups
}

function countEntries(words: Uint32Array, { starts, shift }: Groups, from: number, to: number): void {
  for (let ordinal = from; ordinal < to; ordinal++) {
    const bucket = (words[ordinal * WORDS] ?? 0) >>> shift
    starts[bucket] = (starts[bucket] ?? 0) + 1
  }
}

function placeEntries(words: Uint32Array, { starts, order, shift }: Groups, from: number, to: number): void {
  for (let ordinal = to - 1; ordinal >= from; ordinal--) {
    const bucket = (words[ordinal * WORDS] ?? 0) >>> shift
    const place = (starts[bucket] ?? 0) - 1
    starts[bucket] = place
    order[place] = ordinal
  }
}

/** By fingerprint, then by place in the list. One serial number a million times is in order already. */
function sortGroup(words: Uint32Array, order: Uint32Array): void {
  const compare = (a: number, b: number): number =>
    (words[a * WORDS] ?? 0) - (words[b * WORDS] ?? 0) ||
    (words[a * WORDS + LOW] ?? 0) - (words[b * WORDS + LOW] ?? 0) ||
    a - b
  for (let i = 1; i < order.length; i++) {
    if (compare(order[i - 1] ?? 0, order[i] ?? 0) > 0) {
      order.sort(compare)
      return
    }
  }
}

/** In a sorted group: the first place whose fingerprint is not below the one given. */
function lowerBound(
  words: Uint32Array,
  order: Uint32Array,
  from: number,
  to: number,
  high: number,
  low: number,
): number {
  while (from < to) {
    const middle = (from + to) >>> 1
    const word = (order[middle] ?? 0) * WORDS
    const other = words[word] ?? 0
    const isBelow = other < high || (other === high && (words[word + LOW] ?? 0) < low)
    if (isBelow) from = middle + 1
    else to = middle
  }
  return from
}
