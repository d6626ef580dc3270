import type { SealedRecord } from '../../model/record.ts'
import { fromTimestamp } from '../../model/time.ts'
import { paint, printable } from '../terminal.ts'

/** Tells in the terminal what happens, as it happens: seconds since the start, who, what. */
export class Narrator {
  readonly #stream: NodeJS.WriteStream
  readonly #start: number
  /** Findings that were told as bad: only their end is news. */
  readonly #bad = new Set<string>()

  constructor(stream: NodeJS.WriteStream, start: number) {
    this.#stream = stream
    this.#start = start
  }

  heading(text: string): void {
    this.#stream.write(`\n${paint(this.#stream, 'bold', text)}\n`)
  }

  tell(at: number, who: string, text: string): void {
    const seconds = ((at - this.#start) / 1000).toFixed(1).padStart(6)
    this.#stream.write(
      `${paint(this.#stream, 'dim', `${seconds} s`)}  ${paint(this.#stream, 'cyan', who.padEnd(13))} ${printable(text)}\n`,
    )
  }

  /** Decisions and actions; the many observations behind them would drown the story. */
  record(record: SealedRecord): void {
    const at = fromTimestamp(record.recorded)
    if (record.kind === 'decision') {
      const { rule, subject, state, summary, evidence } = record.body
      // Before the first look everything is unknown; a line for each would bury the beginning.
      if (state === 'unknown' && evidence.length === 0) return
      const finding = `${subject} ${rule}`
      // May be over before it counts.
      if (state === 'pending') return
      const wasBad = this.#bad.delete(finding)
      if (state === 'fail' || state === 'unknown') {
        this.#bad.add(finding)
        this.#verdict(at, state === 'unknown' ? 'yellow' : 'red', `${finding}: ${state}`, summary)
      } else if (wasBad) this.#verdict(at, 'green', `${finding}: ${state}`, '')
    } else if (record.kind === 'action') {
      const { kind, status, rule, subject, detail } = record.body
      this.tell(at, kind, `${status}: ${rule} on ${subject}${kind === 'alert' ? '' : ` (${detail})`}`)
    }
  }

  #verdict(at: number, style: 'red' | 'yellow' | 'green', verdict: string, summary: string): void {
    const seconds = ((at - this.#start) / 1000).toFixed(1).padStart(6)
    const text = summary === '' ? '' : `: ${printable(summary)}`
    this.#stream.write(
      `${paint(this.#stream, 'dim', `${seconds} s`)}  ${paint(this.#stream, 'cyan', 'finding      ')} ${paint(this.#stream, style, printable(verdict))}${text}\n`,
    )
  }
}
