import { FACTS } from '../model/facts.ts'
import type { FactType } from '../model/facts.ts'
import type { Report } from './schema.ts'

// How values are written for people. All times are UTC, and said to be so once, in the report's legend.

/** `2026-11-10 10:00:01`; milliseconds are in the JSON. */
export function formatTime(time: string): string {
  return time.slice(0, 19).replace('T', ' ')
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** Two units at most: `2 d 4 h`, `1 min 5 s`, `3.4 s`, `40 ms`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${ms < 10 ? trim(ms, 1) : Math.round(ms)} ms`
  if (ms < 59_950) return `${trim(ms / 1000, 1)} s`
  const seconds = Math.round(ms / 1000) * 1000
  const first = UNITS.findIndex(([, size]) => seconds >= size)
  const [unit, size] = UNITS[first] ?? UNITS[3]
  const whole = Math.floor(seconds / size)
  const [nextUnit, nextSize] = UNITS[first + 1] ?? UNITS[3]
  const rest = Math.floor((seconds - whole * size) / nextSize)
  return `${formatCount(whole)} ${unit}${rest > 0 ? ` ${rest} ${nextUnit}` : ''}`
}

/** `12 345`, with a narrow space that does not break. */
export function formatCount(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f')
}

/** `1 run`, `12 runs`. */
export function formatSome(n: number, noun: string): string {
  return `${formatCount(n)} ${noun}${n === 1 ? '' : 's'}`
}

/** `99.98 %`; the report rounds down, so 100 % means all. */
export function formatPercent(percent: number): string {
  return `${trim(percent, 3)} %`
}

/** A fact as rules see it, by its type in the table of facts; one that the table does not know as it stands. */
export function formatFact(group: string, name: string, value: unknown): string {
  const types: Record<string, Record<string, FactType>> = FACTS
  const type = types[group]?.[name]
  if (type === 'timestamp' && typeof value === 'string') return formatTime(value)
  if (type === 'duration' && typeof value === 'number') return formatDuration(value)
  return Array.isArray(value) ? value.join(', ') : String(value)
}

/** How much of the period was watched: something is never written as nothing. */
export function formatWatched({ observed, percent }: { observed: number; percent: number }): string {
  return observed > 0 && percent === 0 ? 'less than 0.001 %' : formatPercent(percent)
}

/** What of the period was taken out of the journal; '' for nothing. */
export function formatGone({ gone: { entries, records } }: Pick<Report['custody'], 'gone'>): string {
  return [
    ...(entries === 0 ? [] : [`all below entry ${formatCount(entries)}`]),
    ...(records === 0 ? [] : [formatSome(records, 'single record')]),
  ].join(', ')
}

/** Whether a period is a calendar month in UTC. */
export function isMonth({ from, to }: { from: string; to: string }): boolean {
  const start = new Date(from)
  const next = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1)
  return from.endsWith('-01T00:00:00.000Z') && Date.parse(to) === next
}

/** `November 2026` when the period is that month, else both ends. */
export function formatPeriod(period: { from: string; to: string }): string {
  if (!isMonth(period)) return `${formatTime(period.from)} to ${formatTime(period.to)}`
  const month = new Intl.DateTimeFormat('en', { month: 'long', year: 'numeric', timeZone: 'UTC' })
  return month.format(new Date(period.from))
}

/**
 * Text that can't move a cursor, reorder its neighbours or hide: control, format and bidirectional characters are
 * written out as `\u{1b}`. Everything in a report that came from outside goes through this.
 */
export function visible(text: string): string {
  return text.replace(
    // Line and paragraph separators, controls, format characters, private use, unassigned surrogates.
    /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

/** The same for every string in a structure. Line ends in the texts named by `multiline` stay. */
export function visibleIn<T>(value: T): T
export function visibleIn(value: unknown): unknown {
  if (typeof value === 'string') return visible(value)
  if (Array.isArray(value)) return value.map((item: unknown) => visibleIn(item))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, member]: [string, unknown]) => [visible(name), visibleIn(member)]),
    )
  return value
}

/** A CSS string: nothing in it can end the string, the rule or the style element. */
export function cssString(text: string): string {
  const safe = visible(text).replace(
    /[^A-Za-z0-9 .,:/()-]/gu,
    (c) => `\\${(c.codePointAt(0) ?? 0).toString(16)} `,
  )
  return `"${safe}"`
}

function trim(n: number, decimals: number): string {
  return n.toFixed(decimals).replace(/\.?0+$/, '')
}
