/** UTC instant as RFC 3339 with milliseconds and `Z`, as JSON and the journal hold it: `2026-11-22T06:44:00.000Z`. */
export type Timestamp = string

/** Where "now" comes from: milliseconds since the Unix epoch. Only cli/ passes the wall clock in. */
export type Clock = () => number

export function toTimestamp(ms: number): Timestamp {
  return new Date(ms).toISOString()
}

/** Milliseconds since the Unix epoch. Throws RangeError on anything that is not an instant. */
export function fromTimestamp(timestamp: Timestamp): number {
  const ms = Date.parse(timestamp)
  if (Number.isNaN(ms)) throw new RangeError(`expected an RFC 3339 time, got ${JSON.stringify(timestamp)}`)
  return ms
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
type Unit = keyof typeof UNIT_MS
const DURATION = /^(\d{1,12})(ms|s|m|h|d)$/

/** `90s`, `24h`, `7d` as milliseconds; undefined when the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text)
  if (match === null) return undefined
  return Number(match[1]) * UNIT_MS[match[2] as Unit]
}

/** The shortest exact way to write a duration in configuration: 86400000 is `1d`, 90000 is `90s`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms !== 0 && ms % UNIT_MS[unit] === 0) return `${ms / UNIT_MS[unit]}${unit}`
  }
  return `${ms}ms`
}

const DATE = /^\d{4}-\d{2}-\d{2}$/
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?(Z|[+-]\d{2}:\d{2})$/

/** A date (its first moment in UTC) or an RFC 3339 time, as people write them, in milliseconds; undefined when it is neither. */
export function parseInstant(text: string): number | undefined {
  if (!DATE.test(text) && !DATE_TIME.test(text)) return undefined
  // Date.parse takes the 30th of February for the 2nd of March.
  const day = Date.parse(text.slice(0, 10))
  if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== text.slice(0, 10)) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}

/** `2027-03-15` for the first moment of a day, otherwise the whole time without needless zeros. */
export function formatInstant(ms: number): string {
  const text = toTimestamp(ms)
  return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : text.replace('.000Z', 'Z')
}
