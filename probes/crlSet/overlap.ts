import type { IndexedCrl } from '../../pki/crl.ts'
import { HIGH, LOW, WORDS } from '../../pki/crlIndex.ts'
import { entryAt } from '../../pki/crlLookup.ts'
import { Smallest } from '../crl/smallest.ts'

export interface Partition {
  readonly name: string
  readonly crl: IndexedCrl
}

export interface Overlap {
  /** Certificates that more than one partition lists. */
  readonly count: number
  /** Some of them: `2a on 1, 7`. */
  readonly named: readonly string[]
}

/** Two 32-bit halves, as fingerprints are stored. */
const HALVES = 2

/**
 * Which certificates stand on more than one of the lists: a relying party reads only the one that the certificate names. Takes the time of sorting
 * all fingerprints, a fraction of a second for a million entries.
 */
export function overlapOf(partitions: readonly Partition[]): Overlap {
  const found = new Smallest()
  for (const [high, low] of repeated(partitions)) {
    const on = partitions.flatMap(({ name, crl }) => {
      const ordinal = crl.indexed.index.first(high, low)
      return ordinal < 0 ? [] : [{ name, crl, ordinal }]
    })
    const [first] = on
    if (first === undefined || on.length < 2) continue
    const { serial } = entryAt(first.crl.indexed, first.ordinal)
    found.add(`${serial} on ${on.map(({ name }) => name).join(', ')}`)
  }
  return { count: found.count, named: found.texts }
}

/** Each fingerprint that occurs more than once, on whatever lists. */
function* repeated(
  partitions: readonly Partition[],
): Generator<readonly [high: number, low: number], undefined> {
  const total = partitions.reduce((sum, { crl }) => sum + crl.entries, 0)
  const halves = new Uint32Array(total * HALVES)
  let at = 0
  for (const { crl } of partitions) {
    const { words, count } = crl.indexed.index
    for (let ordinal = 0; ordinal < count; ordinal++) {
      halves[at++] = words[ordinal * WORDS + LOW] ?? 0
      halves[at++] = words[ordinal * WORDS + HIGH] ?? 0
    }
  }
  // Sorted in native code; in which order does not matter, so that of the machine's octets does neither.
  new BigUint64Array(halves.buffer).sort()
  for (let i = HALVES; i < halves.length; i += HALVES) {
    if (!isEqual(halves, i, i - HALVES)) continue
    if (i >= 2 * HALVES && isEqual(halves, i, i - 2 * HALVES)) continue
    yield [halves[i + 1] ?? 0, halves[i] ?? 0]
  }
}

function isEqual(halves: Uint32Array, a: number, b: number): boolean {
  return halves[a] === halves[b] && halves[a + 1] === halves[b + 1]
}
