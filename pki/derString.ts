import type { Der } from './der.ts'

export const UTF8_STRING = 0x0c
const NUMERIC_STRING = 0x12
export const PRINTABLE_STRING = 0x13
const TELETEX_STRING = 0x14
const UNIVERSAL_STRING = 0x1c
const BMP_STRING = 0x1e
/** NumericString, PrintableString, IA5String, VisibleString: all subsets of ASCII. */
const ASCII_STRINGS: ReadonlySet<number> = new Set([0x12, 0x13, 0x16, 0x1a])

export function isStringTag(tag: number): boolean {
  return ASCII_STRINGS.has(tag) || [UTF8_STRING, TELETEX_STRING, UNIVERSAL_STRING, BMP_STRING].includes(tag)
}

/** Characters of a PrintableString (X.680 41.4) and of a NumericString (41.2), by their ASCII code. */
export const PRINTABLE = alphabet(/[A-Za-z0-9 '()+,\-./:=?]/)
const NUMERIC = alphabet(/[0-9 ]/)

function alphabet(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (pattern.test(String.fromCharCode(code)) ? 1 : 0))
}

/** Text of a character string type. ASCII outside the alphabet of a PrintableString is only noted. Throws PkiError(decode). */
export function decodeString(element: Der): string {
  const octets = element.value
  switch (element.tag) {
    case UTF8_STRING:
      return decodeWith(UTF8_DECODER, element)
    case BMP_STRING:
      if (octets.length % 2 !== 0) element.fail('bad_string', 'expected two octets a character')
      return decodeWith(UTF16_DECODER, element)
    case UNIVERSAL_STRING:
      return decodeUniversal(element)
    case TELETEX_STRING:
      // T.61 has no decoder that anybody uses; everybody writes and reads Latin-1.
      return Buffer.from(octets).toString('latin1')
    default:
      if (element.tag === PRINTABLE_STRING) checkAlphabet(element, PRINTABLE)
      if (element.tag === NUMERIC_STRING) checkAlphabet(element, NUMERIC)
      return asciiText(element)
  }
}

function checkAlphabet(element: Der, characters: Uint8Array): void {
  const { bytes, end } = element
  for (let i = element.content; i < end; i++) {
    if (characters[bytes[i] ?? 0] !== 1) {
      element.note('character_set', i)
      return
    }
  }
}

/** An ASCII string, as in general names, whatever the tag. */
export function asciiText(element: Der): string {
  const octets = element.value
  for (let i = 0; i < octets.length; i++) {
    if ((octets[i] ?? 0) > 0x7f) element.fail('bad_string', 'expected ASCII', element.content + i)
  }
  return Buffer.from(octets).toString('latin1')
}

const UTF8_DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const UTF16_DECODER = new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true })

function decodeWith(decoder: typeof UTF8_DECODER, element: Der): string {
  try {
    return decoder.decode(element.value)
  } catch {
    return element.fail('bad_string', `expected ${decoder.encoding.toUpperCase()}`)
  }
}

function decodeUniversal(element: Der): string {
  const octets = element.value
  if (octets.length % 4 !== 0) element.fail('bad_string', 'expected four octets a character')
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  let text = ''
  for (let i = 0; i < octets.length; i += 4) {
    const point = view.getUint32(i)
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      element.fail('bad_string', 'expected UTF-32BE', element.content + i)
    }
    text += String.fromCodePoint(point)
  }
  return text
}
