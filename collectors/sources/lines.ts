import type { Damage } from '../source.ts'

const LF = 0x0a

/**
 * So many NULs in a row are what a crash leaves (blocks that were allocated and never written), not text: they end the
 * line before them, so that the first record written after the crash is found. Fewer stay part of their line.
 */
const NUL_RUN_MIN = 16
/** Octets kept of a run of NULs. */
const NUL_KEPT = 64

export interface Line {
  /** Without line feed, at most as long as the limit. */
  readonly bytes: Uint8Array
  /** Octets [offset, end) of the file, line feed included. */
  readonly offset: number
  readonly end: number
  /** Of the line, from 1 where the scanner began: as an editor counts. */
  readonly number: number
  readonly damage: Damage | undefined
}

/**
 * Cuts a stream of octets into lines. It keeps at most `limit` octets of an unfinished line, however long that gets,
 * and looks at each octet once.
 */
export class LineScanner {
  readonly #limit: number
  readonly #emit: (line: Line) => void
  /** The unfinished line: where it starts, and what is kept of it. */
  #start: number
  #parts: Uint8Array[] = []
  #kept = 0
  /** Offset of the next octet to come. */
  #at: number
  /** Length of the run of NULs that ends at `#at`. */
  #nuls = 0
  #number = 1

  constructor(limit: number, offset: number, emit: (line: Line) => void) {
    this.#limit = limit
    this.#start = offset
    this.#at = offset
    this.#emit = emit
  }

  /** Lines refer to `chunk`, which must not be changed afterwards. */
  push(chunk: Uint8Array): void {
    const base = this.#at
    let from = 0
    let nul = chunk.indexOf(0)
    while (from < chunk.length) {
      if (this.#nuls > 0) {
        const run = from
        while (from < chunk.length && chunk[from] === 0) from++
        this.#nuls += from - run
        this.#at = base + from
        if (from === chunk.length) return
        if (this.#endRun(chunk[from] === LF)) from++
        continue
      }
      if (nul !== -1 && nul < from) nul = chunk.indexOf(0, from)
      const feed = chunk.indexOf(LF, from)
      if (nul !== -1 && (feed === -1 || nul < feed)) {
        this.#keep(chunk.subarray(from, nul))
        this.#at = base + nul + 1
        this.#nuls = 1
        from = nul + 1
        continue
      }
      if (feed === -1) {
        this.#keep(chunk.subarray(from))
        break
      }
      if (this.#kept === 0 && feed - from <= this.#limit && this.#start === base + from) {
        this.#emit({
          bytes: chunk.subarray(from, feed),
          offset: this.#start,
          end: base + feed + 1,
          number: this.#number,
          damage: undefined,
        })
        this.#start = base + feed + 1
      } else {
        this.#keep(chunk.subarray(from, feed))
        this.#emitKept(base + feed, base + feed + 1, undefined)
      }
      this.#number++
      from = feed + 1
    }
    this.#at = base + chunk.length
  }

  /** Nothing more will come: what is unfinished is given out as it is, as `damage` says. */
  finish(damage: Damage | undefined): void {
    if (this.#nuls > 0) this.#endRun(false)
    if (this.#at > this.#start) this.#emitKept(this.#at, this.#at, damage)
  }

  #keep(bytes: Uint8Array): void {
    const room = this.#limit - this.#kept
    if (room <= 0 || bytes.length === 0) return
    this.#parts.push(bytes.length > room ? bytes.subarray(0, room) : bytes)
    this.#kept += Math.min(bytes.length, room)
  }

  /** `textEnd`: where the text ended; `end`: what follows belongs to the next line. */
  #emitKept(textEnd: number, end: number, damage: Damage | undefined): void {
    const bytes = this.#parts.length === 1 ? this.#parts[0] : undefined
    this.#emit({
      bytes: bytes ?? Buffer.concat(this.#parts, this.#kept),
      offset: this.#start,
      end,
      number: this.#number,
      damage: textEnd - this.#start > this.#limit ? 'cut' : damage,
    })
    this.#parts = []
    this.#kept = 0
    this.#start = end
  }

  /** The run of NULs before `#at` is over. True when it took the line feed at `#at` with it. */
  #endRun(feedFollows: boolean): boolean {
    const run = this.#nuls
    this.#nuls = 0
    if (run < NUL_RUN_MIN) {
      this.#keep(new Uint8Array(run))
      return false
    }
    const runStart = this.#at - run
    if (runStart > this.#start) this.#emitKept(runStart, runStart, 'torn')
    const end = feedFollows ? this.#at + 1 : this.#at
    const bytes = new Uint8Array(Math.min(run, NUL_KEPT))
    this.#emit({ bytes, offset: runStart, end, number: this.#number, damage: 'nul' })
    if (feedFollows) this.#number++
    this.#start = end
    return feedFollows
  }
}
