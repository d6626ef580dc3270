/**
 * The prefix that WildFly's log handlers put before a message: `%d{yyyy-MM-dd HH:mm:ss,SSS} %-5p [%c] (%t) ` in files,
 * the same without the date on the console.
 */
export interface WildflyPrefix {
  /** Local day of the server, and time without offset; undefined where the handler writes no date. */
  readonly date: string | undefined
  /** `05:01:17,145` */
  readonly clock: string
  readonly level: string
  readonly category: string
  readonly thread: string
  /** Where the message begins. */
  readonly length: number
}

// Every part is bounded, so that a hostile line costs no more than its beginning.
const PREFIX =
  /^(?:(\d{4}-\d\d-\d\d) )?((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d,\d{3}) ([A-Z]{1,10}) {1,6}\[([^\]\n]{1,300})\] \((.{1,300}?)\) /

export function parsePrefix(text: string): WildflyPrefix | undefined {
  const match = PREFIX.exec(text)
  if (match === null) return undefined
  const [whole, date, clock = '', level = '', category = '', thread = ''] = match
  return { date, clock, level, category, thread, length: whole.length }
}

const ZERO = 0x30
function digits(bytes: Uint8Array, from: number, pattern: string): boolean {
  for (let i = 0; i < pattern.length; i++) {
    const octet = bytes[from + i]
    if (octet === undefined) return false
    if (pattern[i] === '9' ? octet < ZERO || octet > ZERO + 9 : octet !== pattern.charCodeAt(i)) return false
  }
  return true
}

const DATE = '9999-99-99 '
const TIME = '99:99:99'

/** Whether a line begins with a date and a time, followed by milliseconds (a prefix) or by an offset (an audit message). */
export function startsWithTime(line: Uint8Array): boolean {
  const time = digits(line, 0, DATE) ? DATE.length : 0
  if (!digits(line, time, TIME)) return false
  const after = time + TIME.length
  if (digits(line, after, ',999 ')) return true
  return time > 0 && (digits(line, after, '+99:99;') || digits(line, after, '-99:99;'))
}
