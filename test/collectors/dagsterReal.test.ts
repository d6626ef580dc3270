import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { TestDagster, needsDagster } from '../support/dagster.ts'
import { AskedLog } from './journal.ts'

const CODE = `import dagster as dg

@dg.asset
def ca_crl(context):
    return dg.MaterializeResult(metadata={"crl_number": 7})

@dg.op
def refuse():
    raise Exception("the CA refused")

@dg.job
def broken():
    refuse()

@dg.schedule(cron_schedule="* * * * *", job=broken, default_status=dg.DefaultScheduleStatus.RUNNING)
def every_minute(context):
    return dg.SkipReason("nothing is due")

defs = dg.Definitions(
    assets=[ca_crl], jobs=[broken, dg.define_asset_job("renew", selection=[ca_crl])], schedules=[every_minute],
    executor=dg.in_process_executor,
)
`

/** A start of all its processes and two runs: four minutes on a busy machine of two cores. */
const PATIENCE_MS = 240_000
const POLL_MS = 500

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms in vain: ${what}`)
    await delay(POLL_MS)
  }
}

function logOf(t: TestContext, url: string): AskedLog {
  const log = new AskedLog(
    t,
    { id: 'dagster', format: 'dagster', dagster: { url, interval: 1000 }, authorities: [] },
    { url, headers: {} },
  )
  log.clock.ms = Date.now()
  return log
}

async function launch(url: string, job: string): Promise<void> {
  const query = `mutation { launchRun(executionParams: {
    selector: { repositoryName: "__repository__", repositoryLocationName: "pki", jobName: "${job}" }, runConfigData: {},
    executionMetadata: { tags: [{ key: "pki/requested_by", value: "alex" }] } }) { __typename } }`
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })
  assert.match(await answer.text(), /LaunchRunSuccess/)
}

void describe('a real Dagster', needsDagster(), () => {
  it('tells of its runs, of reports without a run, and of ticks: each once, also over a restart', async (t) => {
    await using dagster = await TestDagster.create(CODE)
    const { url } = dagster
    dagster.startServer()
    dagster.startDaemon()
    const log = logOf(t, url)
    const has = (action: string): boolean => log.events.some((e) => e.event.action === action)
    // Until it is up, nobody answers: a problem like any other.
    await until('Dagster answers', async () => {
      await log.poll()
      return log.collector.problems.length === 0
    })
    await launch(url, 'renew')
    await launch(url, 'broken')
    const reported = await fetch(`${url}/report_asset_materialization/by/hand`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"description":"manual","metadata":{"crl_number":4711}}',
    })
    assert.equal(reported.status, 200)
    await until('both runs are over', async () => {
      await log.poll()
      await log.restart()
      return has('RUN_SUCCESS') && has('RUN_FAILURE')
    })
    await until('a minute ticks', async () => {
      await log.poll()
      return has('TICK_SKIPPED')
    })

    // What was read piece by piece, with restarts, is what is read at once: nothing is missing, nothing is twice.
    const again = logOf(t, url)
    await again.poll()
    await log.poll()
    const keys = (of: AskedLog) =>
      of.events
        .map(({ position: p }) => `${p.fingerprint} ${p.offset}`)
        .filter((key) => !/^(?:run|tick)/.test(key))
    assert.deepEqual(keys(log).toSorted(), keys(again).toSorted())
    const all = log.events.map(({ position: p }) => `${p.fingerprint} ${p.offset}`)
    assert.equal(all.length, new Set(all).size)

    const failed = log.events.find((e) => e.event.action === 'STEP_FAILURE')
    assert.match(failed?.event.reason ?? '', /refuse/)
    const success = log.events.find((e) => e.event.dataset === 'dagster.run' && e.event.outcome === 'success')
    assert.deepEqual([success?.event.action, success?.user?.name], ['RUN_SUCCESS', 'alex'])
    const byHand = log.events.find((e) => e.pki?.details?.['asset'] === 'by/hand')
    assert.deepEqual([byHand?.message, byHand?.pki?.details?.['metadata.crl_number']], ['manual', '4711'])
    assert.equal(log.events.filter((e) => e.event.action === 'unparsed').length, 0)
  })
})
