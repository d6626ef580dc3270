/** Four buckets to a doubling, from below 1 ms to below 55 s: a percentile read from them is at most 19 % too high. */
export const BUCKETS = 64

/** Exclusive upper bounds in milliseconds; the last bucket also takes everything longer. */
const BOUNDS: readonly number[] = Array.from({ length: BUCKETS }, (_, i) => 2 ** (i / 4))

/** The bucket that counts a run of this many milliseconds. */
export function bucketOf(duration: number): number {
  let low = 0
  let high = BUCKETS - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (duration < (BOUNDS[middle] ?? Infinity)) high = middle
    else low = middle + 1
  }
  return low
}

/**
 * Upper bound in milliseconds of the bucket that holds the quantile `q` (0 to 1); undefined without runs.
 * For the last bucket this is its nominal bound, which a longer run passes.
 */
export function quantile(buckets: readonly number[], q: number): number | undefined {
  const total = buckets.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  let rank = Math.max(1, Math.ceil(q * total))
  for (const [i, count] of buckets.entries()) {
    rank -= count
    if (rank <= 0) return BOUNDS[i]
  }
  return undefined
}
