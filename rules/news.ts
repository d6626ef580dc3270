import type { Finding, FindingState, Waiver } from '../model/finding.ts'

/** What a decision tells: when any of it changes there is another one. */
export interface News {
  readonly state: FindingState
  readonly beside: string
}

export function newsOf({ state, severity, pack, parameters, waiver }: Finding): News {
  return { state, beside: besides(severity, pack, state === 'pass' ? {} : parameters, waiver) }
}

/** Tells a decision of ours from another's when it comes by in the journal. */
export function signature(finding: Finding): string {
  return `${finding.since} ${finding.state} ${newsOf(finding).beside}`
}

/**
 * Values that pass are left out: two objects of one subject that are judged by different editions would otherwise take turns.
 */
export function besides(
  severity: Finding['severity'],
  pack: string,
  parameters: Finding['parameters'],
  waiver: Waiver | undefined,
): string {
  const values = Object.entries(parameters).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const by = waiver === undefined ? [] : [waiver.owner, waiver.reason, waiver.expires]
  return JSON.stringify([severity, pack, values, by])
}
