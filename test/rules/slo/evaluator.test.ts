import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FactsOf } from '../../../model/facts.ts'
import type { Observation } from '../../../model/observation.ts'
import { toTimestamp } from '../../../model/time.ts'
import { maintenanceSchema } from '../../../model/slos.ts'
import { SloEvaluator } from '../../../rules/slo/evaluator.ts'
import {
  crlObservation,
  DAY,
  HOUR,
  JournalDouble,
  MINUTE,
  ocspObservation,
  SECOND,
  START,
} from '../journalDouble.ts'
import { objectives, TARGETS } from './support.ts'

const CRL = 'ca_crl[issuing-1]'
const OCSP = 'ocsp_responder_status[issuing-1]'
/** When the day of START is among the whole ones. */
const NEXT_DAY = START + 16 * HOUR + 3 * MINUTE

function evaluatorOf(slos: object = {}, maintenance: readonly object[] = [], started = START): SloEvaluator {
  return new SloEvaluator({
    objectives: objectives(slos),
    maintenance: maintenanceSchema.parse(maintenance),
    targets: TARGETS,
    vantage: 'default',
    started,
  })
}

function observationOf(
  evaluator: SloEvaluator,
  now: number,
  subject: string,
  target: string,
): Observation | undefined {
  return evaluator
    .evaluate(now)
    .map(({ observation }) => observation)
    .find((o) => o.subject === subject && o.target === target)
}

function slo(evaluator: SloEvaluator, now: number, subject = OCSP, target = 'availability'): FactsOf<'slo'> {
  const facts = observationOf(evaluator, now, subject, target)?.facts.slo
  assert.ok(facts !== undefined)
  return facts
}

const failing = (at: number): Observation => ocspObservation({ at, failure: { phase: 'connect' } })

describe('the evaluator', () => {
  it('counts what is observed and what is repeated unchanged, failures as failures', () => {
    const journal = new JournalDouble()
    const evaluator = evaluatorOf()
    const [first] = journal.observe(ocspObservation({ at: START, status: 'good' }))
    assert.ok(first)
    evaluator.apply([first])
    for (let i = 1; i < 30; i++) {
      journal.now = START + i * MINUTE
      evaluator.apply(journal.repeat(first.id))
    }
    const [broken] = journal.observe(failing(START + 30 * MINUTE))
    assert.ok(broken)
    evaluator.apply([broken])
    for (let i = 31; i < 60; i++) {
      journal.now = START + i * MINUTE
      evaluator.apply(journal.repeat(broken.id))
    }
    const { bad1h, burn5m } = slo(evaluator, START + HOUR + 3 * MINUTE)
    assert.deepEqual([bad1h, burn5m], [30, 1000])
    const { total, good } = slo(evaluator, NEXT_DAY)
    assert.deepEqual([total, good], [60, 30])
    assert.equal(slo(evaluator, NEXT_DAY, OCSP, 'latency').total, 30)
  })

  it('gives the same facts for a whole day, so that a quiet minute is recorded as unchanged', () => {
    const evaluator = evaluatorOf()
    const journal = new JournalDouble()
    const [first] = journal.observe(ocspObservation({ at: START, status: 'good' }))
    assert.ok(first)
    evaluator.apply([first])
    const seen = new Set<string>()
    for (let i = 1; i < 36 * 60; i++) {
      journal.now = START + i * MINUTE
      evaluator.apply(journal.repeat(first.id))
      seen.add(JSON.stringify(slo(evaluator, journal.now)))
    }
    assert.equal(seen.size, 2, 'one until midnight, and one after it')
  })

  it('goes on from what the store counted', () => {
    const evaluator = evaluatorOf()
    const part = { subject: OCSP, probe: 'ocsp', target: 'http://ocsp.test/', buckets: [] }
    evaluator.restore([{ ...part, hour: toTimestamp(START - HOUR), runs: 60, failures: 6 }])
    evaluator.restore([{ ...part, hour: toTimestamp(START), runs: 10, failures: 0 }])
    evaluator.restore([
      { ...part, probe: 'slo', target: 'availability', hour: toTimestamp(START), runs: 99, failures: 99 },
    ])
    assert.equal(slo(evaluator, START + 10 * MINUTE).bad6h, 6)
    const { total, good } = slo(evaluator, NEXT_DAY)
    assert.deepEqual([total, good], [70, 64])
  })

  it('knows from the newest run before a restart whether it still goes on', () => {
    const evaluator = evaluatorOf()
    const last = failing(START - MINUTE)
    const stored = { ...last, id: 'vigil.test/0/9/0', recorded: last.start }
    evaluator.hydrate([{ observation: stored, known: {}, lastStart: last.start, lastDuration: 20 }])
    const { burn5m, burn30m, burn1h } = slo(evaluator, START)
    assert.deepEqual([burn5m, burn30m, burn1h], [1000, 1000, undefined])
  })

  it('has nothing to say of what never ran, and makes no observation of a CRL that was never seen', () => {
    const evaluator = evaluatorOf()
    assert.equal(slo(evaluator, START).budgetRemaining, undefined)
    assert.equal(observationOf(evaluator, START, CRL, 'freshness'), undefined)
  })
})

describe('freshness', () => {
  function seen(part: { thisUpdate: number; nextUpdate?: number }, slos: object = {}): SloEvaluator {
    const evaluator = evaluatorOf(slos)
    evaluator.apply(new JournalDouble().observe(crlObservation({ at: START, ...part })))
    return evaluator
  }
  const error = (evaluator: SloEvaluator, now: number) =>
    observationOf(evaluator, now, CRL, 'freshness')?.error

  it('ends when the CRL is older than max_age, or past its nextUpdate, to the millisecond', () => {
    const old = seen({ thisUpdate: START, nextUpdate: START + 7 * DAY })
    assert.equal(error(old, START + DAY), undefined)
    assert.deepEqual(error(old, START + DAY + 1), {
      phase: 'time',
      code: 'crl_not_fresh',
      message:
        'expected a CRL not older than 1d, got one of 2026-11-22T08:00:00.000Z from http://crl.test/issuing-1.crl',
    })
    const ended = seen({ thisUpdate: START, nextUpdate: START + HOUR })
    assert.equal(error(ended, START + HOUR), undefined)
    assert.match(
      error(ended, START + HOUR + 1)?.message ?? '',
      /^expected a CRL in force, got one that ended at/,
    )
  })

  it('goes on ageing while the CRL cannot be fetched', () => {
    const evaluator = seen({ thisUpdate: START, nextUpdate: START + HOUR })
    evaluator.apply(
      new JournalDouble().observe(crlObservation({ at: START + MINUTE, failure: { phase: 'connect' } })),
    )
    assert.equal(error(evaluator, START + HOUR), undefined)
    assert.notEqual(error(evaluator, START + HOUR + 1), undefined)
  })

  it('counts its own observations as they come back from the journal', () => {
    const evaluator = seen({ thisUpdate: START - DAY, nextUpdate: START + DAY })
    const journal = new JournalDouble()
    for (let i = 0; i < 10; i++) {
      journal.now = START + i * MINUTE
      const results = evaluator.evaluate(journal.now)
      evaluator.apply(journal.observe(...results.map(({ observation }) => observation)))
    }
    const { bad1h, burn1h } = slo(evaluator, START + 10 * MINUTE, CRL, 'freshness')
    assert.equal(bad1h, 9, 'the first look found it just fresh')
    assert.equal(burn1h, 900)
    assert.equal(slo(evaluator, START + 10 * MINUTE, CRL, 'availability').bad1h, 0)
  })
})

describe('maintenance', () => {
  const window = {
    from: toTimestamp(START + 10 * MINUTE),
    to: toTimestamp(START + 40 * MINUTE),
    subjects: ['*[issuing-1]'],
    reason: 'new disks',
  }

  /** A run each 10 s: fails in the time of maintenance, and a second before it. */
  function hour(evaluator: SloEvaluator): void {
    const journal = new JournalDouble()
    for (let at = START; at < START + HOUR; at += 10 * SECOND) {
      const inIt = at >= Date.parse(window.from) && at < Date.parse(window.to)
      evaluator.apply(journal.observe(inIt ? failing(at) : ocspObservation({ at, status: 'good' })))
    }
    evaluator.apply(journal.observe(failing(Date.parse(window.from) - 1)))
  }

  it('excludes what started in it, and nothing else', () => {
    const evaluator = evaluatorOf({}, [window])
    hour(evaluator)
    const { total, good, excluded, maintained } = slo(evaluator, NEXT_DAY)
    assert.deepEqual([total, good], [181, 180])
    assert.equal(slo(evaluator, START + HOUR + 3 * MINUTE).bad1h, 1)
    assert.equal(excluded, 30 * MINUTE)
    assert.deepEqual(maintained, [`2026-11-22T08Z ${30 * MINUTE} 180/181`])
  })

  it('is remembered over a restart by what was recorded', () => {
    const before = evaluatorOf({}, [window])
    hour(before)
    const now = NEXT_DAY
    const recorded = observationOf(before, now, OCSP, 'availability')
    assert.ok(recorded !== undefined)
    const after = evaluatorOf({}, [window], now)
    const stored = { ...recorded, id: 'vigil.test/0/9/0', recorded: toTimestamp(now) }
    after.hydrate([{ observation: stored, known: recorded.facts, lastStart: stored.start, lastDuration: 0 }])
    after.restore([
      {
        subject: OCSP,
        probe: 'ocsp',
        target: 'x',
        hour: toTimestamp(START),
        runs: 361,
        failures: 181,
        buckets: [],
      },
    ])
    const { total, good } = slo(after, now)
    assert.deepEqual([total, good], [181, 180])
    const forgotten = evaluatorOf({}, [window], now)
    forgotten.restore([
      {
        subject: OCSP,
        probe: 'ocsp',
        target: 'x',
        hour: toTimestamp(START),
        runs: 361,
        failures: 181,
        buckets: [],
      },
    ])
    assert.equal(slo(forgotten, now).total, undefined, 'rather nothing than what failed in maintenance')
  })

  it('that is moved by a reload excludes no more what it excluded in the same hour', () => {
    const evaluator = evaluatorOf({}, [window])
    const journal = new JournalDouble()
    evaluator.apply(journal.observe(failing(START + 20 * MINUTE)))
    const from = toTimestamp(START + 50 * MINUTE)
    const to = toTimestamp(START + 55 * MINUTE)
    evaluator.reconfigure(maintenanceSchema.parse([{ ...window, from, to }]), START + 41 * MINUTE)
    evaluator.apply(
      journal.observe(failing(START + 52 * MINUTE), ocspObservation({ at: START + 57 * MINUTE })),
    )
    const { total, good } = slo(evaluator, NEXT_DAY)
    assert.deepEqual([total, good], [2, 1])
  })

  it('that comes with a reload excludes from then on', () => {
    const evaluator = evaluatorOf()
    const journal = new JournalDouble()
    evaluator.apply(journal.observe(failing(START + 5 * MINUTE)))
    evaluator.reconfigure(maintenanceSchema.parse([window]), START + 6 * MINUTE)
    evaluator.apply(
      journal.observe(failing(START + 20 * MINUTE), ocspObservation({ at: START + 50 * MINUTE })),
    )
    const { total, good } = slo(evaluator, NEXT_DAY)
    assert.deepEqual([total, good], [2, 1])
  })
})
