import { createSign, randomFillSync } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import * as der from '../lab/der.ts'
import { extension, generateKey, issueCertificate } from '../lab/issue.ts'
import type { Issuer } from '../lab/issue.ts'
import { signatureAlgorithm } from '../lab/signing.ts'
import { parseCertificate } from '../pki/certificate.ts'

const YEAR = 365 * 86_400_000
/** Entries that are written at a time. */
const AT_ONCE = 10_000
const SERIAL = 16
/** reasonCode, but for its last octet. */
const REASON = Buffer.from('300c300a0603551d1504030a01', 'hex')
const REASONS = [1, 3, 4, 5, 9]

/** A CA with an RSA-2048 key, valid now. */
export async function benchAuthority(): Promise<Issuer> {
  const key = generateKey('rsa2048')
  const now = Date.now()
  const life = { notBefore: now - YEAR, notAfter: now + YEAR }
  return { key, certificate: await issueCertificate({ subject: 'Bench CA', profile: 'ca', key, ...life }) }
}

/**
 * Writes a CRL of `count` entries with random serial numbers of 16 octets, dates of the last year, and a reason in every other: 42 octets an
 * entry. Returns 1,000 serial numbers in hex, every other of them listed.
 */
export function writeCrl(file: string, authority: Issuer, count: number): string[] {
  const { identifier } = signatureAlgorithm(authority.key.privateKey)
  const now = Date.now()
  const { subject } = parseCertificate(authority.certificate)
  const number = der.context(0, der.sequence(extension('2.5.29.20', false, der.integer(7n))))
  const head = Buffer.concat([der.integer(1n), identifier, subject.der, der.time(now), der.time(now + YEAR)])
  const wanted: string[] = []
  const pieces: Uint8Array[] = []
  let octets = 0
  for (let from = 0; from < count; from += AT_ONCE) {
    const piece = entries(from, Math.min(AT_ONCE, count - from), now, (serial) => {
      if (wanted.length < 1000) wanted.push(serial, randomSerial())
    })
    pieces.push(piece)
    octets += piece.length
  }
  const list = header(octets)
  const tbs = [header(head.length + list.length + octets + number.length), head, list, ...pieces, number]
  const signer = createSign('sha256')
  for (const part of tbs) signer.update(part)
  const end = [identifier, der.bitString(signer.sign(authority.key.privateKey))]
  const size = [...tbs, ...end].reduce((sum, part) => sum + part.length, 0)
  const target = openSync(file, 'w')
  for (const part of [header(size), ...tbs, ...end]) writeSync(target, part)
  closeSync(target)
  return wanted
}

function randomSerial(): string {
  const serial = randomFillSync(Buffer.alloc(SERIAL))
  serial[0] = 0x7e
  return serial.toString('hex')
}

function entries(first: number, count: number, now: number, listed: (serial: string) => void): Uint8Array {
  const random = randomFillSync(Buffer.alloc(count * SERIAL))
  const octets = Buffer.alloc(count * 49)
  let at = 0
  for (let i = 0; i < count; i++) {
    const hasReason = (first + i) % 2 === 1
    at = octets.writeUInt32BE(hasReason ? 0x302f_0210 : 0x3021_0210, at)
    const serial = random.subarray(i * SERIAL, (i + 1) * SERIAL)
    // Positive and of full length.
    serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
    at += serial.copy(octets, at)
    const spread = (serial.readUInt32BE(4) / 2 ** 32) * YEAR
    at += Buffer.from(der.time(now - spread)).copy(octets, at)
    if (hasReason) {
      at += REASON.copy(octets, at)
      at = octets.writeUInt8(REASONS[i % REASONS.length] ?? 1, at)
    }
    if ((first + i) % 97 === 0) listed(serial.toString('hex'))
  }
  return octets.subarray(0, at)
}

/** Identifier and length of a SEQUENCE whose content is elsewhere. */
function header(length: number): Uint8Array {
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return length < 0x80 ? Uint8Array.of(0x30, length) : Uint8Array.of(0x30, 0x80 | octets.length, ...octets)
}
