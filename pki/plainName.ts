import { PRINTABLE, PRINTABLE_STRING, UTF8_STRING } from './derString.ts'

const IA5_STRING = 0x16
/** RDNs of a plain name. Real ones have up to 15. */
const MAX_RDNS = 32
/** Octets of an OBJECT IDENTIFIER in a plain name. Those of attributes have 3 to 11. */
const MAX_OID = 32

/**
 * Is what stands between `at` and `end` the content of a Name of the shape that nearly all have: one attribute in each RDN, short lengths, a
 * UTF8String, PrintableString or IA5String in ASCII? Says yes only to what the full reader accepts without a remark, so that it can be read
 * when somebody asks for it. Nothing is allocated.
 */
export function isPlainName(bytes: Uint8Array, at: number, end: number): boolean {
  let next = at
  for (let count = 0; next < end; count++) {
    if (count >= MAX_RDNS) return false
    const behind = plainRdn(bytes, next, end)
    if (behind < 0) return false
    next = behind
  }
  return true
}

/** The offset behind the RDN at `at`; -1: it is not plain. */
function plainRdn(bytes: Uint8Array, at: number, end: number): number {
  // SET, SEQUENCE and OBJECT IDENTIFIER, each with one octet of length.
  if (at + 8 > end || bytes[at] !== 0x31 || bytes[at + 2] !== 0x30 || bytes[at + 4] !== 0x06) return -1
  const set = bytes[at + 1] ?? 0xff
  const behind = at + 2 + set
  const value = at + 6 + (bytes[at + 5] ?? 0xff)
  const text = value + 2
  if (set > 0x7f || bytes[at + 3] !== set - 2 || behind > end || text > behind) return -1
  if (text + (bytes[value + 1] ?? 0xff) !== behind || (bytes[value + 1] ?? 0xff) > 0x7f) return -1
  if (!isPlainOid(bytes, at + 6, value)) return -1
  const tag = bytes[value]
  if (tag !== UTF8_STRING && tag !== PRINTABLE_STRING && tag !== IA5_STRING) return -1
  for (let i = text; i < behind; i++) {
    const octet = bytes[i] ?? 0xff
    if (octet > 0x7f || (tag === PRINTABLE_STRING && PRINTABLE[octet] !== 1)) return -1
  }
  return behind
}

/** X.690 8.19: arcs in their shortest encoding, the last one complete. */
function isPlainOid(bytes: Uint8Array, at: number, end: number): boolean {
  if (end <= at || end - at > MAX_OID || (bytes[end - 1] ?? 0xff) > 0x7f) return false
  for (let i = at; i < end; i++) {
    if (bytes[i] === 0x80 && (i === at || (bytes[i - 1] ?? 0xff) < 0x80)) return false
  }
  return true
}
