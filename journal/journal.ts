import type { Artifact, ArtifactRef } from '../model/observation.ts'
import type { EpochStart, NewRecord, Position, SealedRecord } from '../model/record.ts'
import type { Clock } from '../model/time.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { JournalError } from './error.ts'

export interface JournalOptions {
  /** Created when missing; its parent must exist. */
  readonly directory: string
  /** Name of this journal for ever, without epoch: `vigil.example.org/zone-a`. */
  readonly origin: string
  /** PKCS#8 PEM with an Ed25519 key, outside the directory; created (mode 0600) when missing. */
  readonly keyFile: string
  readonly now: Clock
  readonly random: (octets: number) => Uint8Array
  /** Longest that a record waits for its seal, in ms; 0 seals as soon as the disk is free. Default 1000. */
  readonly sealInterval?: number
  /** Shortest time between two checkpoints, in ms. Default 60000. */
  readonly publishInterval?: number
  /** First record of a directory that is created here. Default: reason `new`. */
  readonly start?: EpochStart
  /** Faults in background work (publishing, compressing); whoever called append or publish gets theirs rejected. */
  readonly onError?: (error: JournalError) => void
}

/** `failing`: the last write was refused by the disk; every append tries again. */
export type JournalState = 'open' | 'failing' | 'closed'

/** The only writer of one journal directory. */
export interface Journal {
  readonly origin: string
  /** Unix time in seconds at which the directory was created. */
  readonly epoch: number
  /** Sealed entries. */
  readonly size: number
  readonly state: JournalState
  /** The newest published checkpoint. */
  readonly checkpoint: Checkpoint
  /** Resolves when the records are on disk (fsync), in the order given. Rejects with JournalError; then none of them counts. */
  append(records: readonly NewRecord[]): Promise<readonly SealedRecord[]>
  /** Keeps bytes under their digest. Durable at the latest when a record appended afterwards is acknowledged. */
  putArtifact(artifact: Artifact): Promise<ArtifactRef>
  getArtifact(digest: string): Promise<Uint8Array | undefined>
  /** What is sealed now after a position, in order, one batch an entry. */
  read(after?: Position): AsyncIterable<readonly SealedRecord[]>
  /** What is sealed, then what is being sealed, until the signal aborts (ends without an error) or the journal closes. */
  follow(after: Position | undefined, signal: AbortSignal): AsyncIterable<readonly SealedRecord[]>
  /** Seals what waits, writes tiles and checkpoint. */
  publish(): Promise<Checkpoint>
  /** Seals what waits, publishes, releases the directory. Later calls do nothing. */
  close(): Promise<void>
}

/** Opens or creates a journal; after a crash, recovers what was sealed. */
export function openJournal(options: JournalOptions): Promise<Journal> {
  return Promise.reject(new Error(`not written yet: ${options.directory}`))
}
