import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import type { Observation } from '../../model/observation.ts'
import { toTimestamp } from '../../model/time.ts'
import { Publications } from '../../probes/reconciliation/publications.ts'
import { MetricsProjection } from '../../server/metrics.ts'
import type { DeclaredTarget } from '../../server/metrics.ts'
import { FakeJournal, observation, T0, unchanged } from '../store/records.ts'
import { parseExposition } from './exposition.ts'
import { statusOf } from './support.ts'

const TARGET: DeclaredTarget = {
  probe: 'reconciliation',
  subject: 'ca_crl[issuing-1]',
  address: 'log:issuing-1',
  interval: 60_000,
}
const SECOND = 1000
const HOUR = 3600 * SECOND

function run(latencies: readonly number[]): ReturnType<typeof observation> {
  const publications = new Publications(undefined)
  for (const latency of latencies) publications.add(latency)
  const { subject, probe, address: target } = TARGET
  return observation({ subject, probe, target, facts: { reconciliation: publications.facts } })
}

function watching(targets: readonly DeclaredTarget[] = [TARGET]): MetricsProjection {
  const metrics = new MetricsProjection(new Registry())
  metrics.declare({ targets, sources: [] })
  return metrics
}

/** Values of the histogram: cumulative ones by bound, sum and count. */
async function histogram(metrics: MetricsProjection): Promise<Record<string, number>> {
  let text = ''
  for await (const part of metrics.expose(statusOf())) text += part
  const own = parseExposition(text).filter(({ name }) => name.startsWith('vigil_revocation_publication'))
  return Object.fromEntries(
    own.map(({ name, labels, value }) => [labels.get('le') ?? name.replace(/.*_/, ''), value]),
  )
}

describe('the histogram of publications', () => {
  it('is there from the start, and has what the newest observation says', async () => {
    const metrics = watching()
    assert.deepEqual((await histogram(metrics))['count'], 0)
    const journal = new FakeJournal()
    metrics.apply(journal.seal(run([30 * SECOND, HOUR])))
    metrics.apply(journal.seal(run([30 * SECOND, HOUR, 30 * HOUR])))
    assert.deepEqual(await histogram(metrics), {
      ...{ 60: 1, 300: 1, 900: 1, 1800: 1, 3600: 2, 7200: 2, 14400: 2, 28800: 2, 43200: 2, 86400: 2 },
      ...{ '+Inf': 3, sum: 31 * 3600 + 30, count: 3 },
    })
  })

  it('goes on after a restart where it was, and counts no repeated run', async () => {
    const journal = new FakeJournal()
    const [sealed] = journal.seal(run([HOUR, HOUR]))
    assert.ok(sealed?.kind === 'observation')
    const body: Observation = sealed.body
    const metrics = watching()
    const start = toTimestamp(T0 + 60_000)
    metrics.hydrate({
      latest: [
        {
          observation: { ...body, id: sealed.id, recorded: sealed.recorded },
          ...{ lastStart: start, lastDuration: 1, known: body.facts },
        },
      ],
      findings: [],
    })
    assert.equal((await histogram(metrics))['count'], 2)
    metrics.apply(journal.seal(unchanged(T0 + 120_000, [sealed, T0 + 120_000, 1])))
    assert.equal((await histogram(metrics))['count'], 2)
    // A run without facts says nothing about what was counted.
    metrics.apply(journal.seal(observation({ ...body, facts: {} })))
    assert.equal((await histogram(metrics))['count'], 2)
  })

  it('goes with its target, and survives names that nobody should give', async () => {
    const metrics = watching([{ ...TARGET, address: 'x"} 1\nvigil_fake{a="\\' }])
    assert.equal((await histogram(metrics))['count'], 0)
    metrics.declare({ targets: [], sources: [] })
    assert.deepEqual(await histogram(metrics), {})
  })
})
