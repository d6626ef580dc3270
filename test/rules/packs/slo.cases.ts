import type { Facts, FactsOf } from '../../../model/facts.ts'
import { fails, isUnknown, passes, type PackCases } from './harness.ts'

const MINUTE = 60_000

/** An objective that was always kept, but for what a case changes. */
export function objective(changes: FactsOf<'slo'> = {}): FactsOf<'slo'> {
  return {
    objective: 'availability',
    target: 0.999,
    window: 30 * 24 * 60 * MINUTE,
    good: 43_200,
    total: 43_200,
    budget: 43.2 * MINUTE,
    budgetRemaining: 1,
    budgetLeft: 43.2 * MINUTE,
    burn5m: 0,
    burn30m: 0,
    burn1h: 0,
    burn2h: 0,
    burn6h: 0,
    burn1d: 0,
    burn3d: 0,
    bad1h: 0,
    bad6h: 0,
    ...changes,
  }
}

const spending = (changes: FactsOf<'slo'>): Facts => ({ slo: objective(changes) })

function without(name: keyof FactsOf<'slo'>, changes: FactsOf<'slo'>): Facts {
  return { slo: Object.fromEntries(Object.entries(objective(changes)).filter(([held]) => held !== name)) }
}

const FAST = { burn1h: 14.4, burn5m: 14.4, bad1h: 3 }
const SLOW = { burn6h: 6, burn30m: 6, bad6h: 3 }
const DAILY = { burn1d: 3, burn2h: 3 }
const TREND = { burn3d: 1, burn6h: 1 }

export const SLO: PackCases = {
  slo_burn_page_fast: [
    passes('nothing is bad', spending({})),
    fails('both windows burn at the threshold', spending(FAST)),
    passes('the hour is a tenth below', spending({ ...FAST, burn1h: 14.3 })),
    passes('it is over', spending({ ...FAST, burn5m: 14.3 })),
    passes('two lost runs of a probe are no outage', spending({ ...FAST, bad1h: 2 })),
    isUnknown('nothing ran for an hour', { slo: { objective: 'availability', budgetRemaining: 1 } }),
    isUnknown('nobody knows whether it is over', without('burn5m', FAST)),
    isUnknown('nothing was computed', {}),
  ],
  slo_burn_page_slow: [
    passes('nothing is bad', spending({})),
    fails('both windows burn at the threshold', spending(SLOW)),
    passes('the six hours are a tenth below', spending({ ...SLOW, burn6h: 5.9 })),
    passes('it is over', spending({ ...SLOW, burn30m: 5.9 })),
    passes('two lost runs of a probe are no outage', spending({ ...SLOW, bad6h: 2 })),
    isUnknown('nobody knows whether it is over', without('burn30m', SLOW)),
  ],
  slo_burn_ticket_fast: [
    passes('nothing is bad', spending({})),
    fails('both windows burn at the threshold', spending(DAILY)),
    passes('the day is a tenth below', spending({ ...DAILY, burn1d: 2.9 })),
    passes('it is over', spending({ ...DAILY, burn2h: 2.9 })),
    isUnknown('nobody knows whether it is over', without('burn2h', DAILY)),
  ],
  slo_burn_ticket_slow: [
    passes('nothing is bad', spending({})),
    fails('both windows burn at the threshold', spending(TREND)),
    passes('the three days are a tenth below', spending({ ...TREND, burn3d: 0.9 })),
    passes('it is over', spending({ ...TREND, burn6h: 0.9 })),
    isUnknown('nobody knows whether it is over', without('burn6h', TREND)),
  ],
  slo_budget_exhausted: [
    passes('all of it is left', spending({})),
    passes('a thousandth is left', spending({ budgetRemaining: 0.001 })),
    fails('none is left', spending({ budgetRemaining: 0, budgetLeft: 0 })),
    fails('it is overspent', spending({ budgetRemaining: -1.5 })),
    isUnknown('nothing ran in the window', without('budgetRemaining', {})),
  ],
}
