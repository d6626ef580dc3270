import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Facts, FactsOf } from '../../../model/facts.ts'
import type { Observation, ProbeKind } from '../../../model/observation.ts'
import { toTimestamp } from '../../../model/time.ts'
import { SloEvaluator } from '../../../rules/slo/evaluator.ts'
import { checkOverrides, objectivesOf } from '../../../rules/slo/objective.ts'
import type { WatchedTarget } from '../../../rules/subjects.ts'
import { INVENTORY } from '../inventory.ts'
import { crlObservation, DAY, HOUR, JournalDouble, MINUTE, START } from '../journalDouble.ts'
import { slosOf, TARGETS } from './support.ts'

const CRL = 'ca_crl[issuing-1]'
const OCSP = 'ocsp_responder_status[issuing-1]'
const RESPONDERS = ['http://a/', 'http://b/'] as const

const LOGGED: readonly WatchedTarget[] = [
  ...TARGETS,
  { probe: 'reconciliation', subject: CRL, address: 'log:issuing-1', interval: MINUTE },
  ...RESPONDERS.map(
    (address) => ({ probe: 'ocsp_revocations', subject: OCSP, address, interval: MINUTE }) as const,
  ),
]

function evaluatorOf(slos: object = {}): SloEvaluator {
  const objectives = objectivesOf(slosOf(slos), INVENTORY, LOGGED)
  return new SloEvaluator({
    objectives,
    maintenance: [],
    targets: LOGGED,
    vantage: 'default',
    started: START,
  })
}

function seen(probe: ProbeKind, subject: string, target: string, facts: Facts): Observation {
  const common = { vantage: 'default', start: toTimestamp(START), duration: 1, outcome: 'success' } as const
  return { ...common, probe, subject, target, facts, artifacts: [] }
}

const onCrls = (missingSince?: number): Observation =>
  seen('reconciliation', CRL, 'log:issuing-1', {
    reconciliation: missingSince === undefined ? { missing: 0 } : { missingSince: toTimestamp(missingSince) },
  })

const byOcsp = (target: string, since?: number): Observation =>
  seen('ocsp_revocations', OCSP, target, {
    ocspRevocations: since === undefined ? {} : { unpublishedSince: toTimestamp(since) },
  })

function look(evaluator: SloEvaluator, now: number, subject: string): Observation | undefined {
  return evaluator
    .evaluate(now)
    .map(({ observation }) => observation)
    .find((o) => o.subject === subject && o.target === 'publication')
}

describe('publication of revocations', () => {
  it('is an objective where a log tells of the authority', () => {
    const about = (targets: readonly WatchedTarget[]): readonly string[] =>
      objectivesOf(slosOf({ crl_publication: { within: '1h' } }), INVENTORY, targets)
        .filter(({ kind }) => kind === 'publication')
        .map(({ subject, target, limit }) => `${subject} ${target} ${limit}`)
    assert.deepEqual(about(TARGETS), [])
    assert.deepEqual(about(LOGGED), [`${CRL} 0.99 ${HOUR}`, `${OCSP} 0.99 ${DAY}`])
    const overrides = [{ objective: 'crl_publication', subject: CRL, within: '2h' }]
    assert.equal(checkOverrides(slosOf({ overrides }), TARGETS).length, 1)
    assert.deepEqual(checkOverrides(slosOf({ overrides }), LOGGED), [])
    assert.throws(() => slosOf({ overrides: [{ objective: 'crl_freshness', subject: CRL, within: '2h' }] }))
  })

  it('is late from the moment on at which it should have come, until it has', () => {
    const evaluator = evaluatorOf({ crl_publication: { within: '1h' } })
    const journal = new JournalDouble()
    assert.equal(look(evaluator, START, CRL), undefined, 'nothing was compared yet')
    evaluator.apply(journal.observe(onCrls()))
    assert.equal(look(evaluator, START, CRL)?.outcome, 'success')
    evaluator.apply(journal.observe(onCrls(START)))
    assert.equal(look(evaluator, START + HOUR, CRL)?.outcome, 'success')
    assert.deepEqual(look(evaluator, START + HOUR + 1, CRL)?.error, {
      phase: 'time',
      code: 'revocation_unpublished',
      message:
        'expected revocations to be published within 1h, got one of 2026-11-22T08:00:00.000Z that is not, by log:issuing-1',
    })
    evaluator.apply(journal.observe(onCrls()))
    assert.equal(look(evaluator, START + HOUR + 1, CRL)?.outcome, 'success')
  })

  it('wants every responder, and remembers each over a restart', () => {
    const evaluator = evaluatorOf()
    const journal = new JournalDouble()
    evaluator.apply(journal.observe(byOcsp(RESPONDERS[0]), byOcsp(RESPONDERS[1], START - 2 * DAY)))
    assert.match(look(evaluator, START, OCSP)?.error?.message ?? '', /by http:\/\/b\/$/)
    const again = evaluatorOf()
    const late = byOcsp(RESPONDERS[1], START - 2 * DAY)
    const stored = { ...late, id: 'vigil.test/0/9/0', recorded: late.start }
    again.hydrate([{ observation: stored, known: late.facts, lastStart: late.start, lastDuration: 1 }])
    assert.equal(look(again, START, OCSP)?.outcome, 'failure')
  })

  it('burns its own budget, and no other', () => {
    const evaluator = evaluatorOf({ crl_publication: { within: '5m' } })
    const journal = new JournalDouble()
    const crl = crlObservation({ at: START, thisUpdate: START, nextUpdate: START + DAY })
    evaluator.apply(journal.observe(onCrls(START), crl))
    for (let i = 0; i < 10; i++) {
      journal.now = START + i * MINUTE
      const results = evaluator.evaluate(journal.now)
      evaluator.apply(journal.observe(...results.map(({ observation }) => observation)))
    }
    const facts = new Map<string, FactsOf<'slo'> | undefined>(
      evaluator
        .evaluate(START + 10 * MINUTE)
        .filter(({ observation }) => observation.subject === CRL)
        .map(({ observation }) => [observation.target, observation.facts.slo]),
    )
    assert.deepEqual(
      ['publication', 'freshness', 'availability'].map((kind) => facts.get(kind)?.bad1h),
      [4, 0, 0],
    )
    assert.equal(facts.get('publication')?.burn1h, 40)
    assert.equal(facts.get('publication')?.threshold, 5 * MINUTE)
  })
})
