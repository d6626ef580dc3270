// A signed audit log as Dogtag writes it (docs/collectors/dogtag.md): each signature covers the lines since the one before it, and that one.
import { sign } from 'node:crypto'
import { closeSync, openSync, renameSync, writeSync } from 'node:fs'
import { toTimestamp, type Clock } from '../model/time.ts'
import type { KeyPair } from './issue.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export interface SignedLogRecord {
  readonly event: string
  /** In Dogtag's order, SubjectID and Outcome first; nothing is escaped, as there. */
  readonly attributes: readonly (readonly [name: string, value: string])[]
  readonly text: string
}

/** One buffer is flushed after every `write`: its lines, and the signature over them. */
export class SignedLog {
  readonly file: string
  readonly #key: KeyPair
  readonly #now: Clock
  #descriptor: number | undefined
  /** What the next signature covers before the lines of its own buffer: the signature line before it. */
  #covered = ''
  #unsigned = 0

  /** `key`: of RSA, or of a curve. */
  constructor(options: { file: string; key: KeyPair; now: Clock }) {
    this.file = options.file
    this.#key = options.key
    this.#now = options.now
    this.#descriptor = openSync(this.file, 'a', 0o640)
  }

  write(...records: readonly SignedLogRecord[]): void {
    const lines = records.map((record) => this.#lineOf(record)).join('')
    this.#flush(lines, lines)
  }

  /** What is signed is not what stands in the file. */
  writeChanged(signed: SignedLogRecord, written: SignedLogRecord): void {
    this.#flush(this.#lineOf(signed), this.#lineOf(written))
  }

  /** Signed, and nowhere to be found: the next signature covers one that is not in the log. */
  lose(record: SignedLogRecord): void {
    this.#flush(this.#lineOf(record), undefined)
  }

  /** From now on, until what it gives is called. A log that is signed again begins with a signature, over the last one in it. */
  stopSigning(): () => void {
    this.#unsigned++
    return () => {
      this.#unsigned--
      this.write()
    }
  }

  /** Moves the file away, as Dogtag does, and starts a new one. The signatures go on. Returns the old one's new name. */
  rotate(): string {
    const rotated = `${this.file}.${toTimestamp(this.#now()).slice(0, 19).replaceAll(/\D/g, '')}`
    this.close()
    renameSync(this.file, rotated)
    this.#descriptor = openSync(this.file, 'a', 0o640)
    return rotated
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  /** `written`: undefined: nothing of it, nor of the signature. */
  #flush(signed: string, written: string | undefined): void {
    if (this.#unsigned > 0) {
      this.#append(written ?? '')
      return
    }
    const signature = sign('sha256', Buffer.from(this.#covered + signed), this.#key.privateKey)
    this.#covered = this.#lineOf({
      event: 'AUDIT_LOG_SIGNING',
      attributes: [
        ['SubjectID', '$System$'],
        ['Outcome', 'Success'],
      ],
      text: `signature of audit buffer just flushed: sig: ${signature.toString('base64')}`,
    })
    if (written !== undefined) this.#append(written + this.#covered)
  }

  #append(text: string): void {
    if (this.#descriptor !== undefined) writeSync(this.#descriptor, text)
  }

  #lineOf({ event, attributes, text }: SignedLogRecord): string {
    const all = [['AuditEvent', event] as const, ...attributes]
    const message = `${all.map(([name, value]) => `[${name}=${value}]`).join('')} ${text}`
    return `0.main - [${dateOf(this.#now())}] [14] [6] ${message}\n`
  }
}

/** `22/Nov/2026:05:01:07 UTC`. */
function dateOf(at: number): string {
  const [year = '', month = '', day = ''] = toTimestamp(at).slice(0, 10).split('-')
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${toTimestamp(at).slice(11, 19)} UTC`
}
