import assert from 'node:assert/strict'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CommandError } from '../../cli/exit.ts'
import { lookAtFiles } from '../../cli/inspect/files.ts'
import { normalizedSerial } from '../../cli/serial.ts'
import { recorded } from '../pki/support.ts'
import { AROUND, unasked } from './inspections.ts'
import { inJson, temporaryDirectory, vigil, type Finished } from '../support/vigil.ts'

const AT = ['--at', '2026-11-22T05:15:00Z']

function file(name: string): string {
  return fileURLToPath(new URL(`../fixtures/ejbca-real/${name}`, import.meta.url))
}

function inspect(...args: readonly string[]): Promise<Finished> {
  return vigil(['inspect', ...args, ...AT])
}

test('people see the verdict first, without colours where there is no terminal', async () => {
  const { code, stdout, stderr } = await inspect('crl', file('issuing_crl.crl'), '--issuer', file('ca.pem'))
  assert.equal(code, 1)
  assert.match(
    stdout,
    /^\S+issuing_crl\.crl: INVALID at 2026-11-22T05:15:00\.000Z; what follows are its own claims\n/,
  )
  assert.match(stdout, /\n {2}path: issuer_mismatch: expected a CRL issued by /)
  assert.match(stdout, /\n {2}number +5\n/)
  assert.doesNotMatch(stdout + stderr, /\u001b/)
})

test('standard input is read, --json prints one document and nothing else, a serial number is looked up as people copy it', async () => {
  const serial = '32:36:C1:EB:C3:32:CB:8A:C6:F8:F6:63:B3:44:AF:98:10:F3:7A:65'
  const args = [
    'inspect',
    'crl',
    '-',
    '--issuer',
    file('issuing-ca.pem'),
    '--serial',
    serial,
    '--json',
    ...AT,
  ]
  const { code, stdout, stderr } = await vigil(args, { input: recorded('issuing_crl.crl') })
  assert.equal(code, 0)
  assert.equal(stderr, '')
  assert.equal(inJson(stdout, 'verdict'), 'valid')
  assert.deepEqual(inJson(stdout, 'facts.lookup'), {
    serial: '3236c1ebc332cb8ac6f8f663b344af9810f37a65',
    revokedAt: '2026-11-22T05:02:08.000Z',
    reason: 'keyCompromise',
    listed: true,
  })
})

test('what is asked wrongly ends with 2 and the reason', async () => {
  const { code, stdout, stderr } = await vigil([
    'inspect',
    'crl',
    file('issuing_crl.crl'),
    '--at',
    'yesterday',
  ])
  assert.equal(code, 2)
  assert.match(stderr, /expected a time such as/)
  assert.equal(stdout, '')
})

test('serial numbers come in many forms', () => {
  for (const text of ['0A:1b', '0x0a1b', '00000a1B', 'a1b']) assert.equal(normalizedSerial(text), 'a1b', text)
  assert.equal(normalizedSerial('00'), '0')
  for (const text of ['', 'xyz', '-1', '0x', '1 2']) assert.equal(normalizedSerial(text), undefined, text)
})

function refusal(...args: Parameters<typeof lookAtFiles>): Promise<CommandError> {
  return lookAtFiles(...args).then(
    () => assert.fail('expected an error'),
    (error: unknown) => (error instanceof CommandError ? error : assert.fail(String(error))),
  )
}

test('what cannot be read ends with 3, standard input twice with 2', async () => {
  using directory = temporaryDirectory()
  const isDirectory = await refusal('crl', [directory.path], unasked(), AROUND)
  assert.match(isDirectory.message, /is a directory: expected a file/)
  assert.equal(isDirectory.exitCode, 3)
  const missing = await refusal('cert', [join(directory.path, 'missing')], unasked(), AROUND)
  assert.match(missing.message, /missing: no such file/)
  assert.equal(missing.exitCode, 3)
  const twice = await refusal('chain', ['-', file('alice.pem'), '-'], unasked(), AROUND)
  assert.match(twice.message, /standard input can be read once/)
  assert.equal(twice.exitCode, 2)
})

test('100 MB of zeros are refused without reading them', async () => {
  using directory = temporaryDirectory()
  const zeros = join(directory.path, 'zeros')
  writeFileSync(zeros, '')
  truncateSync(zeros, 100_000_000)
  const certificate = await lookAtFiles('cert', [zeros], unasked(), AROUND)
  assert.deepEqual(certificate.document.error, {
    phase: 'decode',
    code: 'too_large',
    message: 'expected at most 16777216 octets of input, got 100000000',
  })
  const crl = await lookAtFiles('crl', [zeros], unasked(), AROUND)
  assert.equal(crl.document.error?.code, 'not_der')
})
