import { nodeHash } from '../tree.ts'

/** Leaves [start, end) of the log: what one hash of a proof stands for. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** Ranges whose hashes prove that the leaf is in the tree of `size` leaves, from the leaf up (RFC 9162 section 2.1.3.1). */
export function inclusionRanges(index: number, size: number): readonly Range[] {
  const ranges: Range[] = []
  let whole: Range = { start: 0, end: size }
  while (whole.end - whole.start > 1) {
    const [left, right] = halves(whole)
    const isLeft = index < right.start
    ranges.push(isLeft ? right : left)
    whole = isLeft ? left : right
  }
  return ranges.reverse()
}

/** Ranges whose hashes prove that the tree of `size` leaves begins with that of `before`, 0 < before <= size (RFC 9162 section 2.1.4.1). */
export function consistencyRanges(before: number, size: number): readonly Range[] {
  const ranges: Range[] = []
  let whole: Range = { start: 0, end: size }
  while (whole.end !== before) {
    const [left, right] = halves(whole)
    const isLeft = before <= right.start
    ranges.push(isLeft ? right : left)
    whole = isLeft ? left : right
  }
  // The earlier root itself is known to whoever asks.
  if (whole.start > 0) ranges.push(whole)
  return ranges.reverse()
}

/** The left part has as many leaves as the largest power of two below the whole (RFC 9162 section 2.1.1). */
export function halves({ start, end }: Range): readonly [Range, Range] {
  let width = 1
  while (width * 2 < end - start) width *= 2
  return [
    { start, end: start + width },
    { start: start + width, end },
  ]
}

/** The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2); undefined: it has not the length that it must have. */
export function rootOfInclusion(
  leaf: Uint8Array,
  { index, size }: { readonly index: number; readonly size: number },
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  if (index >= size) return undefined
  let root = leaf
  // What is at the right edge and even has no sibling on its level: division instead of shifts, since sizes pass 2^32.
  let place = index
  let last = size - 1
  for (const hash of proof) {
    if (last === 0) return undefined
    if (place % 2 === 1 || place === last) {
      root = nodeHash(hash, root)
      while (place % 2 === 0 && place > 0) [place, last] = [half(place), half(last)]
    } else root = nodeHash(root, hash)
    ;[place, last] = [half(place), half(last)]
  }
  return last === 0 ? root : undefined
}

/**
 * Both roots that a consistency proof leads to (RFC 9162 section 2.1.4.2); undefined: it has not the length that it must have. `root` is that of the
 * tree of `before` leaves, 0 < before <= size.
 */
export function rootsOfConsistency(
  root: Uint8Array,
  { before, size }: { readonly before: number; readonly size: number },
  proof: readonly Uint8Array[],
): { readonly before: Uint8Array; readonly after: Uint8Array } | undefined {
  if (before < 1 || before > size) return undefined
  if (before === size) return proof.length === 0 ? { before: root, after: root } : undefined
  let place = before - 1
  let last = size - 1
  while (place % 2 === 1) [place, last] = [half(place), half(last)]
  // A perfect earlier tree is a node of the later one.
  const [first, ...rest] = place === 0 ? [root, ...proof] : proof
  if (first === undefined) return undefined
  let [old, young] = [first, first]
  for (const hash of rest) {
    if (last === 0) return undefined
    if (place % 2 === 1 || place === last) {
      old = nodeHash(hash, old)
      young = nodeHash(hash, young)
      while (place % 2 === 0 && place > 0) [place, last] = [half(place), half(last)]
    } else young = nodeHash(young, hash)
    ;[place, last] = [half(place), half(last)]
  }
  return last === 0 ? { before: old, after: young } : undefined
}

function half(n: number): number {
  return Math.floor(n / 2)
}
