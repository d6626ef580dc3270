import { closeSync, openSync, readSync } from 'node:fs'
import { parseCertificate, type Certificate } from '../../pki/certificate.ts'
import { parseCrl, type Crl } from '../../pki/crl.ts'
import { PkiError } from '../../pki/error.ts'
import { unreadable } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { decodeObjects, LABELS } from './encoding.ts'

// What is given beside the objects that are looked at. It must be right: a mistake in it is one of the command line.

/** Octets of a file with issuers: the root stores of browsers have 250 KB. */
const MAX_ISSUERS = 16 * 1024 * 1024
/** Octets of a file with CRLs that a path is checked against; they are held in memory. */
const MAX_CRLS = 1024 * 1024 * 1024
/** Octets read at a time. */
const PIECE = 64 * 1024

/** The certificates in the files of `--issuer`. Throws CommandError(usage). */
export function readIssuers(files: readonly string[]): readonly Certificate[] {
  return readGiven(files, 'cert', MAX_ISSUERS, (der) => parseCertificate(der))
}

/** The CRLs in the files of `--crl`. Throws CommandError(usage). */
export function readCrls(files: readonly string[]): readonly Crl[] {
  return readGiven(files, 'crl', MAX_CRLS, (der) => parseCrl(der))
}

function readGiven<T>(
  files: readonly string[],
  kind: 'cert' | 'crl',
  limit: number,
  parse: (der: Uint8Array) => T,
): readonly T[] {
  return files.flatMap((file) => {
    try {
      return decodeObjects(readAtMost(file, limit), LABELS[kind]).objects.map(parse)
    } catch (error) {
      const what = kind === 'cert' ? 'certificate' : 'CRL'
      const why = error instanceof PkiError ? `not a ${what}: ${error.message}` : unreadable(error)
      throw new CommandError(EXIT.usage, `${file}: ${why}`)
    }
  })
}

/** Everything; of a file without an end (a device, a pipe) no more than the limit. */
function readAtMost(file: string, limit: number): Uint8Array {
  const fd = openSync(file, 'r')
  try {
    const pieces: Uint8Array[] = []
    let size = 0
    for (;;) {
      const piece = Buffer.allocUnsafeSlow(PIECE)
      const length = readSync(fd, piece)
      if (length === 0) return Buffer.concat(pieces, size)
      size += length
      if (size > limit) throw new Error(`expected at most ${limit} octets, got more`)
      pieces.push(piece.subarray(0, length))
    }
  } finally {
    closeSync(fd)
  }
}
