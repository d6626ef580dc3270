import { inJournalOrder } from '../alerts/journalOrder.ts'
import type { RecordId } from '../model/recordId.ts'
import { fromTimestamp } from '../model/time.ts'
import type { StoredAction } from '../store/contract.ts'
import type { RemediationAction } from './connector.ts'
import { guardKey } from './guards.ts'
import { emptyHistory, refusedKey, type DecisionHistory, type OpenRequest } from './openRequest.ts'

/** What the recorded actions say about requests, for a remediator that starts. */
interface RestoredRequests {
  readonly open: readonly OpenRequest[]
  /** By guard key, in milliseconds. */
  readonly lastRequest: ReadonlyMap<string, number>
  readonly histories: ReadonlyMap<RecordId, DecisionHistory>
}

export function restoreRequests(actions: readonly StoredAction[]): RestoredRequests {
  const open = new Map<string, OpenRequest>()
  const lastRequest = new Map<string, number>()
  const histories = new Map<RecordId, DecisionHistory>()
  for (const step of actions.toSorted(inJournalOrder)) {
    if (step.kind !== 'remediation') continue
    const action = actionOf(step.id)
    const [decision] = step.evidence
    if (action === undefined || decision === undefined) continue
    const history = histories.get(decision) ?? emptyHistory()
    histories.set(decision, history)
    switch (step.status) {
      case 'requested': {
        const requestedAt = fromTimestamp(step.recorded)
        open.set(step.id, openRequest(step, action, requestedAt))
        lastRequest.set(guardKey(action, step.subject), requestedAt)
        history.attempts.set(action, (history.attempts.get(action) ?? 0) + 1)
        break
      }
      case 'accepted': {
        const request = open.get(step.id)
        if (request !== undefined) request.status = 'accepted'
        break
      }
      case 'failed':
      case 'verified':
      case 'ineffective':
        open.delete(step.id)
        break
      case 'suppressed':
        history.refused.add(refusedKey(step.id, step.detail))
        break
      case 'retried': {
        const request = open.get(step.id)
        if (request !== undefined) request.failedAttempts++
        break
      }
    }
  }
  return { open: [...open.values()], lastRequest, histories }
}

function openRequest(step: StoredAction, action: RemediationAction, requestedAt: number): OpenRequest {
  const { id, rule, subject, evidence } = step
  return {
    id,
    action,
    rule,
    subject,
    evidence,
    requestedAt,
    status: 'requested',
    sending: false,
    failedAttempts: 0,
    retryAt: 0,
  }
}

/** The idempotency key begins with the action. */
export function actionOf(id: string): RemediationAction | undefined {
  const name = id.slice(0, id.lastIndexOf('-'))
  return name === 'reissue_crl' || name === 'rotate_certificate' ? name : undefined
}
