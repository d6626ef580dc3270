import { parseInstant } from '../model/time.ts'
import { CommandError, EXIT } from './exit.ts'

/** A time given as an option, in milliseconds. Throws CommandError(usage). */
export function instantOf(option: string, text: string): number {
  const at = parseInstant(text)
  if (at !== undefined) return at
  throw new CommandError(
    EXIT.usage,
    `${option}: expected a date or time such as 2026-11-20T12:00:00Z, got "${text}"`,
  )
}
