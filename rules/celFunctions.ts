import { Duration } from '@marcbachmann/cel-js/evaluator'
import { CEL_TYPES } from './factValues.ts'

// Arithmetic of times that standards ask for and CEL does not have.

const { timestamp, duration } = CEL_TYPES

/** The validity period includes both its ends (RFC 5280 section 4.1.2.5), and its smallest step is a second. */
const INCLUSIVE_MS = 1000

/** Time from the first to the second, both ends counted: one second more than the difference. */
export function inclusive(from: Date, until: Date): Duration {
  return Duration.fromMilliseconds(until.getTime() - from.getTime() + INCLUSIVE_MS)
}

/**
 * The same day and time so many months later, in UTC; the last day of the month where there is no such day. Throws RangeError when no calendar
 * holds it: such a time is neither before nor after any other, and a condition would say anything.
 */
export function addMonths(from: Date, months: bigint): Date {
  const moved = new Date(from)
  moved.setUTCDate(1)
  moved.setUTCMonth(moved.getUTCMonth() + Number(months))
  const lastDay = new Date(Date.UTC(moved.getUTCFullYear(), moved.getUTCMonth() + 1, 0)).getUTCDate()
  moved.setUTCDate(Math.min(from.getUTCDate(), lastDay))
  if (Number.isNaN(moved.getTime()))
    throw new RangeError(`expected a time that a calendar holds, got one ${months} months later`)
  return moved
}

/** Half-way between two times. */
export function midpoint(from: Date, until: Date): Date {
  return new Date(from.getTime() + (until.getTime() - from.getTime()) / 2)
}

/** Everything that conditions may call beside CEL's own functions. */
export const CEL_FUNCTIONS = [
  [`inclusive(${timestamp}, ${timestamp}): ${duration}`, inclusive],
  [`addMonths(${timestamp}, int): ${timestamp}`, addMonths],
  [`midpoint(${timestamp}, ${timestamp}): ${timestamp}`, midpoint],
] as const
