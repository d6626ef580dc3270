import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../cli/load.ts'
import { createLogger } from '../../cli/logger.ts'
import { Problems } from '../../cli/problems.ts'
import { RetentionRun } from '../../cli/retention.ts'
import { parseSchedule } from '../../cli/schedule.ts'
import { verifyJournal } from '../../journal/verify.ts'
import { makePlace, openTestJournal } from '../journal/support.ts'
import { DAY, fiveDays } from '../journal/retention/support.ts'
import { temporaryDirectory } from '../support/vigil.ts'

test('a policy is applied at the start, and waits for what has not been read yet', async (t) => {
  const place = await fiveDays(await makePlace(t))
  place.clock.ms += DAY
  const journal = await openTestJournal(place, { now: place.clock.now })
  const logger = createLogger(process.stderr, 'silent')
  const problems = new Problems(logger, place.clock.now)
  let recorded = 0
  const run = (entries: number): RetentionRun =>
    new RetentionRun({
      policy: { keep: 3.5 * DAY, kinds: {}, reason: 'policy', cron: parseSchedule('20 3 * * *', 'UTC') },
      ...{ journal, directory: place.directory, now: place.clock.now, logger, problems },
      projected: () => ({ by: 'Elasticsearch', entries }),
      recordConfiguration: async () => {
        recorded += await Promise.resolve(1)
      },
      tellAgain: () => Promise.resolve(),
    })
  const settled = async (one: RetentionRun): Promise<RetentionRun['status']> => {
    one.start()
    while (one.status.time === undefined && !problems.has('retention')) await new Promise(setImmediate)
    await one.close()
    return one.status
  }
  assert.equal((await settled(run(2))).time, undefined)
  assert.match(problems.list().join(), /nothing is taken out until Elasticsearch has what would go: it has 2/)
  problems.clear('retention')
  const status = await settled(run(journal.size))
  assert.deepEqual([status.segments, status.artifacts > 0, recorded], [2, true, 2])
  assert.deepEqual(problems.list(), [])
  await journal.close()
  const { retention, verdict } = await verifyJournal(place.directory)
  assert.deepEqual([verdict, retention.records.at(-1)?.by], ['self_consistent', 'vigil'])
})

test('mistakes in journal.retention are named', () => {
  using directory = temporaryDirectory()
  const file = join(directory.path, 'vigil.yaml')
  for (const [yaml, message] of [
    ['{ keep: 400d }', /reason/],
    ['{ reason: x }', /expected keep, kinds, or both/],
    ['{ reason: x, keep: 1h }', /expected at least 2d/],
    ['{ reason: x, kinds: { epoch: 30d } }', /kinds/],
    ["{ reason: x, keep: 30d, schedule: 'never' }", /is not a time that comes/],
  ] as const) {
    writeFileSync(file, `journal: { retention: ${yaml} }\ninventory: { authorities: [], services: [] }\n`)
    const loaded = loadConfig(file, {})
    assert.ok(!loaded.ok, yaml)
    assert.match(
      loaded.problems.map(({ path, message: said }) => `${path.join('.')} ${said}`).join('; '),
      message,
    )
  }
})
