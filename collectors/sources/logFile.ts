import { constants } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { Clock } from '../../model/time.ts'
import { CollectorError, fileError } from '../error.ts'
import { FILE_HEAD_OCTETS } from '../eventId.ts'
import { HEAD_LIMIT, headOf, sha256 } from './identity.ts'
import { RecordFramer } from './records.ts'
import type { FramedRecord, FramerOptions } from './records.ts'

/** Octets before the reading position that must still be what they were; another content rarely ends so. */
const TAIL_OCTETS = 1024
/** First read for a head; log lines are rarely longer. */
const HEAD_READ = 4 * 1024

export type FileKey = Pick<BigIntStats, 'dev' | 'ino'>
export function sameFile(a: FileKey, b: FileKey): boolean {
  return a.dev === b.dev && a.ino === b.ino
}

/** Never blocks on a pipe, and takes regular files only. Throws CollectorError. */
export async function openRegular(path: string, links: 'follow' | 'refuse'): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (links === 'refuse' ? constants.O_NOFOLLOW : 0)
  try {
    const handle = await open(path, flags)
    if ((await handle.stat()).isFile()) return handle
    await handle.close()
  } catch (error) {
    throw fileError(path, error)
  }
  throw new CollectorError('not_a_file', `${path}: expected a regular file`)
}

/** Octets [offset, offset + length) of the file, fewer at its end. */
export async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** The first line as far as it identifies the file (see `headOf`). `whole`: also when it is not complete. */
export async function readHead(handle: FileHandle, demand: 'complete' | 'any'): Promise<Buffer | undefined> {
  for (const length of [HEAD_READ, HEAD_LIMIT]) {
    const beginning = await readAt(handle, 0, length)
    const head = headOf(beginning)
    if (head !== undefined) return Buffer.from(head)
    if (beginning.length < length) return demand === 'any' && beginning.length > 0 ? beginning : undefined
  }
  return undefined
}

export interface Batch {
  readonly records: readonly FramedRecord[]
  /** more: the batch is full; end: of the file, for now; changed: what was read before is no longer there. */
  readonly state: 'more' | 'end' | 'changed'
  /** Whether there were new octets. */
  readonly grown: boolean
}

export interface OpenOptions {
  readonly links: 'follow' | 'refuse'
  readonly framer: FramerOptions
  /** Octets read at once. */
  readonly chunk: number
  readonly now: Clock
}

/** A log file that is open: as it stands, or gzipped. Offsets are those of the log itself. */
export interface OpenLog {
  readonly path: string
  readonly key: FileKey
  /** Whether a complete record waits for `release()`. */
  readonly holding: boolean
  readonly modified: bigint | undefined
  stat(): Promise<BigIntStats>
  identify(demand: 'complete' | 'any'): Promise<Buffer | undefined>
  fingerprint(): Promise<string | undefined>
  seek(offset: number): Promise<boolean>
  read(octets: number): Promise<Batch>
  release(): FramedRecord[]
  finish(): FramedRecord[]
  comparedTo(other: LogFile): Promise<'same' | 'rewritten' | 'another'>
  close(): Promise<void>
}

/**
 * One open log file that is being read. What it hands out was verified after reading: the file still began with the same
 * line, was not shorter, and still held the last octets read. So a truncation between two reads is noticed even if the
 * file has grown past the old position since.
 */
export class LogFile implements OpenLog {
  readonly path: string
  readonly key: FileKey
  readonly #handle: FileHandle
  readonly #framerOptions: FramerOptions
  readonly #chunk: number
  #head: Buffer | undefined
  #fingerprint: string | undefined
  /** The head and the octet after it, as they must stay. */
  #beginning: Buffer = Buffer.alloc(0)
  #tail: Buffer = Buffer.alloc(0)
  #framer: RecordFramer
  /** Offset of the next octet to read. */
  #at = 0
  /** Size and times when the content was last verified. */
  #verified: BigIntStats | undefined
  #modified: bigint | undefined

  private constructor(
    path: string,
    handle: FileHandle,
    key: FileKey,
    framerOptions: FramerOptions,
    chunk: number,
  ) {
    this.path = path
    this.#handle = handle
    this.key = key
    this.#framerOptions = framerOptions
    this.#chunk = chunk
    this.#framer = new RecordFramer(framerOptions)
  }

  /** Throws CollectorError. */
  static async open(path: string, options: OpenOptions): Promise<LogFile> {
    const handle = await openRegular(path, options.links)
    const { dev, ino } = await handle.stat({ bigint: true })
    return new LogFile(path, handle, { dev, ino }, options.framer, options.chunk)
  }

  /** When the file was last changed, as long as it was still the one we know. */
  get modified(): bigint | undefined {
    return this.#modified
  }

  async stat(): Promise<BigIntStats> {
    return this.#handle.stat({ bigint: true })
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  /** Whether a complete record waits for `release()`. */
  get holding(): boolean {
    return this.#framer.holding
  }

  /** The first line; from here on it must stay what it is. */
  async identify(demand: 'complete' | 'any'): Promise<Buffer | undefined> {
    if (this.#head === undefined) {
      this.#head = await readHead(this.#handle, demand)
      if (this.#head !== undefined) this.#beginning = await readAt(this.#handle, 0, this.#head.length + 1)
    }
    return this.#head
  }

  /** The file as ids of events name it; undefined as long as it has fewer octets than that takes. */
  async fingerprint(): Promise<string | undefined> {
    if (this.#fingerprint !== undefined) return this.#fingerprint
    const head = await readAt(this.#handle, 0, FILE_HEAD_OCTETS)
    if (head.length === FILE_HEAD_OCTETS) this.#fingerprint = sha256(head)
    return this.#fingerprint
  }

  /**
   * Continues at `offset`, and forgets what was read beyond. False when no record can have ended there: the file is
   * shorter, or no line ends at that place (a run of NULs ends a line too).
   */
  async seek(offset: number): Promise<boolean> {
    this.#framer = new RecordFramer({ ...this.#framerOptions, offset })
    this.#at = offset
    this.#verified = undefined
    const before = Math.min(offset, TAIL_OCTETS)
    const around = await readAt(this.#handle, offset - before, before + 1)
    this.#tail = around.subarray(0, before)
    if (offset === 0) return true
    const last = around[before - 1]
    return around.length >= before && (last === 0x0a || last === 0 || around[before] === 0)
  }

  /** Reads on until about `octets` were read, or to the end. */
  async read(octets: number): Promise<Batch> {
    const records: FramedRecord[] = []
    const from = this.#at
    for (;;) {
      const waiting = Number((await this.stat()).size) - this.#at
      const chunk = await readAt(this.#handle, this.#at, Math.max(0, Math.min(waiting, this.#chunk)))
      const intact = await this.#intact(this.#at + chunk.length)
      if (!intact) return { records, state: 'changed', grown: this.#at > from }
      if (chunk.length === 0) return { records, state: 'end', grown: this.#at > from }
      for (const record of this.#framer.push(chunk)) records.push(record)
      this.#at += chunk.length
      this.#tail = Buffer.concat([this.#tail, chunk.subarray(-TAIL_OCTETS)]).subarray(-TAIL_OCTETS)
      if (this.#at - from >= octets) return { records, state: 'more', grown: true }
    }
  }

  /** See RecordFramer. */
  release(): FramedRecord[] {
    return this.#framer.release()
  }

  /** See RecordFramer. */
  finish(): FramedRecord[] {
    return this.#framer.finish()
  }

  /** What another file is to this one: the same content (and perhaps more), other content that begins alike, or neither. */
  async comparedTo(other: LogFile): Promise<'same' | 'rewritten' | 'another'> {
    const head = await other.identify('any')
    if (this.#head === undefined || head?.equals(this.#head) !== true) return 'another'
    return (await this.#holds(other.#handle, Number((await other.stat()).size), this.#at))
      ? 'same'
      : 'rewritten'
  }

  async #intact(end: number): Promise<boolean> {
    const now = await this.stat()
    const then = this.#verified
    if (then?.size === now.size && then.mtimeNs === now.mtimeNs && then.ctimeNs === now.ctimeNs) return true
    if (!(await this.#holds(this.#handle, Number(now.size), end))) return false
    this.#verified = now
    this.#modified = now.mtimeNs
    return true
  }

  /** Whether there are `end` octets, and those at the beginning and before the reading position are the ones we know. */
  async #holds(handle: FileHandle, size: number, end: number): Promise<boolean> {
    if (size < end) return false
    if (!(await readAt(handle, 0, this.#beginning.length)).equals(this.#beginning)) return false
    return (await readAt(handle, this.#at - this.#tail.length, this.#tail.length)).equals(this.#tail)
  }
}
