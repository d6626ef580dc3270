import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { inventorySchema, type LogConfig } from '../../../model/config.ts'
import { AskedLog } from '../../collectors/journal.ts'
import { needsDagster, TestDagster } from '../../support/dagster.ts'
import { MINUTE, SECOND } from '../journalDouble.ts'
import { declaredServices } from './controlPlane.ts'
import { JudgedLog } from './judgedLog.ts'

const CODE = `import dagster as dg

where = dg.MultiPartitionsDefinition({
    "environment": dg.StaticPartitionsDefinition(["prod"]),
    "service_id": dg.StaticPartitionsDefinition(["shop", "mail"]),
})

@dg.asset(partitions_def=where)
def deployed_service_cert(context):
    return dg.MaterializeResult(metadata={"serial": "2B"})

@dg.op
def look():
    pass

@dg.job
def check():
    look()

@dg.schedule(cron_schedule="* * * * *", job=check, default_status=dg.DefaultScheduleStatus.RUNNING)
def every_minute(context):
    return dg.RunRequest()

defs = dg.Definitions(
    assets=[deployed_service_cert], jobs=[check, dg.define_asset_job("deploy", selection=[deployed_service_cert])],
    schedules=[every_minute], executor=dg.in_process_executor,
)
`

/** A start of all its processes and some runs: five minutes on a busy machine of two cores. */
const PATIENCE_MS = 300_000
const POLL_MS = 500
/** Milliseconds that a run of the schedule may begin late: a process is started for each. */
const GRACE = 45 * SECOND

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms in vain: ${what}`)
    await delay(POLL_MS)
  }
}

async function ask(url: string, query: string): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })
  return answer.text()
}

async function launch(url: string, job: string, tags: Readonly<Record<string, string>> = {}): Promise<void> {
  const list = Object.entries(tags).map(([key, value]) => `{ key: "${key}", value: "${value}" }`)
  const launched = await ask(
    url,
    `mutation { launchRun(executionParams: {
      selector: { repositoryName: "__repository__", repositoryLocationName: "pki", jobName: "${job}" },
      runConfigData: {}, executionMetadata: { tags: [${list.join(', ')}] } }) { __typename } }`,
  )
  assert.match(launched, /LaunchRunSuccess/)
}

/** By a run of its own, which takes a while. */
function deploy(url: string, service: string): Promise<void> {
  return launch(url, 'deploy', {
    'dagster/partition': `prod|${service}`,
    'dagster/partition/environment': 'prod',
    'dagster/partition/service_id': service,
  })
}

/** By somebody else, who tells Dagster of it. */
async function report(url: string, service: string, serial: string): Promise<void> {
  const body = JSON.stringify({ partition: `prod|${service}`, metadata: { serial } })
  const headers = { 'content-type': 'application/json' }
  const path = '/report_asset_materialization/deployed_service_cert'
  const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body })
  assert.equal(answer.status, 200)
}

async function stopSchedule(url: string): Promise<void> {
  const selector =
    '{ repositoryName: "__repository__", repositoryLocationName: "pki", scheduleName: "every_minute" }'
  const state = await ask(
    url,
    `query { scheduleOrError(scheduleSelector: ${selector}) { ... on Schedule { scheduleState { id } } } }`,
  )
  const [, id] = /"id":\s*"([^"]+)"/.exec(state) ?? []
  const stopped = await ask(url, `mutation { stopRunningSchedule(id: "${id}") { __typename } }`)
  assert.match(stopped, /ScheduleStateResult/)
}

function configOf(url: string, job: object): LogConfig {
  const jobs = [{ id: 'check', cron: '* * * * *', ...job }]
  const declared = { id: 'dagster', format: 'dagster', dagster: { url, interval: '1s' }, jobs }
  const [log] = inventorySchema.parse({ logs: [declared] }).logs
  assert.ok(log !== undefined)
  return log
}

/** All that Dagster has told, judged as of the time of the newest event, or a while later. */
function judgedBy(asked: AskedLog, log: LogConfig, later = 0): JudgedLog {
  const judged = new JudgedLog(log, declaredServices(['shop', 'prod'], ['mail', 'prod']))
  const times = asked.events.map((event) => Date.parse(event['@timestamp']))
  judged.journal.now = Math.max(...times) + later
  judged.hear(asked.events)
  return judged
}

describe('a real Dagster', needsDagster(), () => {
  it('deploys what is served and what is not, and keeps to its schedule, does twice, and misses', async (t: TestContext) => {
    await using dagster = await TestDagster.create(CODE)
    const { url } = dagster
    dagster.startServer()
    dagster.startDaemon()
    const log = configOf(url, { job: 'check', schedule: 'every_minute', grace: `${GRACE / SECOND}s` })
    const asked = new AskedLog(t, log, { url, headers: {} })
    asked.clock.ms = Date.now()
    const events = (action: string) => asked.events.filter((event) => event.event.action === action)
    await until('Dagster answers', async () => {
      await asked.poll()
      return asked.collector.problems.length === 0
    })
    await deploy(url, 'shop')
    await report(url, 'mail', '3C')
    await report(url, 'gone', '4D')
    await until('three certificates are deployed, and the job ran for two minutes', async () => {
      await asked.poll()
      const ran = events('RUN_SUCCESS').filter(
        ({ pki }) => pki?.details?.['tag.dagster/schedule_name'] === 'every_minute',
      )
      return events('MaterializationEvent').length === 3 && ran.length >= 2
    })

    // One is served, of the other the service knows nothing.
    const deployed = judgedBy(asked, log)
    const show = (): void => {
      deployed.show('service_tls_health[shop,prod]', { serial: '2b', sha256: '2b'.repeat(32) })
      deployed.show('service_tls_health[mail,prod]', { serial: '9f', sha256: '9f'.repeat(32) })
    }
    show()
    deployed.journal.now += 11 * MINUTE
    show()
    assert.deepEqual(deployed.states('deployed_certificate_served'), {
      'deployed_service_cert[mail,prod]': 'fail',
      'deployed_service_cert[shop,prod]': 'pass',
    })
    assert.equal(deployed.state('log_deployments_known'), 'fail')
    assert.match(
      deployed.finding('log_deployments_known')?.summary ?? '',
      /deployed_service_cert\[prod\|gone\]/,
    )

    // Its own schedule is kept.
    const kept = judgedBy(asked, log)
    assert.deepEqual(
      [kept.state('job_ran'), kept.state('job_succeeded'), kept.state('job_ran_once')],
      ['pass', 'pass', 'pass'],
    )

    // Helped along by hand, the same is done twice. Switched off, it is missed, as soon as Dagster does anything else.
    await stopSchedule(url)
    const stopped = Date.now()
    await launch(url, 'check', { by: 'hand' })
    await until('it ran by hand', async () => {
      await asked.poll()
      return events('RUN_SUCCESS').some(({ pki }) => pki?.details?.['tag.by'] === 'hand')
    })
    const daily = configOf(url, { job: 'check', cron: '0 0 * * *', grace: '24h' })
    assert.equal(judgedBy(asked, daily).state('job_ran_once'), 'fail')
    const due = Math.ceil(stopped / MINUTE) * MINUTE
    await until('the next time is over', () => Promise.resolve(Date.now() > due + GRACE + 5 * SECOND))
    await report(url, 'shop', '2B')
    await until('something else was done', async () => {
      await asked.poll()
      return events('MaterializationEvent').length === 4
    })
    const missed = judgedBy(asked, log)
    assert.equal(missed.state('job_ran'), 'fail')
    missed.restart(0)
    assert.equal(missed.state('job_ran'), 'fail', 'as a restart finds it')
  })
})
