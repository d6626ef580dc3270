import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SHIPPED_PACKS } from '../../rules/loadPack.ts'
import { inJson, temporaryDirectory, vigil } from '../support/vigil.ts'

const PACK = `schema: 1
id: own
version: 1.2.3
title: Own
rules:
  - id: crl_small
    title: The CRL is small
    rationale: Devices.
    source: { document: Plan, basis: practice }
    applies_to: { subjects: [ca_crl] }
    parameters: { most: [{ value: 10 }, { value: 5, from: 2027-03-15 }] }
    condition: crl.entries <= parameters.most
    summary: has {crl.entries}
    severity: warning
`

test('vigil rules lint takes every shipped pack, without a configuration', async () => {
  const { code, stdout } = await vigil(['rules', 'lint'])
  assert.equal(code, 0)
  assert.equal(stdout.trim().split('\n').length, SHIPPED_PACKS.length)
})

test('vigil rules lint names every mistake of every pack with its line, and ends with 2', async () => {
  using directory = temporaryDirectory()
  writeFileSync(join(directory.path, 'a.yaml'), PACK.replace('crl.entries <=', 'crl.entrys <='))
  writeFileSync(join(directory.path, 'b.yaml'), PACK.replace('severity: warning', 'severity: critical'))
  const { code, stdout, stderr } = await vigil(['rules', 'lint', 'a.yaml', 'b.yaml', 'none.yaml'], {
    cwd: directory.path,
  })
  assert.equal(code, 2)
  assert.equal(stdout, '')
  assert.match(stderr, /3 mistakes in rule packs:/)
  assert.match(stderr, /a\.yaml:12: rules\[0\]\.condition: at character 5: No such key: entrys/)
  assert.match(stderr, /b\.yaml:14: rules\[0\]\.severity: a critical rule pages somebody: name its runbook/)
  assert.match(stderr, /none\.yaml: rule pack .*none\.yaml cannot be read \(ENOENT\)/)
})

test('vigil rules lint finds one rule in two packs, with both lines', async () => {
  using directory = temporaryDirectory()
  writeFileSync(join(directory.path, 'a.yaml'), PACK)
  writeFileSync(join(directory.path, 'b.yaml'), PACK.replace('id: own', 'id: other'))
  const { code, stdout } = await vigil(['rules', 'lint', 'a.yaml', 'b.yaml', '--json'], {
    cwd: directory.path,
  })
  assert.equal(code, 2)
  assert.equal(inJson(stdout, 'ok'), false)
  assert.match(
    String(inJson(stdout, 'problems.0.message')),
    /stands at .*a\.yaml:6 and .*b\.yaml:6: rename one/,
  )
})

test('vigil rules list shows rules with source, dates and parameters as the configuration has them', async () => {
  using directory = temporaryDirectory()
  writeFileSync(join(directory.path, 'a.yaml'), PACK)
  writeFileSync(join(directory.path, 'vigil.yaml'), 'inventory: {}\nrules: { packs: [./a.yaml] }\n')
  const listed = await vigil(['rules', 'list', '--json'], { cwd: directory.path })
  assert.equal(listed.code, 0)
  assert.equal(inJson(listed.stdout, 'rules.0.id'), 'crl_small')
  assert.equal(inJson(listed.stdout, 'rules.0.line'), 6)
  assert.deepEqual(inJson(listed.stdout, 'rules.0.parameters.most'), [
    { value: 10, from: null, origin: 'pack' },
    { value: 5, from: '2027-03-15', origin: 'pack' },
  ])
  assert.match(
    (await vigil(['rules', 'list'], { cwd: directory.path })).stdout,
    /crl_small +own +warning .*most 10, 5 from 2027-03-15/,
  )
  assert.match((await vigil(['rules', 'list', '--shipped'])).stdout, /^crl_freshness_ok .*max_age 24h/m)
})

test('vigil explain and vigil attest say what is wrong with the question', async () => {
  using directory = temporaryDirectory()
  const cwd = directory.path
  writeFileSync(join(cwd, 'vigil.yaml'), 'inventory: {}\n')
  const explained = await vigil(['explain', 'ca_crl[x]', 'crl_valid', '--at', 'yesterday'], { cwd })
  assert.equal(explained.code, 2)
  assert.match(explained.stderr, /--at: expected a date or time such as/)
  assert.equal((await vigil(['explain', 'ca_crl[x]', 'crl_valid'], { cwd })).code, 3, 'there is no journal')

  const attest = (...args: readonly string[]) =>
    vigil(
      ['attest', 'cps_review', '--subject', 'pki_governance', '--statement', 'x', '--key', 'k', ...args],
      { cwd },
    )
  assert.match(
    (await attest('--by', 'me', '--expires', '2099-01-01')).stderr,
    /there is no attestations\.directory/,
  )
  const to = ['--directory', 'd'] as const
  assert.match(
    (await attest('--by', 'me', '--expires', '2020-01-01', ...to)).stderr,
    /expire after it was made/,
  )
  assert.match((await attest('--by', 'Jane Doe', '--expires', '2099-01-01', ...to)).stderr, /without spaces/)
  const noKey = await attest('--by', 'me', '--expires', '2099-01-01', ...to)
  assert.equal(noKey.code, 2)
  assert.match(noKey.stderr, /--key k: no such file: check the path, or give --new-key/)
})
