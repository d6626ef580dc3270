import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SealedRecord } from '../../../model/record.ts'
import { RuleEngine, type RuleEngineOptions } from '../../../rules/engine.ts'
import { parsePack, type Pack } from '../../../rules/pack.ts'
import {
  PastSimulation,
  type PastReport,
  type RuleComparison,
  type SubjectComparison,
} from '../../../rules/simulation/past.ts'
import { INVENTORY, targetsFor } from '../inventory.ts'
import { crlObservation, DAY, HOUR, JournalDouble, MINUTE, START } from '../journalDouble.ts'

const CRL = 'ca_crl[issuing-1]'

function pack(most: number, extra = ''): Pack {
  return parsePack(
    `schema: 1
id: own
version: 1.0.0
title: Own
rules:
  - id: crl_small
    title: The CRL is small
    rationale: Devices.
    source: { document: Plan, basis: practice }
    applies_to: { subjects: [ca_crl], class: online }
    parameters: { most: ${most} }
    condition: crl.entries <= parameters.most
    summary: 'has {crl.entries}, allowed are {parameters.most}'
    severity: warning
    for: 2m
${extra}`,
    'own.yaml',
  )
}

const OTHER = `
  - id: crl_lint
    title: The CRL has a number
    rationale: Order.
    source: { document: RFC 5280, basis: standard }
    applies_to: { subjects: [ca_crl], class: online }
    condition: lint.crl_number_present == 'pass'
    summary: no number
    severity: warning
`

function options(packs: readonly Pack[]): RuleEngineOptions {
  return { packs, inventory: INVENTORY, parameters: {}, targets: targetsFor(INVENTORY) }
}

/**
 * A journal of minutes with what an engine with this pack decided, half a minute later: `entries` are those of the CRL from a minute on, and a
 * number of records is kept apart as one run of vigil.
 */
function journalOf(
  packs: readonly Pack[],
  minutes: number,
  entries: Readonly<Record<number, number>>,
): readonly SealedRecord[] {
  const journal = new JournalDouble()
  const engine = new RuleEngine(options(packs))
  const records: SealedRecord[] = []
  let id = ''
  for (let minute = 0; minute < minutes; minute++) {
    journal.now = START + minute * MINUTE
    const now = entries[minute]
    let batch: SealedRecord[]
    if (now === undefined) batch = journal.repeat(id)
    else {
      const seen = crlObservation({ at: journal.now, thisUpdate: START, nextUpdate: START + 90 * DAY })
      const crl = { ...seen.facts.crl, entries: now }
      batch = journal.observe({ ...seen, facts: { crl } })
      id = batch[0]?.id ?? ''
    }
    batch.push(...journal.tick())
    records.push(...batch)
    const findings = engine.apply(batch)
    journal.now += MINUTE / 2
    if (findings.length > 0) records.push(...journal.decide(...findings))
  }
  return records
}

function simulate(
  records: readonly SealedRecord[],
  under: readonly Pack[],
  period: { from: number; to: number },
  kept: ReadonlySet<string> = new Set(),
): PastReport {
  const simulation = new PastSimulation({ rules: options(under), kept, period })
  for (const record of records) simulation.add([record])
  return simulation.report() ?? assert.fail('nothing of the period')
}

function rule({ rules }: PastReport, id: string): RuleComparison {
  return rules.find((r) => r.rule === id) ?? assert.fail(`no rule ${id}`)
}

function only(report: PastReport, id: string): SubjectComparison {
  const [one, ...more] = rule(report, id).said
  assert.ok(one !== undefined && more.length === 0, `one subject of ${id}`)
  return one
}

const AFTERNOON = { from: START + HOUR, to: START + 5 * HOUR }

describe('the rules that were in force, over what they had judged', () => {
  const entries = { 0: 3, 30: 50, 90: 3, 150: 50, 151: 3, 200: 50, 210: 3, 290: 50 }
  const records = journalOf([pack(10)], 320, entries)

  it('say the same at the same time, though decisions stand later in the journal', () => {
    const report = simulate(records, [pack(10)], AFTERNOON)
    assert.equal(rule(report, 'crl_small').status, 'tested')
    const said = only(report, 'crl_small')
    assert.equal(said.difference, 'none')
    assert.deepEqual(said.simulated, said.recorded)
    // From before the period to 90, from 202 to 210 (it takes two minutes), from 292 to the end; the minute at 150 is none.
    assert.equal(said.simulated.failures, 3)
    assert.equal(said.simulated.failing, (30 + 8 + 8) * MINUTE)
    assert.equal(said.bothFailing, said.simulated.failing)
    assert.equal(said.simulated.first, AFTERNOON.from)
    assert.equal(said.simulated.last, undefined)
    assert.equal(said.subject, CRL)
  })

  it('say of a period what the journal holds of it', () => {
    const report = simulate(records, [pack(10)], { from: START - DAY, to: START + DAY })
    assert.deepEqual(report.judged, { from: START, to: START + 319 * MINUTE })
    assert.equal(report.records, records.length)
    const none = new PastSimulation({
      rules: options([pack(10)]),
      kept: new Set(),
      period: { from: START + DAY, to: START + 2 * DAY },
    })
    none.add(records)
    assert.equal(none.report(), undefined)
  })
})

describe('a stricter rule', () => {
  const records = journalOf([pack(10)], 320, { 0: 3, 100: 8, 130: 50, 160: 8, 200: 3 })

  it('fails for longer, and less where it is laxer', () => {
    const stricter = only(simulate(records, [pack(5)], AFTERNOON), 'crl_small')
    assert.equal(stricter.difference, 'more')
    assert.equal(stricter.simulated.first, START + 102 * MINUTE)
    assert.equal(stricter.simulated.last, START + 200 * MINUTE)
    assert.equal(stricter.simulated.failing, 98 * MINUTE)
    assert.equal(stricter.recorded.failing, 28 * MINUTE)
    assert.equal(stricter.summary, 'has 8, allowed are 5')
    const laxer = only(simulate(records, [pack(100)], AFTERNOON), 'crl_small')
    assert.equal(laxer.difference, 'less')
    assert.equal(laxer.simulated.failures, 0)
    assert.equal(laxer.recordedSummary, 'has 50, allowed are 10')
  })

  it('that is new is compared with silence; others stay, or are left out', () => {
    const fresh = parsePack(pack(5).text.replaceAll('crl_small', 'crl_tiny'), 'fresh.yaml')
    const beside = simulate(records, [fresh], AFTERNOON, new Set(['crl_small']))
    assert.equal(rule(beside, 'crl_tiny').status, 'new')
    assert.equal(only(beside, 'crl_tiny').difference, 'more')
    assert.equal(rule(beside, 'crl_small').status, 'kept')
    assert.equal(only(beside, 'crl_small').difference, 'none')
    const instead = simulate(records, [fresh], AFTERNOON)
    assert.equal(rule(instead, 'crl_small').status, 'left_out')
    assert.equal(only(instead, 'crl_small').difference, 'less')
  })
})

describe('a rule whose facts nobody had established', () => {
  it('is not silently green', () => {
    const records = journalOf([pack(10)], 200, { 0: 3 })
    const report = simulate(records, [pack(10, OTHER)], AFTERNOON)
    const said = only(report, 'crl_lint')
    assert.equal(said.difference, 'unjudged')
    assert.equal(said.judged, false)
    assert.match(said.summary, /lint\.crl_number_present was not established/)
  })
})

describe('a subject that left the inventory', () => {
  it('is not compared, and named', () => {
    const journal = new JournalDouble()
    const gone = 'ca_crl[closed]'
    const records = journalOf([pack(10)], 100, { 0: 3 })
    const finding = {
      rule: 'crl_small',
      pack: 'own',
      subject: gone,
      state: 'fail',
      severity: 'warning',
      since: new Date(START + 90 * MINUTE).toISOString(),
      summary: 'x',
      facts: {},
      parameters: {},
      evidence: [],
    } as const
    journal.now = START + 100 * MINUTE
    const report = simulate([...records, ...journal.decide(finding)], [pack(10)], AFTERNOON)
    assert.deepEqual(report.goneSubjects, [gone])
    assert.deepEqual(rule(report, 'crl_small').said, [])
  })
})
