import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toTimestamp } from '../../model/time.ts'
import { SECOND, START } from '../rules/journalDouble.ts'
import { DispatcherBench } from './dispatcherBench.ts'

describe('a receiver that is down', () => {
  it('gets the alert later, after pauses that grow; the failure is recorded once, and visible', async () => {
    const t = new DispatcherBench()
    await t.start()
    t.receiver.down = true
    t.receiver.attempts = 0
    await t.decide('fail')
    await t.pass(5)
    assert.deepEqual(t.actions(), ['undelivered'])
    // After 0, 1, 3, 7, 15, 31, 63, 123, 183, 243 seconds.
    assert.equal(t.receiver.attempts, 10)
    const lost = t.dispatcher.status()
    assert.deepEqual([lost.active, lost.undelivered], [1, 1])
    assert.deepEqual(lost.receivers, [
      {
        receiver: 'http://am.test/',
        undelivered: 1,
        failures: 10,
        failuresInRow: 10,
        lastSuccess: toTimestamp(START),
        lastError: 'connection refused',
      },
    ])
    t.receiver.down = false
    await t.pass()
    assert.equal(t.sent()[0], 'firing fail')
    assert.deepEqual(t.actions(), ['sent'])
    const [healed] = t.dispatcher.status().receivers
    assert.deepEqual([healed?.undelivered, healed?.failuresInRow, healed?.lastError], [0, 0, undefined])
    assert.equal(healed?.lastSuccess, toTimestamp(START + 303 * SECOND))
  })

  it('is not asked again for every decision meanwhile', async () => {
    const t = new DispatcherBench()
    await t.start()
    t.receiver.down = true
    await t.decide('fail')
    const { attempts } = t.receiver
    for (let i = 0; i < 50; i++) await t.decide('fail', { subject: `ca_crl[x${i}]` })
    assert.equal(t.receiver.attempts, attempts)
    t.receiver.down = false
    await t.pass()
    assert.equal(t.sent().length, 51)
  })

  it('is not said to lack what it still has; what ended there meanwhile is recorded once', async () => {
    const t = new DispatcherBench()
    await t.start()
    await t.decide('fail')
    t.receiver.down = true
    await t.pass(3)
    assert.deepEqual(t.actions(), ['sent'])
    assert.equal(t.dispatcher.status().undelivered, 0)
    await t.pass(30)
    assert.deepEqual(t.actions(), ['undelivered'])
    assert.equal(t.dispatcher.status().undelivered, 1)
  })

  it('is not told for ever of an alert that has ended there by itself', async () => {
    const t = new DispatcherBench()
    await t.start()
    await t.decide('fail')
    t.receiver.down = true
    await t.decide('pass')
    await t.pass(5)
    assert.deepEqual(t.actions(), ['sent', 'undelivered', 'resolved'])
    assert.equal(t.dispatcher.status().undelivered, 0)
  })

  it('does not hold up the others', async () => {
    const t = new DispatcherBench(['http://other.test/'])
    const [, other] = t.receivers
    await t.start()
    t.receiver.down = true
    await t.decide('fail')
    assert.deepEqual(other?.take(), ['firing fail'])
    assert.deepEqual(
      t.recorded.map((a) => [a.receiver, a.status]),
      [
        ['http://am.test/', 'undelivered'],
        ['http://other.test/', 'sent'],
      ],
    )
  })

  it('gets the resolution later', async () => {
    const t = new DispatcherBench()
    await t.start()
    await t.decide('fail')
    t.sent()
    t.receiver.down = true
    await t.decide('pass')
    await t.pass(2)
    assert.deepEqual(t.actions(), ['sent', 'undelivered'])
    assert.equal(t.dispatcher.status().undelivered, 1)
    t.receiver.down = false
    await t.pass()
    assert.deepEqual(t.sent(), ['resolved pass'])
    assert.deepEqual(t.actions(), ['resolved'])
  })

  it('goes on with the same alert when it failed again before the resolution got through', async () => {
    const t = new DispatcherBench()
    await t.start()
    await t.decide('fail')
    t.receiver.down = true
    await t.decide('pass')
    await t.decide('fail')
    t.receiver.down = false
    t.sent()
    await t.pass()
    assert.equal(t.receiver.posts.at(-1)?.[0]?.startsAt, toTimestamp(START))
    assert.deepEqual(t.sent(), ['firing fail'])
  })
})
