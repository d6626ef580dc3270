import type { KeyObject } from 'node:crypto'
import { DIGEST_BYTES } from './digest.ts'
import { JournalError } from './error.ts'
import { parseNote, signNote, type Note } from './note.ts'

/** The signed size and root hash of a journal (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** Origin line: `<origin>/<epoch>`. */
  readonly origin: string
  /** Entries that it covers. */
  readonly size: number
  /** SHA-256 root (RFC 6962 section 2.1) in lower-case hex. */
  readonly root: string
  /** The signed note as it stands in the file. */
  readonly text: string
}

/** Name of the log: a new epoch is a new log. */
export function formatOrigin(origin: string, epoch: number): string {
  return `${origin}/${epoch}`
}

/** undefined when the text is not an origin line of a journal. */
export function parseOrigin(line: string): { readonly origin: string; readonly epoch: number } | undefined {
  const match = /^([^\s+]+)\/([1-9]\d{0,14}|0)$/u.exec(line)
  return match?.[1] === undefined ? undefined : { origin: match[1], epoch: Number(match[2]) }
}

export function signCheckpoint(origin: string, size: number, root: Buffer, key: KeyObject): Checkpoint {
  const text = signNote(`${origin}\n${size}\n${root.toString('base64')}\n`, origin, key)
  return { origin, size, root: root.toString('hex'), text }
}

/** Reads a checkpoint without verifying its signatures. Throws JournalError(format). */
export function parseCheckpoint(text: string): { readonly checkpoint: Checkpoint; readonly note: Note } {
  const note = parseNote(text)
  const match = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(note.text)
  const [, origin = '', size = '', root = ''] = match ?? []
  const hash = Buffer.from(root, 'base64')
  if (match === null || hash.length !== DIGEST_BYTES || hash.toString('base64') !== root)
    throw new JournalError('format', { expected: 'the lines origin, size and root hash', got: 'other lines' })
  return { checkpoint: { origin, size: Number(size), root: hash.toString('hex'), text }, note }
}
