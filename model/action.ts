import type { RecordId } from './recordId.ts'

/** Something vigil did towards the outside, with its outcome. */
export interface Action {
  readonly kind: 'alert' | 'remediation'
  /** Same id for all records of one action; the idempotency key of a webhook. */
  readonly id: string
  /**
   * alert: `sent`, `resolved`, `undelivered`.
   * remediation: `requested` (written before the request), `accepted` (2xx), `failed`, `suppressed` (dry run, cool-down),
   * `verified` (a later observation shows the repair on the wire), `ineffective` (it did not within the deadline).
   */
  readonly status:
    | 'sent'
    | 'resolved'
    | 'undelivered'
    | 'requested'
    | 'accepted'
    | 'failed'
    | 'suppressed'
    | 'verified'
    | 'ineffective'
  readonly rule: string
  readonly subject: string
  /** Receiver: connector or Alertmanager URL without credentials. */
  readonly receiver: string
  readonly detail: string
  /** Decision or observation records that it rests on. */
  readonly evidence: readonly RecordId[]
}
