import type { NoteCode } from './note.ts'

// Dates that BER (X.680 clauses 46 and 47) allows and DER and RFC 5280 do not. Only those with a time zone: without one, nobody knows when.

interface BerTime {
  /** Milliseconds since the epoch. */
  readonly ms: number
  readonly codes: readonly NoteCode[]
}

/** Characters: GeneralizedTime with nine digits of fraction and an offset. */
const MAX_TIME = 29

/** What can be written as an RFC 3339 time: the years 0 to 9999. */
const FIRST = Date.parse('0000-01-01T00:00:00Z')
const LAST = Date.parse('9999-12-31T23:59:59.999Z')

const ZONE = '(?<zone>Z|[+-][0-9]{2}(?:[0-9]{2})?)'
const UTC_TIME = new RegExp(`^(?<year>[0-9]{2})(?<rest>[0-9]{8})(?<second>[0-9]{2})?${ZONE}$`)
const GENERALIZED_TIME = new RegExp(
  `^(?<year>[0-9]{4})(?<rest>[0-9]{8})(?:(?<second>[0-9]{2})(?:[.,](?<fraction>[0-9]{1,9}))?)?${ZONE}$`,
)

/** The instant, and what is odd about how it is written; undefined when it is no instant. */
export function readBerTime(octets: Uint8Array, kind: 'utc' | 'generalized'): BerTime | undefined {
  if (octets.length > MAX_TIME) return undefined
  const text = Buffer.from(octets).toString('latin1')
  const groups = (kind === 'utc' ? UTC_TIME : GENERALIZED_TIME).exec(text)?.groups
  if (groups === undefined) return undefined
  const { rest = '', second, fraction, zone = 'Z' } = groups
  const year = kind === 'utc' ? fullYear(groups['year'] ?? '') : (groups['year'] ?? '')
  const iso = `${year}-${rest.slice(0, 2)}-${rest.slice(2, 4)}T${rest.slice(4, 6)}:${rest.slice(6)}:${second ?? '00'}`
  const local = Date.parse(`${iso}Z`)
  const offset = offsetOf(zone)
  // Date.parse takes the 30th of February for the 2nd of March, and 24:00 for 00:00.
  if (Number.isNaN(local) || offset === undefined || !new Date(local).toISOString().startsWith(iso)) {
    return undefined
  }
  const ms = local - offset + Math.floor(Number(`0.${fraction ?? '0'}`) * 1000)
  // The time zone led out of it.
  if (ms < FIRST || ms > LAST) return undefined
  const codes: NoteCode[] = []
  if (second === undefined) codes.push('time_without_seconds')
  if (fraction !== undefined) codes.push('time_fraction')
  if (zone !== 'Z') codes.push('time_offset')
  if (Number(year) < 1950) codes.push('time_year')
  return { ms, codes }
}

/** RFC 5280 4.1.2.5.1. */
function fullYear(short: string): string {
  return Number(short) < 50 ? `20${short}` : `19${short}`
}

/** Milliseconds ahead of UTC; undefined when it is no time zone. */
function offsetOf(zone: string): number | undefined {
  if (zone === 'Z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(3) || '0')
  if (hours > 23 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}
