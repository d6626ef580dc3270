// Revocation dates: millions, so they are held in 32 bits and read without a call.

/**
 * Dates are held in 32 bits, as seconds from an epoch in the middle of what they reach: from 1950, when UTCTime begins, to 2086. This stands
 * for any later one.
 */
export const FAR_DATE = 0x7fff_ffff
const DAY = 86_400_000
const UTC_TIME_START = Date.UTC(1950, 0)
export const EPOCH = UTC_TIME_START + 24_855 * DAY
/** Is before all dates. */
export const NO_DATE = -0x8000_0000

export function packDate(ms: number): number {
  return Math.min(Math.max(Math.floor((ms - EPOCH) / 1000), NO_DATE), FAR_DATE)
}

/** Months from January 2000 to December 2049, then January 1950 to December 1999: as UTCTime counts years. */
const MONTHS = 1200
/** Days from the epoch to the last of the month before. */
const daysBefore = new Int32Array(MONTHS)
const daysIn = new Uint8Array(MONTHS)
for (let month = 0; month < MONTHS; month++) {
  const year = (month < MONTHS / 2 ? 2000 : 1900) + Math.floor(month / 12)
  const start = Date.UTC(year, month % 12)
  daysBefore[month] = (start - EPOCH) / DAY - 1
  daysIn[month] = (Date.UTC(year, (month % 12) + 1) - start) / DAY
}

/** UTCTime in three words of four ASCII digits: year and month, day and hour, minute and second. As packed; NO_DATE: is none. */
export function utcSeconds(yearMonth: number, dayHour: number, minuteSecond: number): number {
  const a = yearMonth ^ 0x3030_3030
  const b = dayHour ^ 0x3030_3030
  const c = minuteSecond ^ 0x3030_3030
  // An octet above 9 has a bit in its upper half, or gets one when 6 is added.
  const odd = a | (a + 0x0606_0606) | b | (b + 0x0606_0606) | c | (c + 0x0606_0606)
  if ((odd & 0xf0f0_f0f0) !== 0) return NO_DATE
  const ym = twoNumbers(a)
  const dh = twoNumbers(b)
  const ms = twoNumbers(c)
  const month = (ym & 0xffff) - 1
  const day = dh >>> 16
  const hour = dh & 0xffff
  const minute = ms >>> 16
  const second = ms & 0xffff
  if (month < 0 || month > 11 || hour > 23 || minute > 59 || second > 59) return NO_DATE
  const index = (ym >>> 16) * 12 + month
  if (day === 0 || day > (daysIn[index] ?? 0)) return NO_DATE
  return (
    Math.imul((daysBefore[index] ?? 0) + day, 86_400) + Math.imul(hour, 3600) + Math.imul(minute, 60) + second
  )
}

/** Four octets of one digit each as two numbers below 100, in the upper and the lower half. */
function twoNumbers(digits: number): number {
  return ((digits >>> 8) & 0x00ff_00ff) * 10 + (digits & 0x00ff_00ff)
}
