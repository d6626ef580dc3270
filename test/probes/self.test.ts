import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FactsOf } from '../../model/facts.ts'
import { onServerTime, tellServerTime, type ServerTime } from '../../probes/fetch/serverTime.ts'
import { HeardClocks } from '../../probes/heardClocks.ts'
import { SelfProbe, type MonitorReading } from '../../probes/self.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const START = Date.parse('2026-11-22T08:00:00Z')
const GIB = 1024 ** 3

const TARGET = {
  probe: 'crl',
  subject: 'ca_crl[ca]',
  address: 'http://crl.test/',
  interval: MINUTE,
  timeout: 10 * SECOND,
} as const

const WELL: MonitorReading = {
  receivers: [{ receiver: 'http://am/', isFailing: false, undelivered: 0, delivered: START }],
  repairsUndelivered: 0,
  refused: undefined,
  entries: { sealed: 10, store: 10, elasticsearch: undefined },
  disks: [{ path: '/journal', free: 50 * GIB, total: 100 * GIB }],
  configurationCurrent: true,
  sourcesFailing: [],
  problems: [],
  memory: { used: GIB / 8, limit: undefined },
}

/** A monitor whose wall clock and monotonic clock are set by hand. */
function setUp() {
  const clock = { wall: START, monotonic: 5 * HOUR }
  const clocks = { now: () => clock.wall, monotonic: () => clock.monotonic }
  const heard = new HeardClocks(clocks)
  const probe = new SelfProbe({
    subject: 'monitor[test]',
    vantage: 'v',
    targets: [TARGET],
    clocks: heard,
    ...clocks,
  })
  return {
    heard,
    ran: () => probe.ran(TARGET),
    pass: (ms: number, step = 0): void => {
      clock.monotonic += ms
      clock.wall += ms + step
    },
    look: (changes: Partial<MonitorReading> = {}): FactsOf<'monitor'> =>
      probe.look({ ...WELL, ...changes }).observation.facts.monitor ?? {},
  }
}

describe('the monitor', () => {
  it('says the same while nothing happens, whatever wobbles', () => {
    const { ran, pass, look, heard } = setUp()
    const said = new Set<string>()
    for (let i = 0; i < 1440; i++) {
      ran()
      heard.hear({ host: 'crl.test', time: START + i * MINUTE + (i % 7) * SECOND })
      const facts = look({
        receivers: [{ receiver: 'http://am/', isFailing: false, undelivered: 0, delivered: START + i }],
        entries: { sealed: 10 + 3 * i, store: 9 + 3 * i, elasticsearch: 8 + 3 * i },
        disks: [
          { path: '/store', free: 90 * GIB, total: 100 * GIB },
          { path: '/journal', free: 50 * GIB - i * 1024 ** 2, total: 100 * GIB },
        ],
        memory: { used: GIB / 8 + (i % 10) * 1024 ** 2, limit: GIB },
      })
      said.add(JSON.stringify(facts))
      pass(MINUTE, ((i % 3) - 1) * 10)
    }
    assert.equal(said.size, 1, [...said].slice(0, 3).join('\n'))
  })

  it('follows a disk that fills up, of two the fuller one', () => {
    const { look } = setUp()
    const disks = (free: number): MonitorReading['disks'] => [
      { path: '/store', free: 90, total: 100 },
      { path: '/journal', free, total: 1000 },
    ]
    const { diskPath, diskFree, diskFreeShare } = look({ disks: disks(500) })
    assert.deepEqual([diskPath, diskFree, diskFreeShare], ['/journal', 500, 50])
    assert.equal(look({ disks: disks(480) }).diskFree, 500)
    assert.equal(look({ disks: disks(470) }).diskFree, 470)
    assert.equal(look({ disks: disks(0) }).diskFree, 0)
    assert.equal(look({ disks: disks(10) }).diskFree, 10)
    assert.equal(look({ disks: [{ path: '/store', free: 1, total: 100 }] }).diskPath, '/store')
  })

  it('M03: names the receivers that take nothing, and since when', () => {
    const { look } = setUp()
    const receiver = { receiver: 'http://a/', isFailing: true, undelivered: 3, delivered: START }
    const one = look({ receivers: [...WELL.receivers, receiver] })
    assert.deepEqual(one.alertsFailing, ['http://a/'])
    assert.equal(one.alertReceivers, 2)
    assert.equal(one.alertsUndelivered, 3)
    assert.equal(one.alertsDelivered, '2026-11-22T08:00:00.000Z')
    const never = look({
      receivers: [receiver, { ...receiver, receiver: 'http://b/', delivered: undefined }],
    })
    assert.equal('alertsDelivered' in never, false)
    assert.equal(look({ receivers: [] }).alertReceivers, 0)
  })

  it('M04: sees that the clock was set, and not that it was slewed', () => {
    const { pass, look } = setUp()
    assert.equal(look().clockStep, 0)
    pass(MINUTE, 30)
    assert.equal(look().clockStep, 0)
    pass(MINUTE, -HOUR)
    const back = look()
    assert.deepEqual(
      [back.clockStep, back.clockStepDirection, back.clockSteppedAt],
      [HOUR, 'back', '2026-11-22T07:02:00.030Z'],
    )
    pass(MINUTE)
    assert.deepEqual(look(), back, 'until it is set again')
    pass(MINUTE, 2 * SECOND)
    assert.deepEqual([look().clockStep, look().clockStepDirection], [2 * SECOND, 'forward'])
  })

  it('M05: says for how long a projection has lacked a record', () => {
    const { pass, look } = setUp()
    const entries = (sealed: number, store: number): Partial<MonitorReading> => ({
      entries: { sealed, store, elasticsearch: store },
    })
    assert.equal(look(entries(10, 9)).storeLag, 0, 'a moment behind is not behind')
    pass(MINUTE)
    assert.equal(look(entries(20, 10)).storeLag, 0)
    for (const minutes of [1, 2, 3]) {
      pass(MINUTE)
      const { storeLag, elasticsearchLag } = look(entries(20 + minutes, 19))
      assert.deepEqual([storeLag, elasticsearchLag], [minutes * MINUTE, minutes * MINUTE])
    }
    pass(MINUTE)
    assert.equal(look(entries(30, 21)).storeLag, 2 * MINUTE, 'it has moved, and still lacks some')
    pass(MINUTE)
    assert.equal(look(entries(30, 30)).storeLag, 0)
  })

  it('M05: says afterwards that the journal refused', () => {
    const { look } = setUp()
    assert.equal(look().journalRefused, 0)
    const { journalRefused, journalRefusedUntil } = look({
      refused: { from: START, until: START + MINUTE },
    })
    assert.deepEqual([journalRefused, journalRefusedUntil], [MINUTE, '2026-11-22T08:01:00.000Z'])
    // The clock was set back while it did.
    assert.equal(look({ refused: { from: START, until: START - HOUR } }).journalRefused, SECOND)
  })

  it('M06: names what was not probed for three intervals and a timeout, also what never was', () => {
    const { pass, ran, look } = setUp()
    pass(3 * MINUTE + 10 * SECOND)
    assert.deepEqual([look().targets, look().targetsOverdue], [1, 0])
    pass(1)
    assert.deepEqual(look().overdue, ['crl http://crl.test/'])
    ran()
    assert.equal(look().targetsOverdue, 0)
    pass(3 * MINUTE, HOUR)
    assert.equal(look().targetsOverdue, 0, 'by a clock that nobody sets')
    pass(11 * SECOND)
    assert.equal(look().targetsOverdue, 1)
  })
})

describe('M04: the clocks of others', () => {
  const say = (heard: HeardClocks, ...offsets: readonly number[]): void =>
    offsets.forEach((offset, i) => heard.hear({ host: `h${i}`, time: START + offset }))

  it('are silent at first, which is no agreement', () => {
    const { look } = setUp()
    assert.equal(look().clockSources, 0)
    assert.equal('clockOffset' in look(), false)
  })

  it('count once each, by their median, so that one that is wrong says nothing', () => {
    const { heard, look } = setUp()
    say(heard, 0, 2 * SECOND, HOUR)
    say(heard, 0, 2 * SECOND, HOUR)
    const { clockSources, clockOffset, clockOffsetDirection } = look()
    assert.deepEqual([clockSources, clockOffset, clockOffsetDirection], [3, 0, ''])
  })

  it('say by how much ours is wrong', () => {
    const { heard, look } = setUp()
    say(heard, HOUR, HOUR + 3 * SECOND, 0)
    const behind = look()
    assert.deepEqual([behind.clockOffset, behind.clockOffsetDirection], [HOUR, 'behind'])
    say(heard, -MINUTE - SECOND, -MINUTE, 0)
    const ahead = look()
    assert.deepEqual([ahead.clockOffset, ahead.clockOffsetDirection], [MINUTE, 'ahead'])
  })

  it('are forgotten after an hour', () => {
    const { heard, look, pass } = setUp()
    say(heard, HOUR)
    pass(HOUR)
    assert.equal(look().clockSources, 1)
    pass(1)
    assert.equal(look().clockSources, 0)
  })

  it('are heard in what servers answer, but not through caches', () => {
    const told: ServerTime[] = []
    const stop = onServerTime((heard) => told.push(heard))
    try {
      const date = 'Sun, 22 Nov 2026 08:00:00 GMT'
      tellServerTime('a', { date })
      tellServerTime('b', { date, age: '7' })
      tellServerTime('c', { date: 'yesterday' })
      tellServerTime('d', {})
    } finally {
      stop()
    }
    tellServerTime('e', { date: 'Sun, 22 Nov 2026 08:00:00 GMT' })
    assert.deepEqual(told, [{ host: 'a', time: START }])
  })
})
