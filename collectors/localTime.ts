const HOUR = 3_600_000
/** Zones that are remembered: one for each log, and what a hostile log makes up must not fill the memory. */
const MAX_ZONES = 100
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  const known = formats.get(zone)
  if (known !== undefined) return known
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    if (formats.size < MAX_ZONES) formats.set(zone, format)
    return format
  } catch {
    return undefined
  }
}

/** Milliseconds that the zone is ahead of UTC at an instant. */
function offsetAt(format: Intl.DateTimeFormat, instant: number): number {
  const parts: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(instant)) parts[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000
}

/**
 * The instant of a local time in a zone. An hour that comes twice (when clocks are put back) is taken the first time; one that never was (put
 * forward), as if the clock had gone on. undefined: no such zone, or no such time.
 */
export function instantIn(zone: string, local: string): number | undefined {
  const wall = Date.parse(`${local}Z`)
  if (Number.isNaN(wall)) return undefined
  if (zone === 'UTC') return wall
  // A log asks for the same hour again and again; offsets change at whole hours.
  const hour = Math.floor(wall / HOUR)
  if (last.zone === zone && last.hour === hour) return wall - last.offset
  const format = formatOf(zone)
  if (format === undefined) return undefined
  last = { zone, hour, offset: offsetOf(format, hour * HOUR) }
  return wall - last.offset
}

let last = { zone: '', hour: 0, offset: 0 }

function offsetOf(format: Intl.DateTimeFormat, wall: number): number {
  // Zones are at most 14 hours off, and change by hours: both offsets around the time are tried.
  const [before, after] = [offsetAt(format, wall - 24 * HOUR), offsetAt(format, wall + 24 * HOUR)]
  for (const offset of [before, after]) if (offsetAt(format, wall - offset) === offset) return offset
  return before
}
