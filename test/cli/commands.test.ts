import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openJournal } from '../../journal/journal.ts'
import { toPem } from '../../lab/issue.ts'
import { startLab, type Lab } from '../../lab/lab.ts'
import { inJson, temporaryDirectory, vigil } from '../support/vigil.ts'

const directory = temporaryDirectory()
let lab: Lab

before(async () => {
  lab = await startLab({ directory: join(directory.path, 'lab'), now: Date.now })
})
after(async () => {
  await lab.close()
  directory[Symbol.dispose]()
})

function issuerFile(id: string): string {
  const file = join(directory.path, `${id}.pem`)
  const wanted = lab.inventory.authorities
    .filter((a) => a.id === id || a.id === 'root')
    .toSorted((a) => (a.id === id ? -1 : 1))
  writeFileSync(file, wanted.map((a) => toPem(a.certificate, 'CERTIFICATE')).join(''))
  return file
}

function authority(id: string) {
  const found = lab.inventory.authorities.find((a) => a.id === id)
  assert.ok(found)
  return found
}

test('--help of a subcommand has examples, and defaults as they are typed', async () => {
  const { code, stdout } = await vigil(['probe', 'crl', '--help'])
  assert.equal(code, 0)
  assert.match(stdout, /Examples:\n {2}\$ vigil probe crl /)
  assert.match(stdout, /default: 10s/)
  assert.match((await vigil(['lab', 'break', '--help'])).stdout, /vigil lab break crl-stale --ca issuing-1/)
})

test('--help lists the commands with examples and ends with 0', async () => {
  const { code, stdout } = await vigil(['--help'])
  assert.equal(code, 0)
  for (const command of ['demo', 'run', 'check-config', 'probe', 'lab', 'report', 'verify'])
    assert.match(stdout, new RegExp(`^  ${command}`, 'm'))
  assert.match(stdout, /Examples:/)
})

test('an unknown option and an unknown command end with 2', async () => {
  assert.equal((await vigil(['verify', '--nope'])).code, 2)
  assert.equal((await vigil(['observe'])).code, 2)
})

test('without a terminal there are no colours', async () => {
  const { stdout, stderr } = await vigil([
    'probe',
    'crl',
    authority('issuing-1').crlUrl,
    '--issuer',
    issuerFile('issuing-1'),
  ])
  assert.doesNotMatch(stdout + stderr, /\u001b/)
})

test('probe crl verifies a CRL, prints one JSON document, and ends with 0', async () => {
  const { code, stdout } = await vigil([
    'probe',
    'crl',
    authority('issuing-2').crlUrl,
    '--issuer',
    issuerFile('issuing-2'),
    '--json',
  ])
  assert.equal(code, 0)
  assert.equal(inJson(stdout, 'outcome'), 'success')
  assert.equal(inJson(stdout, 'verified'), true)
  assert.equal(inJson(stdout, 'facts.crl.issuer'), 'C=SE,O=Vigil Lab,CN=Issuing CA 2')
})

test('probe crl with another issuer fails in phase path and ends with 1', async () => {
  const { code, stdout } = await vigil([
    'probe',
    'crl',
    authority('issuing-2').crlUrl,
    '--issuer',
    issuerFile('issuing-1'),
    '--json',
  ])
  assert.equal(code, 1)
  assert.equal(inJson(stdout, 'error.phase'), 'path')
})

test('probe crl without an issuer says that nothing was verified', async () => {
  const { code, stdout } = await vigil(['probe', 'crl', authority('root').crlUrl])
  assert.equal(code, 0)
  assert.match(stdout, /not verified: give the issuing CA with --issuer/)
})

test('probe ocsp asks about a serial number', async () => {
  const url = authority('issuing-1').ocsp?.url ?? ''
  const { code, stdout } = await vigil([
    'probe',
    'ocsp',
    url,
    '--issuer',
    issuerFile('issuing-1'),
    '--serial',
    '0x0badcafe',
    '--json',
  ])
  assert.equal(code, 0)
  assert.equal(inJson(stdout, 'facts.ocsp.status'), 'unknown')
})

test('probe tls verifies the served certificate against the issuer and the name', async () => {
  const { endpoint, servername } = lab.inventory.services.find((s) => s.id === 'shop') ?? assert.fail()
  const good = await vigil([
    'probe',
    'tls',
    endpoint,
    '--issuer',
    issuerFile('issuing-1'),
    '--servername',
    servername,
    '--json',
  ])
  assert.equal(good.code, 0, good.stdout)
  assert.equal(inJson(good.stdout, 'facts.tls.pathValid'), true)
  const wrong = await vigil([
    'probe',
    'tls',
    endpoint,
    '--issuer',
    issuerFile('issuing-1'),
    '--servername',
    'other.lab.test',
    '--json',
  ])
  assert.equal(wrong.code, 1)
  assert.equal(inJson(wrong.stdout, 'error.code'), 'identity_mismatch')
})

test('probe ocsp-matrix asks in every way', async () => {
  const url = authority('issuing-1').ocsp?.url ?? ''
  const args = ['--issuer', issuerFile('issuing-1'), '--serial', 'badcafe', '--timeout', '30s']
  const { code, stdout } = await vigil(['probe', 'ocsp-matrix', url, ...args, '--json'])
  assert.equal(code, 0, stdout)
  assert.equal(inJson(stdout, 'facts.ocspMatrix.post'), 'unknown')
  assert.equal(inJson(stdout, 'facts.ocspMatrix.getAgrees'), true)
})

test('probe mtls ends with 1 where a service lets in what it must refuse', async () => {
  const open = lab.inventory.services.find((s) => s.id === 'shop') ?? assert.fail()
  const closed = lab.inventory.services.find((s) => s.id === 'internal-api') ?? assert.fail()
  const ask = ({ endpoint, servername }: typeof open) =>
    vigil(['probe', 'mtls', endpoint, '--servername', servername])
  const good = await ask(closed)
  assert.equal(good.code, 0, good.stdout)
  assert.match(good.stdout, /mtls\.foreign +refused/)
  const bad = await ask(open)
  assert.equal(bad.code, 1, bad.stdout)
  assert.match(bad.stdout, /FAILED/)
})

test('probe ca judges a certificate and what is published in its place', async () => {
  const file = issuerFile('issuing-1')
  const { code, stdout } = await vigil(['probe', 'ca', file, '--url', authority('root').crlUrl, '--json'])
  assert.equal(code, 1)
  assert.equal(inJson(stdout, 'facts.certificate.subject'), 'C=SE,O=Vigil Lab,CN=Issuing CA 1')
  assert.equal(inJson(stdout, 'error.code'), 'not_a_certificate')
})

test('probe health asks a system in its own way', async () => {
  const { code, stdout } = await vigil(['probe', 'health', 'ejbca', new URL(authority('root').crlUrl).origin])
  assert.equal(code, 1)
  assert.match(stdout, /http_status/)
})

test('probe --address looks at one address of a name', async () => {
  const url = new URL(authority('issuing-1').crlUrl)
  const named = `http://crl.made-up.test:${url.port}${url.pathname}`
  const look = (address: string) => vigil(['probe', 'crl', named, '--address', address, '--json'])
  const there = await look(url.hostname)
  assert.equal(there.code, 0, there.stdout)
  assert.equal(inJson(there.stdout, 'facts.addresses.all.0'), url.hostname)
  const pinned = await vigil(['probe', 'crl', url.href, '--address', '127.0.0.2'])
  assert.equal(pinned.code, 2)
  assert.match(pinned.stderr, /given by its name/)
})

test('a port where nobody listens fails in phase connect', async () => {
  const { code, stdout } = await vigil(['probe', 'tls', '127.0.0.1:1', '--json'])
  assert.equal(code, 1)
  assert.equal(inJson(stdout, 'error.phase'), 'connect')
})

test('wrong arguments of probe end with 2 and say what is expected', async () => {
  for (const [args, message] of [
    [['probe', 'crl', 'ftp://x'], /expected an http:\/\/.*ldap:\/\/.* URL, got "ftp/],
    [['probe', 'ocsp', 'http://127.0.0.1:1', '--serial', '1'], /give --issuer FILE/],
    [['probe', 'tls', 'nohost'], /expected host:port/],
    [['probe', 'crl', 'http://127.0.0.1:1', '--timeout', '10'], /expected a duration/],
    [['probe', 'crl', 'http://127.0.0.1:1', '--issuer', '/nonexistent'], /no such file/],
    [['probe', 'crl', 'http://x.test', '--address', 'y.test'], /expected an IPv4 or IPv6 address/],
    [['probe', 'crl', 'http://x.test', '--allow-network', '10.0.0.0'], /expected a network/],
    [['probe', 'tls', 'x.test:25', '--starttls', 'gopher'], /smtp, imap, ldap/],
    [['probe', 'tls', 'x.test:443', '--client-cert', 'x.pem'], /together/],
    [['probe', 'mtls', 'x.test:443', '--credential', 'valid=x.pem'], /NAME=CERT,KEY/],
    [['probe', 'health', 'nagios', 'http://x.test'], /expected one of ejbca/],
  ] as const) {
    const { code, stderr } = await vigil(args)
    assert.equal(code, 2, args.join(' '))
    assert.match(stderr, message)
  }
})

test('check-config reports three mistakes at once, with file, line and key, and ends with 2', async () => {
  const file = join(directory.path, 'bad.yaml')
  writeFileSync(
    file,
    'inventory:\n  authorities:\n    - id: ca\n      certificate: missing.pem\n  services:\n    - id: shop\n      endpoint: 127.0.0.1:1\n      issuer: nobody\nrules:\n  packs: [no-such-pack]\n',
  )
  const { code, stderr } = await vigil(['check-config', '-c', file])
  assert.equal(code, 2)
  assert.match(stderr, /3 mistakes/)
  assert.match(stderr, /bad\.yaml:4: inventory\.authorities\[0\]\.certificate: missing\.pem: no such file/)
  assert.match(stderr, /bad\.yaml:8: inventory\.services\[0\]\.issuer: /)
  assert.match(stderr, /bad\.yaml:10: rules\.packs\[0\]: /)
  const json = await vigil(['check-config', '-c', file, '--json'])
  assert.equal(inJson(json.stdout, 'problems.length'), 3)
})

test('verify tells authenticated, self-consistent and broken apart by exit code', async () => {
  const journalDirectory = join(directory.path, 'evidence', 'journal')
  mkdirSync(join(directory.path, 'evidence'))
  const journal = await openJournal({
    directory: journalDirectory,
    origin: 'vigil.test',
    keyFile: `${journalDirectory}.key`,
    now: Date.now,
    random: (octets) => new Uint8Array(octets).fill(7),
  })
  await journal.append([{ kind: 'tick', time: new Date().toISOString(), body: { reason: 'interval' } }])
  await journal.close()

  const trusted = join(directory.path, 'vkey')
  writeFileSync(trusted, readFileSync(join(journalDirectory, 'vkey')))
  assert.equal((await vigil(['verify', journalDirectory, '--trust', trusted])).code, 0)
  const untrusted = await vigil(['verify', journalDirectory])
  assert.equal(untrusted.code, 4)
  assert.match(untrusted.stdout, /self-consistent, not authenticated/)

  const [segment = assert.fail()] = readdirSync(join(journalDirectory, 'segments'))
  const file = join(journalDirectory, 'segments', segment)
  const bytes = readFileSync(file)
  const middle = Math.floor(bytes.length / 2)
  bytes[middle] = (bytes[middle] ?? 0) ^ 1
  writeFileSync(file, bytes)
  const broken = await vigil(['verify', journalDirectory, '--trust', trusted, '--json'])
  assert.equal(broken.code, 1)
  assert.equal(inJson(broken.stdout, 'verdict'), 'broken')
  assert.equal((await vigil(['verify', join(directory.path, 'nowhere')])).code, 3)
})

test('journal cat shows records, and journal prove makes proofs that verify checks alone', async () => {
  const journalDirectory = join(directory.path, 'proven', 'journal')
  mkdirSync(join(directory.path, 'proven'))
  const journal = await openJournal({
    directory: journalDirectory,
    origin: 'vigil.test',
    keyFile: `${journalDirectory}.key`,
    now: Date.now,
    random: (octets) => new Uint8Array(octets).fill(7),
  })
  const [tick = assert.fail()] = await journal.append([
    { kind: 'tick', time: new Date().toISOString(), body: { reason: 'interval' } },
  ])
  const earlier = join(directory.path, 'checkpoint-before')
  writeFileSync(earlier, (await journal.publish()).text)
  await journal.append([{ kind: 'tick', time: new Date().toISOString(), body: { reason: 'stop' } }])
  await journal.close()

  const shown = await vigil(['journal', 'cat', journalDirectory, '--kind', 'tick', '--json'])
  const lines = shown.stdout.trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => [inJson(line, 'kind'), inJson(line, 'body.reason')]),
    [
      ['tick', 'interval'],
      ['tick', 'stop'],
    ],
  )
  assert.match(
    (await vigil(['journal', 'cat', journalDirectory])).stdout,
    /  epoch .*\n.*  tick .*  interval\n/,
  )
  assert.equal((await vigil(['journal', 'cat', journalDirectory, '--from', '2999-01-01'])).stdout, '')
  assert.equal((await vigil(['journal', 'cat', journalDirectory, '--kind', 'tock'])).code, 2)

  const trust = ['--trust', join(journalDirectory, 'vkey')]
  const proof = join(directory.path, 'tick.tlog-proof')
  assert.equal(
    (await vigil(['journal', 'prove', journalDirectory, '--record', tick.id, '--out', proof])).code,
    0,
  )
  const verified = await vigil(['verify', proof, ...trust])
  assert.equal(verified.code, 0)
  assert.match(verified.stdout, /authenticated[^]*"reason":"interval"/)
  assert.equal((await vigil(['verify', proof])).code, 4)
  writeFileSync(proof, readFileSync(proof, 'utf8').replace('index 1', 'index 2'))
  assert.equal((await vigil(['verify', proof, ...trust])).code, 1)

  const grown = await vigil(['journal', 'prove', journalDirectory, '--since', earlier])
  const growth = join(directory.path, 'growth.proof')
  writeFileSync(growth, grown.stdout)
  assert.match((await vigil(['verify', growth, ...trust])).stdout, /begins with +the 2 entries/)
  assert.equal((await vigil(['verify', journalDirectory, ...trust, '--checkpoint', earlier])).code, 0)
  assert.equal((await vigil(['journal', 'prove', journalDirectory])).code, 2)

  const archive = join(directory.path, 'ticks.archive')
  const period = ['--from', '2020-01-01', '--to', '2999-01-01', '--kind', 'tick', '--out', archive]
  const written = await vigil(['journal', 'export', journalDirectory, ...period])
  assert.match(written.stdout, /: 2 of 3 records, 0 artifacts; 1 that the filters leave out/)
  assert.match(
    (await vigil(['verify', archive, ...trust])).stdout,
    /authenticated[^]*records +3: 2 tick, 1 as digests/,
  )
  writeFileSync(archive, readFileSync(archive, 'utf8').replace('"interval"', '"intervel"'))
  const altered = await vigil(['verify', archive, ...trust])
  assert.equal(altered.code, 1)
  assert.match(altered.stdout, /BROKEN\n  line 5, entry 1, record 0: expected digest/)
  const other = await vigil(['journal', 'prove', journalDirectory, '--record', 'other.test/1/0/0'])
  assert.equal(other.code, 2)
  assert.match(other.stderr, /expected a record of vigil.test/)
})

test('lab commands say what to do when no lab runs', async () => {
  const { code, stderr } = await vigil(['lab', 'status'], {
    env: { XDG_STATE_HOME: join(directory.path, 'state') },
  })
  assert.equal(code, 3)
  assert.match(stderr, /start one with "vigil demo" or "vigil lab start"/)
})

test('lab break and repair switch a fault of the running lab', async () => {
  const at = ['--dir', lab.directory, '--json']
  const broken = await vigil(['lab', 'break', 'ocsp-down', '--ca', 'issuing-1', ...at])
  assert.equal(broken.code, 0, broken.stderr)
  assert.deepEqual(inJson(broken.stdout, 'active.0.fault'), 'ocsp-down')
  const repaired = await vigil(['lab', 'repair', 'ocsp-down', '--ca', 'issuing-1', ...at])
  assert.deepEqual(inJson(repaired.stdout, 'active'), [])
  assert.equal((await vigil(['lab', 'break', 'no-such-fault', '--ca', 'issuing-1', ...at])).code, 2)
})
