// Serial numbers: two's complement octets in DER, in vigil lower-case hex without leading zeros.

/** From the content octets of an INTEGER. A negative number, which RFC 5280 4.1.2.2 forbids, keeps its sign. */
export function serialText(content: Uint8Array): string {
  const hex = Buffer.from(content).toString('hex')
  if (((content[0] ?? 0) & 0x80) === 0) return hex.replace(/^0+(?=.)/, '')
  const modulus = 1n << BigInt(content.length * 8)
  return `-${(modulus - BigInt(`0x${hex}`)).toString(16)}`
}

/** The content octets of the INTEGER; undefined when the text is not a serial number as `serialText` writes it. */
export function serialContent(serial: string): Uint8Array | undefined {
  if (!/^-?(0|[1-9a-f][0-9a-f]{0,79})$/.test(serial) || serial === '-0') return undefined
  if (!serial.startsWith('-')) {
    const even = serial.length % 2 === 0 ? serial : `0${serial}`
    return Buffer.from(/^[89a-f]/.test(even) ? `00${even}` : even, 'hex')
  }
  const magnitude = BigInt(`0x${serial.slice(1)}`)
  let octets = 1
  while (magnitude > 1n << BigInt(octets * 8 - 1)) octets++
  const value = (1n << BigInt(octets * 8)) - magnitude
  return Buffer.from(value.toString(16).padStart(octets * 2, '0'), 'hex')
}
