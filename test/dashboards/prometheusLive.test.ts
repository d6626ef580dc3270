// The lab and a whole vigil, scraped by a real Prometheus, with a real Alertmanager behind both, and a pager at its end.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { startLab, type Lab } from '../../lab/lab.ts'
import { writeVigilYaml } from '../../lab/vigilYaml.ts'
import { alertmanagerSample, startPager, until } from '../support/pager.ts'
import { needsAlertmanager, startReal } from '../alerts/realAlertmanager.ts'
import { needsPrometheus, runTool, startPrometheus, type TestPrometheus } from '../support/prometheus.ts'
import { loadedFrom, startVigil } from '../support/stack.ts'
import { temporaryDirectory } from '../support/vigil.ts'
import { readBoard } from './board.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
/** For everything together. */
const LIMIT = 90 * SECOND

/** Far apart, so that a machine under load makes no CRL look stale. */
const LIFETIMES = {
  crl: 30 * MINUTE,
  crlInterval: 5 * SECOND,
  staleCrl: 10 * MINUTE,
  service: 60 * MINUTE,
  nearExpiry: 2 * MINUTE,
  ocsp: 2 * MINUTE,
}
const SETTINGS = {
  origin: 'vigil.test',
  server: { listen: '127.0.0.1:0' },
  probes: { interval: '1s', timeout: '5s' },
  rules: {
    tick: '1s',
    parameters: {
      crl_freshness_ok: { max_age: '2m' },
      cert_lifetime_threshold: { min_remaining: '5m' },
      ocsp_responder_available: { timeout: '5s' },
    },
  },
  remediation: { policies: [{ rule: 'cert_lifetime_threshold', action: 'rotate_certificate' as const }] },
}

function prometheusConfig(vigil: string, alertmanager: string): string {
  const text = readFileSync('dashboards/prometheus/prometheus.yml', 'utf8')
    .replaceAll('30s', '1s')
    .replace('127.0.0.1:9480', new URL(vigil).host)
    .replace('127.0.0.1:9093', new URL(alertmanager).host)
    .replace('vigil.rules.yml', resolve('dashboards/prometheus/vigil.rules.yml'))
  return text
}

async function watch(lab: Lab, directory: string, alertmanager: string) {
  const file = await writeVigilYaml(lab, { ...SETTINGS, directory, alerts: { alertmanager, interval: '2s' } })
  return startVigil(loadedFrom(file))
}

const amtoolAlerts = z.array(z.object({ labels: z.record(z.string(), z.string()) }))

async function amtoolQuery(url: string, ...matchers: string[]) {
  const printed = await runTool('amtool', [
    'alert',
    'query',
    `--alertmanager.url=${url}`,
    '-o',
    'json',
    ...matchers,
  ])
  return amtoolAlerts.parse(JSON.parse(printed)).map((alert) => alert.labels)
}

const holds = async (prometheus: TestPrometheus, expr: string) =>
  (await prometheus.query(expr)).length > 0 ? true : undefined

/** As Grafana fills them in. */
const VARIABLES = { $__rate_interval: '20s', $__range: '60s' }
const RANGE_SECONDS = 60

async function emptyQueries(prometheus: TestPrometheus): Promise<readonly string[]> {
  const empty: string[] = []
  for (const panel of readBoard().panels) {
    for (const { expr, instant } of panel.targets) {
      const filled = Object.entries(VARIABLES).reduce(
        (text, [name, value]) => text.replaceAll(name, value),
        expr,
      )
      assert.doesNotMatch(filled, /\$/, 'a variable that this test does not fill in')
      const samples =
        instant === true ? await prometheus.query(filled) : await prometheus.queryRange(filled, RANGE_SECONDS)
      if (samples.length === 0) empty.push(`${panel.title}: ${expr}`)
    }
  }
  return empty
}

test(
  'a broken CRL pages exactly once and resolves, and no panel of the board is empty meanwhile',
  { timeout: LIMIT + 20 * SECOND, ...needsPrometheus(), ...needsAlertmanager() },
  async () => {
    const signal = AbortSignal.timeout(LIMIT)
    using directory = temporaryDirectory()
    using pager = await startPager()
    await using alertmanager = await startReal(alertmanagerSample(pager.origin))
    await using lab = await startLab({
      directory: join(directory.path, 'lab'),
      now: Date.now,
      lifetimes: LIFETIMES,
    })
    const stack = await watch(lab, directory.path, alertmanager.url)
    await using stopping = new AsyncDisposableStack()
    stopping.defer(() => stack.stop())
    await using prometheus = await startPrometheus(prometheusConfig(stack.url, alertmanager.url))

    await until('everything is probed and passes', signal, () =>
      holds(
        prometheus,
        '(count(vigil_probe_success == 1) == count(vigil_probe_success)) and (sum(vigil_finding_state{state=~"pass|not_applicable"}) == sum(vigil_finding_state))',
      ),
    )
    assert.deepEqual(pager.at('pager'), [])

    await lab.break('crl-stale', 'issuing-1')
    await lab.break('ocsp-down', 'issuing-2')
    await lab.break('cert-near-expiry', 'shop')
    const page = await until('the page', signal, () => pager.at('pager')[0])
    assert.equal(page.status, 'firing')
    // An old CRL has an old number too: crl_number_increases.
    assert.deepEqual([...new Set(page.alerts.map((alert) => alert.labels['subject']))], ['ca_crl[issuing-1]'])

    const [own = {}, scraped = {}] = await until(
      'amtool sees it from vigil and from Prometheus',
      signal,
      async () => {
        const alerts = await amtoolQuery(alertmanager.url, 'alertname=CrlFreshnessOk', 'authority=issuing-1')
        return alerts.length === 2
          ? alerts.toSorted((a, b) => Number('source' in a) - Number('source' in b))
          : undefined
      },
    )
    assert.deepEqual(scraped, { ...own, source: 'prometheus' }, 'the same labels but for the source')

    await until('a remediation is seen to work', signal, () =>
      holds(prometheus, 'vigil_actions_total{kind="remediation", status="verified"} > 0'),
    )
    await until('failures of the OCSP probe', signal, () =>
      holds(prometheus, 'increase(vigil_probe_failures_total{probe="ocsp", phase="connect"}[20s]) > 0'),
    )
    await until('no panel is empty', signal, async () => {
      assert.deepEqual(await emptyQueries(prometheus), [])
      return true
    })

    await lab.repair('crl-stale', 'issuing-1')
    await lab.repair('ocsp-down', 'issuing-2')
    await until('the resolution', signal, () => pager.at('pager')[1])
    await until('amtool sees it no more', signal, async () =>
      (await amtoolQuery(alertmanager.url, 'alertname=CrlFreshnessOk')).length === 0 ? true : undefined,
    )
    assert.deepEqual(
      pager
        .at('pager')
        .map(({ status, alerts }) => [
          status,
          alerts.map(({ labels }) => labels).filter(({ rule }) => rule !== 'crl_number_increases'),
        ]),
      [
        ['firing', [own]],
        ['resolved', [own]],
      ],
    )
    assert.ok(pager.at('dead-mans-switch-prometheus').length > 0, 'the watchdog came all the way')
    assert.ok(pager.at('dead-mans-switch-vigil').length > 0, "and vigil's own")
    const warned = pager.at('chat').flatMap((n) => n.alerts.map((alert) => alert.labels['alertname']))
    // It may be repaired before the group was to be told.
    assert.deepEqual(
      warned.filter((name) => name !== 'CertLifetimeThreshold' && name !== 'CertLifetimeShare'),
      [],
    )
    // A CRL of the schedule and that of the repair may both come between two probes: then nobody saw one of them.
    const mailed = pager.at('mail').flatMap((n) => n.alerts.map((alert) => alert.labels['alertname']))
    assert.deepEqual(
      mailed.filter((name) => name !== 'CrlNumbersComplete'),
      [],
    )
    assert.deepEqual(
      await prometheus.query('ALERTS{component="vigil", alertname!="VigilWatchdog", alertstate="firing"}'),
      [],
      'vigil itself was well',
    )
  },
)
