import type { Der } from './der.ts'

// The timestamps of Certificate Transparency, RFC 6962 (version 1).

/** A log's promise to include a certificate (RFC 6962 3.2). */
export interface SignedCertificateTimestamp {
  /** SHA-256 over the log's SubjectPublicKeyInfo. */
  readonly logId: Uint8Array
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  /** CtExtensions: none is defined for version 1. */
  readonly extensions: Uint8Array
  /** HashAlgorithm and SignatureAlgorithm of TLS 1.2 (RFC 5246 7.4.1.4.1): 4 and 3 are SHA-256 and ECDSA. */
  readonly hashAlgorithm: number
  readonly signatureAlgorithm: number
  readonly signature: Uint8Array
}

/** Timestamps in one list. Logs' policies ask for two to five. */
const MAX_SCTS = 64
/** The only version there is in certificates; lists may hold later ones, which a reader passes over (RFC 6962 3.3). */
const V1 = 0
const LOG_ID = 32
/** Latest timestamp that is read: the end of the year 9999, as in certificates. */
const MAX_TIMESTAMP = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** SignedCertificateTimestampList (RFC 6962 3.3): the content of the OCTET STRING inside the extension. Throws PkiError(decode). */
export function readSctList(list: Der): SignedCertificateTimestamp[] {
  list.skipAll()
  const outer = new TlsReader(list, list.value, 0)
  const items = outer.vector(2)
  outer.finish()
  const scts: SignedCertificateTimestamp[] = []
  for (let count = 0; !items.done; count++) {
    if (count >= MAX_SCTS) list.fail('too_many', `expected at most ${MAX_SCTS} timestamps`)
    const item = items.vector(2)
    if (item.uint(1) === V1) scts.push(readSct(item))
  }
  return scts
}

function readSct(item: TlsReader): SignedCertificateTimestamp {
  const logId = item.take(LOG_ID)
  const timestamp = item.uint(8)
  if (timestamp > MAX_TIMESTAMP) item.fail('bad_time', 'expected a timestamp before the year 10000')
  const extensions = item.vector(2).rest()
  const hashAlgorithm = item.uint(1)
  const signatureAlgorithm = item.uint(1)
  const signature = item.vector(2).rest()
  item.finish()
  return { logId, timestamp, extensions, hashAlgorithm, signatureAlgorithm, signature }
}

/** Cursor over a structure of the TLS presentation language (RFC 5246 4); `owner` is what errors name. */
class TlsReader {
  readonly #owner: Der
  readonly #bytes: Uint8Array
  /** Offset of `bytes` in the content of `owner`. */
  readonly #base: number
  #at = 0

  constructor(owner: Der, bytes: Uint8Array, base: number) {
    this.#owner = owner
    this.#bytes = bytes
    this.#base = base
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  fail(code: 'truncated' | 'trailing_bytes' | 'bad_time', message: string): never {
    return this.#owner.fail(code, message, this.#owner.content + this.#base + this.#at)
  }

  take(length: number): Uint8Array {
    const left = this.#bytes.length - this.#at
    if (length > left) this.fail('truncated', `expected ${length} octets, got ${left}`)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  uint(octets: number): number {
    return this.take(octets).reduce((sum, octet) => sum * 256 + octet, 0)
  }

  /** A variable-length vector whose length takes that many octets. */
  vector(lengthOctets: number): TlsReader {
    const length = this.uint(lengthOctets)
    const base = this.#base + this.#at
    return new TlsReader(this.#owner, this.take(length), base)
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at)
  }

  finish(): void {
    const left = this.#bytes.length - this.#at
    if (left > 0) this.fail('trailing_bytes', `expected the end, got ${left} more octets`)
  }
}
