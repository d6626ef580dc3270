import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { fileError } from '../error.ts'
import { FILE_HEAD_OCTETS } from '../eventId.ts'
import { readable } from './gunzip.ts'
import { HEAD_LIMIT, headOf, sha256 } from './identity.ts'
import { openRegular, readAt } from './logFile.ts'
import type { Batch, FileKey, OpenLog, OpenOptions } from './logFile.ts'
import { RecordFramer } from './records.ts'
import type { FramedRecord } from './records.ts'

export const GZIP_SUFFIX = '.gz'

export function isGzipName(name: string): boolean {
  return name.endsWith(GZIP_SUFFIX)
}

const CHUNK_OCTETS = 64 * 1024
/** Milliseconds after its last change at which a file that ends too early is not being packed any more. */
const PACKING_MS = 60_000

/** The octets of the file, unfolded, from its beginning. */
function unfolded(handle: FileHandle, chunk = CHUNK_OCTETS): AsyncGenerator<Uint8Array> {
  async function* packed(): AsyncGenerator<Uint8Array> {
    for (let at = 0; ;) {
      const octets = await readAt(handle, at, chunk)
      if (octets.length === 0) return
      at += octets.length
      yield octets
    }
  }
  return readable(packed())
}

/** The first `length` octets, fewer if there are not so many. */
async function beginningOf(handle: FileHandle, length: number): Promise<Buffer> {
  let beginning = Buffer.alloc(0)
  for await (const octets of unfolded(handle)) {
    beginning = Buffer.concat([beginning, octets])
    if (beginning.length >= length) break
  }
  return beginning.subarray(0, length)
}

/** As `readHead` of a file that stands as it is. Rejects at what is no whole gzip so far. */
export async function gzipHead(handle: FileHandle): Promise<Buffer | undefined> {
  const beginning = await beginningOf(handle, HEAD_LIMIT + 1)
  return beginning.length === 0 ? undefined : Buffer.from(headOf(beginning) ?? beginning)
}

/**
 * A log that was gzipped after it was rotated: nobody writes to it any more, so it is read from front to end. One that is still being packed ends too
 * early: then reading rejects, and is tried again. One that stays like this is damaged, and changed from what it was.
 */
export class GzipLog implements OpenLog {
  readonly path: string
  readonly key: FileKey
  readonly modified = undefined
  readonly #handle: FileHandle
  readonly #options: OpenOptions
  #framer: RecordFramer
  #octets: AsyncGenerator<Uint8Array> | undefined
  #head: Buffer | undefined
  #fingerprint: string | undefined
  #damaged = false

  private constructor(path: string, handle: FileHandle, key: FileKey, options: OpenOptions) {
    this.path = path
    this.#handle = handle
    this.key = key
    this.#options = options
    this.#framer = new RecordFramer(options.framer)
  }

  /** Throws CollectorError. */
  static async open(path: string, options: OpenOptions): Promise<GzipLog> {
    const handle = await openRegular(path, options.links)
    const { dev, ino } = await handle.stat({ bigint: true })
    return new GzipLog(path, handle, { dev, ino }, options)
  }

  get holding(): boolean {
    return this.#framer.holding
  }

  async stat(): Promise<BigIntStats> {
    return this.#handle.stat({ bigint: true })
  }

  async close(): Promise<void> {
    await this.#octets?.return(undefined)
    await this.#handle.close()
  }

  async identify(): Promise<Buffer | undefined> {
    this.#head ??= await this.#read(() => gzipHead(this.#handle))
    return this.#head
  }

  async fingerprint(): Promise<string | undefined> {
    if (this.#fingerprint !== undefined) return this.#fingerprint
    const head = await this.#read(() => beginningOf(this.#handle, FILE_HEAD_OCTETS))
    if (head.length === FILE_HEAD_OCTETS) this.#fingerprint = sha256(head)
    return this.#fingerprint
  }

  /** Unfolds everything before `offset` once more. False when there is not so much, or no line ends there. */
  async seek(offset: number): Promise<boolean> {
    await this.#octets?.return(undefined)
    this.#octets = unfolded(this.#handle, this.#options.chunk)
    this.#framer = new RecordFramer({ ...this.#options.framer, offset })
    let before: number | undefined
    for (let at = 0; at < offset;) {
      const next = await this.#next()
      if (next === undefined) return false
      const rest = at + next.length - offset
      if (rest >= 0) {
        before = next[next.length - rest - 1]
        this.#octets = startingWith(next.subarray(next.length - rest), this.#octets)
      }
      at += next.length
    }
    return before === undefined || before === 0x0a || before === 0
  }

  async read(octets: number): Promise<Batch> {
    const records: FramedRecord[] = []
    for (let read = 0; read < octets;) {
      const next = await this.#next()
      if (next === undefined) return { records, state: this.#damaged ? 'changed' : 'end', grown: read > 0 }
      read += next.length
      for (const record of this.#framer.push(next)) records.push(record)
    }
    return { records, state: 'more', grown: true }
  }

  release(): FramedRecord[] {
    return this.#framer.release()
  }

  finish(): FramedRecord[] {
    return this.#framer.finish()
  }

  comparedTo(): Promise<'another'> {
    return Promise.resolve('another')
  }

  async #next(): Promise<Uint8Array | undefined> {
    const octets = this.#octets
    try {
      const next = await this.#read(async () => octets?.next())
      return next?.done === false ? next.value : undefined
    } catch (error) {
      const { ctimeMs } = await this.stat()
      if (this.#options.now() - Number(ctimeMs) < PACKING_MS) throw error
      this.#damaged = true
      return undefined
    }
  }

  /** What zlib says of a file that is no gzip, or not all of one, names the file. */
  async #read<T>(what: () => Promise<T>): Promise<T> {
    try {
      return await what()
    } catch (error) {
      throw fileError(this.path, error)
    }
  }
}

async function* startingWith(
  first: Uint8Array,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first
  yield* rest
}
