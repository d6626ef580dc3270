import { messageOf } from '../model/thrown.ts'

export type JournalErrorCode =
  | 'invalid_record' // not JSON as RFC 8785 can hold it, or larger than the limit
  | 'locked' // another process writes this journal
  | 'altered' // what stands on disk is not what was written
  | 'format' // not a journal of this format
  | 'key' // the key file is unusable, or is not this journal's key
  | 'origin' // the directory belongs to another origin
  | 'storage' // the disk refused: full, read-only, I/O error
  | 'overloaded' // more is waiting than may wait
  | 'held' // a legal hold forbids it
  | 'closed'

/** What should be there, what is, and where. */
export interface Mismatch {
  readonly expected: string
  readonly got: string
  readonly where?: string
}

/** What the journal refuses, and why. `cause` holds the system's error where there was one. */
export class JournalError extends Error {
  override readonly name = 'JournalError'
  readonly code: JournalErrorCode
  readonly mismatch: Mismatch | undefined

  constructor(code: JournalErrorCode, what: string | Mismatch, options?: ErrorOptions) {
    super(typeof what === 'string' ? what : describe(what), options)
    this.code = code
    this.mismatch = typeof what === 'string' ? undefined : what
  }
}

/** Says what an operator must know to help: which file, and why. */
export function diskRefused(path: string, cause: unknown): JournalError {
  const reason = messageOf(cause)
  return new JournalError('storage', `${path}: the disk refused: ${reason}`, { cause })
}

function describe({ expected, got, where }: Mismatch): string {
  return `expected ${expected}, got ${got}${where === undefined ? '' : ` at ${where}`}`
}
