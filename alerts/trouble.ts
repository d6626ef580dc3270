import type { Finding } from '../model/finding.ts'
import type { RecordId } from '../model/recordId.ts'
import { fromTimestamp } from '../model/time.ts'

/** A finding that does not pass. */
export interface Trouble {
  readonly finding: Finding
  /** Record of its newest decision. */
  readonly decision: RecordId
  /** When it stopped passing, in milliseconds: `unknown_for` counts from there, whatever happened since. */
  readonly badSince: number
}

/** For a finding whose rule is not in any pack any more, in milliseconds. */
const DEFAULT_UNKNOWN_FOR = 3_600_000

export function findingKey(finding: { readonly rule: string; readonly subject: string }): string {
  return `${finding.rule} ${finding.subject}`
}

export function isOver({ state }: Pick<Finding, 'state'>): boolean {
  return state === 'pass' || state === 'not_applicable'
}

/** `before`: the trouble that the finding was in when this decision came. */
export function troubleOf(
  finding: Finding,
  decision: RecordId,
  before: Pick<Trouble, 'badSince'> | undefined,
  now: number,
): Trouble {
  const began = before?.badSince ?? fromTimestamp(finding.since)
  return { finding, decision, badSince: Math.min(began, now) }
}

/** A waiver is looked at here once more, so that an evaluation that stands still mutes nothing for ever. */
export function isWaived({ waiver }: Pick<Finding, 'waiver'>, now: number): boolean {
  return waiver !== undefined && fromTimestamp(waiver.expires) > now
}

/** Somebody must be told: it fails, or could not be judged for too long. */
export function isDue({ finding, badSince }: Trouble, unknownFor: number | undefined, now: number): boolean {
  if (finding.state === 'fail') return true
  return finding.state === 'unknown' && now - badSince >= (unknownFor ?? DEFAULT_UNKNOWN_FOR)
}

/** For when the clock was set back: a beginning that lies in the future is now, or `unknown_for` would take that much longer. */
export function begunBy(trouble: Trouble, now: number): Trouble {
  return trouble.badSince <= now ? trouble : { ...trouble, badSince: now }
}
