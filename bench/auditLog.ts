import { hash, randomFillSync } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

const RECORDING = new URL('../test/fixtures/ejbca-real/audit.log', import.meta.url)
/** Times that the recording is written with other serial numbers, keys and signatures, before the same ones come again. */
const VARIATIONS = 400
const SERIAL = /\b[0-9A-F]{39,40}\b/g
const CERTIFICATE = /(?<=;cert=)[A-Za-z0-9+/=]+/g
/** What is before a public key in a certificate, and its octets: P-256, RSA-2048. */
const KEYS = [
  { before: Buffer.from('03420004', 'hex'), octets: 64 },
  { before: Buffer.from('0282010100', 'hex'), octets: 256 },
] as const

/** The recording of a real EJBCA again and again, each time of other certificates. Returns how many lines there are. */
export function writeAuditLog(path: string, lines: number): number {
  const recording = readFileSync(RECORDING, 'latin1')
  const linesOfOne = recording.split('\n').length - 1
  const file = openSync(path, 'w')
  try {
    const variations: Buffer[] = []
    let written = 0
    for (let i = 0; written < lines; i++, written += linesOfOne)
      writeSync(file, (variations[i % VARIATIONS] ??= Buffer.from(varied(recording, i), 'latin1')))
    return written
  } finally {
    closeSync(file)
  }
}

/** As compressible as another day of the same CA. */
function varied(recording: string, round: number): string {
  return recording
    .replace(CERTIFICATE, (base64) => otherCertificate(Buffer.from(base64, 'base64')).toString('base64'))
    .replace(SERIAL, (serial) => hash('sha256', `${round} ${serial}`).slice(0, serial.length).toUpperCase())
}

/** Of the same form with another key and signature. */
function otherCertificate(der: Buffer): Buffer {
  for (const { before, octets } of KEYS) {
    const at = der.indexOf(before)
    if (at === -1) continue
    randomFillSync(der, at + before.length, octets)
    randomFillSync(der, der.length - octets)
  }
  return der
}
