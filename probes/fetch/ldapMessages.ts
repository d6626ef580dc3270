import { Socket } from 'node:net'
import { FetchError } from './error.ts'

/** Messages that answer one search: its entries, at most two, perhaps a referral, and the end. */
const MAX_MESSAGES = 16
/** Octets of a message besides the value: names, and the length of everything. */
const OVERHEAD = 64 * 1024
/** RFC 4511 section 4.2: every message is a SEQUENCE. */
const SEQUENCE = 0x30
/** Identifier, length of the length, and the most octets of a length that is read. */
const MAX_HEADER = 6

/**
 * A connection as ldapts gets it: whole messages only, each by itself, few and not too large. ldapts would join all it has with every
 * piece that comes, and go one call deeper for every message in a piece.
 */
export class LdapMessages extends Socket {
  /** Rejects with FetchError (http, size) when it ends, or when no message may follow. */
  readonly ended: Promise<never>
  readonly #end: (reason: unknown) => void
  /** It is connected already. */
  override readonly readyState = 'open'
  readonly #inner: Socket
  readonly #maxSize: number
  readonly #maxMessage: number
  #pieces: Buffer[] = []
  #size = 0
  #messages = 0

  constructor(inner: Socket, maxSize: number) {
    super()
    this.#inner = inner
    this.#maxSize = maxSize
    this.#maxMessage = maxSize + OVERHEAD
    inner.on('data', (octets) => {
      this.#take(octets)
    })
    const { promise, reject } = Promise.withResolvers<never>()
    this.ended = promise
    this.#end = reject
    // Whoever does not wait for an answer does not miss it either.
    promise.catch(() => undefined)
    const closed = (cause?: unknown): void =>
      reject(new FetchError('http', 'closed', 'expected an LDAP answer, got a closed connection', cause))
    inner.once('error', closed)
    inner.once('end', () => closed())
    inner.once('close', () => closed())
  }

  override _read(): void {
    this.#inner.resume()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#inner.write(chunk, done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#inner.destroy()
    done(error)
  }

  #take(octets: Buffer): void {
    this.#pieces.push(octets)
    this.#size += octets.length
    try {
      for (
        let length = this.#nextLength();
        length !== undefined && length <= this.#size;
        length = this.#nextLength()
      )
        this.#hand(length)
    } catch (error) {
      this.#end(error)
      this.destroy()
    }
  }

  /** Octets of the next message with its header; undefined: not known yet. */
  #nextLength(): number | undefined {
    const head = this.#head()
    const [identifier, first] = head
    if (identifier !== undefined && identifier !== SEQUENCE)
      throw malformed('another element than a SEQUENCE')
    if (first === undefined) return undefined
    if (first < 0x80) return this.#bounded(2 + first)
    const octets = first - 0x80
    if (octets === 0 || octets > MAX_HEADER - 2) throw malformed('a length that is not definite')
    return head.length < 2 + octets ? undefined : this.#bounded(2 + octets + head.readUIntBE(2, octets))
  }

  #head(): Buffer {
    const [first] = this.#pieces
    if (first === undefined || first.length >= MAX_HEADER || this.#pieces.length === 1)
      return first ?? Buffer.alloc(0)
    this.#pieces = [Buffer.concat(this.#pieces)]
    return this.#pieces[0] ?? first
  }

  #bounded(length: number): number {
    if (length <= this.#maxMessage) return length
    const message = `expected a value of at most ${this.#maxSize} octets, got a message of ${length}`
    throw new FetchError('size', 'body_too_large', message)
  }

  #hand(length: number): void {
    if (++this.#messages > MAX_MESSAGES) throw malformed(`more than ${MAX_MESSAGES} messages`)
    const all = Buffer.concat(this.#pieces)
    const rest = all.subarray(length)
    this.#pieces = rest.length === 0 ? [] : [rest]
    this.#size = rest.length
    this.push(all.subarray(0, length))
  }
}

function malformed(got: string): FetchError {
  return new FetchError('http', 'malformed_response', `expected an LDAP message, got ${got}`)
}
