import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Tally } from '../../../rules/simulation/tally.ts'

const MINUTE = 60_000
const PERIOD = { from: 100 * MINUTE, to: 200 * MINUTE }

describe('what two sides say about a subject', () => {
  it('is compared by the time that they tell of, though one is heard later', () => {
    const tally = new Tally(PERIOD)
    tally.say('simulated', 110 * MINUTE, 'fail')
    tally.say('simulated', 114 * MINUTE, 'quiet')
    tally.say('recorded', 110 * MINUTE, 'fail')
    tally.say('recorded', 114 * MINUTE, 'quiet')
    const { simulated, recorded, bothFailing } = tally.totals(PERIOD.to)
    assert.deepEqual(simulated, recorded)
    assert.equal(bothFailing, 4 * MINUTE)
    assert.deepEqual([simulated.first, simulated.last, simulated.failures], [110 * MINUTE, 114 * MINUTE, 1])
  })

  it('counts where the sides overlap, and only there', () => {
    const tally = new Tally(PERIOD)
    tally.say('simulated', 110 * MINUTE, 'fail')
    tally.say('recorded', 125 * MINUTE, 'fail')
    tally.say('simulated', 140 * MINUTE, 'unknown')
    tally.say('recorded', 150 * MINUTE, 'quiet')
    const { simulated, recorded, bothFailing } = tally.totals(160 * MINUTE)
    assert.equal(simulated.failing, 30 * MINUTE)
    assert.equal(simulated.unknown, 20 * MINUTE)
    assert.equal(recorded.failing, 25 * MINUTE)
    assert.equal(bothFailing, 15 * MINUTE)
  })

  it('does not count what lies outside of the period', () => {
    const tally = new Tally(PERIOD)
    tally.say('simulated', 10 * MINUTE, 'fail')
    tally.say('simulated', 20 * MINUTE, 'quiet')
    tally.say('recorded', 95 * MINUTE, 'fail')
    tally.say('recorded', 105 * MINUTE, 'quiet')
    tally.say('simulated', 190 * MINUTE, 'fail')
    tally.say('recorded', 250 * MINUTE, 'fail')
    const { simulated, recorded } = tally.totals(300 * MINUTE)
    assert.deepEqual([simulated.failing, simulated.failures, simulated.first], [10 * MINUTE, 1, 190 * MINUTE])
    assert.equal(simulated.last, undefined, 'it still fails')
    assert.deepEqual([recorded.failing, recorded.failures, recorded.first], [5 * MINUTE, 1, PERIOD.from])
    assert.equal(recorded.last, 105 * MINUTE)
  })

  it('is judged only when the simulated side came to a verdict', () => {
    const never = new Tally(PERIOD)
    never.say('simulated', 90 * MINUTE, 'unknown')
    assert.equal(never.totals(PERIOD.to).judged, false)
    const once = new Tally(PERIOD)
    once.say('simulated', 90 * MINUTE, 'unknown')
    once.say('simulated', 150 * MINUTE, 'quiet')
    once.say('simulated', 151 * MINUTE, 'unknown')
    assert.equal(once.totals(PERIOD.to).judged, true)
  })

  it('adds up the same however long it goes on', () => {
    const tally = new Tally({ from: 0, to: Infinity })
    const turns = 50_000
    for (let i = 0; i < turns; i++) tally.say('simulated', i * MINUTE, i % 2 === 0 ? 'fail' : 'quiet')
    const { simulated } = tally.totals(turns * MINUTE)
    assert.equal(simulated.failing, (turns / 2) * MINUTE)
    assert.equal(simulated.failures, turns / 2)
  })
})
