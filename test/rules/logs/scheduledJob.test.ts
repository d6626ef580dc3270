import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HOUR, MINUTE, SECOND, START } from '../journalDouble.ts'
import { declaredLog, run, runEvent, tick } from './controlPlane.ts'
import { JudgedLog } from './judgedLog.ts'

const RULES = ['job_ran', 'job_succeeded', 'job_ran_once', 'job_on_time', 'job_not_too_long']

/** Every hour; the journal begins at a full one. */
const HOURLY = { id: 'nightly', job: 'renew', cron: '0 * * * *', grace: '10m', max_duration: '20m' }

function hourly(more: object = {}): JudgedLog {
  return new JudgedLog(declaredLog({ jobs: [{ ...HOURLY, ...more }] }))
}

/** Those of the rules that are not well. */
function troubles(log: JudgedLog, later = 0): readonly string[] {
  log.finding('job_ran', later)
  return RULES.flatMap((rule) => {
    const state = log.state(rule)
    return state === 'pass' || state === 'not_applicable' ? [] : [`${rule} ${state}`]
  })
}

/** As Dagster tells of it: what its log says, then what it is. */
function whole(id: string, at: number, { status = 'SUCCESS', took = MINUTE, tags = {} } = {}) {
  return [
    runEvent(id, 'RUN_START', at),
    runEvent(id, `RUN_${status}`, at + took),
    run(id, status, at + took, { tags }),
  ]
}

/** An hour after another in which the job ran. */
function wellFor(log: JudgedLog, hours: number): void {
  for (let i = 1; i <= hours; i++) {
    const due = START + i * HOUR
    log.journal.now = due + 5 * MINUTE
    log.hear(whole(`run-${i}`, due + SECOND))
    assert.deepEqual(troubles(log), [])
    assert.equal(log.facts('job').job?.state, 'succeeded')
  }
}

describe('a scheduled job', () => {
  it('passes as long as it runs, from one time that is due to the next', () => {
    const log = hourly()
    assert.deepEqual(troubles(log), [])
    assert.equal(log.facts('job').job?.state, 'waiting')
    wellFor(log, 3)
    log.journal.now = START + 4 * HOUR
    assert.deepEqual(troubles(log, 9 * MINUTE), [], 'there is time, and the one before counts')
  })

  it('was missed where the log went on, and is unknown where the log is silent', () => {
    const log = hourly()
    wellFor(log, 1)
    log.journal.now = START + 2 * HOUR
    assert.deepEqual(
      troubles(log, 10 * MINUTE + SECOND),
      RULES.map((rule) => `${rule} unknown`),
    )
    log.hear([tick(log.journal.now)])
    assert.deepEqual(troubles(log), ['job_ran fail'])
    assert.match(log.finding('job_ran')?.summary ?? '', /^The job was due at 2026-11-22T10:00:00Z/)
    log.restart(0)
    assert.deepEqual(troubles(log, MINUTE), ['job_ran fail'], 'as a restart finds it')
    log.hear(whole('late', log.journal.now))
    assert.deepEqual(troubles(log, MINUTE), ['job_on_time fail'], 'it came late')
    log.journal.now = START + 3 * HOUR
    log.hear(whole('next', log.journal.now))
    assert.deepEqual(troubles(log, 2 * MINUTE), [])
  })

  it('is not missed before its log has been read', () => {
    const log = hourly()
    log.hear([tick(START - 30 * HOUR)])
    assert.equal(log.facts('job').job?.since, '2026-11-21T02:00:00.000Z')
    assert.deepEqual(
      troubles(log, 15 * MINUTE),
      RULES.map((rule) => `${rule} unknown`),
    )
    log.hear([...whole('old', START - 20 * HOUR), ...whole('newest', START + SECOND)])
    assert.deepEqual(troubles(log), [])
  })

  it('failed until a retry, or the next time, succeeds', () => {
    const log = hourly()
    log.journal.now = START + HOUR + 5 * MINUTE
    log.hear(whole('first', START + HOUR, { status: 'FAILURE' }))
    assert.deepEqual(troubles(log), ['job_succeeded fail'])
    log.hear(whole('retry', log.journal.now, { tags: { 'dagster/parent_run_id': 'first' } }))
    assert.deepEqual(troubles(log, MINUTE), [], 'a retry is no second run')

    log.journal.now = START + 2 * HOUR + 5 * MINUTE
    log.hear(whole('second', START + 2 * HOUR, { status: 'CANCELED' }))
    assert.deepEqual(troubles(log), ['job_succeeded fail'])
    log.journal.now = START + 3 * HOUR + SECOND
    log.hear([runEvent('third', 'RUN_START', log.journal.now)])
    assert.deepEqual(troubles(log), ['job_succeeded fail'], 'that the next one runs says nothing yet')
    log.restart(0)
    log.hear([runEvent('third', 'RUN_SUCCESS', log.journal.now + MINUTE)])
    assert.deepEqual(troubles(log, 2 * MINUTE), [])
  })

  it('ran twice, also when the second run is heard of after a restart; not for two partitions', () => {
    const log = hourly()
    log.journal.now = START + HOUR + 5 * MINUTE
    const partition = (of: string) => ({ tags: { 'dagster/partition': of } })
    log.hear([
      ...whole('a', START + HOUR, partition('issuing-1')),
      ...whole('b', START + HOUR + SECOND, partition('issuing-2')),
    ])
    assert.deepEqual(troubles(log), [])
    log.restart(1)
    log.hear(whole('c', START + HOUR + 2 * MINUTE, partition('issuing-2')))
    assert.deepEqual(troubles(log), ['job_ran_once fail'])
    assert.match(log.finding('job_ran_once')?.summary ?? '', /ran 3 times, of which 1 were done already/)
    log.restart(5)
    assert.deepEqual(troubles(log), ['job_ran_once fail'], 'the same records count once')
  })

  it('takes too long, while it runs and when it is over, and ends with the next time', () => {
    const log = hourly()
    log.journal.now = START + HOUR
    log.hear([runEvent('slow', 'RUN_START', START + HOUR)])
    assert.deepEqual(troubles(log, 20 * MINUTE), [])
    assert.deepEqual(troubles(log, SECOND), ['job_not_too_long fail'])
    log.restart(0)
    assert.deepEqual(troubles(log), ['job_not_too_long fail'])
    log.hear([runEvent('slow', 'RUN_SUCCESS', log.journal.now)])
    assert.deepEqual(troubles(log, MINUTE), ['job_not_too_long fail'])
    log.journal.now = START + 2 * HOUR
    log.hear(whole('next', log.journal.now))
    assert.deepEqual(troubles(log, 2 * MINUTE), [])
  })

  it('goes on for too long though other times have come since', () => {
    const log = hourly({ cron: '*/5 * * * *', grace: '1m' })
    log.hear([runEvent('stuck', 'RUN_START', START + SECOND)])
    log.journal.now = START + 22 * MINUTE
    log.hear([tick(log.journal.now)])
    assert.deepEqual(troubles(log), ['job_ran fail', 'job_not_too_long fail'])
  })

  it('belongs to the time at which it was asked for, however long it waited', () => {
    const log = hourly({ cron: '*/5 * * * *' })
    const due = START + HOUR
    log.journal.now = due + 6 * MINUTE
    log.hear([
      runEvent('waited', 'RUN_ENQUEUED', due + SECOND),
      ...whole('waited', due + 5 * MINUTE + SECOND, { took: SECOND }),
    ])
    log.hear(whole('next', due + 5 * MINUTE + 2 * SECOND, { took: SECOND }))
    assert.deepEqual(troubles(log), [])
    const never = hourly()
    never.journal.now = START + HOUR + 11 * MINUTE
    never.hear([runEvent('queued', 'RUN_ENQUEUED', START + HOUR), tick(never.journal.now)])
    assert.deepEqual(troubles(never), ['job_ran fail'])
  })

  it('counts only runs of its schedule where one is named, and no other jobs', () => {
    const log = hourly({ schedule: 'hourly' })
    log.journal.now = START + HOUR + 11 * MINUTE
    log.hear([
      ...whole('by-hand', START + HOUR),
      runEvent('other', 'RUN_START', START + HOUR, 'publish'),
      tick(log.journal.now),
    ])
    assert.deepEqual(troubles(log), ['job_ran fail'])
    log.hear(whole('scheduled', START + HOUR, { tags: { 'dagster/schedule_name': 'hourly' } }))
    assert.deepEqual(troubles(log), [])
  })

  it('is due by the clock of its time zone, over the end of summer time too', () => {
    const log = hourly({ cron: '30 3 * * *', timezone: 'Europe/Stockholm' })
    log.journal.now = Date.parse('2026-10-24T03:00:00Z')
    log.hear(whole('summer', Date.parse('2026-10-24T01:30:00Z')))
    assert.deepEqual(troubles(log), [])
    assert.equal(log.facts('job').job?.due, '2026-10-24T01:30:00.000Z')
    log.journal.now = Date.parse('2026-10-25T03:00:00Z')
    log.hear(whole('winter', Date.parse('2026-10-25T02:30:00Z')))
    assert.deepEqual(troubles(log), [])
    assert.equal(log.facts('job').job?.due, '2026-10-25T02:30:00.000Z')
  })

  it('says the same while nothing happens, so that runs repeat', () => {
    const log = hourly()
    wellFor(log, 1)
    const before = log.facts('job')
    log.journal.now += 30 * MINUTE
    log.hear([tick(log.journal.now)])
    assert.deepEqual(log.facts('job'), before)
  })

  it('is an event of any log that stands for a run', () => {
    const job = {
      id: 'crl',
      action: 'CRL_CREATION',
      details: { customId: '4711' },
      cron: '0 * * * *',
      grace: '10m',
    }
    const log = new JudgedLog(declaredLog({ jobs: [job] }))
    const event = (at: number, outcome: 'success' | 'failure', customId = '4711') => {
      const like = tick(at)
      return {
        ...like,
        event: { ...like.event, action: 'CRL_CREATION', outcome },
        pki: { details: { customId } },
      }
    }
    log.journal.now = START + HOUR + 11 * MINUTE
    log.hear([event(START + HOUR, 'success', '42'), tick(log.journal.now)])
    assert.deepEqual(troubles(log), ['job_ran fail'])
    log.hear([event(START + HOUR + SECOND, 'failure')])
    assert.deepEqual(troubles(log), ['job_succeeded fail'])
    log.hear([event(START + HOUR + MINUTE, 'success')])
    assert.deepEqual(troubles(log), ['job_ran_once fail'])
  })

  it('stays small, and reads what it wrote, whatever the names in the log are', () => {
    const log = hourly()
    const due = START + HOUR
    log.journal.now = due + 5 * MINUTE
    for (let i = 0; i < 1000; i++) {
      const tags = { 'dagster/partition': `${i} \u202e\ud800 %zz - ${'x'.repeat(1000)}` }
      log.hear(whole(`- run ${i}`, due + i, { tags }))
    }
    const { newest = [] } = log.facts('job').job ?? {}
    assert.equal(newest.length, 200)
    assert.ok(JSON.stringify(newest).length < 500_000)
    assert.equal(log.state('job_ran_once'), 'pass')
    log.restart(0)
    assert.deepEqual(log.facts('job').job?.newest, newest)
  })
})
