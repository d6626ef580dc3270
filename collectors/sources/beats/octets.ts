import { CollectorError } from '../../error.ts'

/** Reads so many octets at a time from a stream of chunks, and holds no more than what was asked for and one chunk. */
export class OctetReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #limit: number
  #parts: Uint8Array[] = []
  #held = 0
  #total = 0

  /** `limit`: octets that may come at all. */
  constructor(chunks: AsyncIterable<Uint8Array>, limit = Infinity) {
    this.#chunks = chunks[Symbol.asyncIterator]()
    this.#limit = limit
  }

  /** undefined: the stream ended before the first of them. Rejects when it ends amid them. */
  async read(length: number): Promise<Buffer | undefined> {
    while (this.#held < length) {
      if (await this.#more()) continue
      if (this.#held === 0) return undefined
      throw new CollectorError('protocol_error', `expected ${length} octets, got ${this.#held} and the end`)
    }
    return this.#take(length)
  }

  /** The next `length` octets as they come. */
  async *stream(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0;) {
      if (this.#held === 0 && !(await this.#more()))
        throw new CollectorError('protocol_error', `expected ${left} octets more, got the end`)
      const taken = this.#take(Math.min(left, this.#held))
      left -= taken.length
      yield taken
    }
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next()
    if (next.done === true) return false
    this.#total += next.value.length
    if (this.#total > this.#limit)
      throw new CollectorError('protocol_error', `more than ${this.#limit} octets`)
    this.#parts.push(next.value)
    this.#held += next.value.length
    return true
  }

  #take(length: number): Buffer {
    const joined = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts)
    const all = Buffer.from(
      joined?.buffer ?? new ArrayBuffer(0),
      joined?.byteOffset ?? 0,
      joined?.byteLength ?? 0,
    )
    const rest = all.subarray(length)
    this.#parts = rest.length === 0 ? [] : [rest]
    this.#held = rest.length
    return all.subarray(0, length)
  }
}
