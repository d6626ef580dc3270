import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { MAX_CRL, parseCrl, type Crl, type IndexedCrl, type ReadCrl } from '../../pki/crl.ts'
import type { ReadAt } from '../../pki/crlOctets.ts'
import { openCrlReader } from '../../pki/crlStream.ts'
import { PkiError } from '../../pki/error.ts'
import { decodeObjects, HEAD, LABELS, looksLikeText, MAX_TEXT, SEQUENCE } from './encoding.ts'
import { CommandError, EXIT } from '../exit.ts'
import { asFailure, readAll, type Source } from './input.ts'

// A regular file that is no text is read as it streams by, whatever its size; everything else is held in memory.

/** Octets read at a time. */
const PIECE = 256 * 1024

export interface CrlSourceOptions {
  readonly ber: boolean
  /** Called with the octets that were read so far. */
  readonly onProgress: (done: number) => void
}

/** Open as long as entries are read. */
export interface OpenCrl<T extends ReadCrl> extends Disposable {
  readonly crl: T
}

/** undefined: its octets must be held. Throws PkiError(decode), CommandError. */
export function streamCrl(source: Source, options: CrlSourceOptions): OpenCrl<Crl> | undefined {
  if (!canStream(source, options)) return undefined
  return withFile(source.name, (file) =>
    feed(openCrlReader({ readAt: file.readAt, sha256: true }), file, options),
  )
}

/** The only CRL of a file, to be compared with another. Throws PkiError(decode), CommandError. */
export async function indexCrl(source: Source, options: CrlSourceOptions): Promise<OpenCrl<IndexedCrl>> {
  if (canStream(source, options))
    return withFile(source.name, (file) =>
      feed(openCrlReader({ readAt: file.readAt, sha256: true, index: true }), file, options),
    )
  const { objects } = decodeObjects(await readHeld(source, options), LABELS.crl)
  const [der, ...others] = objects
  if (der === undefined || others.length > 0)
    throw new PkiError('decode', 'too_many', `expected one CRL to compare, got ${objects.length}`)
  return { crl: parseCrl(der, { index: true, ber: options.ber }), [Symbol.dispose]: () => undefined }
}

/** All octets, to be held: of regular files that do not stream, those of text. Throws PkiError(decode), CommandError. */
export function readHeld(source: Source, { ber }: Pick<CrlSourceOptions, 'ber'>): Promise<Uint8Array> {
  return readAll(source, source.size === undefined || ber ? MAX_CRL : MAX_TEXT, (head) => {
    // The error says what it is instead. There may be a gigabyte of it, or no end.
    if (canBeNoCrl(head)) parseCrl(head)
  })
}

function canBeNoCrl(head: Uint8Array): boolean {
  return head.length > 0 && head[0] !== SEQUENCE && !looksLikeText(head)
}

/** BER is read from memory only: where an element ends may only be known at its end. */
function canStream({ name, size }: Source, { ber }: CrlSourceOptions): boolean {
  if (size === undefined || ber) return false
  using file = openFile(name)
  return !looksLikeText(file.readAt(0, HEAD))
}

function withFile<T extends ReadCrl>(name: string, read: (file: OpenFile) => T): OpenCrl<T> {
  const file = openFile(name)
  try {
    return { crl: read(file), [Symbol.dispose]: () => file[Symbol.dispose]() }
  } catch (error) {
    file[Symbol.dispose]()
    throw error
  }
}

interface OpenFile extends Disposable {
  /** Fills `buffer` from that offset of the file on; returns less than its length only where the file ends. */
  readonly readInto: (buffer: Uint8Array, offset: number) => number
  readonly readAt: ReadAt
}

function openFile(name: string): OpenFile {
  const attempt = <T>(run: () => T): T => {
    try {
      return run()
    } catch (error) {
      throw asFailure(name, error)
    }
  }
  const fd = attempt(() => openSync(name, 'r'))
  const version = versionOf(fd)
  // What is read again must be what was verified.
  const readInto = (buffer: Uint8Array, offset: number): number => {
    const length = attempt(() => fill(fd, buffer, offset))
    if (versionOf(fd) !== version) throw new CommandError(EXIT.failed, `${name}: changed while it was read`)
    return length
  }
  return {
    readInto,
    readAt: (offset, length) => {
      const octets = Buffer.allocUnsafe(length)
      return octets.subarray(0, readInto(octets, offset))
    },
    [Symbol.dispose]: () => closeSync(fd),
  }
}

/** Another one after every write. */
function versionOf(fd: number): string {
  const { size, mtimeNs } = fstatSync(fd, { bigint: true })
  return `${size} ${mtimeNs}`
}

function fill(fd: number, buffer: Uint8Array, offset: number): number {
  let filled = 0
  while (filled < buffer.length) {
    const read = readSync(fd, buffer, filled, buffer.length - filled, offset + filled)
    if (read === 0) break
    filled += read
  }
  return filled
}

/** Through one buffer, so that the memory it takes does not depend on when it is collected. */
function feed<T>(
  stream: { push(chunk: Uint8Array): void; finish(): T },
  { readInto }: OpenFile,
  { onProgress }: CrlSourceOptions,
): T {
  const buffer = Buffer.allocUnsafeSlow(PIECE)
  for (let at = 0; ;) {
    const length = readInto(buffer, at)
    if (length === 0) return stream.finish()
    stream.push(buffer.subarray(0, length))
    at += length
    onProgress(at)
  }
}
