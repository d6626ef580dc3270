import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Observation } from '../../model/observation.ts'
import { probeHealth } from '../../probes/health.ts'
import { needsDagster, TestDagster } from '../support/dagster.ts'
import { context, healthTarget } from './support.ts'

/** Milliseconds: a cold start on a busy machine of two cores. */
const START_MS = 120_000
const POLL_MS = 500
const MINUTE = 60_000

test(
  'a real Dagster: server, daemons that never ran, daemons that run, daemons that fell silent',
  needsDagster(),
  async () => {
    await using dagster = await TestDagster.create()
    const look = async (now: () => number = Date.now): Promise<Observation> =>
      (await probeHealth(healthTarget('dagster', dagster.url), context({ now }))).observation
    const until = async (what: string, is: (seen: Observation) => boolean): Promise<Observation> => {
      const end = Date.now() + START_MS
      let seen = await look()
      while (!is(seen)) {
        assert.ok(Date.now() < end, `expected ${what}, got ${JSON.stringify(seen.error)}`)
        await delay(POLL_MS)
        seen = await look()
      }
      return seen
    }

    assert.equal((await look()).error?.phase, 'connect')

    dagster.startServer()
    const alone = await until('a server', ({ error }) => error?.code === 'unhealthy')
    assert.match(alone.facts.health?.version ?? '', /^\d+\.\d+\.\d+$/)
    assert.equal(alone.facts.health?.daemonsUnheard?.includes('QUEUED_RUN_COORDINATOR'), true)
    assert.equal(alone.facts.health.heartbeatAge, undefined)

    dagster.startDaemon()
    const whole = await until('daemons', ({ outcome }) => outcome === 'success')
    assert.deepEqual([whole.facts.health?.ready, whole.facts.health?.heartbeatAge], [true, 0])

    // Dagster calls daemons healthy for long after their last heartbeat; the same answer is old when it is read ten minutes later.
    const later = await look(() => Date.now() + 10 * MINUTE)
    assert.equal(later.facts.health?.ready, true)
    assert.ok((later.facts.health.heartbeatAge ?? 0) >= 9 * MINUTE)
  },
)
