import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { loadConfig, type LoadedConfig } from '../../cli/load.ts'
import type { Stack } from '../../cli/stack.ts'
import { portOf } from '../../lab/http.ts'
import { toPem } from '../../lab/issue.ts'
import type { Finding } from '../../model/finding.ts'
import type { FactsOf } from '../../model/facts.ts'
import { formatProblem } from '../../model/problem.ts'
import { entity } from '../probes/pki.ts'
import { startVigil, untilFindings } from '../support/stack.ts'
import { temporaryDirectory } from '../support/vigil.ts'

const CRL = 'ca_crl[ca]'

interface Setup {
  readonly directory: string
  readonly load: (rest: string) => ReturnType<typeof loadConfig>
}

/** An authority whose distribution point answers 404. */
async function setUp(t: TestContext): Promise<Setup> {
  const directory = temporaryDirectory()
  const server = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
    directory[Symbol.dispose]()
  })
  const ca = await entity({ subject: 'CN=CA' })
  writeFileSync(join(directory.path, 'ca.pem'), toPem(ca.certificate, 'CERTIFICATE'))
  const file = join(directory.path, 'vigil.yaml')
  return {
    directory: directory.path,
    load: (rest) => {
      writeFileSync(
        file,
        `server: { listen: '127.0.0.1:0' }
inventory:
  authorities:
    - { id: ca, tags: [zone-a], certificate: ca.pem, crl: [{ url: 'http://127.0.0.1:${portOf(server)}/ca.crl' }] }
probes: { interval: 100ms }
${rest}`,
      )
      return loadConfig(file, {})
    },
  }
}

function loaded(setup: Setup, rest: string): LoadedConfig {
  const result = setup.load(rest)
  assert.ok(result.ok, JSON.stringify(result))
  return result.value
}

const finding = (stack: Stack, rule: string): Finding | undefined =>
  stack.findings().find((f) => f.rule === rule && f.subject === CRL)

/** The newest facts about availability. */
async function availability(stack: Stack): Promise<FactsOf<'slo'> | undefined> {
  let newest: FactsOf<'slo'> | undefined
  for await (const batch of stack.journal.read())
    for (const record of batch)
      if (
        record.kind === 'observation' &&
        record.body.probe === 'slo' &&
        record.body.target === 'availability'
      )
        newest = record.body.facts.slo
  return newest
}

const SLOS = 'rules: { packs: [internal-pki, slo] }\nslos: { interval: 500ms }\n'

test('an outage burns the error budget, pages, and is still counted after a restart', async (t) => {
  const setup = await setUp(t)
  const first = await startVigil(loaded(setup, SLOS))
  await untilFindings(first, () => finding(first, 'slo_burn_page_fast')?.state === 'fail')
  assert.match(
    finding(first, 'slo_burn_page_fast')?.summary ?? '',
    /^availability burns its error budget at 1000 times the allowed rate over an hour/,
  )
  const text = await (await fetch(`${first.url}/metrics`)).text()
  assert.match(
    text,
    /^vigil_slo_burn_rate\{subject="ca_crl\[ca\]",objective="availability",window="1h"\} 1000$/m,
  )
  const page = await (await fetch(`${first.url}/subject/${encodeURIComponent(CRL)}`)).text()
  assert.match(page, /budgetRemaining/)
  await first.stop()
  const before = (await availability(first))?.bad6h ?? 0
  assert.ok(before >= 3)

  const second = await startVigil(loaded(setup, SLOS))
  try {
    const restarted = second.journal.size
    await untilFindings(second, () => second.journal.size > restarted + 5)
    const after = (await availability(second))?.bad6h ?? 0
    assert.ok(after >= before, `${after} after ${before}`)
    await untilFindings(second, () => finding(second, 'slo_burn_page_fast')?.state === 'fail')
  } finally {
    await second.stop()
  }
})

test('maintenance comes with a reload, mutes what fails, and stops the budget from being spent', async (t) => {
  const setup = await setUp(t)
  const stack = await startVigil(loaded(setup, SLOS))
  try {
    await untilFindings(stack, () => finding(stack, 'slo_burn_page_fast')?.state === 'fail')
    const window = { from: Date.now() - 60_000, to: Date.now() + 3_600_000 }
    const maintenance = `maintenance:\n  - { from: '${new Date(window.from).toISOString()}', to: '${new Date(window.to).toISOString()}', tags: [zone-a], reason: new disks }\n`
    assert.deepEqual(await stack.reload(() => setup.load(SLOS + maintenance)), [])
    await untilFindings(stack, () => finding(stack, 'slo_burn_page_fast')?.waiver?.reason === 'new disks')
    assert.equal(finding(stack, 'slo_burn_page_fast')?.waiver?.expires, new Date(window.to).toISOString())
    const other = await stack.reload(() => setup.load(SLOS.replace('500ms', '1m')))
    assert.match(other.map(formatProblem).join(), /slos: has changed, which takes a restart/)
  } finally {
    await stack.stop()
  }
})

test('what cannot be meant so is refused with its line', async (t) => {
  const setup = await setUp(t)
  const problems = (rest: string): readonly string[] => {
    const result = setup.load(rest)
    return result.ok ? [] : result.problems.map((p) => formatProblem(p).replaceAll(`${setup.directory}/`, ''))
  }
  assert.deepEqual(problems('rules: { packs: [slo] }\n'), [
    'vigil.yaml:6: rules.packs[0]: slo_burn_page_fast of slo is about objectives, and there are none: add "slos: {}"',
  ])
  assert.deepEqual(problems('slos: { ocsp_latency: { treshold: 1s } }\n'), [
    'vigil.yaml:6: slos.ocsp_latency.treshold: unknown key; did you mean "threshold"?',
  ])
  assert.deepEqual(
    problems(
      "slos:\n  overrides:\n    - { objective: crl_freshness, subject: 'ca_crl[cb]' }\nmaintenance:\n  - { cron: '0 2 * * *', duration: 1h, tags: [zone-b], reason: x }\n",
    ),
    [
      'vigil.yaml:8: slos.overrides[0].subject: crl_freshness is about no subject "ca_crl[cb]"; it is about ca_crl[ca]',
      'vigil.yaml:10: maintenance[0].tags[0]: nothing is tagged "zone-b" in the inventory; tags are zone-a',
    ],
  )
})
