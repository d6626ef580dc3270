import { JournalError } from '../error.ts'
import { halves, type Range } from '../proof/merkle.ts'
import { nodeHash } from '../tree.ts'

// That consecutive leaves, all of them, stand where they stand in a log: the leaves themselves, and the hashes of the largest subtrees outside. It is the
// inclusion proof of RFC 9162 section 2.1.3 for many leaves at once, which leaves no room for one that is not shown.

/** Ranges whose hashes prove the leaves that are shown, from left to right. `shown` holds at least one leaf. */
export function* outsideRanges(shown: Range, size: number): Generator<Range> {
  yield* outside(shown, { start: 0, end: size })
}

function* outside(shown: Range, whole: Range): Generator<Range> {
  if (isApart(whole, shown)) yield whole
  else if (whole.start < shown.start || whole.end > shown.end) {
    const [left, right] = halves(whole)
    yield* outside(shown, left)
    yield* outside(shown, right)
  }
}

/**
 * The root that the leaves, asked for from left to right, and the hashes outside lead to. Throws JournalError(format) unless there are exactly as many
 * hashes as there must be.
 */
export async function rootOfRange(
  shown: Range,
  size: number,
  hashes: readonly Uint8Array[],
  leaf: (index: number) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const wanted = Array.from(outsideRanges(shown, size)).length
  if (hashes.length !== wanted)
    throw new JournalError('format', {
      expected: `${wanted} hashes outside of the range`,
      got: `${hashes.length}`,
    })
  const given = hashes.values()
  const root = async (whole: Range): Promise<Uint8Array> => {
    if (isApart(whole, shown)) return given.next().value ?? new Uint8Array()
    if (whole.end - whole.start === 1) return await leaf(whole.start)
    const [left, right] = halves(whole)
    const hash = await root(left)
    return nodeHash(hash, await root(right))
  }
  return await root({ start: 0, end: size })
}

function isApart(one: Range, other: Range): boolean {
  return one.end <= other.start || one.start >= other.end
}
