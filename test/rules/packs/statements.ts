import type { Facts } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { addMonths } from '../../../rules/celFunctions.ts'
import { fails, isNotApplicable, isUnknown, NOW, passes, type Case } from './harness.ts'

// Cases for rules that are judged by signed statements: how old one may be, to the second.

const SECOND = 1000
const DAY = 86_400_000

/** A statement signed at a time, in milliseconds, that holds for two years unless it says otherwise. */
function signed(at: number, expires = at + 730 * DAY): Facts {
  return {
    attestation: { by: 'jane.doe', at: toTimestamp(at), expires: toTimestamp(expires) },
  }
}

/** From when on the requirement is in force: the first moment of this day. */
interface InForce {
  readonly from: string
}

/** The statement is due again after so many days. */
export function everyDays(days: number, inForce?: InForce): readonly Case[] {
  return due(NOW - days * DAY, inForce)
}

/** The same in months of the calendar. */
export function everyMonths(months: number, inForce?: InForce): readonly Case[] {
  return due(addMonths(new Date(NOW), -BigInt(months)).getTime(), inForce)
}

/** Only that it has not expired counts. */
export function whileItHolds(): readonly Case[] {
  return [
    passes('a second before it expires', signed(NOW - DAY, NOW + SECOND)),
    fails('when it expires', signed(NOW - DAY, NOW)),
    isUnknown('nobody has signed', {}),
    isUnknown('a statement without end', { attestation: { by: 'jane.doe', at: toTimestamp(NOW - DAY) } }),
  ]
}

function due(oldest: number, inForce: InForce | undefined): Case[] {
  return [
    passes('exactly as old as it may be', signed(oldest)),
    fails('a second older', signed(oldest - SECOND)),
    fails('new but expired', signed(NOW - DAY, NOW)),
    isUnknown('nobody has signed', {}),
    isUnknown('a statement without end', { attestation: { by: 'jane.doe', at: toTimestamp(NOW - SECOND) } }),
    ...(inForce === undefined ? [] : begins(Date.parse(inForce.from))),
  ]
}

function begins(from: number): Case[] {
  return [
    isNotApplicable('a second before it is in force', signed(from - DAY), from - SECOND),
    passes('from its first moment', signed(from - DAY), from),
    fails('from its first moment, expired', signed(from - 2 * DAY, from - DAY), from),
  ]
}
