import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reportSchedule } from '../../cli/reportSchedule.ts'
import { parseSchedule, type Schedule } from '../../cli/schedule.ts'

/** A schedule on a clock of its own. */
class World {
  now = Date.parse('2026-11-30T12:00:00Z')
  began = Date.parse('2026-10-05T00:00:00Z')
  readonly written: string[] = []
  fails = false
  readonly schedule: Schedule<string>
  #work: (() => void) | undefined
  #due = 0

  constructor(expression = '30 5 1 * *', timezone = 'UTC') {
    this.schedule = reportSchedule({
      cron: parseSchedule(expression, timezone),
      now: () => this.now,
      began: this.began,
      isWritten: (month) => this.written.includes(month),
      write: (month) => {
        if (this.fails) return Promise.reject(new Error('disk full'))
        this.written.push(month)
        return Promise.resolve()
      },
      onError: () => undefined,
      after: (ms, work) => {
        this.#due = this.now + ms
        this.#work = work
        return () => (this.#work = undefined)
      },
    })
  }

  /** Lets time pass, with every look that falls into it. */
  async until(time: string): Promise<void> {
    const end = Date.parse(time)
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      if (this.#work === undefined || this.#due > end) break
      this.now = this.#due
      this.#work()
    }
    this.now = end
  }
}

test('the report of a month is written at the first due time after its end, once', async () => {
  const world = new World()
  world.written.push('2026-10')
  world.schedule.start()
  await world.until('2026-12-01T05:29:59Z')
  assert.deepEqual(world.written, ['2026-10'])
  await world.until('2026-12-01T05:30:00Z')
  assert.deepEqual(world.written, ['2026-10', '2026-11'])
  await world.until('2026-12-31T23:00:00Z')
  assert.deepEqual(world.written, ['2026-10', '2026-11'])
  await world.schedule.close()
})

test('the due time is meant in the time zone of the configuration', async () => {
  const world = new World('30 5 1 * *', 'Europe/Paris')
  world.written.push('2026-10')
  world.schedule.start()
  await world.until('2026-12-01T04:29:59Z')
  assert.equal(world.written.length, 1)
  await world.until('2026-12-01T04:30:00Z')
  assert.equal(world.written.length, 2)
  await world.schedule.close()
})

test('a report that was missed is written at the start', async () => {
  const world = new World()
  world.schedule.start()
  await world.until('2026-11-30T12:00:00Z')
  assert.deepEqual(world.written, ['2026-10'])
  await world.schedule.close()
})

test('a report that failed is tried again within the hour', async () => {
  const world = new World()
  world.fails = true
  world.schedule.start()
  await world.until('2026-11-30T12:30:00Z')
  world.fails = false
  await world.until('2026-11-30T13:00:00Z')
  assert.deepEqual(world.written, ['2026-10'])
  await world.schedule.close()
})

test('there is no report about a month before the journal began', async () => {
  const world = new World()
  world.began = Date.parse('2026-11-02T00:00:00Z')
  const young = reportSchedule({
    cron: parseSchedule('30 5 1 * *', 'UTC'),
    now: () => world.now,
    began: world.began,
    isWritten: () => false,
    write: () => assert.fail('nothing to report'),
    onError: (error) => {
      throw error
    },
    after: () => () => undefined,
  })
  young.start()
  await young.close()
})

test('an expression or a zone that cannot be read is refused', () => {
  assert.throws(() => parseSchedule('every day', 'UTC'))
  assert.throws(() => parseSchedule('0 5 31 2 *', 'UTC'))
  assert.throws(() => parseSchedule('0 5 1 * *', 'Mars/Olympus'))
})
