import { createSign, sign } from 'node:crypto'
import * as lab from '../../lab/der.ts'
import { signatureAlgorithm } from '../../lab/signing.ts'
import type { ReadCrl } from '../../pki/crl.ts'
import { openCrlReader } from '../../pki/crlStream.ts'
import { PkiError } from '../../pki/error.ts'
import { DAY, NOW } from './support.ts'
import type { Entity } from './support.ts'

/** The fields of tbsCertList before the entries. */
export function headOf(ca: Entity): Uint8Array[] {
  const { identifier } = signatureAlgorithm(ca.key.privateKey)
  return [lab.integer(1n), identifier, ca.parsed.subject.der, lab.time(NOW), lab.time(NOW + DAY)]
}

/** A CRL of exactly these fields, signed by the CA. */
export function signedList(ca: Entity, fields: readonly Uint8Array[]): Uint8Array {
  const { identifier, digest } = signatureAlgorithm(ca.key.privateKey)
  const tbs = lab.sequence(...fields)
  return lab.sequence(tbs, identifier, lab.bitString(sign(digest, tbs, ca.key.privateKey)))
}

/** The same of so many entries of one size that nobody wants to hold them: in pieces, made twice. `write` puts entry `i` at an offset. */
export function* pieces(
  ca: Entity,
  list: {
    readonly count: number
    readonly size: number
    readonly write: (to: Buffer, at: number, i: number) => void
  },
): Generator<Uint8Array, undefined> {
  const { identifier } = signatureAlgorithm(ca.key.privateKey)
  const head = Buffer.concat(headOf(ca))
  const octets = list.count * list.size
  const listHeader = header(octets)
  const tbsHeader = header(head.length + listHeader.length + octets)
  const start = Buffer.concat([tbsHeader, head, listHeader])
  const signer = createSign('sha256').update(start)
  for (const piece of entryPieces(list)) signer.update(piece)
  const end = Buffer.concat([identifier, lab.bitString(signer.sign(ca.key.privateKey))])
  yield Buffer.concat([header(start.length + octets + end.length), start])
  yield* entryPieces(list)
  yield end
}

function* entryPieces({
  count,
  size,
  write,
}: Parameters<typeof pieces>[1]): Generator<Uint8Array, undefined> {
  const at = 4096
  const piece = Buffer.alloc(at * size)
  for (let i = 0; i < count; i += at) {
    const length = Math.min(at, count - i)
    for (let j = 0; j < length; j++) write(piece, j * size, i + j)
    yield piece.subarray(0, length * size)
  }
}

/** Identifier and length of a SEQUENCE whose content is elsewhere. */
export function header(length: number): Uint8Array {
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return length < 0x80 ? Uint8Array.of(0x30, length) : Uint8Array.of(0x30, 0x80 | octets.length, ...octets)
}

/** An entry of 36 octets whose serial number ends in `i`. */
export const PLAIN = {
  size: 36,
  write(to: Buffer, at: number, i: number): void {
    template.copy(to, at)
    to.writeUInt32BE(i, at + 17)
  },
}
const template = Buffer.from(`302202117f${'5a'.repeat(16)}170d3236313132323035303230385a`, 'hex')

/** What only one of the ways to read a CRL offers. */
const OCTETS: ReadonlySet<string> = new Set(['der', 'tbs', 'sha256'])

/** What a reader says of a CRL: everything, or the error. */
export function outcome(read: () => ReadCrl): unknown {
  try {
    const fields = Object.entries(read()).filter(([name]) => !OCTETS.has(name))
    return JSON.parse(JSON.stringify(Object.fromEntries(fields), asText))
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    const { code, path, offset, message } = error
    return { code, path, offset, message }
  }
}

function asText(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}`
  if (value instanceof Set) return [...value]
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

/** Pushes `der` in pieces of these sizes, again from the first when there are no more, each in a buffer that is overwritten afterwards. */
export function pushed(der: Uint8Array, sizes: readonly number[]): ReadCrl {
  const stream = openCrlReader()
  for (let at = 0, i = 0; at < der.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    const piece = Uint8Array.from(der.subarray(at, at + size))
    stream.push(piece)
    piece.fill(0xee)
    at += size
  }
  return stream.finish()
}
