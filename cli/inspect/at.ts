import { InvalidArgumentError } from 'commander'

const RFC_3339 = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d))?$/

/**
 * `--at`: an RFC 3339 time (seconds may be left out), or a date, which is its first moment in UTC. A time without zone is refused:
 * nobody could say later which moment was judged. Milliseconds since the epoch.
 */
export function parseAt(text: string): number {
  const ms = RFC_3339.test(text) ? Date.parse(text.toUpperCase().replace(' ', 'T')) : NaN
  const day = text.slice(0, 10)
  // Date.parse rolls the 30th of February over into March.
  if (Number.isNaN(ms) || new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day)
    throw new InvalidArgumentError('expected a time such as 2026-11-22T05:15:00Z, or a date')
  return ms
}
