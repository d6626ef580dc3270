import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ReportError } from '../../reports/error.ts'
import { monthPeriod } from '../../reports/period.ts'
import { reportJson } from '../../reports/canonical.ts'
import { reportSchema } from '../../reports/schema.ts'
import { at, CRL, EXPIRED, MemoryJournal, ORIGIN, EPOCH } from './records.ts'

const MINUTE = 60_000
const times = (from: string, count: number, step: number) =>
  Array.from({ length: count }, (_, i) => at(from) + i * step)

describe('runs', () => {
  it('counts unchanged items like full observations, with the duration of each', async () => {
    const journal = new MemoryJournal()
    const full = journal.observe(at('2026-11-10T00:00'), { ...CRL, duration: 3 })
    const repeated = journal.unchanged(full, times('2026-11-10T00:01', 98, MINUTE), 3)
    journal.observe(at('2026-11-10T01:39'), { ...EXPIRED, duration: 900 })

    const { subjects, summary } = await journal.report('2026-11-10T00:00', '2026-11-11T00:00')
    const [crl] = subjects
    assert.equal(crl?.runs, 100)
    assert.equal(crl.failures, 1)
    assert.equal(crl.availability, 99)
    // 3 ms lies in [2^1.5, 2^1.75): the report says "at most 2^1.75".
    assert.deepEqual(crl.duration, { p50: 3.4, p95: 3.4, p99: 3.4, longest: 900 })
    assert.deepEqual(crl.first, { time: '2026-11-10T00:00:00.000Z', record: full.id })
    assert.equal(crl.last?.time, '2026-11-10T01:39:00.000Z')
    assert.equal(summary.runs, 100)
    assert.equal(repeated.id, `${ORIGIN}/${EPOCH}/1/0`)
  })

  it('counts the repetition of a failure as a failure, and names its evidence', async () => {
    const journal = new MemoryJournal()
    const full = journal.observe(at('2026-11-10T00:00'), EXPIRED)
    const repeated = journal.unchanged(full, times('2026-11-10T00:01', 3, MINUTE))
    const [crl] = (await journal.report('2026-11-10T00:00', '2026-11-11T00:00')).subjects
    assert.equal(crl?.availability, 0)
    assert.deepEqual(crl.targets.items[0]?.failed.items, [
      {
        phase: 'time',
        code: 'expired',
        message: EXPIRED.error?.message,
        runs: 4,
        first: { time: '2026-11-10T00:00:00.000Z', record: full.id },
        last: { time: '2026-11-10T00:03:00.000Z', record: repeated.id },
      },
    ])
  })

  it('never rounds up to 100 percent', async () => {
    const journal = new MemoryJournal()
    const full = journal.observe(at('2026-11-10T00:00'), CRL)
    journal.unchanged(full, times('2026-11-10T00:01', 299_999, 100))
    journal.observe(at('2026-11-10T23:00'), EXPIRED)
    const [crl] = (await journal.report('2026-11-10T00:00', '2026-11-11T00:00')).subjects
    assert.equal(crl?.runs, 300_001)
    assert.equal(crl.availability, 99.999)
  })

  it('belongs to the period by its start, and resolves references to before the period', async () => {
    const journal = new MemoryJournal()
    const before = journal.observe(at('2026-10-31T23:59:59.990Z'), CRL)
    const unchanged = journal.unchanged(before, times('2026-10-31T23:59', 3, MINUTE))
    journal.unchanged(before, times('2026-11-30T23:59', 2, MINUTE))
    const { subjects } = await journal.report('2026-11-01T00:00', '2026-12-01T00:00')
    assert.equal(subjects[0]?.runs, 3)
    assert.deepEqual(subjects[0].first, { time: '2026-11-01T00:00:00.000Z', record: unchanged.id })
    assert.equal(subjects[0].last?.time, '2026-11-30T23:59:00.000Z')
  })

  it('says which items refer to an observation that is not in the journal', async () => {
    const journal = new MemoryJournal()
    const full = journal.observe(at('2026-11-10T00:00'), CRL)
    const lost = journal.unchanged(
      { ...full, position: { entry: 77, n: 0 } },
      times('2026-11-10T00:01', 2, 1),
    )
    const { subjects, completeness, summary } = await journal.report('2026-11-10T00:00', '2026-11-11T00:00')
    assert.equal(subjects[0]?.runs, 1)
    assert.deepEqual(completeness.unresolved, { total: 2, more: 0, items: [lost.id, lost.id] })
    assert.equal(summary.areas.find((a) => a.area === 'monitoring')?.verdict, 'deviations')
  })

  it('tells how long a target was not looked at, borders included', async () => {
    const journal = new MemoryJournal()
    journal.tick(at('2026-11-10T00:00'))
    journal.observe(at('2026-11-10T02:00'), CRL)
    journal.observe(at('2026-11-10T03:00'), CRL)
    journal.tick(at('2026-11-10T06:00'))
    const [crl] = (await journal.report('2026-11-10T00:00', '2026-11-11T00:00')).subjects
    assert.deepEqual(crl?.longestUnobserved, {
      from: '2026-11-10T03:00:00.000Z',
      to: '2026-11-10T06:00:00.001Z',
      duration: 3 * 3_600_000 + 1,
    })
  })

  it('keeps targets of one subject apart, and adds them up', async () => {
    const journal = new MemoryJournal()
    journal.observe(at('2026-11-10T02:00'), { ...CRL, target: 'http://b.example/x.crl', duration: 10 })
    journal.observe(at('2026-11-10T02:00'), { ...EXPIRED, target: 'http://a.example/x.crl', duration: 2000 })
    const [crl] = (await journal.report('2026-11-10T00:00', '2026-11-11T00:00')).subjects
    assert.deepEqual(
      crl?.targets.items.map((t) => [t.target, t.runs, t.failures, t.availability]),
      [
        ['http://a.example/x.crl', 1, 1, 0],
        ['http://b.example/x.crl', 1, 0, 100],
      ],
    )
    assert.deepEqual([crl.runs, crl.failures, crl.availability, crl.duration?.longest], [2, 1, 50, 2000])
  })

  it('widens the slots of all charts together when the runs spread over more time', async () => {
    const journal = new MemoryJournal()
    const full = journal.observe(at('2026-11-01T00:00'), CRL)
    journal.unchanged(full, times('2026-11-01T01:00', 29 * 24, 3_600_000))
    const { chart, subjects } = await journal.report('2026-11-01T00:00', '2026-12-01T00:00')
    assert.deepEqual(chart, {
      from: '2026-11-01T00:00:00.000Z',
      to: '2026-12-01T00:00:00.000Z',
      slot: 86_400_000,
    })
    assert.deepEqual(
      subjects[0]?.slots.map(([index, runs]) => [index, runs]),
      [[0, 24], ...Array.from({ length: 28 }, (_, i) => [i + 1, 24]), [29, 1]],
    )
  })

  it('zooms the charts to the observed part when that is short', async () => {
    const journal = new MemoryJournal()
    const full = journal.observe(at('2026-11-22T10:00'), CRL)
    journal.unchanged(full, times('2026-11-22T10:00:05.000Z', 16, 5000))
    const { chart, subjects } = await journal.report('2026-11-01T00:00', '2026-12-01T00:00')
    assert.deepEqual(chart, {
      from: '2026-11-22T10:00:00.000Z',
      to: '2026-11-22T10:01:25.000Z',
      slot: 5000,
    })
    assert.equal(subjects[0]?.slots.length, 17)
  })
})

describe('the period', () => {
  it('of a month is a half-open interval in UTC', () => {
    assert.deepEqual(monthPeriod('2024-02'), {
      from: '2024-02-01T00:00:00.000Z',
      to: '2024-03-01T00:00:00.000Z',
    })
    assert.deepEqual(monthPeriod('2026-12').to, '2027-01-01T00:00:00.000Z')
    for (const bad of ['2026-13', '2026-1', '26-01', '2026-01-01', ''])
      assert.throws(() => monthPeriod(bad), { name: 'ReportError', code: 'bad_period' })
  })

  it('that is empty or unreadable is refused', async () => {
    const journal = new MemoryJournal()
    await assert.rejects(journal.report('2026-11-10T00:00', '2026-11-10T00:00'), ReportError)
    const period = { from: 'yesterday', to: '2026-11-10T00:00:00.000Z' }
    await assert.rejects(journal.report('2026-11-09T00:00', '2026-11-10T00:00', { period }), {
      code: 'bad_period',
    })
  })

  it('without any record gives a valid report that assesses nothing', async () => {
    const report = await new MemoryJournal().report('2026-11-01T00:00', '2026-12-01T00:00')
    assert.equal(reportSchema.safeParse(report).success, true)
    assert.equal(report.covered, null)
    assert.equal(report.summary.verdict, 'not_assessed')
    assert.equal(report.summary.availability, null)
    assert.deepEqual(report.completeness.gaps.items, [
      {
        kind: 'before_start',
        from: '2026-11-01T00:00:00.000Z',
        to: '2026-12-01T00:00:00.000Z',
        duration: 30 * 86_400_000,
        records: [],
      },
    ])
    assert.equal(report.completeness.percent, 0)
  })

  it('in which nothing was recorded is not assessed, whatever passed before it', async () => {
    const journal = new MemoryJournal()
    journal.observe(at('2026-10-10T00:00'), CRL)
    journal.decide(at('2026-10-10T00:01'), { state: 'pass' })
    const report = await journal.report('2026-11-01T00:00', '2026-12-01T00:00')
    assert.equal(report.summary.verdict, 'not_assessed')
    assert.equal(report.completeness.gaps.items[0]?.kind, 'after_end')
    assert.equal(report.rules[0]?.atEnd.pass, 1)
  })

  it('in which a subject was not looked at once is unknown for its area', async () => {
    const journal = new MemoryJournal()
    journal.observe(at('2026-10-10T00:00'), CRL)
    journal.decide(at('2026-10-10T00:01'), { state: 'pass' })
    const tls = { subject: 'service_tls_health[shop,prod]', probe: 'tls', target: 'shop:443' } as const
    journal.observe(at('2026-11-10T00:00'), tls)
    journal.decide(at('2026-11-10T00:01'), { state: 'pass', subject: tls.subject, rule: 'tls_ok' })
    const { summary, subjects } = await journal.report('2026-11-01T00:00', '2026-12-01T00:00')
    const verdicts = Object.fromEntries(summary.areas.map((a) => [a.area, a.verdict]))
    assert.equal(verdicts['revocation_lists'], 'unknown')
    assert.equal(verdicts['tls'], 'met')
    assert.equal(summary.areas.find((a) => a.area === 'revocation_lists')?.unobserved, 1)
    assert.deepEqual(
      subjects.map((s) => [s.subject, s.runs]),
      [
        ['ca_crl[issuing-1]', 0],
        ['service_tls_health[shop,prod]', 1],
      ],
    )
  })

  it('counts nothing that looks at no target: what never fails makes up for nothing', async () => {
    const journal = new MemoryJournal()
    journal.observe(at('2026-11-10T00:00'), EXPIRED)
    journal.observe(at('2026-11-10T00:00'), { ...CRL, probe: 'crl_set', target: 'crl_set:issuing-1' })
    const [crl] = (await journal.report('2026-11-10T00:00', '2026-11-11T00:00')).subjects
    assert.deepEqual([crl?.runs, crl?.availability], [1, 0])
  })

  it('has an area for CA servers and control planes where there are any', async () => {
    const areas = async (journal: MemoryJournal) =>
      (await journal.report('2026-11-10T00:00', '2026-11-11T00:00')).summary.areas.flatMap((a) =>
        a.area === 'systems' ? [[a.verdict, a.failures]] : [],
      )
    const without = new MemoryJournal()
    without.observe(at('2026-11-10T00:00'), CRL)
    assert.deepEqual(await areas(without), [])
    const journal = new MemoryJournal()
    const target = 'https://ca.test:8443'
    journal.observe(at('2026-11-10T00:00'), {
      ...EXPIRED,
      subject: 'ca_server[ejbca]',
      probe: 'health',
      target,
    })
    assert.deepEqual(await areas(journal), [['deviations', 1]])
  })

  it('with nothing but failures is failing at no percent', async () => {
    const journal = new MemoryJournal()
    const full = journal.observe(at('2026-11-10T00:00'), EXPIRED)
    journal.unchanged(full, times('2026-11-10T00:01', 9, MINUTE))
    journal.decide(at('2026-11-10T00:00:01.000Z'), { state: 'fail', evidence: [full.id] })
    const report = await journal.report('2026-11-10T00:00', '2026-11-10T00:10')
    const crl = report.summary.areas.find((a) => a.area === 'revocation_lists')
    assert.deepEqual(
      [crl?.verdict, crl?.availability, crl?.failures, crl?.failingAtEnd],
      ['failing', 0, 10, 1],
    )
    assert.equal(report.summary.verdict, 'failing')
  })
})

describe('the report', () => {
  it('counts up to the checkpoint, and nothing that was written later', async () => {
    const journal = new MemoryJournal()
    journal.observe(at('2026-11-10T00:00'), CRL)
    const checkpoint = journal.checkpoint()
    journal.observe(at('2026-11-10T00:01'), EXPIRED)
    const report = await journal.report('2026-11-10T00:00', '2026-11-11T00:00', { checkpoint })
    assert.equal(report.subjects[0]?.runs, 1)
    assert.equal(report.records.total, 1)
    assert.deepEqual(report.checkpoint, checkpoint)
  })

  it('refuses records of another journal than the checkpoint signs', async () => {
    const journal = new MemoryJournal()
    journal.observe(at('2026-11-10T00:00'), CRL)
    const checkpoint = { ...journal.checkpoint(), origin: `${ORIGIN}/7` }
    await assert.rejects(journal.report('2026-11-10T00:00', '2026-11-11T00:00', { checkpoint }), {
      code: 'foreign_record',
    })
  })

  it('is the same bytes for the same journal and period, whatever the order of targets', async () => {
    const build = (order: readonly string[]) => {
      const journal = new MemoryJournal()
      for (const target of order) {
        const full = journal.observe(at('2026-11-10T00:00'), { ...CRL, target, duration: 0.3 })
        journal.unchanged(full, times('2026-11-10T00:01', 50, MINUTE), 17.77)
      }
      return journal.report('2026-11-10T00:00', '2026-11-11T00:00')
    }
    const [once, again] = [await build(['http://a', 'http://b']), await build(['http://a', 'http://b'])]
    assert.equal(reportJson(once), reportJson(again))
    const other = await build(['http://b', 'http://a'])
    assert.deepEqual(
      other.subjects[0]?.targets.items.map((t) => t.target),
      once.subjects[0]?.targets.items.map((t) => t.target),
    )
    assert.equal(once.generated, null)
  })

  it('says when it was made only when it is given a clock', async () => {
    const now = () => at('2026-12-01T08:00')
    const report = await new MemoryJournal().report('2026-11-01T00:00', '2026-12-01T00:00', { now })
    assert.equal(report.generated, '2026-12-01T08:00:00.000Z')
  })
})
