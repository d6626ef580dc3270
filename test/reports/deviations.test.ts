import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ReportDeviation } from '../../reports/schema.ts'
import { reportSchema } from '../../reports/schema.ts'
import { at, CRL, EXPIRED, MemoryJournal } from './records.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const DAY: [string, string] = ['2026-11-10T00:00', '2026-11-11T00:00']

function brief(d: ReportDeviation | undefined): unknown[] {
  return [d?.state, d?.start.time.slice(11, 16), d?.end?.time.slice(11, 16), d?.ended?.state, d?.duration]
}

describe('a spell', () => {
  it('has start, end, what decided, and how it ended', async () => {
    const journal = new MemoryJournal()
    const bad = journal.observe(at('2026-11-10T10:00'), EXPIRED)
    const fail = journal.decide(at('2026-11-10T10:00:01.000Z'), {
      state: 'fail',
      evidence: [bad.id],
      target: 'http://crl.bank.example/issuing-1.crl',
    })
    const good = journal.observe(at('2026-11-10T10:30'), CRL)
    const pass = journal.decide(at('2026-11-10T10:30:01.000Z'), { state: 'pass', evidence: [good.id] })

    const report = await journal.report(...DAY)
    assert.equal(report.deviations.total, 1)
    assert.deepEqual(report.deviations.items[0], {
      number: 1,
      state: 'fail',
      rule: 'crl_freshness_ok',
      pack: 'internal-pki',
      subject: 'ca_crl[issuing-1]',
      severity: 'critical',
      target: 'http://crl.bank.example/issuing-1.crl',
      summary: 'CRL freshness is fail',
      start: { time: '2026-11-10T10:00:01.000Z', record: fail.id },
      end: { time: '2026-11-10T10:30:01.000Z', record: pass.id },
      ended: {
        state: 'pass',
        summary: 'CRL freshness is pass',
        evidence: { total: 1, more: 0, items: [good.id] },
      },
      duration: 30 * MINUTE,
      inPeriod: 30 * MINUTE,
      startedBefore: false,
      facts: { crl: { number: '41', thisUpdate: '2026-11-09T06:00:00.000Z' } },
      parameters: { max_age: '24h' },
      evidence: { total: 1, more: 0, items: [bad.id] },
      detectedWithin: null,
      repairedAfter: 30 * MINUTE,
      remediation: [],
      waivers: [],
    })
    assert.equal(report.summary.verdict, 'deviations')
    assert.deepEqual(report.summary.repairedAfter, { count: 1, mean: 30 * MINUTE, longest: 30 * MINUTE })
    assert.equal(reportSchema.safeParse(report).success, true)
  })

  it('that crosses both borders counts with the part in the period, and keeps its whole length', async () => {
    const journal = new MemoryJournal()
    journal.decide(at('2026-11-09T20:00'), { state: 'fail' })
    journal.tick(at('2026-11-11T08:00'))
    journal.decide(at('2026-11-11T08:00'), { state: 'pass' })
    const report = await journal.report(...DAY)
    const [spell] = report.deviations.items
    assert.deepEqual(brief(spell), ['fail', '20:00', undefined, undefined, 28 * HOUR])
    assert.equal(spell?.startedBefore, true)
    assert.equal(spell.inPeriod, 24 * HOUR)
    assert.equal(report.summary.failingAtEnd, 1)
    assert.deepEqual(report.rules[0]?.failing, { spells: 1, duration: 24 * HOUR })
    assert.equal(report.rules[0].atStart.fail, 1)
    assert.equal(report.rules[0].atEnd.fail, 1)
  })

  it('that began before the period and ended in it is told with both', async () => {
    const journal = new MemoryJournal()
    journal.decide(at('2026-11-09T20:00'), { state: 'fail' })
    journal.decide(at('2026-11-10T02:00'), { state: 'pass' })
    journal.tick(at('2026-11-12T00:00'))
    const report = await journal.report(...DAY)
    const [spell] = report.deviations.items
    assert.deepEqual(brief(spell), ['fail', '20:00', '02:00', 'pass', 6 * HOUR])
    assert.equal(spell?.inPeriod, 2 * HOUR)
    assert.equal(report.summary.failingAtEnd, 0)
    assert.deepEqual(report.standing.items[0]?.atStart?.state, 'fail')
    assert.deepEqual(report.standing.items[0].atEnd?.state, 'pass')
  })

  it('is told with every waiver that came into force while it lasted', async () => {
    const journal = new MemoryJournal()
    const since = '2026-11-09T20:00:00.000Z'
    const waiver = { owner: 'pki-team', reason: 'the CA moves', expires: '2026-11-10T12:00:00.000Z' }
    journal.decide(at('2026-11-09T20:00'), { state: 'fail', since })
    const begun = journal.decide(at('2026-11-09T22:00'), { state: 'fail', since, waiver })
    journal.decide(at('2026-11-09T23:00'), { state: 'fail', since, waiver })
    journal.decide(at('2026-11-10T12:00'), { state: 'fail', since })
    const longer = { ...waiver, expires: '2026-11-20T00:00:00.000Z' }
    const renewed = journal.decide(at('2026-11-10T13:00'), { state: 'fail', since, waiver: longer })
    journal.tick(at('2026-11-12T00:00'))
    const report = await journal.report(...DAY)
    assert.equal(report.deviations.total, 1)
    assert.deepEqual(report.deviations.items[0]?.waivers, [
      { ...waiver, record: begun.id },
      { ...longer, record: renewed.id },
    ])
    assert.deepEqual(report.standing.items[0]?.atStart?.waiver, waiver)
    assert.deepEqual(report.standing.items[0].atEnd?.waiver, longer)
    assert.equal(report.summary.failingAtEnd, 1, 'it fails all the same')
  })

  it('outside the period is not in the report', async () => {
    const journal = new MemoryJournal()
    journal.decide(at('2026-11-08T20:00'), { state: 'fail' })
    journal.decide(at('2026-11-09T02:00'), { state: 'pass' })
    journal.decide(at('2026-11-11T00:00'), { state: 'fail' })
    const report = await journal.report(...DAY)
    assert.equal(report.deviations.total, 0)
    assert.equal(report.rules[0]?.atEnd.pass, 1)
  })

  it('of unknown is its own spell, between the failing ones around it', async () => {
    const journal = new MemoryJournal()
    journal.decide(at('2026-11-10T01:00'), { state: 'pass' })
    journal.decide(at('2026-11-10T02:00'), { state: 'fail' })
    journal.decide(at('2026-11-10T03:00'), { state: 'unknown' })
    journal.decide(at('2026-11-10T04:00'), { state: 'fail' })
    journal.decide(at('2026-11-10T06:00'), { state: 'not_applicable' })
    const report = await journal.report(...DAY)
    assert.deepEqual(report.deviations.items.map(brief), [
      ['fail', '02:00', '03:00', 'unknown', HOUR],
      ['unknown', '03:00', '04:00', 'fail', HOUR],
      ['fail', '04:00', '06:00', 'not_applicable', 2 * HOUR],
    ])
    assert.deepEqual(report.summary.deviations, { fail: 2, unknown: 1 })
    assert.equal(report.summary.repairedAfter, null)
    assert.deepEqual(report.rules[0]?.failing, { spells: 2, duration: 3 * HOUR })
  })

  it('goes on when a restarted monitor decides the same again', async () => {
    const journal = new MemoryJournal()
    journal.decide(at('2026-11-10T02:00'), { state: 'fail' })
    journal.decide(at('2026-11-10T03:00'), { state: 'fail' })
    journal.decide(at('2026-11-10T04:00'), { state: 'pass' })
    const { deviations } = await journal.report(...DAY)
    assert.deepEqual(deviations.items.map(brief), [['fail', '02:00', '04:00', 'pass', 2 * HOUR]])
  })

  it('is not what was unknown for the minutes before the first look, unless it stayed so', async () => {
    const journal = new MemoryJournal()
    journal.decide(at('2026-11-10T02:00'), { state: 'unknown', evidence: [] })
    journal.decide(at('2026-11-10T02:01'), { state: 'pass', evidence: ['o/1/1/0'] })
    journal.decide(at('2026-11-10T02:00'), { rule: 'late', state: 'unknown', evidence: [] })
    journal.decide(at('2026-11-10T02:30'), { rule: 'late', state: 'pass', evidence: ['o/1/1/0'] })
    journal.decide(at('2026-11-10T02:00'), { rule: 'never', state: 'unknown', evidence: [] })
    const { deviations, summary } = await journal.report(...DAY)
    assert.deepEqual(
      deviations.items.map((d) => [d.rule, d.ended?.state]),
      [
        ['late', 'pass'],
        ['never', undefined],
      ],
    )
    assert.deepEqual([summary.deviations.unknown, summary.unknownAtEnd], [2, 1])
  })

  it('beyond the list is counted, not forgotten', async () => {
    const journal = new MemoryJournal()
    for (let i = 0; i < 600; i++) {
      journal.decide(at('2026-11-10T01:00') + i * MINUTE, { state: 'fail' })
      journal.decide(at('2026-11-10T01:00') + i * MINUTE + 1000, { state: 'pass' })
    }
    const { deviations, rules, summary } = await journal.report(...DAY)
    assert.equal(deviations.items.length, 500)
    assert.deepEqual([deviations.total, deviations.more], [600, 100])
    assert.deepEqual(rules[0]?.failing, { spells: 600, duration: 600_000 })
    assert.equal(summary.deviations.fail, 600)
  })

  it('bounds and repairs texts that came from outside', async () => {
    const journal = new MemoryJournal()
    journal.decide(at('2026-11-10T01:00'), {
      state: 'fail',
      summary: 'x'.repeat(10_000),
      facts: { certificate: { subject: `CN=\u{1F512}${'y'.repeat(497)}\u{1F512}`, identities: ['a'] } },
      evidence: Array.from({ length: 30 }, (_, i) => `o/1/${i}/0`),
    })
    const [spell] = (await journal.report(...DAY)).deviations.items
    assert.equal(spell?.summary.length, 500)
    assert.equal(spell.summary.at(-1), '…')
    const subject = spell.facts['certificate']?.['subject']
    assert.ok(typeof subject === 'string' && subject.isWellFormed() && subject.endsWith('y…'))
    assert.deepEqual([spell.evidence.total, spell.evidence.more], [30, 10])
  })
})

describe('time to detect', () => {
  it('counts from the run before the one that showed the fault', async () => {
    const journal = new MemoryJournal()
    journal.observe(at('2026-11-10T09:58'), CRL)
    journal.decide(at('2026-11-10T09:58:01.000Z'), { state: 'pass' })
    journal.tick(at('2026-11-10T09:59:55.000Z'))
    const bad = journal.observe(at('2026-11-10T10:00'), EXPIRED)
    journal.decide(at('2026-11-10T10:00:02.000Z'), { state: 'fail', evidence: [bad.id] })
    const { deviations, summary } = await journal.report(...DAY)
    assert.equal(deviations.items[0]?.detectedWithin, 122_000)
    assert.deepEqual(summary.detectedWithin, { count: 1, mean: 122_000, longest: 122_000 })
  })

  it('counts unchanged runs as the run before', async () => {
    const journal = new MemoryJournal()
    const good = journal.observe(at('2026-11-10T09:58'), CRL)
    journal.decide(at('2026-11-10T09:58:01.000Z'), { state: 'pass' })
    journal.unchanged(good, [at('2026-11-10T09:59')])
    const bad = journal.observe(at('2026-11-10T10:00'), EXPIRED)
    journal.decide(at('2026-11-10T10:00:02.000Z'), { state: 'fail', evidence: [bad.id] })
    assert.equal((await journal.report(...DAY)).deviations.items[0]?.detectedWithin, 62_000)
  })

  it('counts from the tick before when time alone decided', async () => {
    const journal = new MemoryJournal()
    const good = journal.observe(at('2026-11-10T09:58'), CRL)
    journal.decide(at('2026-11-10T09:58:01.000Z'), { state: 'pass' })
    journal.tick(at('2026-11-10T10:05:00.000Z'))
    journal.tick(at('2026-11-10T10:05:10.000Z'))
    journal.decide(at('2026-11-10T10:05:11.000Z'), {
      state: 'fail',
      evidence: [good.id],
      since: '2026-11-10T10:05:10.000Z',
    })
    assert.equal((await journal.report(...DAY)).deviations.items[0]?.detectedWithin, 11_000)
  })

  it('includes the time in which the rule waited', async () => {
    const journal = new MemoryJournal()
    journal.observe(at('2026-11-10T09:59'), CRL)
    journal.decide(at('2026-11-10T09:59:01.000Z'), { state: 'pass' })
    const bad = journal.observe(at('2026-11-10T10:00'), EXPIRED)
    journal.decide(at('2026-11-10T10:00:01.000Z'), { state: 'pending', evidence: [bad.id] })
    journal.tick(at('2026-11-10T10:05'))
    journal.decide(at('2026-11-10T10:05'), { state: 'fail', evidence: [bad.id] })
    const [spell] = (await journal.report(...DAY)).deviations.items
    assert.deepEqual(brief(spell).slice(0, 2), ['fail', '10:05'])
    assert.equal(spell?.detectedWithin, 6 * MINUTE)
  })

  it('is not told for a fault that was there at the first look', async () => {
    const journal = new MemoryJournal()
    const bad = journal.observe(at('2026-11-10T10:00'), EXPIRED)
    journal.decide(at('2026-11-10T10:00:01.000Z'), { state: 'fail', evidence: [bad.id] })
    const { deviations, summary } = await journal.report(...DAY)
    assert.equal(deviations.items[0]?.detectedWithin, null)
    assert.equal(summary.detectedWithin, null)
  })
})

describe('remediation', () => {
  it('belongs to the spell that it answers, with all steps, and how long the proof took', async () => {
    const journal = new MemoryJournal()
    const fail = journal.decide(at('2026-11-10T10:00'), { state: 'fail' })
    const requested = journal.act(at('2026-11-10T10:00:01.000Z'), {
      status: 'requested',
      evidence: [fail.id],
    })
    journal.act(at('2026-11-10T10:00:02.000Z'), { status: 'accepted', detail: 'HTTP 202' })
    const good = journal.observe(at('2026-11-10T10:01'), CRL)
    journal.decide(at('2026-11-10T10:01:01.000Z'), { state: 'pass', evidence: [good.id] })
    journal.act(at('2026-11-10T10:01:02.000Z'), { status: 'verified', evidence: [good.id] })

    const { remediation, deviations, summary } = await journal.report(...DAY)
    const [action] = remediation.items
    assert.deepEqual(
      action?.steps.items.map((s) => [s.status, s.detail]),
      [
        ['requested', 'reissue_crl'],
        ['accepted', 'HTTP 202'],
        ['verified', 'reissue_crl'],
      ],
    )
    assert.equal(action.steps.items[0]?.record, requested.id)
    assert.deepEqual(action.steps.items[0].evidence.items, [fail.id])
    assert.equal(action.outcome, 'verified')
    assert.equal(action.deviation, 1)
    assert.equal(action.verifiedAfter, 61_000)
    assert.deepEqual(deviations.items[0]?.remediation, ['action-1'])
    assert.deepEqual(summary.verifiedAfter, { count: 1, mean: 61_000, longest: 61_000 })
  })

  it('that did not help is shown as it ended', async () => {
    const journal = new MemoryJournal()
    journal.decide(at('2026-11-10T10:00'), { state: 'fail' })
    journal.act(at('2026-11-10T10:00:01.000Z'), { status: 'requested' })
    journal.act(at('2026-11-10T10:10:01.000Z'), { status: 'ineffective' })
    journal.act(at('2026-11-10T10:10:02.000Z'), { id: 'action-2', status: 'suppressed', detail: 'cool-down' })
    const { remediation } = await journal.report(...DAY)
    assert.deepEqual(
      remediation.items.map((a) => [a.outcome, a.verifiedAfter]),
      [
        ['ineffective', null],
        ['suppressed', null],
      ],
    )
  })
})

describe('alerts', () => {
  it('are counted, and told one by one with what happened to them', async () => {
    const journal = new MemoryJournal()
    const alert = { kind: 'alert', id: 'alert-1', receiver: 'http://am.example', detail: '' } as const
    journal.act(at('2026-11-10T10:00'), { ...alert, status: 'undelivered', detail: 'connection refused' })
    journal.act(at('2026-11-10T10:01'), { ...alert, status: 'sent' })
    journal.act(at('2026-11-10T10:02'), { ...alert, status: 'sent' })
    const resolved = journal.act(at('2026-11-10T10:30'), { ...alert, status: 'resolved' })
    journal.act(at('2026-11-12T10:30'), { ...alert, status: 'sent' })
    const { alerts } = await journal.report(...DAY)
    assert.deepEqual([alerts.sent, alerts.resolved, alerts.undelivered], [2, 1, 1])
    const [only] = alerts.alerts.items
    assert.deepEqual([only?.sent, only?.undelivered], [2, 1])
    assert.deepEqual(only?.resolved, { time: '2026-11-10T10:30:00.000Z', record: resolved.id })
    assert.equal(alerts.alerts.total, 1)
  })
})
