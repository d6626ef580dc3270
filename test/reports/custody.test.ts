import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { endorse } from '../../journal/rotation.ts'
import { verifierKey } from '../../journal/note.ts'
import { keySigner } from '../../journal/signer.ts'
import type { FactsOf } from '../../model/facts.ts'
import type { NewRecord, Retention } from '../../model/record.ts'
import { formatRecordId } from '../../model/recordId.ts'
import { toTimestamp } from '../../model/time.ts'
import { buildReport } from '../../reports/model.ts'
import { renderHtml } from '../../reports/render.ts'
import { reportSchema } from '../../reports/schema.ts'
import { at, MemoryJournal, ORIGIN, EPOCH } from './records.ts'

const NOVEMBER: [string, string] = ['2026-11-01T00:00', '2026-12-01T00:00']
const MONITOR = 'monitor[vigil.bank.example_zone-a]'

const retention = (body: Retention): NewRecord => ({
  kind: 'retention',
  time: '2026-11-05T00:00:00.000Z',
  body,
})

function slo(journal: MemoryJournal, time: string, facts: FactsOf<'slo'>, subject = 'ca_crl[issuing-1]') {
  const about = { subject, probe: 'slo', target: 'availability' } as const
  const fixed = { objective: 'availability', target: 0.999, window: 30 * 86_400_000 }
  return journal.observe(at(time), { ...about, facts: { slo: { ...fixed, ...facts } } })
}

function backedUp(
  journal: MemoryJournal,
  time: string,
  backup: FactsOf<'backup'>,
  drill: FactsOf<'drill'> = { enabled: false },
) {
  const about = { subject: MONITOR, probe: 'backup', target: 'backup' } as const
  return journal.observe(at(time), { ...about, facts: { backup, drill } })
}

describe('objectives', () => {
  it('are told with what is left at the end, the least that was left, and the worst burn, of the period alone', async () => {
    const journal = new MemoryJournal()
    journal.tick(at('2026-10-30T00:00'), 'start')
    slo(journal, '2026-10-31T00:00', { budgetRemaining: -3, burn1h: 900 })
    const bad = slo(journal, '2026-11-10T00:00', { budgetRemaining: 0.2, burn1h: 14.4, burn6h: 6 })
    const last = slo(journal, '2026-11-20T00:00', {
      total: 1_000_000,
      good: 999_999,
      budgetRemaining: 0.7,
      budgetLeft: 1_814_400,
      burn1h: 0.2,
    })
    slo(journal, '2026-11-11T00:00', { budgetRemaining: 0.9 }, 'ca_crl[issuing-2]')
    slo(journal, '2026-12-02T00:00', { budgetRemaining: -1, burn1h: 99 })
    const report = await journal.report(...NOVEMBER)
    assert.deepEqual(
      report.objectives.items.map(({ subject }) => subject),
      ['ca_crl[issuing-1]', 'ca_crl[issuing-2]'],
    )
    const [first, second] = report.objectives.items
    assert.deepEqual(
      [first?.achieved, first?.remaining, first?.left, first?.at.record],
      [0.999999, 0.7, 1_814_400, last.id],
    )
    assert.deepEqual([first?.lowest?.remaining, first?.lowest?.record], [0.2, bad.id])
    assert.deepEqual(
      [first?.worstBurn?.rate, first?.worstBurn?.window, first?.worstBurn?.record],
      [14.4, 3_600_000, bad.id],
    )
    assert.deepEqual([second?.achieved, second?.worstBurn], [null, null])
    const html = renderHtml(report)
    assert.match(
      html,
      /<td class="n"><span class="nb">99.9 %<\/span><br><span class="quiet nb">in 30 d<\/span><\/td><td class="n"><span class="nb">99.999 %/,
    )
    assert.match(html, /14.4 × over 1 h/)
  })

  it('that are overspent say so', async () => {
    const journal = new MemoryJournal()
    slo(journal, '2026-11-10T00:00', { budgetRemaining: -0.5, budgetLeft: -3_600_000 })
    const report = await journal.report(...NOVEMBER)
    assert.match(renderHtml(report), /-50 %<br><span class="quiet">1 h overspent/)
  })
})

describe('custody', () => {
  it('tells what is anchored by whom, and since when the tail is not', async () => {
    const journal = new MemoryJournal()
    for (let day = 10; day < 20; day++) journal.tick(at(`2026-11-${day}T00:00`))
    const none = await journal.report(...NOVEMBER)
    assert.deepEqual([none.custody.anchored, none.custody.tail.entries], [0, 10])
    assert.match(renderHtml(none), /all 10 entries are protected by the monitor's own signature alone/)
    const seen = toTimestamp(at('2026-11-16T01:00'))
    const report = await journal.report(...NOVEMBER, {
      anchors: [
        { kind: 'cosignature', by: 'auditor.example', size: 3 },
        { kind: 'timestamp', by: 'CN=TSA <b>', size: 7, time: seen },
      ],
    })
    assert.deepEqual(report.custody.anchors.items, [
      { kind: 'timestamp', by: 'CN=TSA <b>', size: 7, time: seen },
      { kind: 'cosignature', by: 'auditor.example', size: 3, time: null },
    ])
    assert.equal(report.custody.anchored, 7)
    assert.deepEqual(report.custody.tail, { entries: 3, since: '2026-11-17T00:00:00.000Z' })
    assert.match(renderHtml(report), /Anchored are 7 of the 10 entries under the checkpoint/)
    assert.doesNotMatch(renderHtml(report), /TSA <b>/)
  })

  it('tells keys that handed over, what was taken out, and the holds that stand', async () => {
    const journal = new MemoryJournal()
    const log = `${ORIGIN}/${EPOCH}`
    const [old, next] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
    const [oldKey, nextKey] = [verifierKey(log, old.privateKey), verifierKey(log, next.privateKey)]
    const endorsement = await endorse(keySigner(oldKey, old.privateKey), nextKey)
    journal.add(at('2026-11-02T00:00'), {
      kind: 'key',
      time: '2026-11-02T00:00:00.000Z',
      body: { by: 'jane', endorsement },
    })
    const basis = { by: 'jane', reason: 'policy 5' }
    const prune = {
      action: 'prune',
      ...basis,
      segments: 2,
      entries: 900,
      keys: [],
      artifacts: ['a'],
    } as const
    journal.add(
      at('2026-10-03T00:00'),
      retention({ action: 'erase', ...basis, records: [[1, 0]], artifacts: [] }),
    )
    journal.add(at('2026-11-03T00:00'), retention(prune))
    journal.add(
      at('2026-11-04T00:00'),
      retention({ action: 'erase', ...basis, records: [[1, 0]], artifacts: [] }),
    )
    const period = { from: '2026-03-01T00:00:00.000Z', to: '2026-04-01T00:00:00.000Z' }
    const ended = journal.add(at('2026-10-01T00:00'), retention({ action: 'hold', ...basis, ...period }))
    const stands = journal.add(at('2026-10-02T00:00'), retention({ action: 'hold', ...basis, ...period }))
    journal.add(at('2026-11-05T00:00'), retention({ action: 'release', ...basis, hold: ended.id }))
    const { custody, ...rest } = await journal.report(...NOVEMBER)
    assert.deepEqual(
      custody.keys.items.map(({ from, to, type }) => [from, to, type]),
      [[oldKey.id, nextKey.id, 'ed25519']],
    )
    assert.deepEqual(
      custody.retention.items.map(({ action, entries, records, artifacts }) => [
        action,
        entries,
        records,
        artifacts,
      ]),
      [
        ['prune', 900, 0, 1],
        ['erase', 0, 1, 0],
        ['release', 0, 0, 0],
      ],
    )
    assert.deepEqual(
      custody.holds.items.map(({ record }) => record),
      [stands.id],
    )
    assert.match(renderHtml({ custody, ...rest }), /all entries below 900, 1 artifact/)
  })

  it('tells that records of the period were taken out, also after it; not of what was before or after it', async () => {
    const basis = { by: 'jane', reason: 'policy 5' }
    const erase = (records: [number, number][]) =>
      retention({ action: 'erase', ...basis, records, artifacts: [] })
    const journal = new MemoryJournal()
    const entries = ['2026-10-30', '2026-11-02', '2026-11-03', '2026-12-01', '2026-12-05'].map(
      (day) => journal.tick(at(`${day}T00:00`)).position.entry,
    )
    const [before = 0, first = 0, , , after = 0] = entries
    journal.add(
      at('2026-12-07T00:00'),
      erase([
        [before, 0],
        [after, 0],
      ]),
    )
    const whole = await journal.report(...NOVEMBER)
    assert.deepEqual([whole.custody.gone, whole.custody.retention.total], [{ entries: 0, records: 0 }, 0])
    assert.doesNotMatch(renderHtml(whole), /taken out of the journal/)
    journal.add(
      at('2026-12-09T00:00'),
      erase([
        [before, 0],
        [first, 0],
        [after, 0],
      ]),
    )
    const report = await journal.report(...NOVEMBER)
    assert.deepEqual([report.custody.gone, report.custody.retention.total], [{ entries: 0, records: 1 }, 1])
    const said =
      /Records of the period were taken out of the journal \(1 single record\): the figures are of what is left/
    assert.match(renderHtml(report), said)

    const pruned = new MemoryJournal()
    pruned.add(at('2026-12-03T00:00'), {
      ...retention({ action: 'prune', ...basis, segments: 2, entries: 900, keys: [], artifacts: [] }),
    })
    const { custody, ...rest } = await pruned.report(...NOVEMBER)
    assert.deepEqual(custody.gone, { entries: 900, records: 0 })
    assert.match(renderHtml({ custody, ...rest }), /taken out of the journal \(all below entry 900\)/)
  })

  it('tells the newest backup and drill, and that an attempt failed', async () => {
    const journal = new MemoryJournal()
    const made = (day: string): string => `2026-11-${day}T02:00:00.000Z`
    const drill = {
      enabled: true,
      made: made('01'),
      due: '2027-01-01T02:43:00.000Z',
      failing: false,
      problem: '',
    }
    const figures = { epochs: 1, entries: 9, records: 12, artifacts: 3, documents: 7, duration: 65_000 }
    backedUp(
      journal,
      '2026-11-01T03:00',
      { place: 'rclone', made: made('01'), failing: false },
      { ...drill, ...figures },
    )
    backedUp(
      journal,
      '2026-11-02T03:00',
      { place: 'rclone', made: made('02'), entries: 5, failing: false },
      { ...drill, ...figures },
    )
    const failed = {
      place: 'rclone',
      made: made('02'),
      entries: 5,
      failing: true,
      problem: 'exit code 1: <denied>',
    }
    const last = backedUp(journal, '2026-11-03T03:00', failed, { ...drill, ...figures })
    const report = await journal.report(...NOVEMBER)
    const { backup } = report.custody
    assert.deepEqual(
      [backup?.made, backup?.inPeriod, backup?.problem, backup?.record],
      [made('02'), 2, 'exit code 1: <denied>', last.id],
    )
    assert.equal(report.custody.drill?.inPeriod, 1)
    assert.ok(reportSchema.safeParse(report).success)
    const html = renderHtml(report)
    assert.match(html, /exit code 1: &lt;denied&gt;/)
    assert.match(html, /9 entries and 3 artifacts verified, a store made of 12 records/)
    // It is no look at anything.
    assert.equal(report.summary.runs, 0)
  })

  it('goes on over a restore: earlier epochs belong to the report, other journals do not', async () => {
    const journal = new MemoryJournal()
    journal.tick(at('2026-11-20T00:00'))
    const [before] = new MemoryJournal().seal(at('2026-11-10T00:00'), {
      kind: 'tick',
      time: '2026-11-10T00:00:00.000Z',
      body: { reason: 'interval' },
    })
    assert.ok(before !== undefined)
    const build = (id: string) =>
      buildReport(
        (async function* () {
          yield [{ ...before, id, position: { entry: 900, n: 0 } }]
          yield* journal.read()
        })(),
        {
          period: { from: '2026-11-01T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z' },
          checkpoint: { origin: `${ORIGIN}/${EPOCH}`, size: 1, root: '', text: '' },
          version: '0',
        },
      )
    const earlier = await build(formatRecordId(ORIGIN, EPOCH - 5, { entry: 900, n: 0 }))
    assert.equal(earlier.records.total, 2)
    await assert.rejects(
      build(formatRecordId(ORIGIN, EPOCH + 5, { entry: 900, n: 0 })),
      /expected a record of/,
    )
    await assert.rejects(
      build(formatRecordId('other', EPOCH - 5, { entry: 900, n: 0 })),
      /expected a record of/,
    )
  })
})
