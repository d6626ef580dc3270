// A DER writer (X.690 section 10): just what certificates, CRLs and OCSP answers need. The lab encodes by hand, because it must
// also be able to write what a correct library refuses to.

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** One element: identifier octet, definite length, contents. */
export function tlv(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Uint8Array.of(tag), encodeLength(length), ...contents])
}

function encodeLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length)
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return Uint8Array.of(0x80 | octets.length, ...octets)
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => tlv(TAG.sequence, ...parts)
export const set = (...parts: readonly Uint8Array[]): Uint8Array => tlv(TAG.set, ...parts)
export const octetString = (contents: Uint8Array): Uint8Array => tlv(TAG.octetString, contents)
export const nullValue = (): Uint8Array => tlv(TAG.null)
export const boolean = (value: boolean): Uint8Array => tlv(TAG.boolean, Uint8Array.of(value ? 0xff : 0))
export const enumerated = (value: number): Uint8Array => tlv(TAG.enumerated, Uint8Array.of(value))
export const utf8String = (text: string): Uint8Array => tlv(TAG.utf8String, Buffer.from(text, 'utf8'))
export const printableString = (text: string): Uint8Array =>
  tlv(TAG.printableString, Buffer.from(text, 'latin1'))
export const ia5String = (text: string): Uint8Array => tlv(TAG.ia5String, Buffer.from(text, 'latin1'))

/** Context-specific, constructed: explicit tags and implicit tags of constructed types. */
export const context = (number: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  tlv(0xa0 | number, ...parts)
/** Context-specific, primitive: implicit tags of primitive types. */
export const contextPrimitive = (number: number, contents: Uint8Array): Uint8Array =>
  tlv(0x80 | number, contents)

/** INTEGER from a number of any size; negative ones too, which no serial number may be. */
export function integer(value: bigint): Uint8Array {
  const octets: number[] = []
  let rest = value
  do {
    octets.unshift(Number(rest & 0xffn))
    rest >>= 8n
  } while (!(rest === 0n && (octets[0] ?? 0) < 0x80) && !(rest === -1n && (octets[0] ?? 0) >= 0x80))
  return tlv(TAG.integer, Uint8Array.from(octets))
}

export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...arcs] = dotted.split('.').map(Number)
  const octets = [first * 40 + second, ...arcs].flatMap((arc) => {
    const groups = [arc % 128]
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
      groups.unshift((rest % 128) | 0x80)
    }
    return groups
  })
  return tlv(TAG.oid, Uint8Array.from(octets))
}

export function bitString(contents: Uint8Array, unusedBits = 0): Uint8Array {
  return tlv(TAG.bitString, Uint8Array.of(unusedBits), contents)
}

/** A named bit list (X.690 11.2.2): trailing zero bits are left out. */
export function namedBits(bits: readonly number[]): Uint8Array {
  if (bits.length === 0) return bitString(new Uint8Array())
  const highest = Math.max(...bits)
  const octets = new Uint8Array(Math.floor(highest / 8) + 1)
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return bitString(octets, 7 - (highest & 7))
}

/** RFC 5280 section 4.1.2.5: UTCTime until 2049, GeneralizedTime from 2050, whole seconds in either. */
export function time(ms: number): Uint8Array {
  const year = new Date(ms).getUTCFullYear()
  if (year < 1950 || year > 2049) return generalizedTime(ms)
  return tlv(TAG.utcTime, Buffer.from(`${digits(ms).slice(2)}Z`))
}

/** Fractions of a second are cut off: RFC 5280 and RFC 6960 forbid them. */
export function generalizedTime(ms: number): Uint8Array {
  return tlv(TAG.generalizedTime, Buffer.from(`${digits(ms)}Z`))
}

function digits(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace(/[-:T]/g, '')
}

/** The elements inside a constructed element. For DER that this lab wrote itself; RangeError when it is cut off. */
export function elementsOf(constructed: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = []
  for (let at = header(constructed, 0).contents; at < constructed.length;) {
    const { end } = header(constructed, at)
    elements.push(constructed.subarray(at, end))
    at = end
  }
  return elements
}

/** The contents octets of an element. */
export function contentsOf(element: Uint8Array): Uint8Array {
  const { contents, end } = header(element, 0)
  return element.subarray(contents, end)
}

function header(der: Uint8Array, at: number): { contents: number; end: number } {
  const first = der[at + 1] ?? 0
  const octets = first < 0x80 ? 0 : first & 0x7f
  let length = first
  if (octets > 0) length = der.subarray(at + 2, at + 2 + octets).reduce((sum, octet) => sum * 256 + octet, 0)
  const contents = at + 2 + octets
  const end = contents + length
  if (octets > 4 || end > der.length) throw new RangeError(`expected a whole DER element at octet ${at}`)
  return { contents, end }
}
