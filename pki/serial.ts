// Serial numbers: two's complement octets in DER, in vigil lower-case hex without leading zeros.

/** From the content octets of an INTEGER. A negative number, which RFC 5280 4.1.2.2 forbids, keeps its sign. */
export function serialText(content: Uint8Array): string {
  const hex = Buffer.from(content).toString('hex')
  if (((content[0] ?? 0) & 0x80) === 0) return hex.replace(/^0+(?=.)/, '')
  const modulus = 1n << BigInt(content.length * 8)
  return `-${(modulus - BigInt(`0x${hex}`)).toString(16)}`
}

/** Octets of a serial number: as many as the reader lets pass, twice what RFC 5280 allows and one for the sign. */
const MAX_OCTETS = 41
const MAX_DIGITS = 2 * MAX_OCTETS

/** The content octets of the INTEGER; undefined when the text is not a serial number as `serialText` writes it. */
export function serialContent(serial: string): Uint8Array | undefined {
  if (serial.startsWith('-')) return negativeContent(serial.slice(1))
  const count = serial.length
  if (count === 0 || count > MAX_DIGITS || (count > 1 && serial.startsWith('0'))) return undefined
  // An octet of zero in front, where the highest bit would be read as a sign.
  const offset = count % 2 === 1 ? 1 : digitAt(serial, 0) >= 8 ? 2 : 0
  const length = (count + offset) >> 1
  if (length > MAX_OCTETS) return undefined
  const content = new Uint8Array(length)
  for (let i = 0; i < count; i++) {
    const digit = digitAt(serial, i)
    if (digit < 0) return undefined
    const at = (i + offset) >> 1
    content[at] = ((content[at] ?? 0) << 4) | digit
  }
  return content
}

/** A lower-case hexadecimal digit; -1 when it is none. */
function digitAt(text: string, index: number): number {
  const code = text.charCodeAt(index)
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1
}

function negativeContent(digits: string): Uint8Array | undefined {
  if (!/^[1-9a-f][0-9a-f]*$/.test(digits) || digits.length > MAX_DIGITS) return undefined
  const magnitude = BigInt(`0x${digits}`)
  let octets = 1
  while (magnitude > 1n << BigInt(octets * 8 - 1)) octets++
  const value = (1n << BigInt(octets * 8)) - magnitude
  return Buffer.from(value.toString(16).padStart(octets * 2, '0'), 'hex')
}
