import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../cli/load.ts'
import { formatProblem } from '../../model/problem.ts'
import { temporaryDirectory } from '../support/vigil.ts'

function problems(yaml: string, env: NodeJS.ProcessEnv = {}): string[] {
  using directory = temporaryDirectory()
  const file = join(directory.path, 'vigil.yaml')
  writeFileSync(file, yaml)
  const loaded = loadConfig(file, env)
  return loaded.ok ? [] : loaded.problems.map((problem) => formatProblem({ ...problem, file: 'vigil.yaml' }))
}

test('a password in a URL comes from the environment, never from the file that is journaled', () => {
  const yaml = (password: string): string =>
    `inventory: {}\nalerts: { alertmanager: "http://me:${password}@alerts.test" }\n`
  assert.deepEqual(problems(yaml('secret')), [
    'vigil.yaml:2: alerts.alertmanager: a password stands in the file: write it as ${NAME} and set that environment variable',
  ])
  assert.deepEqual(problems(yaml('${ALERTS_PASSWORD}'), { ALERTS_PASSWORD: 'secret' }), [])
})

test('a service or log that stands twice is refused', () => {
  const service = '{ id: shop, endpoint: "127.0.0.1:1", issuer: nobody }'
  const found = problems(`inventory:\n  services:\n    - ${service}\n    - ${service}\n`)
  assert.ok(
    found.some((line) => /^vigil\.yaml:4: inventory\.services\[1\]\.id: .*name each once/.test(line)),
    found.join('\n'),
  )
})

test('every file of credentials that is not there is named, of services and of systems', () => {
  const files = '{ certificate_file: c.pem, key_file: k.pem }'
  const service = `{ id: shop, endpoint: "127.0.0.1:1", issuer: nobody, client: ${files}, mtls: { revoked: ${files} } }`
  const system = `{ id: ejbca, kind: ejbca, url: "http://ca.test", client: ${files}, ca_file: ca.pem }`
  const found = problems(
    `inventory:\n  services: [${service}]\n  systems: [${system}, { id: ejbca, kind: dogtag, url: "http://ca.test" }]\n`,
  )
  for (const key of [
    ...['services[0].client.certificate_file', 'services[0].mtls.revoked.key_file'],
    ...['systems[0].client.key_file', 'systems[0].ca_file', 'systems[1].id'],
  ])
    assert.ok(
      found.some((line) => line.includes(`inventory.${key}: `)),
      `${key}\n${found.join('\n')}`,
    )
})

test('a policy that could never apply is refused', () => {
  const found = problems(
    'inventory: {}\nremediation:\n  policies: [{ rule: tls_identity_ok, action: reissue_crl }, { rule: no_such_rule, action: reissue_crl }]\n',
  )
  assert.match(
    found.join('\n'),
    /policies\[0\]\.action: reissue_crl repairs ca_crl; tls_identity_ok is about service_tls_health/,
  )
  assert.match(found.join('\n'), /policies\[1\]\.rule: "no_such_rule" is not a rule of the packs in force/)
  assert.match(found.join('\n'), /there is no remediation\.webhook/)
})

test('a log needs exactly one way to come, and all that it takes', () => {
  const log = (more: string): string => `inventory:\n  logs: [{ id: ca1-audit, format: ejbca, ${more} }]\n`
  assert.match(problems(log('authorities: []'))[0] ?? '', /logs\[0\]: expected one of `path`, `beats`, /)
  assert.match(
    problems(log('path: a, beats: { client: CN=x }'))[0] ?? '',
    /expected one of `path`, `beats`, /,
  )
  assert.match(problems(log('beats: { client: CN=x }'))[0] ?? '', /logs\[0\]\.beats: nobody can ship it/)
  const client = 'client: { certificate_file: vigil.yaml, key_file: nothing }'
  const elasticsearch = (url: string): string =>
    problems(log(`elasticsearch: { url: "${url}", index: audit-*, ${client} }`)).join('\n')
  assert.match(elasticsearch('https://e.test'), /client\.key_file: nothing: /)
  assert.match(elasticsearch('https://e.test'), /client: not a certificate with its key in PEM: /)
  assert.match(elasticsearch('http://e.test'), /client: shown to nobody: http:\/\/e\.test is not https/)
  assert.match(problems(log('path: a, timezone: Mars'))[0] ?? '', /timezone: expected a time zone/)
  assert.match(
    problems(log('path: a, signing_keys: [vigil.yaml]'))[0] ?? '',
    /vigil\.yaml: expected a certificate or a public key/,
  )
  assert.match(
    problems(log('path: a, json: { time: t, action: a }'))[0] ?? '',
    /expected `json` with format json/,
  )
  const files = 'certificate_file: vigil.yaml, key_file: vigil.yaml, client_ca_file: nothing'
  const found = problems(`inventory: {}\nbeats: { listen: "127.0.0.1:5044", ${files} }\n`).join('\n')
  assert.match(found, /beats\.client_ca_file: nothing: /)
  assert.match(found, /beats: not a certificate with its key/)
})

test('a log that is asked for needs an address without secrets, and files that hold what lets us in', () => {
  const log = (format: string, more: string): string =>
    `inventory:\n  logs: [{ id: control, format: ${format}, certctl: { ${more} } }]\n`
  const key = 'api_key_file: vigil.yaml'
  assert.match(
    problems(log('certctl', `url: "https://u:p@c.test", ${key}`))[0] ?? '',
    /certctl\.url: expected a URL without user and password/,
  )
  assert.match(problems(log('certctl', `url: "ftp://c.test", ${key}`))[0] ?? '', /an http or https URL/)
  assert.match(problems(log('json', `url: "https://c.test", ${key}`)).join(), /expected format certctl/)
  const found = problems(log('certctl', `url: "https://c.test", ${key}, ca_file: vigil.yaml`)).join('\n')
  assert.match(found, /certctl\.api_key_file: vigil\.yaml: expected one line of printable characters/)
  assert.match(found, /certctl\.ca_file: vigil\.yaml: expected CA certificates in PEM/)
  const dagster = (more: string): string =>
    `inventory:\n  logs: [{ id: control, format: dagster, dagster: { url: "https://d.test", ${more} } }]\n`
  const secrets = problems(dagster('token_file: nothing, authorization_file: vigil.yaml')).join('\n')
  assert.match(secrets, /dagster\.token_file: nothing: /)
  assert.match(secrets, /dagster\.authorization_file: vigil\.yaml: expected one line/)
  const index = (more: string): string =>
    `inventory:\n  logs: [{ id: ca1, format: ejbca, elasticsearch: { url: "https://e.test", ${more} } }]\n`
  assert.match(problems(index('index: "a b"')).join(), /elasticsearch\.index: expected the name of an index/)
  assert.match(
    problems(index('index: a, username: u')).join(),
    /expected username and password_file together/,
  )
  assert.match(
    problems(index('index: a, api_key_file: nothing, ca_file: vigil.yaml')).join('\n'),
    /elasticsearch\.api_key_file: nothing: .*\n.*elasticsearch\.ca_file: vigil\.yaml: expected CA/,
  )
  assert.match(
    problems(log('certctl', 'url: "https://c.test", api_key_file: nothing')).join(),
    /api_key_file: nothing: /,
  )
})

test('a schedule that never comes is refused', () => {
  assert.match(
    problems('inventory: {}\nreports: { directory: r, schedule: "0 5 31 2 *" }\n')[0] ?? '',
    /reports\.schedule: .*not a time that comes/,
  )
})

test('files that say whom reports believe must be there', () => {
  assert.match(
    problems(
      'inventory: {}\nreports: { directory: r, trust_file: no.vkey, checkpoints: [no.checkpoint] }\n',
    ).join(),
    /reports\.trust_file: no\.vkey: no such file.*reports\.checkpoints\[0\]: no\.checkpoint: no such file/s,
  )
})

test('a schedule of CRLs that never comes is refused, and so is a file of certificates that is none', () => {
  const found = problems(
    [
      'inventory:',
      '  authorities:',
      '    - id: issuing-1',
      '      certificate: missing.pem',
      '      issued: [vigil.yaml]',
      '      crl:',
      '        - { url: "http://crl.test/1.crl", issued_at: "0 5 31 2 *" }',
      '        - url: http://crl.test/2.crl',
      '          delta: { url: "http://crl.test/2d.crl", issued_at: "0 5 * * *", timezone: Nowhere/Land }',
      '',
    ].join('\n'),
  ).join('\n')
  assert.match(
    found,
    /vigil\.yaml:7: inventory\.authorities\[0\]\.crl\[0\]\.issued_at: .*not a time that comes/,
  )
  assert.match(
    found,
    /inventory\.authorities\[0\]\.crl\[1\]\.delta\.issued_at: .*Nowhere\/Land is not a time/,
  )
  assert.match(found, /vigil\.yaml:5: inventory\.authorities\[0\]\.issued\[0\]: vigil\.yaml: /)
})

test('a job that is never due is refused, and so is a deployment on a service that nobody declared', () => {
  const found = problems(
    [
      'inventory:',
      '  logs:',
      '    - id: dagster',
      '      format: dagster',
      '      path: dagster.log',
      '      jobs:',
      '        - { id: renew, job: renew, cron: "0 5 31 2 *" }',
      '      deployments:',
      '        - { asset: pki/shop, service: shop }',
      '',
    ].join('\n'),
  )
  assert.equal(found.length, 2)
  assert.match(found[0] ?? '', /vigil\.yaml:7: inventory\.logs\[0\]\.jobs\[0\]\.cron: .*it never comes/)
  assert.match(found[1] ?? '', /vigil\.yaml:9: .*expected a service and environment of the inventory/)
})

test('a key that may sign statements is checked when the configuration is read', () => {
  const found = problems(
    'inventory: {}\nattestations:\n  directory: signed\n  keys:\n    - jane\n    - jane+00000000+AAAA\n',
  )
  assert.equal(found.length, 2)
  assert.match(
    found[0] ?? '',
    /^vigil\.yaml:5: attestations\.keys\[0\]: expected a verifier key name\+id\+key/,
  )
  assert.match(
    found[1] ?? '',
    /^vigil\.yaml:6: attestations\.keys\[1\]: expected an Ed25519 or ML-DSA-44 verifier key/,
  )
})

test('a waiver that has ended is a mistake, but does not keep vigil from starting', () => {
  using directory = temporaryDirectory()
  const file = join(directory.path, 'vigil.yaml')
  const pack =
    'schema: 1\nid: own\nversion: 1.0.0\ntitle: Own\nrules:\n  - { id: reviewed, title: t, rationale: r, source: { document: d, basis: practice }, applies_to: { subjects: [pki_governance] }, evidence: { attestation: review }, condition: "true", summary: s, severity: info }\n'
  writeFileSync(join(directory.path, 'own.yaml'), pack)
  writeFileSync(
    file,
    'inventory: {}\nrules:\n  packs: [./own.yaml]\n  waivers:\n    - { rule: reviewed, subject: pki_governance, owner: me, reason: soon, expires: 2026-11-22 }\n',
  )
  const ends = Date.parse('2026-11-22T00:00:00Z')
  assert.equal(loadConfig(file, {}, { now: ends - 1 }).ok, true)
  const refused = loadConfig(file, {}, { now: ends })
  assert.ok(!refused.ok)
  assert.deepEqual(
    refused.problems.map((p) => `${p.line} ${p.message}`),
    ['5 the waiver of reviewed for pki_governance ended at 2026-11-22: remove it, or have it renewed'],
  )
  const started = loadConfig(file, {}, { now: ends, endedWaivers: 'warn' })
  assert.ok(started.ok)
  assert.equal(started.value.warnings[0]?.line, 5)
})
