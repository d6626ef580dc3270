import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { writeVigilYaml } from '../../lab/vigilYaml.ts'
import { configSchema } from '../../model/config.ts'
import { declaredCrls } from '../../probes/crl/distribution.ts'
import { handshake, temporaryDirectory, testLab } from './support.ts'

test('the file fits the schema, and every file it names is there', async (t) => {
  const { lab } = await testLab(t)
  const directory = join(temporaryDirectory(t), 'config')
  const file = await writeVigilYaml(lab, {
    directory,
    origin: 'vigil.example.org/demo',
    rules: { parameters: { crl_freshness_ok: { max_age: '60s' } }, tick: '1s' },
    remediation: { cool_down: '5s', policies: [{ rule: 'crl_freshness_ok', action: 'reissue_crl' }] },
  })
  assert.equal(dirname(file), directory)
  const config = configSchema.parse(parse(readFileSync(file, 'utf8')))
  assert.equal(config.origin, 'vigil.example.org/demo')
  assert.deepEqual(config.alerts.alertmanager, [lab.alerts.url])
  assert.equal(config.remediation.cool_down, 5000)
  assert.equal(config.remediation.webhook?.url, lab.webhook.url)
  assert.deepEqual(
    config.inventory.authorities.map((a) => [a.id, a.class, a.issuer, declaredCrls(a).length, a.ocsp.length]),
    [
      ['root', 'offline', undefined, 1, 0],
      ['issuing-1', 'online', 'root', 1, 1],
      ['issuing-2', 'online', 'root', 3, 1],
      ['issuing-3', 'online', 'root', 2, 1],
      ['devices', 'online', 'root', 0, 0],
    ],
  )
  const named = [
    ...config.inventory.authorities.flatMap((a) => [
      a.certificate,
      ...(a.issued ?? []),
      ...a.ocsp.map((o) => o.certificate),
    ]),
    ...config.inventory.services.flatMap((s) => [s.client?.certificate_file, s.client?.key_file]),
    ...config.inventory.logs.flatMap((l) => [l.path, ...(l.signing_keys ?? [])]),
    config.remediation.webhook.secret_file,
  ].filter((name) => name !== undefined)
  assert.equal(named.length, 5 + 1 + 3 + 2 + (1 + 2 * 2) + 1)
  for (const name of named) assert.ok(existsSync(resolve(directory, name)), name)
  const keys = config.inventory.services.flatMap((s) => s.client?.key_file ?? [])
  for (const secret of ['webhook.secret', ...keys]) {
    assert.equal(statSync(resolve(directory, secret)).mode & 0o777, 0o600)
  }
  assert.equal(readFileSync(join(directory, 'webhook.secret'), 'utf8').trim(), lab.webhook.secret)
})

test('the credentials in it open the service that asks for them', async (t) => {
  const { lab } = await testLab(t)
  const directory = lab.directory
  const config = configSchema.parse(parse(readFileSync(await writeVigilYaml(lab, { directory }), 'utf8')))
  const api = config.inventory.services.find(({ id }) => id === 'internal-api')
  assert.ok(api?.client !== undefined)
  const seen = await handshake(lab, 'internal-api', {
    cert: readFileSync(join(directory, api.client.certificate_file)),
    key: readFileSync(join(directory, api.client.key_file)),
  })
  assert.match(seen.answer, /internal-api\n$/)
  const root = new X509Certificate(readFileSync(join(directory, 'pki/root.pem')))
  assert.equal(root.subject, 'CN=Root CA\nO=Vigil Lab\nC=SE')
})

test('settings that do not fit are refused before anything is written', async (t) => {
  const { lab } = await testLab(t)
  const directory = temporaryDirectory(t)
  await assert.rejects(writeVigilYaml(lab, { directory, rules: { tick: 'soon' } }), /duration/)
  assert.equal(existsSync(join(directory, 'vigil.yaml')), false)
})

test('a second lab in the same place replaces the files of the first', async (t) => {
  const first = await testLab(t)
  const second = await testLab(t)
  const directory = temporaryDirectory(t)
  await writeVigilYaml(first.lab, { directory })
  await writeVigilYaml(second.lab, { directory })
  assert.equal(readFileSync(join(directory, 'webhook.secret'), 'utf8').trim(), second.lab.webhook.secret)
})
