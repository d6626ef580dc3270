import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Problem } from '../../model/problem.ts'
import { parseCertificate, type Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { decodeCertificates, encodePem } from '../../pki/pem.ts'
import { unreadable, type ConfigFile } from '../config.ts'
import { CurrentFile } from '../currentFile.ts'

/** Largest certificate, key or secret that is taken, in octets. */
const MAX_SMALL_FILE = 1024 * 1024

export type Path = Problem['path']

/** The octets of a file, by its name as configured. May throw. */
type ReadFile = (name: string) => Buffer

/** A configuration file, the small files that it names, and every mistake found so far. What cannot be read is reported, and then missing. */
export class Declared {
  readonly file: ConfigFile
  readonly problems: Problem[] = []
  readonly warnings: Problem[] = []
  /** What is no secret of the files that were read, as text, by file name as configured: certificates and public keys. */
  readonly files = new Map<string, string>()
  readonly #readFile: ReadFile

  /** Default: from the disk. */
  constructor(file: ConfigFile, readFile: ReadFile = (name) => readFileSync(resolve(file.directory, name))) {
    this.file = file
    this.#readFile = readFile
  }

  refuse(path: Path, message: string): void {
    this.problems.push(this.file.problem(path, message))
  }

  /** `path` is the key that names the file. */
  read(path: Path, name: string): Buffer | undefined {
    try {
      const bytes = this.#readFile(name)
      if (bytes.length <= MAX_SMALL_FILE) return bytes
      this.refuse(path, `${name}: larger than 1 MiB: is this the right file?`)
    } catch (error) {
      this.refuse(path, `${name}: ${unreadable(error)}`)
    }
    return undefined
  }

  /** One line that goes into a header. */
  secret(path: Path, name: string): string {
    const text = this.read(path, name)?.toString('utf8').trim()
    if (text === '') this.refuse(path, `${name}: is empty`)
    else if (text !== undefined && !/^[\x20-\x7e]+$/.test(text))
      this.refuse(path, `${name}: expected one line of printable characters`)
    return text ?? ''
  }

  /** What a file holds whenever it is asked for: credentials are rotated. */
  current(path: Path, name: string): CurrentFile {
    return new CurrentFile(resolve(this.file.directory, name), this.read(path, name)?.toString('utf8') ?? '')
  }

  /** The same of one line that goes into a header. */
  currentSecret(path: Path, name: string): () => string {
    const file = new CurrentFile(resolve(this.file.directory, name), this.secret(path, name))
    return () => file.text.trim()
  }

  caOf(path: Path, name: string | undefined): { readonly ca?: string } {
    if (name === undefined) return {}
    const ca = this.read(path, name)?.toString('utf8') ?? ''
    // TLS itself takes anything, and then trusts nobody.
    if (ca !== '' && !ca.includes('-----BEGIN CERTIFICATE-----'))
      this.refuse(path, `${name}: expected CA certificates in PEM`)
    return { ca }
  }

  /** A text that is no secret. */
  text(path: Path, name: string): string | undefined {
    const text = this.read(path, name)?.toString('utf8')
    if (text !== undefined) this.files.set(name, text)
    return text
  }

  /** Of a certificate or by itself. */
  publicKey(path: Path, name: string): KeyObject | undefined {
    const bytes = this.read(path, name)
    if (bytes === undefined) return undefined
    try {
      const key = createPublicKey(bytes)
      this.files.set(name, key.export({ type: 'spki', format: 'pem' }).toString())
      return key
    } catch {
      this.refuse(path, `${name}: expected a certificate or a public key in PEM`)
      return undefined
    }
  }

  /** The first of a file. */
  certificate(path: Path, name: string): Certificate | undefined {
    return this.certificates(path, name)[0]
  }

  /** All of a file; where there is none, that was reported. */
  certificates(path: Path, name: string): readonly Certificate[] {
    const bytes = this.read(path, name)
    if (bytes === undefined) return []
    try {
      const encoded = decodeCertificates(bytes)
      const found = encoded.map((der) => parseCertificate(der))
      // Anew: a private key may stand beside them.
      this.files.set(name, encoded.map((der) => encodePem(der, 'CERTIFICATE')).join(''))
      if (found.length === 0) this.refuse(path, `${name}: expected a certificate in PEM or DER`)
      return found
    } catch (error) {
      if (!(error instanceof PkiError)) throw error
      this.refuse(path, `${name}: not a certificate: ${error.message}`)
      return []
    }
  }
}
