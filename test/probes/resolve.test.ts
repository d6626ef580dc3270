import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Deadline } from '../../probes/fetch/deadline.ts'
import { FetchError } from '../../probes/fetch/error.ts'
import { HostsFile } from '../../probes/fetch/hostsFile.ts'
import { resolveHost, type NameSources } from '../../probes/fetch/resolve.ts'
import { serveDns, type Zone } from './dnsServer.ts'

interface Names {
  readonly zone?: Zone
  readonly hosts?: string
  readonly declared?: Readonly<Record<string, readonly string[]>>
  readonly system?: NameSources['system']
}

async function sources(
  t: TestContext,
  { zone = {}, hosts = '', declared = {}, system }: Names,
): Promise<NameSources> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-hosts-'))
  t.after(() => rm(directory, { recursive: true }))
  const file = join(directory, 'hosts')
  await writeFile(file, hosts)
  const server = await serveDns(t, zone)
  return {
    declared: new Map(Object.entries(declared)),
    hosts: new HostsFile(file),
    resolver: () => {
      const resolver = new Resolver({ timeout: 5_000, tries: 1 })
      resolver.setServers([server])
      return resolver
    },
    system: system ?? (() => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))),
  }
}

async function resolve(
  t: TestContext,
  host: string,
  names: Names,
  limit = 5_000,
): Promise<readonly string[]> {
  using deadline = new Deadline(limit, new AbortController().signal)
  return await resolveHost(host, deadline, await sources(t, names))
}

async function refused(run: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(run, (error: unknown) => {
    assert.ok(error instanceof FetchError)
    assert.equal(`${error.phase} ${error.code}`, `resolve ${code}`, error.message)
    return true
  })
}

test('IP literals are themselves, IPv6 without brackets', async (t) => {
  assert.deepEqual(await resolve(t, '192.0.2.1', {}), ['192.0.2.1'])
  assert.deepEqual(await resolve(t, '[2001:db8::1]', {}), ['2001:db8::1'])
})

test('declared addresses come before the hosts file and DNS, whatever the case', async (t) => {
  const names = {
    declared: { 'crl.example': ['::7', '127.0.0.2', '127.0.0.3'] },
    hosts: '127.0.0.9 crl.example\n',
    zone: { 'crl.example': ['192.0.2.1'] },
  }
  assert.deepEqual(await resolve(t, 'CRL.example.', names), ['127.0.0.2', '127.0.0.3', '::7'])
})

test('the hosts file comes before DNS, whatever the case', async (t) => {
  const names = {
    hosts: '# comment\n::7 crl.example\n127.0.0.9\tCRL.example other # x\nnonsense crl.example\n',
    zone: { 'crl.example': ['192.0.2.1'] },
  }
  assert.deepEqual(await resolve(t, 'crl.EXAMPLE.', names), ['127.0.0.9', '::7'])
})

test('a changed hosts file is read again, a removed one has no names', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-hosts-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'hosts')
  const hosts = new HostsFile(file)
  assert.deepEqual(await hosts.find('a'), [])
  await writeFile(file, '127.0.0.1 a\n')
  assert.deepEqual(await hosts.find('a'), ['127.0.0.1'])
  await writeFile(file, '127.0.0.1 a\n127.0.0.22 a\n')
  assert.deepEqual(await hosts.find('a'), ['127.0.0.1', '127.0.0.22'])
  await rm(file)
  assert.deepEqual(await hosts.find('a'), [])
})

test('localhost needs no file and no server', async (t) => {
  assert.deepEqual(await resolve(t, 'localhost', { zone: { localhost: ['192.0.2.1'] } }), [
    '127.0.0.1',
    '::1',
  ])
})

test('DNS gives both families, IPv4 first', async (t) => {
  const zone = { 'crl.example': ['::1', '192.0.2.1', '192.0.2.2'] }
  const addresses = await resolve(t, 'crl.example', { zone })
  assert.deepEqual(addresses.toSorted(), ['192.0.2.1', '192.0.2.2', '::1'])
  assert.equal(addresses.at(-1), '::1')
  assert.deepEqual(await resolve(t, 'six.example', { zone: { 'six.example': ['::6'] } }), ['::6'])
})

test('what DNS does not know, the system may: search domains and NSS', async (t) => {
  const asked: string[] = []
  const system = (name: string): Promise<string[]> => {
    asked.push(name)
    return Promise.resolve(['192.0.2.3'])
  }
  assert.deepEqual(await resolve(t, 'crl', { system }), ['192.0.2.3'])
  assert.deepEqual(asked, ['crl'])
})

test('a name that nobody knows', async (t) => {
  await refused(resolve(t, 'nowhere.example', {}), 'name_not_found')
})

test('a failing DNS server is not a missing name, and the system is not asked', async (t) => {
  const system = (): Promise<string[]> => assert.fail('asked')
  await refused(resolve(t, 'crl.example', { zone: { 'crl.example': 'SERVFAIL' }, system }), 'dns_failed')
})

test('a silent DNS server, or a system that hangs, ends at the deadline', async (t) => {
  await refused(resolve(t, 'crl.example', { zone: { 'crl.example': 'silence' } }, 100), 'timeout')
  await refused(resolve(t, 'crl.example', { system: () => new Promise(() => undefined) }, 100), 'timeout')
})

test('a shutdown while waiting for DNS rejects with its reason', async (t) => {
  const stop = new AbortController()
  using deadline = new Deadline(5_000, stop.signal)
  const names = await sources(t, { zone: { 'crl.example': 'silence' } })
  const run = resolveHost('crl.example', deadline, names)
  stop.abort(new Error('stopping'))
  await assert.rejects(run, /stopping/)
})
