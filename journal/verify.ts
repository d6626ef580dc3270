import type { RecordKind } from '../model/record.ts'

/** The first thing that is not as it must be. */
export interface Fault {
  /** Relative to the journal directory. */
  readonly file: string
  /** Where in the file, in words: `octets 0 to 95`, `entry 17, record 3`. */
  readonly location: string
  readonly expected: string
  readonly got: string
}

export interface VerifyReport {
  /** `self_consistent`: everything fits together, but no key from outside says whose journal it is. */
  readonly verdict: 'authenticated' | 'self_consistent' | 'broken'
  /** Origin line: `<origin>/<epoch>`. '' when it could not be read. */
  readonly origin: string
  /** Entries found, of which `published` are covered by the signed checkpoint. */
  readonly size: number
  readonly published: number
  /** Root of the signed checkpoint, lower-case hex. '' when it could not be read. */
  readonly root: string
  readonly records: Readonly<Partial<Record<RecordKind, number>>>
  readonly artifacts: number
  /** Entries covered by a follower, witness or timestamp, and those after them. */
  readonly anchored: number
  readonly unanchored: number
  /** Present exactly when the verdict is broken. */
  readonly fault?: Fault
  /** What is worth knowing and is no fault, such as the unsealed end of a crash. */
  readonly notes: readonly string[]
}

export interface VerifyOptions {
  /** Verifier keys obtained elsewhere (`name+id+key`, one a line). */
  readonly trust?: string
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
}

/** Re-derives everything in a journal directory from its files. Rejects only when the directory cannot be read. */
export function verifyJournal(directory: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  return Promise.reject(new Error(`not written yet: ${directory} ${options.trust ?? ''}`))
}
