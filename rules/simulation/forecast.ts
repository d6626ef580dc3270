import type { FindingState, Severity, Waiver } from '../../model/finding.ts'
import { fromTimestamp } from '../../model/time.ts'
import type { LatestObservation } from '../../store/contract.ts'
import type { RuleEngineOptions } from '../engine.ts'
import { resolveSettings } from '../parameters.ts'
import { simulateFuture, type FutureChange } from './future.ts'

// When what is well now will break if nothing changes. All times in milliseconds.

/** A rule that will not pass any more. */
export interface Prospect {
  /** The first whole second at which it does not. */
  readonly at: number
  readonly rule: string
  readonly pack: string
  readonly subject: string
  readonly severity: Severity
  readonly state: FindingState
  readonly target: string | undefined
  /** In force at that time. */
  readonly waiver: Waiver | undefined
  /** Renewed by machines again and again: it breaks only if that stops. */
  readonly routine: boolean
}

/** An error budget that is being spent. */
export interface BudgetProspect {
  /** When it is gone, at the rate of the last day: the earliest, since nothing that was lost before leaves the window until then. */
  readonly at: number
  readonly subject: string
  readonly objective: string
  /** Share that is left. */
  readonly remaining: number
  /** Over a day, as a multiple of what the target allows. */
  readonly burn: number
}

export interface Forecast {
  /** The earliest first. */
  readonly prospects: readonly Prospect[]
  readonly budgets: readonly BudgetProspect[]
}

interface ForecastRequest {
  readonly options: RuleEngineOptions
  readonly latest: readonly LatestObservation[]
  /** When the newest of it was recorded. */
  readonly now: number
  /** After `now`. */
  readonly until: number
}

/** Older than this an evaluation says nothing about how fast a budget is being spent. */
const MAX_BUDGET_AGE = 3_600_000

/** Throws RulesError(parameters_invalid). */
export function forecast(request: ForecastRequest): Forecast {
  const { options, latest, now, until } = request
  const first = new Map<string, Prospect>()
  for (const at of instants(options, now, until)) {
    const { changes } = simulateFuture({ inForce: options, then: options, latest, now, at })
    for (const change of changes) {
      const prospect = prospectOf(change)
      if (prospect === undefined) continue
      const key = `${prospect.rule} ${prospect.subject}`
      const known = first.get(key)
      if (known === undefined || prospect.at < known.at) first.set(key, prospect)
    }
  }
  return {
    prospects: [...first.values()].toSorted((a, b) => a.at - b.at || (a.subject < b.subject ? -1 : 1)),
    budgets: budgetProspects(latest, now, until),
  }
}

/**
 * When to look. Between two of them a rule that breaks stays broken: only another edition of it could mend what gets older, and the last moment before each
 * is looked at.
 */
function instants({ packs, parameters }: RuleEngineOptions, now: number, until: number): readonly number[] {
  const dates = packs
    .flatMap((pack) => pack.rules)
    .flatMap((rule) => {
      const { settings } = resolveSettings(rule, parameters[rule.id] ?? {})
      return [rule.effective.from, rule.effective.until, ...settings.versions.map(({ from }) => from)]
    })
  const before = dates.map((date) => date - 1000).filter((date) => date > now && date < until)
  return [...new Set([...before, until])].toSorted((a, b) => a - b)
}

function prospectOf(change: FutureChange): Prospect | undefined {
  const { group, from: at } = change
  if (at === undefined || group === 'mended' || group === 'not_renewable') return undefined
  const { rule, pack, subject, severity, then: state, target, waiver, routine } = change
  return { at, rule, pack, subject, severity, state, target, waiver, routine }
}

function budgetProspects(
  latest: readonly LatestObservation[],
  now: number,
  until: number,
): readonly BudgetProspect[] {
  return latest
    .flatMap(({ observation, lastStart }): BudgetProspect[] => {
      const { subject, probe, target: objective, facts } = observation
      if (probe !== 'slo' || now - fromTimestamp(lastStart) > MAX_BUDGET_AGE) return []
      const { budgetRemaining: remaining, burn1d: burn, window } = facts.slo ?? {}
      if (remaining === undefined || burn === undefined || window === undefined) return []
      if (remaining <= 0 || burn <= 0) return []
      const left = (remaining * window) / burn
      // Until then the whole window has this rate, which it bears.
      if (left > window || now + left > until) return []
      return [{ at: now + left, subject, objective, remaining, burn }]
    })
    .toSorted((a, b) => a.at - b.at || (a.subject < b.subject ? -1 : 1))
}
