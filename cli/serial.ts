/** A serial number as people copy it (`0x0A:1B`, upper case, leading zeros) in vigil's form: lower-case hex; undefined: it is none. */
export function normalizedSerial(text: string): string | undefined {
  const hex = text.replace(/^0x/i, '').replaceAll(':', '').toLowerCase()
  return /^[0-9a-f]{1,80}$/.test(hex) ? hex.replace(/^0+(?=.)/, '') : undefined
}
