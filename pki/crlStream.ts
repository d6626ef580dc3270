import { createHash } from 'node:crypto'
import { MAX_CRL } from './crl.ts'
import type { Crl, IndexedCrl, ReadCrl } from './crl.ts'
import { CrlIndex } from './crlIndex.ts'
import { access } from './crlLookup.ts'
import { PassingTbs } from './crlOctets.ts'
import type { ReadAt } from './crlOctets.ts'
import { CrlReader } from './crlReader.ts'

/** Octets of tbsCertList that are held where its signature cannot be verified as a stream: 1.5 million entries. */
const MAX_HELD = 64 * 1024 * 1024

interface StreamOptions {
  /** Octets of the CRL; at most 4 GiB. */
  readonly maxSize?: number
  /** Octets of tbsCertList that may be held for signatures that cannot be verified as a stream (Ed25519, Ed448, ML-DSA, SLH-DSA). */
  readonly maxHeld?: number
  /** Whether `sha256` is wanted, which costs about as much as reading the entries. */
  readonly sha256?: boolean
}

interface SpooledOptions extends StreamOptions {
  /** The octets again: whoever pushes them keeps them somewhere. */
  readonly readAt: ReadAt
}

/** Takes a CRL as it arrives, in pieces of any size, which may be used for something else afterwards. */
interface CrlStream<T extends ReadCrl> {
  /** The next octets. Throws PkiError(decode), and then again at every call. */
  push(chunk: Uint8Array): void
  /** After the last octet. Throws PkiError(decode). Nothing in the CRL may be believed before `verifyCrl`. */
  finish(): T
}

/**
 * Reads a CRL that need not fit into memory: without `index` in a few hundred kilobytes whatever its size, with it in at most 24 octets
 * more for each entry. A CRL without `readAt` can be verified with one key, and looked up in not at all.
 */
export function openCrlReader(options: SpooledOptions & { readonly index: true }): CrlStream<IndexedCrl>
export function openCrlReader(options: SpooledOptions): CrlStream<Crl>
export function openCrlReader(options?: StreamOptions): CrlStream<ReadCrl>
export function openCrlReader(
  options: StreamOptions & Partial<SpooledOptions> & { readonly index?: true } = {},
): CrlStream<ReadCrl> {
  const { readAt, maxSize = MAX_CRL, maxHeld = MAX_HELD } = options
  const index = options.index === true ? new CrlIndex() : undefined
  const reader = new CrlReader({ maxSize, maxHeld, ber: false, index })
  const tbs = new PassingTbs(reader, readAt)
  const digest = options.sha256 === true ? createHash('sha256') : undefined
  return {
    push(chunk) {
      reader.push(chunk)
      tbs.push(chunk)
      digest?.update(chunk)
    },
    finish() {
      const fields = reader.finish()
      const crl = { ...fields, tbs, sha256: digest?.digest('hex') }
      return readAt === undefined
        ? crl
        : { ...crl, ...access({ ...fields, ...reader.list, readAt, ber: false, index }) }
    },
  }
}
