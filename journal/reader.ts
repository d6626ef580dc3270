import type { Position, SealedRecord } from '../model/record.ts'
import type { Checkpoint } from './checkpoint.ts'

/** Read-only access to a journal directory, also while a writer is running. */
export interface JournalReader {
  readonly origin: string
  readonly epoch: number
  /** What is sealed now after a position, in order, one batch an entry; in bounded memory. */
  read(after?: Position): AsyncIterable<readonly SealedRecord[]>
  /** The newest published checkpoint. Its signature is not verified here: that is verifyJournal's. */
  checkpoint(): Promise<Checkpoint>
  getArtifact(digest: string): Promise<Uint8Array | undefined>
}

export function openReader(directory: string): Promise<JournalReader> {
  return Promise.reject(new Error(`not written yet: ${directory}`))
}
