import type { RecordId } from '../model/recordId.ts'
import type { RemediationAction } from './connector.ts'

/** A request that was journaled and is not finished. */
export interface OpenRequest {
  readonly id: string
  readonly action: RemediationAction
  readonly rule: string
  readonly subject: string
  /** The decision first, then the observations that it rests on. */
  readonly evidence: readonly RecordId[]
  /** Journal time of the request, in milliseconds. */
  readonly requestedAt: number
  /** `requested`: the control plane's answer is not known. */
  status: 'requested' | 'accepted'
  sending: boolean
  /** Deliveries that failed. */
  failedAttempts: number
  /** Not to be delivered again before, in milliseconds. */
  retryAt: number
}

/** What was done so far about one decision. */
export interface DecisionHistory {
  /** Requests by action; each has an idempotency key of its own. */
  readonly attempts: Map<RemediationAction, number>
  /** Id and reason of refusals that were recorded: each is said once. */
  readonly refused: Set<string>
}

export function emptyHistory(): DecisionHistory {
  return { attempts: new Map(), refused: new Set() }
}

export function refusedKey(id: string, reason: string): string {
  return `${id} ${reason}`
}
