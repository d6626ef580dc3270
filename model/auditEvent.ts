import type { Timestamp } from './time.ts'

/** Where a line came from; a duplicate by position is refused. */
export interface SourcePosition {
  /** Log source id in the inventory. */
  readonly source: string
  /** SHA-256 (lower-case hex) over the first line of the file, so that a rotated file keeps its identity. */
  readonly fingerprint: string
  /** Byte range of the record in that file: [offset, end). */
  readonly offset: number
  readonly end: number
}

/** What somebody did, in Elastic Common Schema names, with `pki` for what ECS does not know. */
export interface AuditEvent {
  readonly '@timestamp': Timestamp
  readonly event: {
    /** The source's own event name as it stands: `CERT_CREATION`. `unparsed` when the line was not understood. */
    readonly action: string
    readonly outcome: 'success' | 'failure' | 'unknown'
    readonly category: readonly string[]
    readonly type: readonly string[]
    readonly module: string
    readonly dataset: string
    /** The raw record, whole, all its lines. When it is not valid UTF-8: base64, and `encoding` says so. */
    readonly original: string
    readonly encoding?: 'base64'
    readonly reason?: string
  }
  readonly user?: { readonly name: string }
  readonly source?: { readonly ip: string }
  readonly message?: string
  readonly pki?: {
    /** The CA as the source names it, and its id in the inventory when that is known. */
    readonly caId?: string
    readonly caName?: string
    readonly caSubject?: string
    readonly profile?: string
    readonly serial?: string
    readonly subject?: string
    /** End entity. */
    readonly username?: string
    /** Key or crypto token that was used or changed. */
    readonly key?: string
    readonly revocationReason?: number
    readonly crlNumber?: string
    /** Everything else the line said, as it said it. */
    readonly details?: Readonly<Record<string, string>>
  }
  readonly position: SourcePosition
}
