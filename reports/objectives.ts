import type { FactsOf } from '../model/facts.ts'
import type { SealedRecord } from '../model/record.ts'
import { BoundedList, clip } from './listing.ts'
import { instant, within } from './period.ts'
import type { Period } from './period.ts'
import type { Report } from './schema.ts'

/** Those with the least budget left. */
const MAX_OBJECTIVES = 500
const MAX_TEXT = 200

/** Burn rates, the shortest window first. */
const BURNS = ['burn1h', 'burn6h', 'burn1d', 'burn3d'] as const
const BURN_WINDOWS_MS = { burn1h: 3_600_000, burn6h: 21_600_000, burn1d: 86_400_000, burn3d: 259_200_000 }

type Objective = Report['objectives']['items'][number]

interface Seen {
  readonly subject: string
  readonly facts: FactsOf<'slo'>
  readonly moment: Objective['at']
  lowest: Objective['lowest']
  worst: Objective['worstBurn']
}

/** Service level objectives as they stood at the end of the period, and how bad they were in it. */
export class ObjectiveLog {
  readonly #period: Period
  readonly #seen = new Map<string, Seen>()

  constructor(period: Period) {
    this.#period = period
  }

  add(record: SealedRecord & { readonly kind: 'observation' }): void {
    const { probe, subject, target, facts, start } = record.body
    const { slo } = facts
    const at = instant(start, instant(record.recorded, 0))
    if (probe !== 'slo' || slo === undefined || at >= this.#period.to) return
    const key = `${subject} ${target}`
    const before = this.#seen.get(key)
    const moment = { time: start, record: record.id }
    const seen: Seen = {
      subject,
      facts: slo,
      moment,
      lowest: before?.lowest ?? null,
      worst: before?.worst ?? null,
    }
    this.#seen.set(key, seen)
    if (!within(this.#period, at)) return
    const remaining = slo.budgetRemaining
    if (remaining !== undefined && (seen.lowest === null || remaining < seen.lowest.remaining))
      seen.lowest = { remaining, ...moment }
    for (const name of BURNS) {
      const rate = slo[name]
      if (rate !== undefined && rate > (seen.worst?.rate ?? 0))
        seen.worst = { rate, window: BURN_WINDOWS_MS[name], ...moment }
    }
  }

  report(): Report['objectives'] {
    const listed = new BoundedList<Objective>(MAX_OBJECTIVES)
    const left = ({ facts }: Seen): number => facts.budgetRemaining ?? Infinity
    for (const seen of [...this.#seen.values()].sort((a, b) => left(a) - left(b)))
      listed.add(() => objective(seen))
    return listed.list()
  }
}

function objective({ subject, facts, moment, lowest, worst }: Seen): Objective {
  const { objective: kind = '', target = 0, window = 0, threshold, good, total } = facts
  return {
    subject: clip(subject, MAX_TEXT),
    objective: clip(kind, MAX_TEXT),
    target,
    threshold: threshold ?? null,
    window,
    // Rounded down: met only when it is.
    achieved:
      good === undefined || total === undefined || total === 0
        ? null
        : Math.floor((good / total) * 1e6) / 1e6,
    good: good ?? null,
    total: total ?? null,
    remaining: facts.budgetRemaining ?? null,
    left: facts.budgetLeft ?? null,
    lowest,
    worstBurn: worst,
    at: moment,
  }
}
