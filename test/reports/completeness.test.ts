import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { at, CRL, MemoryJournal } from './records.ts'
import { toTimestamp } from '../../model/time.ts'

const DAY: [string, string] = ['2026-11-10T00:00', '2026-11-11T00:00']
const MINUTE = 60_000

function ticks(journal: MemoryJournal, from: string, to: string): void {
  for (let t = at(from); t <= at(to); t += MINUTE) journal.tick(t)
}

describe('gaps', () => {
  it('there are none while ticks go on', async () => {
    const journal = new MemoryJournal()
    ticks(journal, '2026-11-09T23:50', '2026-11-11T00:10')
    const { completeness, covered } = await journal.report(...DAY)
    assert.equal(completeness.gaps.total, 0)
    assert.equal(completeness.percent, 100)
    assert.equal(completeness.observed, 86_400_000)
    assert.deepEqual(covered, { from: '2026-11-10T00:00:00.000Z', to: '2026-11-11T00:00:00.000Z' })
  })

  it('tell a stop from a crash and from silence, with the records on both sides', async () => {
    const journal = new MemoryJournal()
    journal.tick(at('2026-11-09T23:00'), 'start')
    ticks(journal, '2026-11-09T23:01', '2026-11-10T01:00')
    const stop = journal.tick(at('2026-11-10T01:00:30.000Z'), 'stop')
    const start = journal.tick(at('2026-11-10T01:02:30.000Z'), 'start')
    ticks(journal, '2026-11-10T01:03', '2026-11-10T02:00')
    const crash = journal.entries.at(-1)?.[0]
    const again = journal.tick(at('2026-11-10T02:03'), 'start')
    ticks(journal, '2026-11-10T02:04', '2026-11-10T03:00')
    const stalled = journal.entries.at(-1)?.[0]
    const awake = journal.tick(at('2026-11-10T03:10'))
    ticks(journal, '2026-11-10T03:11', '2026-11-11T00:05')
    const { completeness, summary } = await journal.report(...DAY)
    assert.deepEqual(
      completeness.gaps.items.map((g) => [g.kind, g.from.slice(11, 19), g.duration, g.records]),
      [
        ['stopped', '01:00:30', 2 * MINUTE, [stop.id, start.id]],
        ['crashed', '02:00:00', 3 * MINUTE, [crash?.id, again.id]],
        ['silent', '03:00:00', 10 * MINUTE, [stalled?.id, awake.id]],
      ],
    )
    assert.equal(completeness.observed, 86_400_000 - 15 * MINUTE)
    assert.equal(completeness.percent, 98.958)
    assert.equal(summary.areas.find((a) => a.area === 'monitoring')?.verdict, 'deviations')
  })

  it('are cut at the borders of the period', async () => {
    const journal = new MemoryJournal()
    journal.tick(at('2026-11-09T22:00'))
    journal.tick(at('2026-11-10T01:00'), 'start')
    ticks(journal, '2026-11-10T01:01', '2026-11-10T23:00')
    journal.tick(at('2026-11-11T05:00'))
    const { completeness } = await journal.report(...DAY)
    assert.deepEqual(
      completeness.gaps.items.map((g) => [g.kind, g.from, g.to]),
      [
        ['crashed', '2026-11-10T00:00:00.000Z', '2026-11-10T01:00:00.000Z'],
        ['silent', '2026-11-10T23:00:00.000Z', '2026-11-11T00:00:00.000Z'],
      ],
    )
  })

  it('say what lies before the journal begins and after it ends', async () => {
    const journal = new MemoryJournal()
    const first = journal.tick(at('2026-11-10T06:00'), 'start')
    ticks(journal, '2026-11-10T06:01', '2026-11-10T18:00')
    const { completeness } = await journal.report(...DAY)
    assert.deepEqual(
      completeness.gaps.items.map((g) => [g.kind, g.from.slice(11), g.to.slice(11), g.records.length]),
      [
        ['before_start', '00:00:00.000Z', '06:00:00.000Z', 1],
        ['after_end', '18:00:00.001Z', '00:00:00.000Z', 1],
      ],
    )
    assert.deepEqual(completeness.gaps.items[0]?.records, [first.id])
    assert.equal(completeness.observed, 12 * 60 * MINUTE + 1)
  })

  it('are bridged by runs as well as by ticks, not by audit events', async () => {
    const journal = new MemoryJournal()
    journal.tick(at('2026-11-10T00:00'))
    const full = journal.observe(at('2026-11-10T00:04'), CRL)
    journal.unchanged(full, [at('2026-11-10T00:08')])
    for (let i = 9; i < 30; i++)
      journal.audit(at('2026-11-10T00:00') + i * MINUTE, { action: 'ACCESS_CONTROL' })
    journal.tick(at('2026-11-10T00:30'))
    const { gaps } = (await journal.report('2026-11-10T00:00', '2026-11-10T00:30')).completeness
    assert.deepEqual(
      gaps.items.map((g) => [g.kind, g.from.slice(11, 19), g.to.slice(11, 19)]),
      [['silent', '00:08:00', '00:30:00']],
    )
  })

  it('beyond the list are counted with their time', async () => {
    const journal = new MemoryJournal()
    for (let i = 0; i < 300; i++) journal.tick(at('2026-11-10T00:00') + i * MINUTE, 'start')
    const { gaps, observed } = (await journal.report('2026-11-10T00:00', '2026-11-10T04:59')).completeness
    assert.deepEqual([gaps.total, gaps.more, gaps.items.length], [299, 99, 200])
    assert.equal(observed, 0)
  })
})

describe('the monitor itself', () => {
  it('shows new epochs and steps of its clock', async () => {
    const journal = new MemoryJournal()
    const time = toTimestamp(at('2026-11-10T01:00'))
    const epoch = journal.add(at('2026-11-10T01:00'), {
      kind: 'epoch',
      time,
      body: { reason: 'restore', previous: 'old checkpoint' },
    })
    const back = journal.tick(at('2026-11-10T00:30'))
    const { completeness } = await journal.report(...DAY)
    assert.deepEqual(completeness.epochs.items, [
      { time, record: epoch.id, reason: 'restore', previous: 'old checkpoint' },
    ])
    assert.deepEqual(completeness.clockSteps, {
      records: { total: 1, more: 0, items: [back.id] },
      longest: 30 * MINUTE,
    })
  })

  it('shows its configuration: in force at the start, and every change', async () => {
    const journal = new MemoryJournal()
    const change = (ms: number, by: string) =>
      journal.add(ms, {
        kind: 'configuration',
        time: toTimestamp(ms),
        body: {
          by,
          product: '0.1.0',
          artifacts: [
            { name: 'vigil.yaml', digest: 'ab'.repeat(32), mediaType: 'text/yaml', size: 900, kept: true },
          ],
        },
      })
    change(at('2026-11-01T00:00'), 'root')
    const before = change(at('2026-11-09T00:00'), 'alice')
    const inside = change(at('2026-11-10T15:00'), 'bob')
    change(at('2026-11-12T00:00'), 'carol')
    const { configuration } = await journal.report(...DAY)
    assert.deepEqual(configuration.atStart, {
      time: '2026-11-09T00:00:00.000Z',
      record: before.id,
      by: 'alice',
      product: '0.1.0',
      artifacts: [{ name: 'vigil.yaml', digest: 'ab'.repeat(32), size: 900 }],
    })
    assert.deepEqual(
      configuration.changes.items.map((c) => [c.by, c.record]),
      [['bob', inside.id]],
    )
  })
})
