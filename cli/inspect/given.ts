import { readFileSync, statSync } from 'node:fs'
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
      const { size } = statSync(file)
      if (size > limit) throw new Error(`expected at most ${limit} octets, got ${size}`)
      return decodeObjects(readFileSync(file), LABELS[kind]).objects.map(parse)
    } catch (error) {
      const what = kind === 'cert' ? 'certificate' : 'CRL'
      const why = error instanceof PkiError ? `not a ${what}: ${error.message}` : unreadable(error)
      throw new CommandError(EXIT.usage, `${file}: ${why}`)
    }
  })
}
