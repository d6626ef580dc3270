import { readBerTime } from './berTime.ts'
import type { Element } from './derHeader.ts'
import { knownOid, rememberOid } from './oidCache.ts'
import { generalizedTimeAt, utcTimeAt } from './time.ts'

// The contents of primitive types, in DER (X.690 sections 10 and 11) and, where the cursor allows it, in BER. All throw PkiError(decode).

/** Octets of one OBJECT IDENTIFIER. OIDs with a UUID arc need 20. */
const MAX_OID = 64
/** Octets of one INTEGER that is read as a number with a meaning (not a key): RFC 5280 allows 20, some CAs wrote more. */
const MAX_INTEGER = 41

export function readBoolean(element: Element): boolean {
  const octet = element.bytes[element.content]
  if (element.end - element.content !== 1 || (octet !== 0x00 && octet !== 0xff && !element.isBer)) {
    element.fail('bad_boolean', 'expected one octet, 00 or FF')
  }
  if (octet !== 0x00 && octet !== 0xff) element.note('boolean_value')
  return octet !== 0x00
}

/** Two's complement, minimal. */
export function readInteger(element: Element): Uint8Array {
  const { bytes, content, end } = element
  const length = end - content
  if (length === 0) element.fail('bad_integer', 'expected at least one octet')
  if (length > MAX_INTEGER) {
    element.fail('too_large', `expected an integer of at most ${MAX_INTEGER} octets, got ${length}`)
  }
  if (isMinimalInteger(bytes, content, length)) return element.value
  if (!element.isBer) element.fail('bad_integer', 'expected the shortest encoding')
  element.note('long_integer')
  let from = content
  while (!isMinimalInteger(bytes, from, end - from)) from++
  return bytes.subarray(from, end)
}

/** X.690 8.3.2: the first nine bits are neither all zero nor all one. */
export function isMinimalInteger(bytes: Uint8Array, at: number, length: number): boolean {
  if (length === 1) return true
  const first = bytes[at]
  const second = bytes[at + 1] ?? 0
  return !((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80))
}

/** Not negative, of at most 31 bits. */
export function readSmallInteger(element: Element): number {
  const value = readInteger(element)
  if (value.length > 4 || ((value[0] ?? 0) & 0x80) !== 0) {
    element.fail('bad_value', 'expected a number from 0 to 2147483647')
  }
  return value.reduce((sum, octet) => sum * 256 + octet, 0)
}

/** Not negative; with BER it may be. */
export function readBigInteger(element: Element): bigint {
  const value = readInteger(element)
  const number = BigInt(`0x${Buffer.from(value).toString('hex')}`)
  if (((value[0] ?? 0) & 0x80) === 0) return number
  if (!element.isBer) element.fail('bad_value', 'expected a number that is not negative')
  element.note('negative_number')
  return BigInt.asIntN(value.length * 8, number)
}

/** The padding bits of the last octet are zero. */
export function readBits(element: Element): { octets: Uint8Array; unused: number } {
  const { bytes, content, end } = element
  const unused = bytes[content]
  const length = end - content
  if (length === 0 || unused === undefined || unused > 7 || (length === 1 && unused !== 0)) {
    return element.fail('bad_bit_string', 'expected a count of unused bits from 0 to 7, and the bits')
  }
  const last = bytes[end - 1] ?? 0
  if (unused > 0 && (last & ((1 << unused) - 1)) !== 0) {
    if (!element.isBer) element.fail('bad_bit_string', 'expected padding bits of zero')
    element.note('padding_bits')
  }
  return { octets: bytes.subarray(content + 1, end), unused }
}

/** Of a BIT STRING with named bits, whose last bit is one (X.690 11.2.2). A padding bit that is set reads as zero. */
export function readNamedBits(element: Element): Uint8Array {
  const { octets, unused } = readBits(element)
  const last = octets.at(-1) ?? 1 << unused
  if ((last & (1 << unused)) === 0) element.note('trailing_zero_bits')
  if ((last & ((1 << unused) - 1)) === 0) return octets
  return Uint8Array.from(octets).fill((last >> unused) << unused, octets.length - 1)
}

/** Of a BIT STRING that holds whole octets. */
export function readWholeBits(element: Element): Uint8Array {
  const { octets, unused } = readBits(element)
  if (unused !== 0) element.fail('bad_bit_string', `expected no unused bits, got ${unused}`)
  return octets
}

/** Dotted form. */
export function readOid(element: Element): string {
  const { bytes, content, end } = element
  const known = knownOid(bytes, content, end)
  if (known !== undefined) return known
  const text = dottedForm(element)
  rememberOid(bytes, content, end, text)
  return text
}

function dottedForm(element: Element): string {
  const { bytes, content, end } = element
  const length = end - content
  if (length === 0 || length > MAX_OID)
    element.fail('bad_oid', `expected 1 to ${MAX_OID} octets, got ${length}`)
  if (((bytes[end - 1] ?? 0) & 0x80) !== 0) element.fail('bad_oid', 'expected the last arc to end')
  const arcs: string[] = []
  let arc = 0n
  let small = 0
  let starts = true
  for (let i = content; i < end; i++) {
    const octet = bytes[i] ?? 0
    if (starts && octet === 0x80) element.fail('bad_oid', 'expected the shortest encoding of an arc', i)
    starts = (octet & 0x80) === 0
    // Arcs above 2^46 (UUIDs under 2.25) need more than a number holds exactly.
    if (small <= 0x3fff_ffff_ffff && arc === 0n) small = small * 128 + (octet & 0x7f)
    else {
      arc = (arc === 0n ? BigInt(small) : arc) * 128n + BigInt(octet & 0x7f)
    }
    if (!starts) continue
    if (arcs.length > 0) arcs.push(arc === 0n ? String(small) : String(arc))
    else if (arc !== 0n) arcs.push('2', String(arc - 80n))
    else if (small < 80) arcs.push(small < 40 ? '0' : '1', String(small % 40))
    else arcs.push('2', String(small - 80))
    arc = 0n
    small = 0
  }
  return arcs.join('.')
}

/** Milliseconds since the epoch. */
export function readUtcTime(element: Element): number {
  const { bytes, content, end } = element
  const ms = end - content === 13 ? utcTimeAt(bytes, content) : NaN
  return Number.isNaN(ms) ? oddTime(element, 'utc', 'expected YYMMDDHHMMSSZ') : ms
}

/** Milliseconds since the epoch. */
export function readGeneralizedTime(element: Element): number {
  const { bytes, content, end } = element
  const ms = end - content === 15 ? generalizedTimeAt(bytes, content) : NaN
  return Number.isNaN(ms)
    ? oddTime(element, 'generalized', 'expected YYYYMMDDHHMMSSZ of the years 1950 to 9999')
    : ms
}

function oddTime(element: Element, kind: 'utc' | 'generalized', message: string): number {
  const time = element.isBer ? readBerTime(element.value, kind) : undefined
  if (time === undefined) return element.fail('bad_time', message)
  for (const code of time.codes) element.note(code)
  return time.ms
}

/** Content of the BIT STRING whose segments these are, in one: only the last may have unused bits (X.690 8.6.4). */
export function joinBits(parts: readonly Uint8Array[], segments: Element): Uint8Array {
  const unused = parts.at(-1)?.[0] ?? 0
  if (parts.some((part, i) => part.length === 0 || (i < parts.length - 1 && part[0] !== 0))) {
    segments.fail('bad_bit_string', 'expected unused bits in the last segment only')
  }
  return Buffer.concat([Uint8Array.of(unused), ...parts.map((part) => part.subarray(1))])
}
