import assert from 'node:assert/strict'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { alertName } from '../../alerts/alert.ts'
import { prometheusRules } from '../../dashboards/prometheus/rules.ts'
import { loadPack, SHIPPED_PACKS } from '../../rules/loadPack.ts'
import { needsPint, runPint } from '../support/pint.ts'
import { needsPrometheus, runTool } from '../support/prometheus.ts'
import { temporaryDirectory } from '../support/vigil.ts'
import { unknownMetrics } from './metricNames.ts'

const FOLDER = 'dashboards/prometheus'
const RULES = `${FOLDER}/vigil.rules.yml`
const CASES = globSync('test/dashboards/prometheus/*.test.yml')

const ruleFile = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.object({
          alert: z.string().optional(),
          expr: z.string(),
          labels: z.record(z.string(), z.string()).optional(),
          annotations: z.object({ runbook: z.string().optional() }).optional(),
        }),
      ),
    }),
  ),
})

const wholeRuleFile = z.object({ groups: z.array(z.looseObject({ name: z.string() })) })

function rules() {
  return ruleFile.parse(parse(readFileSync(RULES, 'utf8'))).groups
}

test('the committed Prometheus rules have not drifted', () => {
  const made = prometheusRules(SHIPPED_PACKS.map(loadPack))
  assert.equal(readFileSync(RULES, 'utf8'), made, 'run: npx node scripts/generate.ts')
})

test('every rule of the pack is an alert, under the name that vigil gives it', () => {
  const pack = loadPack('internal-pki')
  const group = rules().find((g) => g.name === pack.id)
  const alerts = group?.rules.flatMap((rule) => rule.alert ?? [])
  assert.deepEqual(
    alerts,
    pack.rules.map((rule) => alertName(rule.id)),
  )
})

test('every alert about vigil itself has its entry on the page that it names', () => {
  const page = readFileSync('docs/prometheus.md', 'utf8')
  const headings = new Set([...page.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title?.toLowerCase()))
  const runbooks = rules()
    .flatMap((group) => group.rules)
    .flatMap((rule) => rule.annotations?.runbook ?? [])
    .filter((runbook) => runbook.startsWith('docs/prometheus.md#'))
  assert.ok(runbooks.length > 10)
  for (const runbook of runbooks) assert.ok(headings.has(runbook.split('#')[1]), `no heading for ${runbook}`)
})

test('the rules use only metrics that are exposed', () => {
  const used = rules().flatMap((group) => group.rules.map((rule) => rule.expr))
  assert.deepEqual(unknownMetrics(used), [])
})

test('promtool accepts the rules and the scrape configuration', needsPrometheus(), async () => {
  assert.match(await runTool('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', RULES]), /SUCCESS/)
  assert.match(await runTool('promtool', ['check', 'config', `${FOLDER}/prometheus.yml`]), /SUCCESS/)
})

test('the rules fire, hold and end as the cases for promtool say', needsPrometheus(), async () => {
  assert.ok(CASES.length > 0)
  using directory = temporaryDirectory()
  // promtool evaluates every rule at every step; all alerts of packs are made alike, and these cases are about those of one.
  const needed = new Set(['vigil', 'vigil-contradictions', 'internal-pki'])
  const { groups } = wholeRuleFile.parse(parse(readFileSync(RULES, 'utf8')))
  const file = join(directory.path, 'vigil.rules.yml')
  writeFileSync(file, stringify({ groups: groups.filter(({ name }) => needed.has(name)) }))
  const copies = CASES.map((path) => {
    const copy = join(directory.path, basename(path))
    // As text: read as YAML, promtool's 0x20 (21 times 0) is a number.
    const cases = readFileSync(path, 'utf8').replace(/^rule_files:.*$/m, `rule_files: [${file}]`)
    writeFileSync(copy, cases)
    return copy
  })
  await runTool('promtool', ['test', 'rules', ...copies])
})

test('every alert about vigil, and every contradiction, has a case in which it fires', () => {
  const cases = CASES.map((file) => readFileSync(file, 'utf8')).join('\n')
  const names = rules()
    .filter((group) => group.name.startsWith('vigil'))
    .flatMap((group) => group.rules.flatMap((rule) => rule.alert ?? []))
  assert.ok(names.length > 12)
  assert.deepEqual(
    names.filter((name) => !new RegExp(`alertname(="|: )${name}\\b`).test(cases)),
    [],
  )
})

test(
  'every rule of the packs fires on fail, and neither on pass nor when it is waived',
  needsPrometheus(),
  async () => {
    using directory = temporaryDirectory()
    const file = join(directory.path, 'rules.test.yml')
    const packs = rules().filter((group) => !group.name.startsWith('vigil'))
    const names = packs.flatMap((group) => group.rules.flatMap((rule) => rule.alert ?? []))
    assert.ok(names.length >= 15)
    const idOf = new Map(
      SHIPPED_PACKS.flatMap((id) => loadPack(id).rules).map((rule) => [alertName(rule.id), rule]),
    )
    // All of them in one case: promtool evaluates every rule of the file for each case.
    const cases = names.map((name) => {
      const rule = idOf.get(name)
      assert.ok(rule !== undefined, name)
      const series = (subject: string, state: string, waived: string, values: string) => ({
        series: `vigil_finding_state{job="vigil", instance="a", rule="${rule.id}", subject="ca_crl[${subject}]", severity="${rule.severity}", state="${state}", waived="${waived}"}`,
        values,
      })
      const count = (subject: string) => `count(ALERTS{alertname="${name}", subject="ca_crl[${subject}]"})`
      return {
        input: [
          series('bad', 'fail', 'false', '0 1 1'),
          series('bad', 'pass', 'false', '1 0 0'),
          series('good', 'pass', 'false', '1 1 1'),
          series('good', 'fail', 'false', '0 0 0'),
          series('waived', 'fail', 'true', '1 1 1'),
        ],
        expected: [
          { expr: count('bad'), eval_time: '0m', exp_samples: [] },
          { expr: count('bad'), eval_time: '1m', exp_samples: [{ value: 1 }] },
          { expr: count('good'), eval_time: '2m', exp_samples: [] },
          { expr: count('waived'), eval_time: '2m', exp_samples: [] },
        ],
      }
    })
    const test = {
      interval: '1m',
      input_series: cases.flatMap(({ input }) => input),
      promql_expr_test: cases.flatMap(({ expected }) => expected),
    }
    // The first pack's group records what the others read; promtool takes them in any order otherwise.
    const group_eval_order = rules().map(({ name }) => name)
    writeFileSync(
      file,
      stringify({ rule_files: [resolve(RULES)], evaluation_interval: '1m', group_eval_order, tests: [test] }),
    )
    await runTool('promtool', ['test', 'rules', file])
  },
)

test('pint finds nothing in the rules', needsPint(), async () => {
  const printed = await runPint(['--offline', '--no-color', 'lint', RULES])
  assert.match(printed, /entries=\d{2}/, 'it looked at them')
  assert.doesNotMatch(printed, /Problems found|Warning|Bug|Fatal/)
})

test('from Prometheus only the absence of vigil and its own verdicts page', () => {
  const paging = rules()
    .flatMap((group) => group.rules)
    .filter((rule) => rule.labels?.['severity'] === 'critical')
    .map((rule) => rule.alert)
  assert.deepEqual(paging, ['VigilAbsent', 'VigilDown', 'VigilNotReady', 'VigilTicksStopped'])
})

const SAMPLE = `${FOLDER}/alertmanager.yml`

test('the sample for Alertmanager is valid, and names no real address', needsPrometheus(), async () => {
  await runTool('amtool', ['check-config', SAMPLE])
  const text = readFileSync(SAMPLE, 'utf8')
  const addresses = [...text.matchAll(/(?:https?:\/\/|@|smarthost: )([^\s/:]+)/g)].map(
    ([, host]) => host ?? '',
  )
  assert.ok(addresses.length >= 6)
  for (const host of addresses) assert.match(host, /REPLACE-ME\.example$/)
})

for (const [what, receiver, labels] of [
  ['a critical finding', 'pager', ['alertname=CrlFreshnessOk', 'severity=critical', 'incident=authority[x]']],
  ['a warning', 'chat', ['alertname=CertLifetimeThreshold', 'severity=warning', 'service=shop']],
  ['what is only good to know', 'mail', ['alertname=Something', 'severity=info']],
  [
    'a verdict once more, by Prometheus',
    'nobody',
    ['alertname=CrlFreshnessOk', 'severity=critical', 'source=prometheus'],
  ],
  ['the absence of vigil', 'pager', ['alertname=VigilDown', 'severity=critical', 'component=vigil']],
  ['a trouble of vigil', 'chat', ['alertname=VigilAlertsUndelivered', 'severity=warning', 'component=vigil']],
  [
    'a contradiction',
    'chat',
    ['alertname=VigilMissedExpiredCrl', 'severity=warning', 'component=vigil', 'rule=crl_not_expired'],
  ],
  [
    "vigil's own watchdog",
    'dead-mans-switch-vigil',
    ['alertname=VigilWatchdog', 'severity=info', 'component=vigil', 'source=vigil', 'origin=vigil.test'],
  ],
  [
    'the watchdog by Prometheus',
    'dead-mans-switch-prometheus',
    ['alertname=VigilWatchdog', 'severity=info', 'component=vigil', 'source=prometheus'],
  ],
] as const)
  test(`the sample for Alertmanager sends ${what} to ${receiver}`, needsPrometheus(), async () => {
    const args = ['config', 'routes', 'test', `--config.file=${SAMPLE}`, `--verify.receivers=${receiver}`]
    await runTool('amtool', [...args, ...labels])
  })
