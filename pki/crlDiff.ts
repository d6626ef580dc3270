import type { IndexedCrl } from './crl.ts'
import { FAR_DATE } from './crlDate.ts'
import type { CrlEntry } from './crlEntries.ts'
import { DATE, HIGH, LOW, WORDS } from './crlIndex.ts'
import type { CrlIndex } from './crlIndex.ts'
import { entryAt } from './crlLookup.ts'
import type { IndexedList } from './crlLookup.ts'

/** Some of the entries of a CRL, in their order. */
interface Entries<T> {
  readonly count: number
  /** Reads each entry when it is its turn. */
  list(): Iterable<T>
}

export interface ChangedEntry {
  readonly before: CrlEntry
  readonly after: CrlEntry
}

export interface CrlDifference {
  readonly added: Entries<CrlEntry>
  readonly removed: Entries<CrlEntry>
  /** How many of these were on hold: those may leave. */
  readonly removedFromHold: number
  /** Other revocationDate. */
  readonly changedDate: Entries<ChangedEntry>
  /** Other reason, or one where there was none, or none where there was one. */
  readonly changedReason: Entries<ChangedEntry>
}

/**
 * What is different between two CRLs of one issuer. A certificate that is listed more than once counts by its first entry. Serial numbers are
 * compared by fingerprint: of two different ones both are taken for one with a chance below 2^-61, which nobody can raise.
 */
export function diffCrls(before: IndexedCrl, after: IndexedCrl): CrlDifference {
  const hasDuplicates = before.duplicates().count + after.duplicates().count > 0
  const { removed, removedFromHold, added, changedDate, changedReason } = compare(
    before.indexed,
    after.indexed,
    hasDuplicates,
  )
  const pairs = (ordinals: Ordinals): Entries<ChangedEntry> => ({
    count: ordinals.count,
    list: () => changed(before.indexed, after.indexed, ordinals),
  })
  return {
    added: { count: added.count, list: () => entriesAt(after.indexed, added) },
    removed: { count: removed.count, list: () => entriesAt(before.indexed, removed) },
    removedFromHold,
    changedDate: pairs(changedDate),
    changedReason: pairs(changedReason),
  }
}

interface Comparison {
  /** Ordinals in the list before. */
  readonly removed: Ordinals
  readonly removedFromHold: number
  readonly changedDate: Ordinals
  readonly changedReason: Ordinals
  /** Ordinals in the list after. */
  readonly added: Ordinals
}

function compare(before: IndexedList, after: IndexedList, hasDuplicates: boolean): Comparison {
  const [old, young] = [before.index, after.index]
  const [oldWords, youngWords] = [old.words, young.words]
  const removed = new Ordinals(old.count)
  const changedDate = new Ordinals(old.count)
  const changedReason = new Ordinals(old.count)
  const kept = new Ordinals(young.count)
  // Lists mostly keep their order, so that the next entry of one is the next of the other.
  let guess = 0
  let removedFromHold = 0
  for (let ordinal = 0; ordinal < old.count; ordinal++) {
    const word = ordinal * WORDS
    const high = oldWords[word + HIGH] ?? 0
    const low = oldWords[word + LOW] ?? 0
    if (hasDuplicates && old.first(high, low) !== ordinal) continue
    const isGuess =
      !hasDuplicates &&
      guess < young.count &&
      youngWords[guess * WORDS + HIGH] === high &&
      youngWords[guess * WORDS + LOW] === low
    const other = isGuess ? guess : young.first(high, low)
    if (other < 0) {
      removed.add(ordinal)
      if (old.reasons[ordinal] === CERTIFICATE_HOLD) removedFromHold++
      continue
    }
    guess = other + 1
    kept.add(other)
    const date = oldWords[word + DATE] ?? 0
    if (
      date !== youngWords[other * WORDS + DATE] ||
      (date === FAR_DATE && !sameDate(before, ordinal, after, other))
    ) {
      changedDate.add(ordinal)
    }
    if (old.reasons[ordinal] !== young.reasons[other]) changedReason.add(ordinal)
  }
  const added = new Ordinals(young.count)
  for (const ordinal of kept.others()) {
    if (!hasDuplicates || isFirst(young, ordinal)) added.add(ordinal)
  }
  return { removed, removedFromHold, changedDate, changedReason, added }
}

/** The reason's number. */
const CERTIFICATE_HOLD = 6

function isFirst(index: CrlIndex, ordinal: number): boolean {
  const word = ordinal * WORDS
  return index.first(index.words[word + HIGH] ?? 0, index.words[word + LOW] ?? 0) === ordinal
}

/** For dates too far in the future for the index. */
function sameDate(before: IndexedList, ordinal: number, after: IndexedList, other: number): boolean {
  return entryAt(before, ordinal).revokedAt === entryAt(after, other).revokedAt
}

function* entriesAt(list: IndexedList, ordinals: Ordinals): Generator<CrlEntry, undefined> {
  for (const ordinal of ordinals.members()) yield entryAt(list, ordinal)
}

function* changed(
  before: IndexedList,
  after: IndexedList,
  ordinals: Ordinals,
): Generator<ChangedEntry, undefined> {
  for (const ordinal of ordinals.members()) {
    const word = ordinal * WORDS
    const { index } = before
    const other = after.index.first(index.words[word + HIGH] ?? 0, index.words[word + LOW] ?? 0)
    yield { before: entryAt(before, ordinal), after: entryAt(after, other) }
  }
}

/** A set of numbers below `size`: a bit for each. */
class Ordinals {
  readonly #bits: Uint32Array
  readonly #size: number
  count = 0

  constructor(size: number) {
    this.#size = size
    this.#bits = new Uint32Array((size + 31) >>> 5)
  }

  /** One that is not in it yet. */
  add(ordinal: number): void {
    this.#bits[ordinal >>> 5] = (this.#bits[ordinal >>> 5] ?? 0) | (1 << (ordinal & 31))
    this.count++
  }

  /** In ascending order. */
  *members(): Generator<number, undefined> {
    for (let word = 0; word < this.#bits.length; word++) yield* numbersIn(this.#bits[word] ?? 0, word * 32)
  }

  /** Those that are not in it. */
  *others(): Generator<number, undefined> {
    for (let word = 0; word < this.#bits.length; word++) {
      const rest = this.#size - word * 32
      const mask = rest < 32 ? (1 << rest) - 1 : -1
      yield* numbersIn(~(this.#bits[word] ?? 0) & mask, word * 32)
    }
  }
}

function* numbersIn(bits: number, base: number): Generator<number, undefined> {
  for (let rest = bits; rest !== 0; rest &= rest - 1) yield base + 31 - Math.clz32(rest & -rest)
}
