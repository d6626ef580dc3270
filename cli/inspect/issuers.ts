import { readFileSync, statSync } from 'node:fs'
import { parseCertificate, type Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { unreadable } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { decodeObjects, LABELS } from './encoding.ts'

/** Octets of a file with issuers: the root stores of browsers have 250 KB. */
const MAX_FILE = 16 * 1024 * 1024

/** The certificates in the files that `--issuer` names. Throws CommandError(usage): what is to be trusted must be right. */
export function readIssuers(files: readonly string[]): readonly Certificate[] {
  return files.flatMap((file) => {
    try {
      const { size } = statSync(file)
      if (size > MAX_FILE) throw new Error(`expected at most ${MAX_FILE} octets, got ${size}`)
      return decodeObjects(readFileSync(file), LABELS.cert).objects.map((der) => parseCertificate(der))
    } catch (error) {
      const why = error instanceof PkiError ? `not a certificate: ${error.message}` : unreadable(error)
      throw new CommandError(EXIT.usage, `${file}: ${why}`)
    }
  })
}
