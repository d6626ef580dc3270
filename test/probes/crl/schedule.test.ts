import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSchedule, scheduleFacts, type IssuingSchedule } from '../../../probes/crl/schedule.ts'

const due = (thisUpdate: string, schedule: IssuingSchedule): string | undefined =>
  scheduleFacts({ thisUpdate }, schedule)?.nextDue

const DAILY = { kind: 'cron', expression: '0 6 * * *', timezone: 'UTC' } as const

test('a CRL is due one period after the last', () => {
  const schedule = { kind: 'every', period: 86_400_000 } as const
  assert.deepEqual(scheduleFacts({ thisUpdate: '2026-11-22T08:00:00.000Z' }, schedule), {
    nextDue: '2026-11-23T08:00:00.000Z',
    schedule: 'every 1d',
  })
})

test('a CRL is due at the next time of a cron expression, in its time zone', () => {
  assert.equal(due('2026-11-22T06:00:07.000Z', DAILY), '2026-11-23T06:00:00.000Z')
  const berlin = { ...DAILY, timezone: 'Europe/Berlin' }
  assert.equal(due('2026-11-22T05:00:07.000Z', berlin), '2026-11-23T05:00:00.000Z')
  assert.equal(due('2026-06-22T05:00:07.000Z', berlin), '2026-06-23T04:00:00.000Z')
})

test('a CRL whose thisUpdate is a little earlier than its time is the one of that time', () => {
  assert.equal(due('2026-11-22T05:50:00.000Z', DAILY), '2026-11-23T06:00:00.000Z')
  assert.equal(due('2026-11-22T05:45:00.000Z', DAILY), '2026-11-23T06:00:00.000Z')
  assert.equal(due('2026-11-22T05:44:59.000Z', DAILY), '2026-11-22T06:00:00.000Z')
})

test('on a schedule of minutes only half a step counts as a little', () => {
  const often = { ...DAILY, expression: '*/10 * * * *' }
  assert.equal(due('2026-11-22T06:01:00.000Z', often), '2026-11-22T06:10:00.000Z')
  assert.equal(due('2026-11-22T06:06:00.000Z', often), '2026-11-22T06:20:00.000Z')
})

test('the last time of a schedule is due too, and after it nothing', () => {
  const once = { ...DAILY, expression: '0 0 6 1 1 * 2027' }
  assert.equal(due('2026-11-22T06:00:00.000Z', once), '2027-01-01T06:00:00.000Z')
  assert.equal(due('2027-11-22T06:00:00.000Z', once), undefined)
})

test('nothing is due without a schedule or without a CRL', () => {
  assert.equal(scheduleFacts({ thisUpdate: '2026-11-22T06:00:00.000Z' }, undefined), undefined)
  assert.equal(scheduleFacts({}, DAILY), undefined)
})

test('what is no schedule is refused', () => {
  checkSchedule(DAILY)
  assert.throws(() => checkSchedule({ ...DAILY, expression: 'daily' }))
  assert.throws(() => checkSchedule({ ...DAILY, timezone: 'Nowhere/Land' }))
  assert.throws(() => checkSchedule({ ...DAILY, expression: '0 0 30 2 *' }), RangeError)
})
