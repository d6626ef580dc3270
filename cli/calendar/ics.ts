import { createHash } from 'node:crypto'
import type { CalendarEntry } from '../../rules/calendar.ts'

// iCalendar (RFC 5545), as little of it as makes a calendar that every program reads.

/** Octets of a line without its end (section 3.1). */
const MAX_LINE = 75

interface Calendar {
  readonly entries: readonly CalendarEntry[]
  /** Name of this vigil, so that the entries of two never have the same UID. */
  readonly origin: string
  readonly version: string
  /** When it was made, and up to when it looks, in milliseconds. */
  readonly now: number
  readonly until: number
}

/** One event for each entry, and one that says where the calendar ends: an export grows old, and a calendar without events is not valid. */
export function icsCalendar({ entries, origin, version, now, until }: Calendar): string {
  const events = [
    ...entries.map(({ at, kind, subject, summary, detail }) => ({
      at,
      kind,
      key: `${kind} ${subject} ${summary}`,
      summary,
      detail,
    })),
    {
      at: until,
      kind: 'calendar_ends',
      key: 'calendar_ends',
      summary: `The calendar of vigil ${origin} ends here`,
      detail: 'vigil calendar --ics writes a new one.',
    },
  ]
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    `PRODID:-//PKI Vigil//${text(version)}//EN`,
    'CALSCALE:GREGORIAN',
    ...events.flatMap(({ at, kind, key, summary, detail }) => [
      'BEGIN:VEVENT',
      `UID:${uid(`${key} ${at}`, origin)}`,
      `DTSTAMP:${utc(now)}`,
      `DTSTART:${utc(at)}`,
      `SUMMARY:${text(summary)}`,
      ...(detail === '' ? [] : [`DESCRIPTION:${text(detail)}`]),
      `CATEGORIES:${text(kind)}`,
      'TRANSP:TRANSPARENT',
      'END:VEVENT',
    ]),
    'END:VCALENDAR',
  ]
  return lines.map((line) => `${folded(line)}\r\n`).join('')
}

/** The same for the same entry in every export. */
function uid(key: string, origin: string): string {
  return `${createHash('sha256').update(key).digest('hex').slice(0, 32)}@${text(origin)}`
}

/** `20270315T000000Z`; to the second. */
function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}

/** TEXT of section 3.3.11. Controls can't stand in it, and facts come from the network. */
function text(value: string): string {
  return value
    .replaceAll(/[\\;,]/g, (c) => `\\${c}`)
    .replaceAll(/\r\n|[\n\r\u2028\u2029]/g, '\\n')
    .replaceAll(/[\p{Cc}\p{Cs}]/gu, ' ')
}

/** Folds between characters, never inside of one (section 3.1). */
function folded(line: string): string {
  let out = ''
  let octets = 0
  for (const character of line) {
    const size = Buffer.byteLength(character)
    if (octets + size > MAX_LINE) {
      out += '\r\n '
      // The blank counts.
      octets = 1
    }
    out += character
    octets += size
  }
  return out
}
