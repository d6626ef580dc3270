/** Milliseconds before the first retry. */
const FIRST = 1000

/**
 * Milliseconds to wait after the nth failure in a row (from 1): doubling from a second to `most`, of which a random half is left out, so that
 * many clients of one receiver don't come back at the same moment. `random` yields numbers in [0, 1).
 */
export function backoff(failures: number, most: number, random: () => number): number {
  const whole = Math.min(most, FIRST * 2 ** Math.min(failures - 1, 30))
  return Math.round(whole / 2 + (random() * whole) / 2)
}
