import type { Shipper, SourcePosition } from '../model/auditEvent.ts'
import type { RecordPlace } from './eventId.ts'

/**
 * Why a record is not what the writer meant to write; its bytes are kept, and nothing in it is believed.
 * cut: longer than the limit, only its beginning was kept (the position still covers all of it).
 * nul: a run of NUL octets, as file systems leave after a crash; only its beginning was kept.
 * torn: the line ended without a line feed, at a run of NULs or at the end of a file that nobody writes any more.
 */
export type Damage = 'cut' | 'nul' | 'torn'

/** One record as it arrived: all its lines, without the last line feed. */
export interface RawRecord {
  readonly kind: 'record'
  readonly bytes: Uint8Array
  readonly position: SourcePosition
  /** undefined: the file was too short to be told from others; then its event has no id. */
  readonly place?: RecordPlace
  /** Who shipped it to us. */
  readonly shipper?: Shipper
  /** The id of its event, where it can't be computed from what arrived. */
  readonly id?: string
  readonly damage?: Damage
}

/** What happened to a log file as a whole. Each is written once, as the last thing about that file. */
const FILE_ACTIONS = {
  /** Renamed, and read to its end. Nothing is missing. */
  log_rotated: 'success',
  /** Cut, or other content put in its place. Lines after the last one read may be missing. */
  log_truncated: 'unknown',
  /** Removed while it was open, and read to its end. */
  log_removed: 'unknown',
  /** Gone when the source was started again. Lines after the last one read may be missing. */
  log_missing: 'unknown',
} as const
export type FileAction = keyof typeof FILE_ACTIONS

/** What happened to an index as a whole (sources/api/elasticsearch). */
const INDEX_ACTIONS = {
  /** Documents of an index that were journaled, with the digest over them. */
  index_notarised: 'success',
  /** Documents that were journaled are no longer there as they were. */
  index_altered: 'failure',
  /** A document that was written over, where records are only ever created. */
  document_rewritten: 'failure',
} as const
export const LOG_ACTIONS = { ...FILE_ACTIONS, ...INDEX_ACTIONS }
export type LogAction = keyof typeof LOG_ACTIONS

export interface LogNotice {
  readonly kind: 'notice'
  readonly action: LogAction
  /** See `closedMark` in sources/identity.ts: an empty range in a file of its own. */
  readonly position: SourcePosition
  /** One line for people. */
  readonly message: string
  readonly details: Readonly<Record<string, string>>
}

export type SourceItem = RawRecord | LogNotice

/** Resolves when the items are durable; a rejection means none of them counts as handed over. */
export type Sink = (items: readonly SourceItem[]) => Promise<void>

/** How raw records arrive. It knows nothing of what they mean, but where one begins. */
export interface Source {
  /** Reads until the signal aborts. Never rejects for what happens to the log. */
  run(sink: Sink, signal: AbortSignal): Promise<void>
  /** One pass over what is there now. */
  poll(sink: Sink, signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}
