import type { Severity } from './finding.ts'
import type { RecordId } from './recordId.ts'
import type { Timestamp } from './time.ts'

interface Step {
  /** Same id for all records of one action; the idempotency key of a webhook. */
  readonly id: string
  readonly rule: string
  readonly subject: string
  /** Connector or Alertmanager URL without credentials; `vigil` for steps of an incident, which go nowhere. */
  readonly receiver: string
  readonly detail: string
  /** Decision or observation records that it rests on. */
  readonly evidence: readonly RecordId[]
}

/** What became of an alert at one receiver. */
export interface AlertStep extends Step {
  readonly kind: 'alert'
  readonly status: 'sent' | 'resolved' | 'undelivered'
}

export interface RemediationStep extends Step {
  readonly kind: 'remediation'
  /**
   * `requested` (written before the request), `retried` (an attempt to deliver it failed, another one follows), `accepted` (2xx),
   * `failed`, `suppressed` (dry run, cool-down), `verified` (a later observation shows the repair on the wire), `ineffective`
   * (it did not within the deadline).
   */
  readonly status: 'requested' | 'retried' | 'accepted' | 'failed' | 'suppressed' | 'verified' | 'ineffective'
}

/**
 * `cause`: it is about what the incident is about. `symptom`: it is about something else, which can't be well (or can't be judged)
 * while the cause lasts.
 */
export type IncidentRole = 'cause' | 'symptom'

/** A finding that belongs to an incident. */
export interface MemberRef {
  readonly rule: string
  readonly subject: string
  readonly severity: Severity
  readonly role: IncidentRole
  /** Why it came, or why it left. */
  readonly reason: string
}

/**
 * A change of an incident; rule and subject are those of its root. `opened`, `joined` and `left` name the members concerned. `detail` is
 * what people are told; of `owned` the owner, of `commented` the comment, of `closed` the reason.
 */
export interface IncidentStep extends Step {
  readonly kind: 'incident'
  readonly status: 'opened' | 'joined' | 'left' | 'acknowledged' | 'owned' | 'commented' | 'closed'
  /** When it was decided, on the journal's clock. */
  readonly at: Timestamp
  /** `vigil`, or the user who gave the command, as claimed. */
  readonly by: string
  /** The thing at the root: `authority[issuing-1]`, `service[shop,prod]`. */
  readonly about: string
  readonly members: readonly MemberRef[]
}

/** Something vigil did, towards the outside or in the order of what it found, with its outcome. */
export type Action = AlertStep | RemediationStep | IncidentStep
