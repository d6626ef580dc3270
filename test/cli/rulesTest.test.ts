import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { LIFETIMES, SETTINGS } from '../../cli/demo/settings.ts'
import { startLab } from '../../lab/lab.ts'
import { writeVigilYaml } from '../../lab/vigilYaml.ts'
import { loadPack } from '../../rules/loadPack.ts'
import { loadedFrom, startVigil } from '../support/stack.ts'
import { inJson, temporaryDirectory, vigil } from '../support/vigil.ts'

const DAY = 86_400_000
/** How long the certificates of the lab's services live. */
const SERVICE_LIFE = 60 * DAY
const SERVICE = 'deployed_service_cert[shop,prod]'

/** One rule that changes at a date, one that fails at once, one whose facts nobody establishes. */
function pack(policyDate: string): string {
  return `schema: 1
id: own
version: 1.0.0
title: Own
rules:
  - id: short_lives
    title: Certificates do not live for long
    rationale: Keys age.
    source: { document: Plan, section: '4', basis: practice }
    judged_by: certificate.notBefore
    applies_to: { subjects: [deployed_service_cert] }
    parameters: { most: [{ value: 90d }, { value: 47d, from: ${policyDate} }] }
    condition: certificate.notAfter - certificate.notBefore <= parameters.most
    summary: 'lives for {certificate.notAfter - certificate.notBefore}, allowed are {parameters.most}'
    severity: critical
    runbook: docs/runbooks/x.md
`
}

const FAILING = `
  - id: crl_tiny
    title: The CRL is tiny
    rationale: Devices.
    source: { document: Plan, basis: practice }
    applies_to: { subjects: [ca_crl], class: online }
    condition: crl.size < 10
    summary: '{crl.size} octets'
    severity: warning
  - id: crl_answered
    title: The CRL answers questions
    rationale: It does not.
    source: { document: Plan, basis: practice }
    applies_to: { subjects: [ca_crl], class: online }
    condition: ocsp.status == 'good'
    summary: never
    severity: warning
`

describe('vigil rules test, on the journal of a PKI that was watched', () => {
  const directory = temporaryDirectory()
  const cwd = directory.path
  const rulesTest = (...args: readonly string[]) => vigil(['rules', 'test', ...args], { cwd })
  const inDays = (days: number): string => new Date(Date.now() + days * DAY).toISOString()

  before(async () => {
    await using lab = await startLab({
      directory: join(cwd, 'lab'),
      now: Date.now,
      lifetimes: { ...LIFETIMES, service: SERVICE_LIFE },
    })
    // What the lab has revoked since its first CRLs is on the next ones.
    await lab.refreshCrls()
    const file = await writeVigilYaml(lab, {
      ...SETTINGS,
      directory: cwd,
      server: { listen: '127.0.0.1:0' },
      // Nothing may be too old when it is over, however slow the machine is.
      rules: { tick: '1s', parameters: evidenceKept() },
    })
    const loaded = loadedFrom(file)
    const stack = await startVigil(loaded)
    try {
      for await (const batch of stack.journal.follow(undefined, AbortSignal.timeout(30_000)))
        if (batch.length > 0 && stack.findings().every(({ state }) => state !== 'unknown')) break
    } finally {
      await stack.stop()
    }
    writeFileSync(join(cwd, 'dated.yaml'), pack(inDays(20)))
    writeFileSync(join(cwd, 'own.yaml'), pack('2090-01-01') + FAILING)
  })
  after(() => directory[Symbol.dispose]())

  it('says what expires by a date, beside what is renewed all the time', async () => {
    const shown = await rulesTest('--at', inDays(40))
    assert.equal(shown.code, 1, shown.stderr)
    assert.match(shown.stdout, /Out of date then, unless renewed before: 4 findings of 1 rule\n/)
    assert.match(shown.stdout, /deployed_service_cert\[shop,prod\] +from \d{4}-.* expires at/)
    assert.match(shown.stdout, /renewed all the time.*\n(.*\n)* {2}crl_freshness_ok /)
    assert.match(shown.stdout, /Else as now: \d+ pass/)
  })

  it('ends with 0 when nothing but what is renewed all the time would lapse', async () => {
    const { code, stdout } = await rulesTest('--at', inDays(20))
    assert.equal(code, 0, stdout)
    assert.match(stdout, /\nAs now: \d+ pass/)
  })

  it('says what could not be issued like this any more, from which second on', async () => {
    const at = inDays(25)
    const { code, stdout } = await rulesTest('--at', at, '--pack', 'dated.yaml', '--json')
    assert.equal(code, 1)
    assert.equal(inJson(stdout, 'kind'), 'future')
    assert.equal(inJson(stdout, 'at'), at)
    const changes = inJson(stdout, 'changes')
    assert.ok(Array.isArray(changes))
    const found: unknown = changes.find(
      (c: unknown) => inChange(c, 'subject') === SERVICE && inChange(c, 'rule') === 'short_lives',
    )
    assert.equal(inChange(found, 'group'), 'not_renewable')
    assert.match(
      String(inChange(found, 'summary')),
      /^lives for 60d, allowed are 47d \(most 47d from .* on, by certificate.notBefore/,
    )
    assert.ok(Math.abs(Date.parse(String(inChange(found, 'from'))) - Date.parse(inDays(20))) < 60_000)
    assert.equal(inChange(found, 'routine'), false)
  })

  it('says what another pack would have said about the past, and that the rest stays', async () => {
    const shown = await rulesTest('--pack', 'own.yaml')
    assert.equal(shown.code, 1, shown.stderr)
    assert.match(shown.stdout, /Would have failed.*: 3 findings of 1 rule\n {2}crl_tiny warning/)
    assert.match(shown.stdout, /Nobody can say.*: 3 findings of 1 rule\n {2}crl_answered/)
    assert.match(shown.stdout, /ocsp\.status was not established/)
    assert.match(shown.stdout, /New, and without a failure: 1 rule\.\nNot under test: \d+ rules/)

    const { code, stdout } = await rulesTest('--pack', 'own.yaml', '--only', '--from', '2026-01-01', '--json')
    assert.equal(code, 1)
    assert.equal(inJson(stdout, 'kind'), 'past')
    const rules = inJson(stdout, 'rules')
    assert.ok(Array.isArray(rules))
    const statuses = new Set(rules.map((rule: unknown) => inChange(rule, 'status')))
    assert.deepEqual(statuses, new Set(['new', 'left_out']))
  })

  it('agrees with what was said by the rules that are in force', async () => {
    const { code, stdout } = await rulesTest('--from', '2026-01-01')
    assert.equal(code, 0, stdout)
    assert.match(stdout, /^As it was: \d+ rules\.$/m)
    assert.doesNotMatch(stdout, /Would/)
  })

  it('says what is wrong with the question', async () => {
    writeFileSync(join(cwd, 'twice.yaml'), pack('2090-01-01').replace('short_lives', 'crl_valid'))
    const questions: readonly (readonly [RegExp, ...string[]])[] = [
      [/expected what to test/],
      [/--at: expected a time after the newest record/, '--at', '2020-01-01'],
      [/holds nothing from 2025-01-01 to 2025-02-01: it begins at 20/, '--month', '2025-01'],
      [/crl_valid stands at .*internal-pki\.yaml:\d+ and .*twice\.yaml/, '--pack', 'twice.yaml'],
    ]
    await Promise.all(
      questions.map(async ([expected, ...args]) => {
        const { code, stderr } = await rulesTest(...args)
        assert.equal(code, 2)
        assert.match(stderr, expected)
      }),
    )
  })
})

/** Overrides by which no rule finds its evidence too old. */
function evidenceKept() {
  const rules = loadPack('internal-pki').rules.map(({ id }) => [id, { evidence_max_age: '1h' }] as const)
  return Object.fromEntries(rules)
}

function inChange(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
