import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FactsOf } from '../../../model/facts.ts'
import type { Observation } from '../../../model/observation.ts'
import { toTimestamp } from '../../../model/time.ts'
import { LatestRuns } from '../../../rules/latestRuns.ts'
import { loadPack } from '../../../rules/loadPack.ts'
import { parsePack, type Pack } from '../../../rules/pack.ts'
import { forecast, type Forecast } from '../../../rules/simulation/forecast.ts'
import { INVENTORY, targetsFor } from '../inventory.ts'
import { crlObservation, DAY, HOUR, JournalDouble, MINUTE, START, tlsObservation } from '../journalDouble.ts'

const internal = loadPack('internal-pki')
const NOW = START + MINUTE

function foresee(
  observations: readonly Observation[],
  days: number,
  packs: readonly Pack[] = [internal],
): Forecast {
  const runs = new LatestRuns()
  for (const record of new JournalDouble().observe(...observations)) runs.add(record)
  const options = { packs, inventory: INVENTORY, parameters: {}, targets: targetsFor(INVENTORY) }
  return forecast({ options, latest: runs.latest(), now: NOW, until: NOW + days * DAY })
}

const shown = ({ prospects }: Forecast): readonly string[] =>
  prospects.map(
    ({ at, rule, state, routine }) => `${toTimestamp(at)} ${rule} ${state}${routine ? ' routine' : ''}`,
  )

describe('a forecast', () => {
  it('says at which second each rule that depends on time stops to pass', () => {
    const certificate = tlsObservation({
      at: START,
      notBefore: START - DAY,
      notAfter: START + 60 * DAY,
      status: 'good',
    })
    assert.deepEqual(shown(foresee([certificate], 90)), [
      '2026-12-22T08:00:01.000Z cert_lifetime_threshold fail',
      '2027-01-15T05:36:01.000Z cert_lifetime_share fail',
      '2027-01-21T08:00:01.000Z ocsp_status_good unknown',
      '2027-01-21T08:00:01.000Z tls_path_ok fail',
    ])
    assert.deepEqual(shown(foresee([certificate], 29)), [], 'nothing before')
  })

  it('tells what machines renew from what people do', () => {
    const online = crlObservation({ at: START, thisUpdate: START, nextUpdate: START + 2 * DAY })
    const offline = crlObservation({
      at: START,
      authority: 'root',
      url: 'http://crl.test/root.crl',
      thisUpdate: START - 100 * DAY,
      nextUpdate: START + 80 * DAY,
    })
    const found = shown(foresee([online, offline], 60))
    assert.ok(found.includes('2026-11-23T08:00:01.000Z crl_freshness_ok fail routine'))
    assert.ok(found.includes('2026-12-27T08:00:01.000Z offline_crl_ceremony_due fail'))
  })

  it('finds what breaks for a while only', () => {
    const pack = parsePack(
      `schema: 1
id: own
version: 1.0.0
title: Own
rules:
  - id: for_a_while
    title: CRLs are recent
    rationale: A test.
    source: { document: Plan, basis: practice }
    applies_to: { subjects: [ca_crl] }
    parameters: { max_age: [{ value: 10d }, { value: 100d, from: 2026-12-10 }] }
    condition: now - crl.thisUpdate <= parameters.max_age
    summary: 'too old'
    severity: warning
`,
      'own.yaml',
    )
    const crl = crlObservation({ at: START, thisUpdate: START, nextUpdate: START + 365 * DAY })
    assert.deepEqual(shown(foresee([crl], 60, [pack])), ['2026-12-02T08:00:01.000Z for_a_while fail'])
  })

  it('leaves out what fails already', () => {
    const expired = tlsObservation({ at: START, notAfter: START - HOUR, pathValid: false })
    assert.deepEqual(shown(foresee([expired], 90)), [])
  })
})

describe('an error budget', () => {
  const spent = (slo: FactsOf<'slo'>, at = START): Observation => ({
    ...tlsObservation({ at }),
    probe: 'slo',
    target: 'availability',
    facts: { slo: { objective: 'availability', window: 30 * DAY, ...slo } },
  })
  const gone = (slo: FactsOf<'slo'>, days = 90, at = START): readonly string[] =>
    foresee([spent(slo, at)], days).budgets.map((b) => toTimestamp(b.at))

  it('is gone when what is left was spent at the rate of the last day', () => {
    assert.deepEqual(gone({ budgetRemaining: 0.5, burn1d: 6 }), [toTimestamp(NOW + 2.5 * DAY)])
    assert.deepEqual(gone({ budgetRemaining: 0.5, burn1d: 6 }, 2), [])
  })

  it('lasts at a rate that the window bears, and where nothing is known', () => {
    assert.deepEqual(gone({ budgetRemaining: 1, burn1d: 0.9 }), [])
    assert.deepEqual(gone({ budgetRemaining: 1, burn1d: 0 }), [])
    assert.deepEqual(gone({ budgetRemaining: 0, burn1d: 6 }), [], 'it is gone')
    assert.deepEqual(gone({ burn1d: 6 }), [])
    assert.deepEqual(
      gone({ budgetRemaining: 0.5, burn1d: 6 }, 90, START - 2 * HOUR),
      [],
      'nobody looks at it any more',
    )
  })
})
