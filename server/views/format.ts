import { FACTS } from '../../model/facts.ts'
import type { Facts, FactGroup, FactType } from '../../model/facts.ts'
import { fromTimestamp } from '../../model/time.ts'
import type { Timestamp } from '../../model/time.ts'

/** A time as pages show it: exact, and as a person thinks of it at the moment the page was made. */
export interface TimeView {
  /** For machines. */
  readonly iso: Timestamp
  /** `2026-11-22 06:44:05`, UTC. */
  readonly utc: string
  /** `4 min ago`, `in 17 h`. */
  readonly relative: string
}

export function timeView(timestamp: Timestamp, now: number): TimeView {
  const ms = fromTimestamp(timestamp)
  return { iso: timestamp, utc: utc(ms), relative: relative(ms, now) }
}

export function utc(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}

function relative(ms: number, now: number): string {
  const distance = Math.abs(ms - now)
  if (distance < 1000) return 'now'
  return ms < now ? `${span(distance)} ago` : `in ${span(distance)}`
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** Milliseconds for people, rounded down, in one unit or in two where the second still matters: `3 h 12 min`, `42 d`, `34 ms`. */
function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const first = UNITS.findIndex(([, size]) => ms >= size)
  const [unit, size] = UNITS[first] ?? UNITS[3]
  const count = Math.floor(ms / size)
  const next = UNITS[first + 1]
  const rest = next === undefined ? 0 : Math.floor((ms % size) / next[1])
  return count >= 10 || next === undefined || rest === 0
    ? `${count} ${unit}`
    : `${count} ${unit} ${rest} ${next[0]}`
}

/** How long a run took. */
export function durationText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

export function number(value: number): string {
  return value.toLocaleString('en-US')
}

export function octets(size: number): string {
  if (size < 10_000) return `${number(size)} B`
  return size < 10_000_000 ? `${number(Math.round(size / 1000))} kB` : `${number(Math.round(size / 1e6))} MB`
}

// Control characters, and those that turn the direction of the text around: a log line must not repaint the page that shows it.
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** Longest text of foreign origin that is shown in one place. */
const MAX_TEXT = 4000

/** Text from a log or the network with its invisible characters written out: `\x1b`, `\u202e`. Not HTML-escaped; templates do that. */
export function visible(text: string, most = MAX_TEXT): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text
  return cut.replace(INVISIBLE, (c) => {
    const code = c.charCodeAt(0)
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** The same for text of several lines, which stay. */
export function visibleLines(text: string, most = MAX_TEXT): string {
  return text
    .slice(0, most)
    .split('\n')
    .map((line) => visible(line, most))
    .concat(text.length > most ? ['…'] : [])
    .join('\n')
}

interface FactView {
  readonly name: string
  readonly value: string
  readonly time: TimeView | null
}

interface FactGroupView {
  readonly group: string
  readonly facts: readonly FactView[]
}

/** Of more than a hundred lints those that failed are news. */
const NOT_SHOWN: ReadonlySet<string> = new Set(['lint.judged'])

export function isShown(group: string, name: string): boolean {
  return !NOT_SHOWN.has(`${group}.${name}`)
}

/** Facts in the order of the table of facts. */
export function factViews(facts: Facts, now: number): FactGroupView[] {
  const views: FactGroupView[] = []
  for (const [group, types] of Object.entries(FACTS)) {
    const values: Readonly<Record<string, unknown>> = facts[group as FactGroup] ?? {}
    const shown = Object.entries<FactType>(types).flatMap(([name, type]) =>
      values[name] === undefined || !isShown(group, name) ? [] : [factView(name, type, values[name], now)],
    )
    if (shown.length > 0) views.push({ group, facts: shown })
  }
  return views
}

function factView(name: string, type: FactType, value: unknown, now: number): FactView {
  if (type === 'timestamp' && typeof value === 'string' && !Number.isNaN(Date.parse(value)))
    return { name, value: '', time: timeView(value, now) }
  return { name, value: factText(type, value), time: null }
}

/** One fact in one line. */
export function factText(type: FactType | undefined, value: unknown): string {
  if (typeof value === 'number') return type === 'duration' ? durationText(value) : number(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return visible(value)
  return visible(Array.isArray(value) ? value.join(', ') : JSON.stringify(value))
}

export function subjectPath(subject: string): string {
  return `/subject/${encodeURIComponent(subject)}`
}
