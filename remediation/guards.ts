import { createHash } from 'node:crypto'
import type { RecordId } from '../model/recordId.ts'
import { parseSubject } from '../model/subject.ts'
import type { RemediationAction } from './connector.ts'

/** What must be known to say whether a repair may be asked for now. Times in milliseconds. */
interface GuardInput {
  readonly now: number
  readonly dryRun: boolean
  readonly coolDown: number
  /** A request for the same action on the same thing is not finished. */
  readonly underWay: boolean
  /** When the last such request was made. */
  readonly lastRequest: number | undefined
}

/** undefined: it may. Otherwise why not, in words that stay the same while the reason does. */
export function refusal(input: GuardInput): string | undefined {
  if (input.dryRun) return 'dry run: nothing was requested'
  if (input.underWay) return 'not requested: another request for it is under way'
  if (input.lastRequest !== undefined && input.now - input.lastRequest < input.coolDown)
    return 'not requested: the cool-down of the request before is not over'
  return undefined
}

/**
 * What an action is done to: two subjects about the same authority, or the same service and environment, share guards,
 * because the repair of one is the repair of the other.
 */
export function guardKey(action: RemediationAction, subject: string): string {
  return `${action} ${parseSubject(subject)?.keys.join(',') ?? subject}`
}

/** Follows from the decision, so that a request repeated after a crash is recognised as the same one. */
export function idempotencyKey(action: RemediationAction, decision: RecordId, attempt: number): string {
  const digest = createHash('sha256').update(`${action}\n${decision}\n${attempt}`).digest('hex')
  return `${action}-${digest.slice(0, 32)}`
}
