import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { objectiveFacts, parsePartial, type BudgetInput } from '../../../rules/slo/budget.ts'
import { EventSeries } from '../../../rules/slo/eventSeries.ts'
import type { Objective } from '../../../rules/slo/objective.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../journalDouble.ts'

/** Midnight. */
const NOW = Date.parse('2026-11-22T00:00:00Z')

const OBJECTIVE: Objective = {
  key: 'ocsp_availability',
  kind: 'availability',
  subject: 'ocsp_responder_status[issuing-1]',
  tags: new Set(),
  probe: 'ocsp',
  target: 0.999,
  window: 30 * DAY,
  limit: undefined,
  spacing: MINUTE,
}

const good = (start: number) => ({ start, duration: 20, failed: false })
const bad = (start: number) => ({ start, duration: 20, failed: true })

/** A run a minute in [from, to); `isBad` says which of them fail. */
function fill(
  series: EventSeries,
  from: number,
  to: number,
  isBad: (at: number) => boolean = () => false,
): void {
  for (let at = from; at < to; at += MINUTE) series.add(isBad(at) ? bad(at) : good(at), false)
}

function facts(series: EventSeries, part: Partial<BudgetInput> = {}) {
  return objectiveFacts({
    objective: OBJECTIVE,
    series,
    maintained: () => [],
    countingSince: 0,
    maintenanceSince: 0,
    now: NOW,
    ...part,
  })
}

describe('an error budget', () => {
  it('is unknown without a run, never whole', () => {
    assert.deepEqual(facts(new EventSeries(OBJECTIVE)), {
      objective: 'availability',
      target: 0.999,
      window: 30 * DAY,
      excluded: 0,
      observed: 0,
    })
  })

  it('is the time that the target leaves: 43.2 minutes of 30 days at 99.9 %', () => {
    const series = new EventSeries(OBJECTIVE)
    fill(
      series,
      NOW - 30 * DAY - HOUR,
      NOW,
      (at) => at >= NOW - 10 * DAY && at < NOW - 10 * DAY + 12 * MINUTE,
    )
    const { budget, budgetRemaining, budgetLeft, total, good: ok } = facts(series, { now: NOW + 3 * MINUTE })
    assert.equal(budget, 43.2 * MINUTE)
    assert.equal(budgetRemaining, 0.722)
    assert.equal(budgetLeft, Math.round((43.2 * MINUTE * 0.722) / 1000) * 1000)
    assert.equal(total, 30 * 24 * 60)
    assert.equal(ok, 30 * 24 * 60 - 12)
  })

  it('is spent by the time that was bad, however few runs there were, and can be overspent', () => {
    const series = new EventSeries(OBJECTIVE)
    fill(series, NOW - HOUR, NOW, (at) => at >= NOW - HOUR + 30 * MINUTE)
    // Half of the only hour: 30 of 43.2 minutes, though half of all runs failed.
    assert.equal(facts(series, { now: NOW + 3 * MINUTE }).budgetRemaining, 0.306)
    fill(series, NOW - 2 * HOUR, NOW - HOUR, () => true)
    assert.equal(facts(series, { now: NOW + 3 * MINUTE }).budgetRemaining, -1.083)
  })

  it('counts a day two minutes after it ended, and not before', () => {
    const series = new EventSeries(OBJECTIVE)
    fill(series, NOW - HOUR, NOW)
    assert.equal(facts(series, { now: NOW + 2 * MINUTE - 1 }).total, undefined)
    assert.equal(facts(series, { now: NOW + 2 * MINUTE }).total, 60)
    assert.equal(facts(series, { now: NOW + 2 * MINUTE }).observed, HOUR)
  })

  it('forgets an hour when the window has passed over it', () => {
    const series = new EventSeries(OBJECTIVE)
    fill(series, NOW, NOW + HOUR, () => true)
    const end = NOW + HOUR + 30 * DAY
    fill(series, NOW + HOUR, end + HOUR)
    assert.ok((facts(series, { now: end - MINUTE }).budgetRemaining ?? 0) < 0)
    assert.equal(facts(series, { now: end + 3 * MINUTE }).budgetRemaining, 1)
  })
})

describe('a burn rate', () => {
  it('is the share of bad runs as a multiple of what the target allows', () => {
    const series = new EventSeries(OBJECTIVE)
    fill(series, NOW - 3 * DAY, NOW, (at) => at >= NOW - 3 * MINUTE)
    const now = NOW - SECOND
    const { burn5m, burn1h, burn6h, bad1h, bad6h } = facts(series, { now })
    // The minutes under way and those in which the windows begin count whole: 3 of 6, of 61, of 360.
    assert.equal(burn5m, 500)
    assert.equal(burn1h, Math.round((3 / 61 / 0.001) * 10) / 10)
    assert.equal(burn6h, 8.3)
    assert.deepEqual([bad1h, bad6h], [3, 3])
  })

  it('knows nothing of a window in which nothing ran', () => {
    const series = new EventSeries(OBJECTIVE)
    fill(series, NOW - 5 * HOUR, NOW - 20 * MINUTE)
    const { burn5m, burn30m } = facts(series)
    assert.equal(burn5m, undefined)
    assert.equal(burn30m, 0)
  })

  it('looks at two runs at least of a target that is probed seldom', () => {
    const seldom = { ...OBJECTIVE, spacing: 2 * HOUR }
    const series = new EventSeries(seldom)
    for (let at = NOW - DAY; at < NOW; at += 2 * HOUR)
      series.add(at === NOW - 2 * HOUR ? bad(at) : good(at), false)
    assert.equal(facts(series, { objective: seldom, now: NOW - MINUTE }).burn5m, 500)
  })

  it('of the last hour goes by hours until minutes were counted for so long', () => {
    const series = new EventSeries(OBJECTIVE)
    series.restore({ ...ROLL_UP, hour: '2026-11-21T23:00:00.000Z', runs: 60, failures: 30 })
    series.restore({ ...ROLL_UP, hour: '2026-11-22T00:00:00.000Z', runs: 30, failures: 0 })
    const now = NOW + 30 * MINUTE
    // Half of the hour before, and the half-hour under way.
    assert.equal(facts(series, { now, countingSince: now }).burn1h, 250)
    assert.equal(facts(series, { now, countingSince: now - HOUR }).burn1h, undefined)
  })
})

const ROLL_UP = { hour: '', subject: '', probe: 'ocsp', target: '', runs: 0, failures: 0, buckets: [] }

describe('latency', () => {
  const slow = { ...OBJECTIVE, kind: 'latency' as const, target: 0.99, limit: 512 }

  it('counts runs that succeed, and those of them as good that stay below the bound of their bucket', () => {
    const series = new EventSeries(slow)
    series.add({ start: NOW - HOUR, duration: 511, failed: false }, false)
    series.add({ start: NOW - HOUR, duration: 512, failed: false }, false)
    series.add({ start: NOW - HOUR, duration: 1, failed: true }, false)
    const { total, good: ok, threshold } = facts(series, { objective: slow, now: NOW + 3 * MINUTE })
    assert.deepEqual([total, ok, threshold], [2, 1, 512])
  })

  it('says the same of a roll-up', () => {
    const live = new EventSeries(slow)
    const restored = new EventSeries(slow)
    const buckets = new Array<number>(64).fill(0)
    for (const [duration, bucket] of [
      [100, 27],
      [511, 36],
      [512, 37],
      [3000, 47],
    ] as const) {
      live.add({ start: NOW - HOUR, duration, failed: false }, false)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
    }
    live.add({ start: NOW - HOUR, duration: 1, failed: true }, false)
    buckets[1] = 1
    restored.restore({ ...ROLL_UP, hour: '2026-11-21T23:00:00.000Z', runs: 5, failures: 1, buckets })
    const now = NOW + 3 * MINUTE
    const { good: ok, total } = facts(live, { objective: slow, now })
    assert.deepEqual([ok, total], [2, 4])
    const { good: restoredGood, total: restoredTotal } = facts(restored, { objective: slow, now })
    assert.deepEqual([restoredGood, restoredTotal], [ok, total])
  })

  it('has no events while everything fails', () => {
    const series = new EventSeries(slow)
    fill(series, NOW - HOUR, NOW, () => true)
    assert.equal(facts(series, { objective: slow, now: NOW + 3 * MINUTE }).budgetRemaining, undefined)
  })
})

describe('maintenance', () => {
  const window = { from: NOW - 2 * HOUR + 10 * MINUTE, to: NOW - HOUR + 20 * MINUTE }
  const maintained = ({ from, to }: { from: number; to: number }) => {
    const cut = { from: Math.max(from, window.from), to: Math.min(to, window.to) }
    return cut.from < cut.to ? [cut] : []
  }
  const inIt = (at: number): boolean => at >= window.from && at < window.to

  function maintainedSeries(): EventSeries {
    const series = new EventSeries(OBJECTIVE)
    for (let at = NOW - 3 * HOUR; at < NOW; at += MINUTE) series.add(inIt(at) ? bad(at) : good(at), inIt(at))
    return series
  }

  it('excludes its minutes to the millisecond, from events, budget and burn rates', () => {
    const result = facts(maintainedSeries(), { maintained, now: NOW + 3 * MINUTE })
    assert.equal(result.total, 180 - 70)
    assert.equal(result.good, result.total)
    assert.equal(result.excluded, 70 * MINUTE)
    assert.equal(result.observed, 3 * HOUR - 70 * MINUTE)
    assert.equal(result.budget, Math.round(0.001 * (30 * DAY - 70 * MINUTE)))
    assert.deepEqual([result.budgetRemaining, result.burn6h, result.burn1h], [1, 0, 0])
    assert.deepEqual(result.maintained, [
      `2026-11-21T22Z ${50 * MINUTE} 10/10`,
      `2026-11-21T23Z ${20 * MINUTE} 40/40`,
    ])
  })

  it('counts what is bad a moment before and after it', () => {
    const series = maintainedSeries()
    series.add(bad(window.from - 1), false)
    series.add(bad(window.to), false)
    const { total, good: ok } = facts(series, { maintained, now: NOW + 3 * MINUTE })
    assert.deepEqual([total, ok], [112, 110])
  })

  it('leaves hours out that it covers in part, when it was declared afterwards', () => {
    const input = { maintained, now: NOW + 3 * MINUTE, maintenanceSince: NOW }
    const { total, observed, maintained: listed } = facts(maintainedSeries(), input)
    assert.deepEqual([total, observed, listed], [60, HOUR, undefined])
  })

  it('leaves them in when what counts of them was recorded for the same minutes', () => {
    const series = new EventSeries(OBJECTIVE)
    series.restore({ ...ROLL_UP, hour: '2026-11-21T22:00:00.000Z', runs: 60, failures: 50 })
    series.restore({ ...ROLL_UP, hour: '2026-11-21T23:00:00.000Z', runs: 60, failures: 20 })
    for (const text of [`2026-11-21T22Z ${50 * MINUTE} 9/10`, `2026-11-21T23Z ${MINUTE} 0/59`]) {
      const partial = parsePartial(text)
      assert.ok(partial !== undefined)
      series.settle(partial.hour, partial)
    }
    const { total, good: ok } = facts(series, { maintained, now: NOW + 3 * MINUTE, maintenanceSince: NOW })
    assert.deepEqual([total, ok], [10, 9], 'the second was recorded when maintenance was another')
  })

  it('of the whole window leaves nothing to say', () => {
    const all = ({ from, to }: { from: number; to: number }) => [{ from, to }]
    const result = facts(maintainedSeries(), { maintained: all, now: NOW + 3 * MINUTE })
    assert.deepEqual([result.total, result.budget, result.burn6h], [undefined, undefined, undefined])
  })
})

it('what is no hour in part is not taken for one', () => {
  for (const text of ['', '2026-11-22T06Z', '2026-13-22T06Z 1 1/1', '2026-11-22T06Z -1 1/1', '9'.repeat(300)])
    assert.equal(parsePartial(text), undefined)
})
