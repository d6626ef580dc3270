import type { AlertStatus } from '../alerts/dispatcher.ts'
import type { IncidentState } from '../alerts/incident.ts'
import type { StorePosition } from '../store/contract.ts'
import type { Timestamp } from '../model/time.ts'

/** What the process says of itself; made by cli/ for every scrape and page, so it must be cheap. */
export interface Status {
  /** Product version. */
  readonly version: string
  readonly vantage: string
  readonly started: Timestamp
  readonly journal: {
    readonly origin: string
    readonly epoch: number
    /** Entries sealed. */
    readonly size: number
    readonly lastSeal: Timestamp | undefined
    /** The newest signed checkpoint: entries that it covers, and when it was made. */
    readonly checkpoint: { readonly size: number; readonly time: Timestamp } | undefined
  }
  /** What journal.retention has taken out; absent where there is no such policy. */
  readonly retention?: RetentionStatus
  readonly store: { readonly position: StorePosition | undefined }
  /** Whether the newest attempt to reload rules and waivers succeeded, and when one last did (the start counts). */
  readonly configuration: { readonly successful: boolean; readonly time: Timestamp }
  /** Delivery of alerts; absent where no Alertmanager is configured. */
  readonly alerts?: AlertStatus
  readonly incidents: Readonly<Record<IncidentState, number>>
  /** Takes part in the work: journal open, store open. What /readyz answers. */
  readonly ready: boolean
  /** What an operator should know at once, a line each: "the store is behind: database is locked". Empty when all is well. */
  readonly problems: readonly string[]
}

export interface RetentionStatus {
  /** The newest run that came to its end; undefined: none yet. */
  readonly time: Timestamp | undefined
  /** Since this process began. */
  readonly segments: number
  readonly records: number
  readonly artifacts: number
}

/** Sealed entries that no checkpoint covers yet. */
export function unpublishedEntries({ journal }: Status): number {
  return journal.size - (journal.checkpoint?.size ?? 0)
}

/** Sealed entries that the store has not applied yet. */
export function storeLag({ journal, store }: Status): number {
  const applied =
    store.position === undefined || store.position.epoch !== journal.epoch ? 0 : store.position.entry + 1
  return Math.max(0, journal.size - applied)
}
