import { createHash } from 'node:crypto'
import { JournalError } from '../error.ts'

/** Octets: a record of 1 MiB, a piece of an artifact, the manifest with its checkpoints, all with room. */
const MAX_LINE_BYTES = 8 * 1024 * 1024

const LINE_FEED = 0x0a

/** Reads a text line by line, however large it is, with a look at the one that comes next. */
export class LineReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #digest = createHash('sha256')
  #rest: Buffer = Buffer.alloc(0)
  #next: Buffer | undefined
  #number = 0

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Number of the line that was taken last, from 1. */
  get number(): number {
    return this.#number
  }

  /** The next line, which stays; undefined at the end. Throws JournalError(format) on one that is too long or has no end. */
  async peek(): Promise<Buffer | undefined> {
    return (this.#next ??= await this.#read())
  }

  /** Takes the line that `peek` gave. */
  take(): void {
    if (this.#next === undefined) return
    this.#digest.update(this.#next).update('\n')
    this.#next = undefined
    this.#number++
  }

  /** SHA-256 of all lines that were taken, in lower-case hex. */
  digest(): string {
    return this.#digest.copy().digest('hex')
  }

  async #read(): Promise<Buffer | undefined> {
    for (let searched = 0; ;) {
      const end = this.#rest.indexOf(LINE_FEED, searched)
      if (end !== -1) {
        const line = this.#rest.subarray(0, end)
        this.#rest = this.#rest.subarray(end + 1)
        return line
      }
      if (this.#rest.length > MAX_LINE_BYTES) throw this.#refuse(`more than ${MAX_LINE_BYTES} octets`)
      searched = this.#rest.length
      const chunk = await this.#chunks.next()
      if (chunk.done === true) {
        if (searched > 0) throw this.#refuse('the end of the file')
        return undefined
      }
      this.#rest = Buffer.concat([this.#rest, chunk.value])
    }
  }

  #refuse(got: string): JournalError {
    return new JournalError('format', { expected: 'a line feed', got, where: `line ${this.#number + 1}` })
  }
}
