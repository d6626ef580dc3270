// Durations by logarithmic bucket: small, mergeable, and the same in every store and report, so that percentiles agree.
// Bucket i counts durations below 2^(i/4) ms and not below 2^((i-1)/4) ms: steps of 19 %. The first bucket takes
// everything below 1 ms, the last everything from 2^(62/4) ms (46 s) up.

/** Enough for 0 to 55 s in steps of 19 %. */
export const DURATION_BUCKETS = 64

/** Index of the bucket for a duration in milliseconds. */
export function durationBucket(ms: number): number {
  if (!(ms >= 1)) return 0
  return Math.min(DURATION_BUCKETS - 1, Math.floor(4 * Math.log2(ms)) + 1)
}

/** Upper bound of a bucket in milliseconds, exclusive. The last one has none: Infinity. */
export function bucketBound(index: number): number {
  return index >= DURATION_BUCKETS - 1 ? Infinity : 2 ** (index / 4)
}

/**
 * The duration in milliseconds that at least the share `p` (0 to 1) of all runs did not exceed: the upper bound of the
 * bucket in which that run lies, or the longest run when that is less. undefined when nothing was counted.
 */
export function durationPercentile(
  buckets: ArrayLike<number>,
  p: number,
  longest = Infinity,
): number | undefined {
  let total = 0
  for (let i = 0; i < buckets.length; i++) total += buckets[i] ?? 0
  if (total === 0) return undefined
  const rank = Math.max(1, Math.ceil(p * total))
  let seen = 0
  for (let i = 0; i < buckets.length; i++) {
    seen += buckets[i] ?? 0
    if (seen >= rank) return Math.min(bucketBound(i), longest)
  }
  return longest
}
