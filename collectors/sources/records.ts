import type { Damage } from '../source.ts'
import { LineScanner } from './lines.ts'
import type { Line } from './lines.ts'

/**
 * Octets kept of one record. EJBCA's longest (a CA edit with its certificate chain, a CERT_CREATION with a post-quantum
 * certificate) stay under 100 KiB; what is longer is damage or an attack. In base64 it fits into a journal record of 1 MiB.
 */
export const MAX_RECORD_OCTETS = 512 * 1024

/** Lines of one record; stack traces and certificate chains have hundreds. Bounds what a file of line feeds costs. */
const MAX_RECORD_LINES = 10_000

/** A record with its place in the file; the source adds whose file it is. */
export interface FramedRecord {
  readonly bytes: Uint8Array
  readonly offset: number
  readonly end: number
  /** Where its last line begins. */
  readonly lastLine: number
  /** Number of its first line, from 1 where the framer began. */
  readonly line: number
  readonly damage: Damage | undefined
}

export interface FramerOptions {
  readonly startsRecord: (line: Uint8Array) => boolean
  /** Where in the file the first octet stands. */
  readonly offset?: number
  readonly limit?: number
}

/** A record that may go on. */
interface Held {
  readonly lines: Uint8Array[]
  length: number
  lastLine: number
  end: number
}

const LF = 0x0a

function joinLines(lines: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length)
  let at = 0
  for (const line of lines) {
    joined.set(line, at)
    at += line.length
    if (at < length) joined[at++] = LF
  }
  return joined
}

/**
 * Joins lines into records: a line that starts none belongs to the record before it. A record is given out when the next
 * one starts; the last one is held until `release()`, because a continuation may still come.
 */
export class RecordFramer {
  readonly #startsRecord: (line: Uint8Array) => boolean
  readonly #limit: number
  readonly #scanner: LineScanner
  #held: (Omit<FramedRecord, 'bytes' | 'damage'> & Held) | undefined
  #done: FramedRecord[] = []

  constructor(options: FramerOptions) {
    this.#startsRecord = options.startsRecord
    this.#limit = options.limit ?? MAX_RECORD_OCTETS
    this.#scanner = new LineScanner(this.#limit, options.offset ?? 0, (line) => this.#line(line))
  }

  /** Whether a complete record waits for `release()`. */
  get holding(): boolean {
    return this.#held !== undefined
  }

  /** The records that these octets completed. They refer to `chunk`, which must not be changed afterwards. */
  push(chunk: Uint8Array): FramedRecord[] {
    this.#scanner.push(chunk)
    return this.#take()
  }

  /** Gives out the held record, after nothing came for a while. An unfinished line stays. */
  release(): FramedRecord[] {
    this.#flush()
    return this.#take()
  }

  /** Nothing more will come: gives out everything. A last line without line feed is torn, or complete where whole files end so. */
  finish(last: 'torn' | 'complete' = 'torn'): FramedRecord[] {
    this.#scanner.finish(last === 'torn' ? 'torn' : undefined)
    this.#flush()
    return this.#take()
  }

  #take(): FramedRecord[] {
    const done = this.#done
    this.#done = []
    return done
  }

  #flush(): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    const only = held.lines.length === 1 ? held.lines[0] : undefined
    const bytes = only ?? joinLines(held.lines, held.length)
    const { offset, end, lastLine, line } = held
    this.#done.push({ bytes, offset, end, lastLine, line, damage: undefined })
  }

  #line(line: Line): void {
    if (line.damage !== undefined) {
      this.#flush()
      const { bytes, offset, end, number, damage } = line
      this.#done.push({ bytes, offset, end, lastLine: offset, line: number, damage })
      return
    }
    const held = this.#held
    const continues =
      held !== undefined &&
      held.lines.length < MAX_RECORD_LINES &&
      held.length + 1 + line.bytes.length <= this.#limit &&
      !this.#startsRecord(line.bytes)
    if (continues) {
      held.lines.push(line.bytes)
      held.length += 1 + line.bytes.length
      held.lastLine = line.offset
      held.end = line.end
      return
    }
    this.#flush()
    const { bytes, offset, end, number } = line
    this.#held = { lines: [bytes], length: bytes.length, offset, lastLine: offset, line: number, end }
  }
}
