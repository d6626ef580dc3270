import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it, test, type TestContext } from 'node:test'
import { createServer } from 'node:tls'
import { discover, type Discovery } from '../../cli/init/discover.ts'
import { Reach } from '../../cli/init/reach.ts'
import { writeConfiguration } from '../../cli/init/write.ts'
import { certificateFile, vigilYaml } from '../../cli/init/yaml.ts'
import type { LoadedConfig } from '../../cli/load.ts'
import { extension, issueCrl, toPem, type CertificateRequest, type Issuer } from '../../lab/issue.ts'
import * as der from '../../lab/der.ts'
import { startLab, type Lab } from '../../lab/lab.ts'
import { followPolicy } from '../../probes/fetch/follow.ts'
import { systemNames } from '../../probes/fetch/resolve.ts'
import { runProbe } from '../../probes/table.ts'
import { DAY, entity, HOUR, NOW } from '../probes/pki.ts'
import { bind, context } from '../probes/support.ts'
import { loadedFrom } from '../support/stack.ts'
import { inJson, temporaryDirectory, vigil } from '../support/vigil.ts'

const LOOPBACK = '127.0.0.0/8'

describe('vigil init of a lab', () => {
  const directory = temporaryDirectory()
  let lab: Lab

  before(async () => {
    lab = await startLab({ directory: join(directory.path, 'lab'), now: Date.now })
  })
  after(async () => {
    await lab.close()
    directory[Symbol.dispose]()
  })

  const endpoint = () => {
    const shop = lab.inventory.services.find(({ id }) => id === 'shop')
    assert.ok(shop)
    return ['--from', shop.endpoint, '--servername', shop.servername]
  }
  const file = (id: string): string => {
    const found = lab.inventory.authorities.find((one) => one.id === id)
    assert.ok(found)
    const path = join(directory.path, `${id}.pem`)
    writeFileSync(path, toPem(found.certificate, 'CERTIFICATE'))
    return path
  }

  it('writes what check-config takes, and every probe then finds well', async () => {
    const to = join(directory.path, 'whole')
    const args = [...endpoint(), '--issuer', file('root'), '--allow-network', LOOPBACK, '-d', to]
    const { code, stdout, stderr } = await vigil(['init', ...args, '--json'])
    assert.equal(code, 0, stderr)
    assert.deepEqual(inJson(stdout, 'files'), [
      'vigil.yaml',
      'pki/root-ca.pem',
      'pki/issuing-ca-1.pem',
      'pki/shop.lab.test.pem',
    ])
    assert.equal((await vigil(['check-config', '-c', join(to, 'vigil.yaml')])).code, 0)

    const { config, targets } = loaded(to)
    assert.deepEqual(
      config.inventory.authorities.map((a) => [a.id, a.issuer, a.class, a.crl.length, a.ocsp.length]),
      [
        ['root-ca', undefined, 'offline', 1, 0],
        ['issuing-ca-1', 'root-ca', 'online', 1, 1],
      ],
    )
    assert.deepEqual(config.probes.follow, [LOOPBACK])
    const world = context({ now: Date.now })
    for (const target of targets) {
      const { observation } = await runProbe(target, world)
      assert.equal(observation.outcome, 'success', `${target.probe} ${JSON.stringify(observation.error)}`)
    }
  })

  it('leaves out what certificates name in a network that is not public, and says so', async () => {
    const to = join(directory.path, 'careful')
    const { code, stdout } = await vigil(['init', ...endpoint(), '-d', to])
    assert.equal(code, 0)
    assert.match(
      stdout,
      /note: http:\/\/.* is not in a public network: name the network with --allow-network/,
    )
    const { config } = loaded(to)
    assert.deepEqual(
      config.inventory.authorities.map((a) => [a.id, a.issuer, a.crl, a.ocsp, a.ca_issuers]),
      [['issuing-ca-1', undefined, [], [], []]],
    )
    assert.match(readFileSync(join(to, 'vigil.yaml'), 'utf8'), /# not declared, crl: http:/)
  })

  it('takes a CA in place of a service', async () => {
    const to = join(directory.path, 'ca')
    const issuers = ['--issuer', file('issuing-1'), '--issuer', file('root')]
    assert.equal((await vigil(['init', ...issuers, '--allow-network', LOOPBACK, '-d', to])).code, 0)
    const { inventory } = loaded(to).config
    assert.deepEqual(
      inventory.authorities.map(({ id, issuer }) => [id, issuer]),
      [
        ['root-ca', undefined],
        ['issuing-ca-1', 'root-ca'],
      ],
    )
    assert.deepEqual(inventory.services, [])
  })

  it('replaces nothing, unless it is told to', async () => {
    const to = join(directory.path, 'ca')
    const mine = '# mine\n'
    writeFileSync(join(to, 'vigil.yaml'), mine)
    const args = ['init', '--issuer', file('root'), '-d', to]
    const refused = await vigil(args)
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /already has vigil\.yaml, pki\/root-ca\.pem: .*--force/)
    assert.equal(readFileSync(join(to, 'vigil.yaml'), 'utf8'), mine)
    assert.equal((await vigil([...args, '--force'])).code, 0)
    assert.equal(loaded(to).config.inventory.authorities.length, 1)
    assert.deepEqual(
      readdirSync(to).filter((name) => name.startsWith('.')),
      [],
    )
  })

  it('ends with 3 where nothing can be watched, with 2 where nothing is asked', async () => {
    const to = join(directory.path, 'nothing')
    const gone = await vigil(['init', '--from', '127.0.0.1:1', '-d', to])
    assert.deepEqual([gone.code, existsSync(to)], [3, false])
    assert.match(gone.stderr, /ECONNREFUSED/)
    assert.equal((await vigil(['init', '-d', to])).code, 2)
    assert.equal((await vigil(['init', '--from', 'shop.example', '-d', to])).code, 2)
    assert.equal((await vigil(['init', '--issuer', file('root'), '--allow-network', '10', '-d', to])).code, 2)
  })
})

/** What `vigil run` would load. */
function loaded(directory: string): LoadedConfig {
  return loadedFrom(join(directory, 'vigil.yaml'))
}

interface Found extends Discovery {
  /** Loaded from what was written. */
  readonly config: LoadedConfig['config']
  readonly text: string
}

/** A discovery that begins at a service with this chain, and may go into these networks. */
async function found(
  t: TestContext,
  [leaf, ...sent]: readonly [Issuer, ...Issuer[]],
  options: {
    readonly networks?: readonly string[]
    readonly hosts?: Readonly<Record<string, string[]>>
  } = {},
): Promise<Found> {
  const pem = [leaf, ...sent].map(({ certificate }) => toPem(certificate, 'CERTIFICATE')).join('')
  const key = leaf.key.privateKey.export({ type: 'pkcs8', format: 'pem' })
  const server = createServer({ cert: pem, key }, (socket) => socket.on('error', () => socket.destroy()))
  const port = await bind(t, server)
  const { networks = [LOOPBACK], hosts = {} } = options
  const reach = new Reach({
    names: systemNames(hosts),
    follow: followPolicy({ networks, declared: [] }),
    now: () => NOW,
    timeout: 2_000,
    signal: new AbortController().signal,
  })
  const address = `127.0.0.1:${port}`
  const endpoint = { address, host: '127.0.0.1', port, servername: 'shop.example' }
  const discovery = await discover({ endpoints: [endpoint], issuers: [], now: NOW, timeout: 2_000 }, reach)
  const text = vigilYaml(discovery, { from: address, at: '2026-11-22T00:00:00.000Z', networks })
  const directory = temporaryDirectory()
  t.after(() => directory[Symbol.dispose]())
  const all = [...discovery.authorities, ...discovery.services]
  const files = all.map(({ id, certificate }): [string, string] => [
    certificateFile(id),
    toPem(certificate.der, 'CERTIFICATE'),
  ])
  writeConfiguration(directory.path, new Map([['vigil.yaml', text], ...files]), 'keep')
  return { ...discovery, text, config: loaded(directory.path).config }
}

/** An HTTP server of what certificates name; says which paths it was asked for. */
async function repository(
  t: TestContext,
  answer: (path: string, response: ServerResponse) => unknown,
): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = []
  const server = createHttp((request: IncomingMessage, response) => {
    asked.push(request.url ?? '')
    answer(request.url ?? '', response)
  })
  return { url: `http://127.0.0.1:${await bind(t, server)}`, asked }
}

const root = await entity({ subject: 'Root' })
const web = { profile: 'tls_server', dns: ['shop.example'] } as const
const shopOf = (issuer: Issuer, more: Partial<CertificateRequest> = {}): Promise<Issuer> =>
  entity({ subject: 'shop', issuer, ...web, ...more })

test('a chain that was not sent is found where certificates say that it is', async (t) => {
  const certificates = new Map<string, Uint8Array>()
  const { url, asked } = await repository(t, (path, response) => response.end(certificates.get(path)))
  const issuing = await entity({ subject: 'Issuing', issuer: root, caIssuersUrl: `${url}/root.cer` })
  certificates.set('/root.cer', root.certificate)
  certificates.set('/issuing.cer', issuing.certificate)
  const leaf = await shopOf(issuing, { caIssuersUrl: `${url}/issuing.cer` })
  const { config, authorities } = await found(t, [leaf])
  assert.deepEqual(
    config.inventory.authorities.map(({ id, issuer, ca_issuers }) => [id, issuer, ca_issuers]),
    [
      ['root', undefined, [`${url}/root.cer`]],
      ['issuing', 'root', [`${url}/issuing.cer`]],
    ],
  )
  assert.equal(authorities[1]?.source, `${url}/issuing.cer`)
  assert.ok(asked.length <= 4, asked.join())
})

test('what is published as the issuer and is another certificate is not believed', async (t) => {
  const forger = await entity({ subject: 'Issuing' })
  const { url } = await repository(t, (_path, response) => response.end(forger.certificate))
  const issuing = await entity({ subject: 'Issuing', issuer: root })
  const leaf = await shopOf(issuing, { caIssuersUrl: `${url}/issuing.cer` })
  const { authorities, services, notes } = await foundNothing(t, leaf)
  assert.deepEqual([authorities, services], [[], []])
  assert.match(notes.join('\n'), /nobody knows the issuer of CN=shop, CN=Issuing; give .*--issuer/)
})

test('a certificate does not lead into a network that is not public, by no name, and not by a redirect', async (t) => {
  const { url, asked } = await repository(t, (_path, response) => response.end())
  const { port } = new URL(url)
  const issuing = await entity({ subject: 'Issuing', issuer: root })
  const leaf = await shopOf(issuing, {
    caIssuersUrl: `http://inside.example:${port}/issuing.cer`,
    crlUrl: `${url}/a.crl`,
    ocspUrl: `http://localhost:${port}/`,
  })
  const hosts = { 'inside.example': ['127.0.0.1'] }
  const { config, notes } = await found(t, [leaf, issuing], { networks: [], hosts })
  assert.deepEqual(asked, [])
  const [issuer] = config.inventory.authorities
  assert.deepEqual([issuer?.crl, issuer?.ocsp, issuer?.ca_issuers], [[], [], []])
  assert.equal(notes.filter((note) => note.includes('--allow-network')).length, 3)

  // 127.0.0.1 may be asked, and sends on to where nobody may go.
  const redirecting = await repository(t, (path, response) =>
    response.writeHead(302, { location: `http://127.0.0.2:${port}${path}` }).end(),
  )
  const led = await shopOf(issuing, { caIssuersUrl: `${redirecting.url}/issuing.cer` })
  const second = await found(t, [led, issuing], { networks: ['127.0.0.1/32'] })
  assert.deepEqual(asked, [])
  assert.match(second.notes.join('\n'), /127\.0\.0\.2|not in a public network/)
})

test('a CRL that cannot be had now is watched all the same; one of a long lifetime is of an offline root', async (t) => {
  const crl = await issueCrl({
    issuer: root,
    number: 7n,
    thisUpdate: NOW - HOUR,
    nextUpdate: NOW + 180 * DAY,
    revoked: [],
  })
  const { url } = await repository(t, (path, response) => {
    response.writeHead(path === '/root.crl' ? 200 : 503, { 'content-type': 'application/pkix-crl' })
    response.end(path === '/root.crl' ? crl : '')
  })
  const issuing = await entity({ subject: 'Issuing', issuer: root, crlUrl: `${url}/root.crl` })
  const leaf = await shopOf(issuing, { crlUrl: `${url}/issuing.crl` })
  const { config, text } = await found(t, [leaf, issuing, root])
  assert.deepEqual(
    config.inventory.authorities.map((a) => [a.class, a.crl.map((c) => c.url)]),
    [
      ['offline', [`${url}/root.crl`]],
      ['online', [`${url}/issuing.crl`]],
    ],
  )
  assert.match(text, /# 0 entries, issued /)
  assert.match(text, /# could not be taken: expected HTTP status 200 from .*, got 503/)
})

test('names that would end a line, a key or a file are only names', async (t) => {
  const evil = 'CA"\n  - id: evil\u2028\u001b[2J # ${HOME} ../../x: &a *b'
  const issuing = await entity({ subject: evil, issuer: root })
  const leaf = await shopOf(issuing, { subject: `${evil} of the shop` })
  const { config, text, authorities } = await found(t, [leaf, issuing, root])
  assert.equal(authorities.length, 2)
  for (const { id } of [...config.inventory.authorities, ...config.inventory.services])
    assert.match(id, /^[a-z0-9]+([.-][a-z0-9]+)*$/)
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028]/)
})

test('URLs that vigil.yaml would read as something else are not written into it', async (t) => {
  const { url } = await repository(t, (_path, response) => response.writeHead(404).end())
  const urls = [
    `${url}/?\${HOME}`,
    `${url}/"x: y`,
    'http://user:secret@127.0.0.1/',
    'javascript:1',
    `${url}/fine`,
  ]
  const issuing = await entity({ subject: 'Issuing', issuer: root })
  const leaf = await shopOf(issuing, { extensions: [distributionPoints(urls)] })
  const { config } = await found(t, [leaf, issuing, root])
  const written = config.inventory.authorities.flatMap(({ crl }) => crl.map((one) => one.url))
  assert.ok(written.includes(`${url}/fine`))
  assert.deepEqual(
    written.filter((one) => /\$|user|javascript|\s|"/.test(one)),
    [],
  )
})

test('a chain that names more than anybody could need is not followed for ever', async (t) => {
  const { url, asked } = await repository(t, (_path, response) => response.writeHead(404).end())
  const urls = Array.from({ length: 200 }, (_, n) => `${url}/${n}.crl`)
  const issuing = await entity({ subject: 'Issuing', issuer: root })
  const leaf = await shopOf(issuing, { extensions: [distributionPoints(urls)] })
  const { config } = await found(t, [leaf, issuing, root])
  assert.equal(config.inventory.authorities[1]?.crl.length, 10)
  assert.equal(asked.length, 10)
})

test('a service whose own certificate cannot be read is none, whatever it sends with it', async (t) => {
  const issuing = await entity({ subject: 'Issuing', issuer: root })
  const leaf = await shopOf(issuing, { extensions: [distributionPoints(['http://a/\n'])] })
  const { services, authorities, notes } = await foundNothing(t, leaf, issuing, root)
  assert.deepEqual([services, authorities], [[], []])
  assert.match(notes.join(), /cannot be read/)
})

test('two authorities that go round in circles end', async (t) => {
  const one = await entity({ subject: 'One' })
  const two = await entity({ subject: 'Two', issuer: one })
  const again = await entity({ subject: 'One', issuer: two, key: one.key })
  const { config } = await found(t, [await shopOf(two), two, again])
  assert.ok(config.inventory.authorities.length >= 1)
})

test('a file that is no certificate, an endless one and a slow one are told, and nothing waits for them', async (t) => {
  const { url } = await repository(t, (path, response) => {
    if (path === '/endless') {
      const more = (): unknown =>
        response.write(Buffer.alloc(65_536), (error) => (error ? undefined : more()))
      more()
    } else if (path === '/text') response.end('hello')
  })
  for (const path of ['text', 'endless', 'slow']) {
    const issuing = await entity({ subject: 'Issuing', issuer: root })
    const leaf = await shopOf(issuing, { caIssuersUrl: `${url}/${path}` })
    const { notes } = await foundNothing(t, leaf)
    assert.ok(
      notes.some((note) => note.includes(`${url}/${path}`)),
      notes.join('\n'),
    )
  }
})

/** Of a service whose issuer nobody knows: there is nothing to write. */
async function foundNothing(t: TestContext, ...chain: readonly [Issuer, ...Issuer[]]): Promise<Discovery> {
  let discovery: Discovery | undefined
  await assert.rejects(async () => {
    discovery = await found(t, chain)
    assert.equal(discovery.authorities.length, 0)
    throw new Error('nothing')
  }, /nothing/)
  assert.ok(discovery !== undefined)
  return discovery
}

function distributionPoints(urls: readonly string[]): Uint8Array {
  const points = urls.map((url) =>
    der.sequence(der.context(0, der.context(0, der.contextPrimitive(6, Buffer.from(url, 'latin1'))))),
  )
  return extension('2.5.29.31', false, der.sequence(...points))
}
