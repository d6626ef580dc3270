import { KeyObject, createVerify, verify } from 'node:crypto'
import type { Verify } from 'node:crypto'
import type { CrlReader } from './crlReader.ts'
import { PkiError } from './error.ts'
import type { SignedOctets, VerifyKey } from './signature.ts'

/** The octets of a CRL again, from wherever they were put while it was read: exactly `length` of them from `offset` on. */
export type ReadAt = (offset: number, length: number) => Uint8Array

/** Octets that are read again at a time. */
const PIECE = 256 * 1024

const NOTHING = new Uint8Array()

/** tbsCertList of a CRL that is not kept: digested as it comes, or held where its signature cannot be verified as a stream. */
export class PassingTbs implements SignedOctets {
  readonly #reader: CrlReader
  readonly #readAt: ReadAt | undefined
  /** Octets of the CRL so far. */
  #received = 0
  /** All of them, until it is known what to do with them: those before the signature algorithm. */
  #waiting: Uint8Array[] = []
  #verify: Verify | undefined
  #held: Uint8Array | undefined
  #answer: { readonly key: KeyObject; readonly signature: Uint8Array; readonly valid: boolean } | undefined

  constructor(reader: CrlReader, readAt: ReadAt | undefined) {
    this.#reader = reader
    this.#readAt = readAt
  }

  /** The next octets, which the reader has read. */
  push(chunk: Uint8Array): void {
    const { tbs, scheme } = this.#reader
    if (scheme === undefined) {
      this.#waiting.push(new Uint8Array(chunk))
      return
    }
    if (this.#received === 0) {
      const { verification } = scheme
      if ('unsupported' in verification) this.#held = NOTHING
      else if (verification.digest === undefined) this.#held = new Uint8Array(tbs.behind - tbs.start)
      else this.#verify = createVerify(verification.digest)
      for (const octets of this.#waiting) this.#take(octets, tbs)
      this.#waiting = []
    }
    this.#take(chunk, tbs)
  }

  #take(octets: Uint8Array, { start, behind }: { readonly start: number; readonly behind: number }): void {
    const at = this.#received
    this.#received += octets.length
    if (at >= behind || this.#received <= start) return
    const signed = octets.subarray(Math.max(start - at, 0), behind - at)
    if (this.#held === undefined) this.#verify?.update(signed)
    else if (this.#held.length > 0) this.#held.set(signed, Math.max(at - start, 0))
  }

  verify(key: VerifyKey, signature: Uint8Array): boolean {
    if (this.#held !== undefined) return verify(null, this.#held, key, signature)
    const keyObject = key instanceof KeyObject ? key : key.key
    const known = this.#answer
    if (known?.signature === signature && known.key.equals(keyObject)) return known.valid
    const digested = this.#verify ?? this.#digestAgain()
    this.#verify = undefined
    const valid = digested.verify(key, signature)
    this.#answer = { key: keyObject, signature, valid }
    return valid
  }

  /** node:crypto lets a digest be used once. */
  #digestAgain(): Verify {
    const { tbs, scheme } = this.#reader
    const readAt = this.#readAt
    const digest =
      scheme === undefined || 'unsupported' in scheme.verification ? undefined : scheme.verification.digest
    if (readAt === undefined || digest === undefined) {
      const message = 'CRL: expected one key for octets that passed by, got a second one'
      throw new PkiError('signature', 'unsupported', message)
    }
    const again = createVerify(digest)
    for (let at = tbs.start; at < tbs.behind; at += PIECE)
      again.update(readAt(at, Math.min(PIECE, tbs.behind - at)))
    return again
  }
}
