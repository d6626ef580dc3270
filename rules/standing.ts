import type { FindingState } from '../model/finding.ts'

/** Where a rule stands with a subject, in milliseconds on the journal's clock. */
export interface Standing {
  readonly state: FindingState
  /** When this state began. */
  readonly since: number
  /**
   * First failing verdict since the last pass. Kept while evidence is missing: an endpoint that alternates between
   * failing and not answering is not getting better.
   */
  readonly failingSince: number | undefined
}

/** What the evidence says at one moment, before time has its say. */
export type RawVerdict = 'not_applicable' | 'pass' | 'fail' | 'unknown'

/** The next standing. A failing verdict is `pending` until it has failed for `forMs`. */
export function nextStanding(
  before: Standing | undefined,
  verdict: RawVerdict,
  forMs: number,
  now: number,
): Standing {
  const failingSince = failingStart(before, verdict, now)
  const state = stateOf(before, verdict, failingSince, forMs, now)
  if (before?.state === state)
    return failingSince === before.failingSince ? before : { ...before, failingSince }
  return { state, since: now, failingSince }
}

function failingStart(before: Standing | undefined, verdict: RawVerdict, now: number): number | undefined {
  // A clock that was set back leaves starts in the future.
  if (verdict === 'fail') return Math.min(before?.failingSince ?? now, now)
  return verdict === 'unknown' ? before?.failingSince : undefined
}

function stateOf(
  before: Standing | undefined,
  verdict: RawVerdict,
  failingSince: number | undefined,
  forMs: number,
  now: number,
): FindingState {
  if (verdict !== 'fail') return verdict
  if (before?.state === 'fail') return 'fail'
  return now - (failingSince ?? now) >= forMs ? 'fail' : 'pending'
}

/** The standing that a recorded decision describes. What it does not tell (failing before a gap in the evidence) starts anew. */
export function standingOf(state: FindingState, since: number): Standing {
  const failing = state === 'fail' || state === 'pending'
  return { state, since, failingSince: failing ? since : undefined }
}
