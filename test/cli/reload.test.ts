import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { explain } from '../../cli/explain/explain.ts'
import { loadConfig } from '../../cli/load.ts'
import type { Stack } from '../../cli/stack.ts'
import { openReader } from '../../journal/reader.ts'
import { verifyJournal } from '../../journal/verify.ts'
import { portOf } from '../../lab/http.ts'
import { toPem } from '../../lab/issue.ts'
import type { Finding } from '../../model/finding.ts'
import { formatProblem } from '../../model/problem.ts'
import { entity } from '../probes/pki.ts'
import { loadedFrom, startVigil, untilFindings } from '../support/stack.ts'
import { temporaryDirectory, vigil } from '../support/vigil.ts'

const CRL = 'ca_crl[ca]'
const DAY = 86_400_000

const PACK = `schema: 1
id: own
version: 1.0.0
title: Own
rules:
  - id: crl_served
    title: The CRL is served
    rationale: Relying parties want it.
    source: { document: Plan, section: '4', basis: practice }
    applies_to: { subjects: [ca_crl] }
    parameters: { code: '' }
    condition: probe.code == parameters.code
    summary: '{target} answered {probe.code}, not {parameters.code}'
    severity: warning
`

interface Setup {
  readonly directory: string
  readonly stack: Stack
  /** Writes the files anew and reloads; the problems as lines. */
  readonly reload: (files: { rules?: string; pack?: string; rest?: string }) => Promise<string[]>
  readonly finding: (rule: string) => Finding
}

/** An authority whose distribution point answers 404, watched. */
async function setUp(t: TestContext): Promise<Setup> {
  const directory = temporaryDirectory()
  const server = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const ca = await entity({ subject: 'CN=CA' })
  writeFileSync(join(directory.path, 'ca.pem'), toPem(ca.certificate, 'CERTIFICATE'))
  const file = join(directory.path, 'vigil.yaml')
  const write = (rules: string, pack: string, rest: string): void => {
    writeFileSync(join(directory.path, 'own.yaml'), pack)
    writeFileSync(
      file,
      `server: { listen: '127.0.0.1:0' }
inventory:
  authorities: [{ id: ca, certificate: ca.pem, crl: [{ url: 'http://127.0.0.1:${portOf(server)}/ca.crl' }] }]
probes: { interval: 1s }
rules:
  packs: [./own.yaml]
${rules}${rest}`,
    )
  }
  write('', PACK, '')
  const loaded = loadedFrom(file)
  const stack = await startVigil(loaded)
  t.after(async () => {
    await stack.stop()
    server.closeAllConnections()
    server.close()
    directory[Symbol.dispose]()
  })
  await untilFindings(stack, (findings) => findings.some((f) => f.state === 'fail'))
  return {
    directory: directory.path,
    stack,
    reload: async ({ rules = '', pack = PACK, rest = '' }) => {
      write(rules, pack, rest)
      const problems = await stack.reload(() => loadConfig(file, {}))
      return problems.map((p) => formatProblem(p).replaceAll(`${directory.path}/`, ''))
    },
    finding: (rule) => stack.findings().find((f) => f.rule === rule) ?? assert.fail(`no finding of ${rule}`),
  }
}

async function metric(stack: Stack, name: string): Promise<number> {
  const text = await (await fetch(`${stack.url}/metrics`)).text()
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
}

test('a reload puts rules, parameters and waivers in force at once, as a record', async (t) => {
  const { stack, reload, finding, directory } = await setUp(t)
  assert.match(finding('crl_served').summary, /answered http_status, not$/)
  const since = finding('crl_served').since
  const expires = new Date(Date.now() + DAY).toISOString()
  const rules = `  waivers: [{ rule: crl_served, subject: 'ca_crl[*]', owner: me, reason: moving, expires: '${expires}' }]\n`
  assert.deepEqual(await reload({ rules }), [])
  await untilFindings(stack, () => finding('crl_served').waiver !== undefined)
  assert.equal(finding('crl_served').state, 'fail')
  assert.equal(finding('crl_served').since, since)
  assert.equal(await metric(stack, 'vigil_config_last_reload_successful'), 1)
  const waived = Date.now()

  assert.deepEqual(await reload({ rules: '  parameters: { crl_served: { code: http_status } }\n' }), [])
  await untilFindings(stack, () => finding('crl_served').state === 'pass')

  const reader = await openReader(join(directory, 'journal'))
  const explained = await explain({
    reader,
    loaded: loadedFrom(join(directory, 'vigil.yaml')),
    subject: CRL,
    rule: 'crl_served',
    at: undefined,
  })
  assert.equal(explained.state, 'pass')
  assert.deepEqual(explained.parameters, [
    { name: 'code', value: 'http_status', origin: 'configuration', from: null, until: null },
  ])
  assert.deepEqual(
    explained.traces[0]?.parts.map((part) => [part.source, 'value' in part ? part.value : 'none']),
    [
      ['probe.code == parameters.code', 'true'],
      ['probe.code', 'http_status'],
      ['parameters.code', 'http_status'],
    ],
  )
  const configurations: string[] = []
  for await (const batch of reader.read())
    for (const record of batch)
      if (record.kind === 'configuration')
        configurations.push(record.body.artifacts.map((artifact) => artifact.name).join(' '))
  assert.deepEqual(configurations, Array(3).fill('vigil.yaml inputs.json rules/own'))

  // What was in force before the parameter was changed.
  const then = await explain({
    reader,
    loaded: loadedFrom(join(directory, 'vigil.yaml')),
    subject: CRL,
    rule: 'crl_served',
    at: waived,
  })
  assert.equal(then.state, 'fail')
  assert.equal(then.parameters[0]?.value, '')
  assert.equal(then.waiver?.owner, 'me')
})

test('a reload with a mistake names it, and what is in force stays in force', async (t) => {
  const { stack, reload, finding } = await setUp(t)
  const cases: readonly [what: Parameters<typeof reload>[0], problem: RegExp][] = [
    [
      { pack: PACK.replace('probe.code ==', 'probe.duration ==') },
      /^own\.yaml:12: rules\[0\]\.condition: at character 1: no such overload/,
    ],
    [
      { pack: PACK.replace('probe.code ==', 'probe.colour ==') },
      /^own\.yaml:12: rules\[0\]\.condition: at character 7: No such key: colour/,
    ],
    [
      { pack: PACK.replace('probe.code == parameters.code', `'${'('.repeat(200)}true${')'.repeat(200)}'`) },
      /^own\.yaml:12: rules\[0\]\.condition: .*(depth|nest)/i,
    ],
    [
      {
        pack: PACK.replace(
          'probe.code == parameters.code',
          'certificate.identities.all(a, certificate.identities.all(b, a == b))',
        ),
      },
      /^own\.yaml:12: rules\[0\]\.condition: .*all\(\) inside another macro is not allowed/,
    ],
    [
      { pack: PACK.replace('schema: 1', 'schema: 7') },
      /^own\.yaml:1: schema: expected 1, got 7: .*newer vigil$/,
    ],
    [
      { pack: PACK + PACK.slice(PACK.indexOf('  - id')) },
      /^own\.yaml:15: rules\[1\]\.id: rule crl_served stands here and at line 6/,
    ],
    [
      { rules: '  waivers: [{ rule: crl_servd, subject: x, owner: me, reason: y, expires: 2099-01-01 }]\n' },
      /^vigil\.yaml:7: rules\.waivers\[0\]\.expires: expected a time within a year/,
    ],
    [
      {
        rules: `  waivers: [{ rule: crl_served, subject: '${CRL}', owner: me, reason: y, expires: 2026-01-01 }]\n`,
      },
      /^vigil\.yaml:7: rules\.waivers\[0\]\.expires: the waiver of crl_served for ca_crl\[ca\] ended at 2026-01-01/,
    ],
    [{ rest: 'vantage: elsewhere\n' }, /^vigil\.yaml: vantage: has changed, which takes a restart/],
    [{ rules: '  tick: 5s\n' }, /^vigil\.yaml: rules: has changed, which takes a restart/],
  ]
  for (const [files, problem] of cases) {
    const found = await reload(files)
    assert.match(found[0] ?? 'no problem', problem)
    assert.equal(await metric(stack, 'vigil_config_last_reload_successful'), 0)
    assert.equal(finding('crl_served').state, 'fail')
  }
  assert.equal(await metric(stack, 'vigil_problems'), 1)
  assert.deepEqual(await reload({}), [])
  assert.equal(await metric(stack, 'vigil_config_last_reload_successful'), 1)
  assert.equal(await metric(stack, 'vigil_problems'), 0)
})

test('signed statements are observed, journaled and judged', async (t) => {
  using directory = temporaryDirectory()
  const made = await vigil(
    ['attest', 'cps_review', '--subject', 'pki_governance', '--by', 'jane', '--expires', '2099-01-01'].concat(
      ['--key', 'jane.key', '--new-key', '--statement', 'reviewed', '--directory', 'signed', '--json'],
    ),
    { cwd: directory.path },
  )
  assert.equal(made.code, 0, made.stderr)
  const { file, key } = JSON.parse(made.stdout) as { file: string; key: string }
  assert.match(
    readFileSync(join(directory.path, file), 'utf8'),
    /^pki-vigil attestation v1\nkind: cps_review\n/,
  )
  const pack = PACK.replace(/applies_to: .*/, 'applies_to: { subjects: [pki_governance] }')
    .replace(
      /condition: .*/,
      "condition: attestation.by == 'jane'\n    evidence: { attestation: cps_review }",
    )
    .replace(/summary: .*/, 'summary: somebody else')
  writeFileSync(join(directory.path, 'own.yaml'), pack)
  writeFileSync(
    join(directory.path, 'vigil.yaml'),
    `server: { listen: '127.0.0.1:0' }\ninventory: {}\nrules: { packs: [./own.yaml] }\nattestations: { directory: signed, keys: [${key}] }\n`,
  )
  const stack = await startVigil(loadedFrom(join(directory.path, 'vigil.yaml')))
  t.after(() => stack.stop())
  try {
    await untilFindings(stack, (findings) =>
      findings.some((f) => f.rule === 'crl_served' && f.state === 'pass'),
    )
    const [finding] = stack.findings()
    assert.equal(finding?.subject, 'pki_governance')
    const page = await fetch(`${stack.url}/subject/pki_governance`)
    assert.equal(page.status, 200)
  } finally {
    await stack.stop()
  }
  const reader = await openReader(join(directory.path, 'journal'))
  const explained = await explain({
    reader,
    loaded: loadedFrom(join(directory.path, 'vigil.yaml')),
    subject: 'pki_governance',
    rule: 'crl_served',
    at: undefined,
  })
  const [artifact] = explained.targets[0]?.evidence?.artifacts ?? []
  assert.ok(artifact?.kept === true)
  const note = Buffer.from((await reader.getArtifact(artifact.digest)) ?? []).toString('utf8')
  assert.equal(note, readFileSync(join(directory.path, file), 'utf8'), 'the signature itself is the evidence')
  assert.notEqual((await verifyJournal(join(directory.path, 'journal'), {})).verdict, 'broken')
})
