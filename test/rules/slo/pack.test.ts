import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FactsOf } from '../../../model/facts.ts'
import type { Observation } from '../../../model/observation.ts'
import { toTimestamp } from '../../../model/time.ts'
import { RuleEngine } from '../../../rules/engine.ts'
import { loadPack } from '../../../rules/loadPack.ts'
import { objectiveTargets } from '../../../rules/slo/objective.ts'
import { INVENTORY } from '../inventory.ts'
import { objective } from '../packs/slo.cases.ts'
import { JournalDouble, MINUTE, ocspObservation, START } from '../journalDouble.ts'
import { objectives, TARGETS } from './support.ts'

const OCSP = 'ocsp_responder_status[issuing-1]'
const pack = loadPack('slo')

const FINE = objective()

function engine(): RuleEngine {
  return new RuleEngine({
    packs: [pack, loadPack('internal-pki')],
    inventory: INVENTORY,
    parameters: {},
    targets: [...TARGETS, ...objectiveTargets(objectives(), MINUTE)],
  })
}

function observation(facts: FactsOf<'slo'>, target = 'availability'): Observation {
  return {
    subject: OCSP,
    probe: 'slo',
    target,
    vantage: 'default',
    start: toTimestamp(START),
    duration: 0,
    outcome: 'success',
    facts: { slo: facts },
    artifacts: [],
  }
}

describe('rules about objectives', () => {
  it('take the worst of the objectives of a subject, and name it', () => {
    const judged = engine()
    const slow = observation({ ...FINE, budgetRemaining: -0.5, budgetLeft: -1_296_000 }, 'latency')
    judged.apply(new JournalDouble().observe(observation(FINE), slow))
    const finding = judged.finding('slo_budget_exhausted', OCSP)
    assert.deepEqual([finding?.state, finding?.target], ['fail', 'latency'])
    assert.equal(
      finding?.summary,
      'The latency objective of 0.999 is missed: of the error budget of 43m 12s, -21m 36s are left',
    )
  })

  it('judge objectives only, and no other rule judges those', () => {
    const judged = engine()
    judged.apply(
      new JournalDouble().observe(
        observation({ ...FINE, budgetRemaining: -1 }),
        observation(FINE, 'latency'),
      ),
    )
    assert.equal(judged.finding('ocsp_responder_available', OCSP)?.state, 'unknown')
    judged.apply(new JournalDouble().observe(ocspObservation({ at: START, status: 'good' })))
    assert.equal(judged.finding('slo_budget_exhausted', OCSP)?.state, 'fail')
  })

  it('are unknown as long as nothing was computed', () => {
    assert.equal(engine().finding('slo_budget_exhausted', 'ca_crl[root]')?.state, 'unknown')
  })
})
