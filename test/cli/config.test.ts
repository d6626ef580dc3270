import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configJsonSchema, parseConfig } from '../../cli/config.ts'
import { formatProblem } from '../../model/problem.ts'

function problems(text: string, env: NodeJS.ProcessEnv = {}): string[] {
  const parsed = parseConfig(text, 'vigil.yaml', env)
  return parsed.ok ? [] : parsed.problems.map(formatProblem)
}

test('a minimal configuration has defaults for everything else', () => {
  const parsed = parseConfig('inventory: {}\n', 'vigil.yaml', {})
  assert.ok(parsed.ok)
  assert.equal(parsed.value.config.probes.interval, 60_000)
  assert.equal(parsed.value.config.server.listen, '127.0.0.1:9480')
  assert.deepEqual(parsed.value.config.rules.packs, ['internal-pki', 'operations'])
})

test('all mistakes are reported at once, in the order of the file, each with line, key and fix', () => {
  const text = `origin: vigil.example.org
probes:
  intervall: 60s
inventory:
  authorities:
    - id: issuing-1
      certificate: x.pem
      crl: [{url: "ftp://x"}]
  services:
    - id: shop
      endpoint: shop
      issuer: issuing-1
`
  assert.deepEqual(problems(text), [
    'vigil.yaml:3: probes.intervall: unknown key; did you mean "interval"?',
    'vigil.yaml:8: inventory.authorities[0].crl[0].url: expected an http://, https:// or ldap:// URL without user and password, or file:///, got "ftp://x"',
    'vigil.yaml:11: inventory.services[0].endpoint: expected host:port, with an IPv6 address in brackets, got "shop"',
  ])
})

test('URLs and endpoints that cannot be meant are refused, each with one message', () => {
  const crl = (url: string): string =>
    `inventory: { authorities: [{ id: a, certificate: c, crl: [{ url: "${url}" }] }] }`
  for (const [text, message] of [
    [crl('no url'), /expected an http:\/\/, https:\/\/ or ldap:\/\/ URL .*, got "no url"$/],
    [crl('http://me:secret@crl.test/'), /expected an .* URL without user and password/],
    ['inventory: {}\nserver: { listen: "127.0.0.1:65536" }', /expected a port up to 65535/],
  ] as const) {
    const found = problems(text)
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0] ?? '', message)
  }
})

test('addresses are declared for names, and only addresses', () => {
  const hosts = (text: string): string[] => problems(`inventory: {}\nprobes:\n  hosts: ${text}\n`)
  assert.deepEqual(hosts('{ crl.example.org: [10.0.0.1, "2001:db8::1"], crl: [127.0.0.2] }'), [])
  for (const [text, message] of [
    ['{ crl.example.org: [crl-1.example.org] }', /expected an IPv4 or IPv6 address/],
    ['{ crl.example.org: [] }', /crl\.example\.org/],
    ['{ CRL.example.org: [10.0.0.1] }', /expected a host name in lower case/],
    ['{ 10.0.0.1: [10.0.0.2] }', /expected a host name in lower case/],
    ['{ crl.example.org.: [10.0.0.1] }', /expected a host name in lower case/],
  ] as const) {
    const found = hosts(text)
    assert.equal(found.length, 1, `${text}\n${found.join('\n')}`)
    assert.match(found[0] ?? '', message)
  }
})

test('networks that may be followed are written as CIDR', () => {
  const follow = (text: string): string[] => problems(`inventory: {}\nprobes:\n  follow: [${text}]\n`)
  assert.deepEqual(follow('10.0.0.0/8, "fd00::/8"'), [])
  for (const text of ['10.0.0.0', '10.0.0.0/33', 'crl.example.org/8', '"::/129"'])
    assert.match(
      follow(text).join('\n'),
      /^vigil\.yaml:3: probes\.follow\[0\]: expected a network such as [^\n]*$/,
    )
})

test('a missing key names the place where it should be', () => {
  assert.deepEqual(problems('inventory:\n  services:\n    - id: shop\n      issuer: ca\n'), [
    'vigil.yaml:3: inventory.services[0].endpoint: is missing: expected string',
  ])
})

test('a syntax error names its line', () => {
  assert.match(
    problems('inventory:\n  authorities: [\n  services: ]\n')[0] ?? '',
    /^vigil\.yaml:\d: not valid YAML: /,
  )
})

test('a duration without a unit is refused', () => {
  assert.deepEqual(problems('inventory: {}\nprobes:\n  interval: 60\n'), [
    'vigil.yaml:3: probes.interval: expected a duration such as 90s, 24h or 7d, got 60',
  ])
  assert.deepEqual(problems('inventory: {}\nprobes:\n  interval: 60sec\n'), [
    'vigil.yaml:3: probes.interval: expected a duration such as 90s, 24h or 7d, got "60sec"',
  ])
})

test('environment references are substituted, and are kept as references in what is recorded', () => {
  const parsed = parseConfig('origin: ${NAME}\ninventory: {}\n', 'vigil.yaml', { NAME: 'vigil.test' })
  assert.ok(parsed.ok)
  assert.equal(parsed.value.config.origin, 'vigil.test')
  assert.deepEqual(parsed.value.recorded, { origin: '${NAME}', inventory: {} })
})

test('a reference to a variable that is not set is an error, not an empty value', () => {
  assert.deepEqual(problems('origin: ${NAME}\ninventory: {}\n'), [
    'vigil.yaml:1: origin: environment variable NAME is not set: export it, or write the value',
  ])
})

test('aliases that explode are refused', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 12; i++) {
    const [name, previous] = [String.fromCharCode(97 + i), String.fromCharCode(96 + i)]
    bomb.push(`${name}: &${name} [${Array(10).fill(`*${previous}`).join(', ')}]`)
  }
  assert.match(problems(bomb.join('\n'))[0] ?? '', /alias/i)
})

test('the published JSON Schema has not drifted', () => {
  const published: unknown = JSON.parse(
    readFileSync(new URL('../../docs/vigil.schema.json', import.meta.url), 'utf8'),
  )
  assert.deepEqual(published, JSON.parse(JSON.stringify(configJsonSchema())))
})
