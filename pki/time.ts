// Dates as DER writes them, read without making strings: a CRL has one for every entry.

const DAY_MS = 86_400_000
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const
const Z = 0x5a

/** `YYMMDDHHMMSSZ` at an offset: years 1950 to 2049 (RFC 5280 4.1.2.5.1). Milliseconds since the epoch; NaN when it is not one. */
export function utcTimeAt(bytes: Uint8Array, at: number): number {
  const short = twoDigits(bytes, at)
  return instant(short < 50 ? 2000 + short : 1900 + short, bytes, at + 2)
}

/**
 * `YYYYMMDDHHMMSSZ` at an offset (RFC 5280 4.1.2.5.2): years 1950 to 9999, since no PKI object is older and year 0 is an attack.
 * Milliseconds since the epoch; NaN when it is not one.
 */
export function generalizedTimeAt(bytes: Uint8Array, at: number): number {
  const year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2)
  return year < 1950 ? NaN : instant(year, bytes, at + 4)
}

function instant(year: number, bytes: Uint8Array, at: number): number {
  const month = twoDigits(bytes, at)
  const day = twoDigits(bytes, at + 2)
  const hour = twoDigits(bytes, at + 4)
  const minute = twoDigits(bytes, at + 6)
  const second = twoDigits(bytes, at + 8)
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = (DAYS_IN_MONTH[month - 1] ?? 0) + (month === 2 && leap ? 1 : 0)
  // Written so that NaN, which a character other than a digit gives, fails every comparison.
  const valid =
    year >= 1950 &&
    day >= 1 &&
    day <= days &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59 &&
    bytes[at + 10] === Z
  if (!valid) return NaN
  return daysSinceEpoch(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000
}

/** Days from 1970-01-01 in the Gregorian calendar, with years that begin in March so that the leap day comes last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** Two ASCII digits as a number; NaN when they are not. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] ?? 0) - 0x30
  const ones = (bytes[at + 1] ?? 0) - 0x30
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN
}
