import { join } from 'node:path'
import type { SealedRecord } from '../model/record.ts'
import type { Position } from '../model/recordId.ts'
import { ArtifactReader } from './artifactReader.ts'
import { readBlocks } from './blocks.ts'
import { parseCheckpoint, type Checkpoint } from './checkpoint.ts'
import { nodeDisk } from './disk.ts'
import { JournalError } from './error.ts'
import { readIdentity } from './identity.ts'
import { CHECKPOINT_PATH } from './publisher.ts'
import { afterPosition, decodeBlockRecords } from './record.ts'

/** Read-only access to a journal directory, also while a writer is running. */
export interface JournalReader {
  readonly origin: string
  readonly epoch: number
  /**
   * What is sealed now after a position, in order, one batch an entry; one segment in memory at a time.
   * Throws JournalError(altered, format).
   */
  read(after?: Position): AsyncIterable<readonly SealedRecord[]>
  /** The newest published checkpoint. Its signature is not verified here: that is verifyJournal's. */
  checkpoint(): Promise<Checkpoint>
  /** undefined when it was never kept. Throws JournalError(altered) when it is not what its digest says. */
  getArtifact(digest: string): Promise<Uint8Array | undefined>
}

/** Throws JournalError(format) where the directory is no journal. */
export async function openReader(directory: string): Promise<JournalReader> {
  const { origin, epoch } = await readIdentity(nodeDisk, directory)
  const artifacts = new ArtifactReader(nodeDisk, directory)
  return {
    origin,
    epoch,

    async *read(after) {
      for await (const block of readBlocks(nodeDisk, directory, after?.entry ?? 0)) {
        const rest = afterPosition(decodeBlockRecords(block, origin, epoch), after)
        if (rest.length > 0) yield rest
      }
    },

    async checkpoint() {
      const text = await nodeDisk.read(join(directory, CHECKPOINT_PATH))
      if (text === undefined)
        throw new JournalError('format', `${directory}: expected a checkpoint, got none`)
      return parseCheckpoint(text.toString()).checkpoint
    },

    getArtifact: (digest) => artifacts.get(digest),
  }
}
