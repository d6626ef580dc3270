// Every fault of the lab at once, with a real Prometheus and a real Alertmanager beside vigil, times as shipped: who was told what?
// Arguments: minutes of trouble (default 10). Needs test/services/{prometheus,alertmanager}.sh.
import { setTimeout as delay } from 'node:timers/promises'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadConfig } from '../cli/load.ts'
import { createLogger } from '../cli/logger.ts'
import { startStack } from '../cli/stack.ts'
import { startLab } from '../lab/lab.ts'
import { writeVigilYaml } from '../lab/vigilYaml.ts'
import { startReal } from '../test/alerts/realAlertmanager.ts'
import { alertmanagerSample, startPager } from '../test/support/pager.ts'
import { startPrometheus } from '../test/support/prometheus.ts'
import { temporaryDirectory } from '../test/support/vigil.ts'

const MINUTE = 60_000
const TROUBLE = Number(process.argv[2] ?? 10) * MINUTE
/** Before the first fault, and after the last repair: the longest `for`, group_interval and a probe. */
const QUIET = 2 * MINUTE
const AFTER = 7 * MINUTE

const FAULTS = [
  ['crl-stale', 'issuing-1'],
  ['ocsp-down', 'issuing-1'],
  ['crl-stale', 'issuing-2'],
  ['ocsp-down', 'issuing-2'],
  ['cert-near-expiry', 'shop'],
  ['wrong-certificate', 'mail-gateway'],
  ['revoked-served', 'payments'],
] as const

using directory = temporaryDirectory()
using pager = await startPager()
await using alertmanager = await startReal(alertmanagerSample(pager.origin, 'as shipped'))
await using lab = await startLab({ directory: join(directory.path, 'lab'), now: Date.now })
const file = await writeVigilYaml(lab, {
  origin: 'vigil.storm',
  server: { listen: '127.0.0.1:0' },
  probes: { interval: '15s', timeout: '5s' },
  directory: directory.path,
  alerts: { alertmanager: alertmanager.url, interval: '30s' },
})
const loaded = loadConfig(file, {})
if (!loaded.ok) throw new Error(JSON.stringify(loaded))
const stack = await startStack({
  loaded: loaded.value,
  now: Date.now,
  logger: createLogger(process.stderr, 'silent'),
  by: 'bench/storm.ts',
})
await using stopping = new AsyncDisposableStack()
stopping.defer(() => stack.stop())
await using prometheus = await startPrometheus(
  readFileSync('dashboards/prometheus/prometheus.yml', 'utf8')
    .replace('127.0.0.1:9480', new URL(stack.url).host)
    .replace('127.0.0.1:9093', new URL(alertmanager.url).host)
    .replace('vigil.rules.yml', resolve('dashboards/prometheus/vigil.rules.yml')),
)
console.log(`page ${stack.url}, Prometheus ${prometheus.url}, Alertmanager ${alertmanager.url}`)

await delay(QUIET)
const start = Date.now()
for (const [fault, target] of FAULTS) await lab.break(fault, target)
console.log(`${FAULTS.length} faults on at ${new Date(start).toISOString()}`)
await delay(TROUBLE)
const sent = await prometheus.query('count(ALERTS{alertstate="firing"}) by (alertname)')
const inAlertmanager: unknown = await (await fetch(`${alertmanager.url}api/v2/alerts`)).json()
console.log(
  `alerts in Alertmanager after ${TROUBLE / MINUTE} minutes: ${Array.isArray(inAlertmanager) ? inAlertmanager.length : '?'}`,
)
console.log(`firing in Prometheus: ${sent.map((s) => JSON.stringify(s)).join(' ')}`)
const incidents: unknown = await (await fetch(new URL('/api/incidents', stack.url))).json()
console.log(JSON.stringify(incidents, undefined, 1).slice(0, 6000))
for (const [fault, target] of FAULTS) await lab.repair(fault, target)
const repaired = Date.now()
console.log(`all repaired at +${Math.round((repaired - start) / 1000)} s`)
await delay(AFTER)

for (const { receiver, status, groupLabels, alerts, time } of pager.all()) {
  if (receiver.startsWith('dead')) continue
  const group = Object.entries(groupLabels)
    .map(([k, v]) => `${k}=${v}`)
    .join(' ')
  console.log(`+${Math.round((time - start) / 1000)} s  ${receiver.padEnd(8)} ${status.padEnd(9)} ${group}`)
  for (const { status: each, labels } of alerts) {
    console.log(
      `            ${each.padEnd(9)} ${labels['alertname'] ?? ''} ${labels['severity'] ?? ''} ${labels['subject'] ?? ''}`,
    )
  }
}
const dead = pager.all().filter(({ receiver }) => receiver.startsWith('dead'))
console.log(`dead man's switches: ${dead.length} notifications`)
