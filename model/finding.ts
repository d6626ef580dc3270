import type { Facts } from './facts.ts'
import type { RecordId } from './recordId.ts'
import type { Timestamp } from './time.ts'

export const FINDING_STATES = ['not_applicable', 'pass', 'pending', 'fail', 'unknown'] as const
export type FindingState = (typeof FINDING_STATES)[number]

export const SEVERITIES = ['info', 'warning', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** Somebody answers for it that a finding alerts nobody until `expires`. The verdict stays what it is. */
export interface Waiver {
  readonly owner: string
  readonly reason: string
  readonly expires: Timestamp
}

/**
 * A rule's verdict on a subject, as decided at one moment. A record of it is written whenever the state changes, and when what people
 * read beside it does: severity, parameters, waiver.
 */
export interface Finding {
  readonly rule: string
  readonly pack: string
  readonly subject: string
  readonly state: FindingState
  readonly severity: Severity
  /** When this state began, on the journal's clock. */
  readonly since: Timestamp
  /** One line for people. */
  readonly summary: string
  /** Target (URL, endpoint) whose observation decided, when the subject has several. */
  readonly target?: string
  /** The facts that the condition read, as they were, and when the deciding observation started (`probe.at`). */
  readonly facts: Facts
  /** Rule parameters in force, as written in the policy: `24h`; a list as one text. */
  readonly parameters: Readonly<Record<string, string | number>>
  /** Records that the facts came from. */
  readonly evidence: readonly RecordId[]
  /** Present while a waiver is in force. */
  readonly waiver?: Waiver
}
