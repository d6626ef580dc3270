import { parseNote, signatureBy, type Note, type Signer } from './note.ts'
import { formatTreeHead, parseTreeHead, type TreeHead } from './treeHead.ts'

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

/** Rejects with JournalError(key). */
export async function signCheckpoint(head: TreeHead, signer: Signer): Promise<Checkpoint> {
  const body = formatTreeHead(head)
  const text = `${body}\n${await signatureBy(signer, body, 0)}`
  return { origin: head.origin, size: head.size, root: head.root.toString('hex'), text }
}

/** The same checkpoint with one more signature. Rejects with JournalError(key). */
export async function cosignCheckpoint(text: string, signer: Signer, now: number): Promise<string> {
  return text + (await signatureBy(signer, parseNote(text).text, Math.floor(now / 1000)))
}

/** Reads a checkpoint without verifying its signatures. Throws JournalError(format). */
export function parseCheckpoint(text: string): { readonly checkpoint: Checkpoint; readonly note: Note } {
  const note = parseNote(text)
  const { origin, size, root } = parseTreeHead(note.text)
  return { checkpoint: { origin, size, root: root.toString('hex'), text }, note }
}
