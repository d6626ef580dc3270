// Whether octets are in canonical form can be seen without making a value of them: several times faster than to parse them, and to write them again.

/** Deeper values are left to canonicalize(), which knows the limit. */
const PLAIN_DEPTH = 32
/** Digits of an integer that is surely below 2^53. */
const PLAIN_DIGITS = 15
/** No end: see plainEnd(). */
export const NOT_PLAIN = -1

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const LIST = 0x5b
const BACKSLASH = 0x5c
const LIST_END = 0x5d
export const OBJECT = 0x7b
const OBJECT_END = 0x7d
const DELETE = 0x7f
const FIRST_PRINTABLE = 0x20

const WORDS = ['true', 'false', 'null'].map((word) => Buffer.from(word))
/** Control characters with an escape of two characters; all others are written as a number. */
const ESCAPED = new Set(Buffer.from('"\\bfnrt'))

/**
 * The end of the JSON value that begins at `start` and is plainly in canonical form (RFC 8785). NOT_PLAIN: it is not, or only canonicalize() can say (fractions,
 * large numbers, rare escapes, names beyond ASCII). `bytes` must be UTF-8.
 */
export function plainEnd(bytes: Uint8Array, start: number): number {
  return valueEnd(bytes, start, 0)
}

function valueEnd(bytes: Uint8Array, at: number, depth: number): number {
  const octet = bytes[at] ?? 0
  switch (octet) {
    case QUOTE:
      return stringEnd(bytes, at)
    case OBJECT:
      return depth < PLAIN_DEPTH ? objectEnd(bytes, at, depth) : NOT_PLAIN
    case LIST:
      return depth < PLAIN_DEPTH ? listEnd(bytes, at, depth) : NOT_PLAIN
    case MINUS:
      return bytes[at + 1] === ZERO ? NOT_PLAIN : integerEnd(bytes, at + 1)
    default:
      return isDigit(octet) ? integerEnd(bytes, at) : wordEnd(bytes, at)
  }
}

function objectEnd(bytes: Uint8Array, start: number, depth: number): number {
  if (bytes[start + 1] === OBJECT_END) return start + 2
  let at = start
  let before = NOT_PLAIN
  do {
    const name = at + 1
    at = nameEnd(bytes, name)
    if (at === NOT_PLAIN || bytes[at] !== COLON || !isAfter(bytes, name, before)) return NOT_PLAIN
    before = name
    at = valueEnd(bytes, at + 1, depth + 1)
  } while (bytes[at] === COMMA)
  return bytes[at] === OBJECT_END ? at + 1 : NOT_PLAIN
}

function listEnd(bytes: Uint8Array, start: number, depth: number): number {
  if (bytes[start + 1] === LIST_END) return start + 2
  let at = start
  do at = valueEnd(bytes, at + 1, depth + 1)
  while (bytes[at] === COMMA)
  return bytes[at] === LIST_END ? at + 1 : NOT_PLAIN
}

function stringEnd(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0
    if (octet === QUOTE) return at + 1
    if (octet < FIRST_PRINTABLE) return NOT_PLAIN
    if (octet === BACKSLASH && !ESCAPED.has(bytes[++at] ?? 0)) return NOT_PLAIN
  }
  return NOT_PLAIN
}

/** A name in ASCII without escapes: its octets are in the order of its UTF-16 code units. */
function nameEnd(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== QUOTE) return NOT_PLAIN
  for (let at = start + 1; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0
    if (octet === QUOTE) return at + 1
    if (octet < FIRST_PRINTABLE || octet >= DELETE || octet === BACKSLASH) return NOT_PLAIN
  }
  return NOT_PLAIN
}

/** Whether a name comes after the one before it in the order of RFC 8785 section 3.2.3; both begin with their quotation mark. */
function isAfter(bytes: Uint8Array, name: number, before: number): boolean {
  if (before === NOT_PLAIN) return true
  for (let i = 1; ; i++) {
    const octet = bytes[name + i] ?? 0
    const other = bytes[before + i] ?? 0
    // The shorter one, which the other begins with, comes first.
    if (other === QUOTE) return octet !== QUOTE
    if (octet === QUOTE) return false
    if (octet !== other) return octet > other
  }
}

function integerEnd(bytes: Uint8Array, start: number): number {
  if (bytes[start] === ZERO) return start + 1
  let end = start
  while (isDigit(bytes[end])) end++
  return end > start && end - start <= PLAIN_DIGITS ? end : NOT_PLAIN
}

function isDigit(octet: number | undefined): boolean {
  return octet !== undefined && octet >= ZERO && octet <= NINE
}

function wordEnd(bytes: Uint8Array, at: number): number {
  for (const word of WORDS) if (word.every((octet, i) => bytes[at + i] === octet)) return at + word.length
  return NOT_PLAIN
}
