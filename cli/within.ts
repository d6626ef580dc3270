import { parseDuration } from '../model/time.ts'
import { CommandError, EXIT } from './exit.ts'

/** Longest time that is looked ahead, in milliseconds: the life of a root. */
const MAX_WITHIN = 36_525 * 86_400_000

/** `--within` in milliseconds. Throws CommandError(usage). */
export function withinOf(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0 && ms <= MAX_WITHIN) return ms
  throw new CommandError(
    EXIT.usage,
    `--within: expected a duration such as 90d, at most 36525d, got "${text}"`,
  )
}
