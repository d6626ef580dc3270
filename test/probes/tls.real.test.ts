import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { answerOcsp, toPem, type Issuer as Signer } from '../../lab/issue.ts'
import type { Facts } from '../../model/facts.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import type { TlsTarget } from '../../probes/probe.ts'
import { probeTls } from '../../probes/tls.ts'
import { findProgram, needs } from '../support/needs.ts'
import { startNginx } from '../support/nginx.ts'
import { freePorts } from '../support/ports.ts'
import { startProgram } from '../support/program.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import { respond } from './responder.ts'
import { bounded, failedIn, succeeded, tlsTarget } from './support.ts'

// What real servers do: nginx fetches staples and reloads, OpenSSL speaks everything, OpenLDAP turns to TLS.

const root = await entity({ subject: 'Root' })
const ca = await entity({ subject: 'Issuing 1', issuer: root })
const issuer = declared('issuing-1', ca, root)
const web = { subject: 'shop', profile: 'tls_server', issuer: ca, dns: ['shop.example'] } as const
const shop = await entity({ ...web, serial: '5eed', notBefore: NOW - 2 * DAY })
const renewed = await entity({ ...web, serial: 'beef' })
const prober = await entity({ subject: 'prober', profile: 'tls_client', issuer: ca })

const pem = (...certificates: readonly Signer[]): string =>
  certificates.map(({ certificate }) => toPem(certificate, 'CERTIFICATE')).join('')
const keyPem = ({ key }: Signer): string => key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
/** Certificate, chain and key in one file, so that no reload sees half of a rotation. */
const inOneFile = (leaf: Signer): string => `${pem(leaf, ca)}${keyPem(leaf)}`

const good = await answerOcsp({
  issuer: ca,
  producedAt: NOW - HOUR,
  answers: [{ status: 'good', serial: '5eed', thisUpdate: NOW - HOUR, nextUpdate: NOW + HOUR }],
})
const FILES = {
  'shop.pem': inOneFile(shop),
  'bare.pem': `${pem(shop)}${keyPem(shop)}`,
  'ca.pem': pem(ca, root),
  'staple.der': good,
}

function nginx(server: string, certificate = 'shop.pem') {
  const listen = `listen 127.0.0.1:PORT ssl; ssl_certificate ${certificate}; ssl_certificate_key ${certificate};`
  const protocols = 'ssl_protocols TLSv1.2 TLSv1.3;'
  const http = `server { ${listen} ${protocols} ${server} return 200; }`
  return startNginx({ http, files: FILES, processes: 'several' })
}

async function facts(port: number, overrides: Partial<TlsTarget> = {}): Promise<Facts> {
  return succeeded(await bounded(probeTls, tlsTarget(port, { issuer, ...overrides }))).facts
}

describe('nginx', needs('nginx'), () => {
  it('is well', async () => {
    await using server = await nginx('')
    const { tls, chain, staple } = await facts(server.port)
    assert.deepEqual([tls?.protocol, tls?.pathValid], ['TLSv1.3', true])
    assert.deepEqual([chain?.sent, chain?.complete, chain?.ordered], [2, true, true])
    assert.deepEqual(staple, { present: false, presentBefore: false })
  })

  it('without the chain is incomplete', async () => {
    await using server = await nginx('', 'bare.pem')
    assert.equal((await facts(server.port)).chain?.complete, false)
  })

  it('staples what it was given', async () => {
    await using server = await nginx('ssl_stapling on; ssl_stapling_file staple.der;')
    const { staple } = await facts(server.port)
    assert.deepEqual([staple?.valid, staple?.status], [true, 'good'])
  })

  it('fetches its staple after the first handshake, and is seen to have it then', async (t) => {
    const responder = await respond(t, ca)
    const stapling = `ssl_stapling on; ssl_stapling_responder ${responder}; ssl_trusted_certificate ca.pem;`
    await using server = await nginx(stapling)
    assert.equal((await facts(server.port)).staple?.present, false)
    let staple: Facts['staple']
    for (let looks = 0; looks < 200 && staple?.present !== true; looks++) {
      ;({ staple } = await facts(server.port))
    }
    assert.deepEqual([staple?.present, staple?.valid, staple?.status], [true, true, 'good'])
  })

  it('reloads while it is probed: no run fails, and the new certificate is seen', async () => {
    await using server = await nginx('')
    const target = tlsTarget(server.port, { issuer })
    const memory = new RecordedMemory([target])
    const seen: (string | undefined)[] = []
    const look = async (): Promise<Facts> => {
      const { observation } = await bounded(probeTls, target, { memory })
      memory.remember(observation)
      seen.push(succeeded({ observation, artifacts: [] }).facts.certificate?.serial)
      return observation.facts
    }
    let last = await look()
    await writeFile(join(server.directory, 'shop.pem'), inOneFile(renewed))
    server.reload()
    // For a moment old and new workers both accept.
    const isOver = (): boolean => seen.length > 5 && seen.slice(-5).every((serial) => serial === 'beef')
    for (let looks = 0; looks < 500 && !isOver(); looks++) last = await look()
    assert.deepEqual([seen[0], seen.at(-1)], ['5eed', 'beef'])
    assert.deepEqual([last.renewal?.newestServed, last.keyUse?.certificates?.length], [true, 1])
  })

  it('that takes client certificates completes the handshake with and without one', async () => {
    await using server = await nginx(
      'ssl_verify_client on; ssl_client_certificate ca.pem; ssl_verify_depth 2;',
    )
    const client = { certificate: pem(prober, ca), key: keyPem(prober) }
    assert.equal((await facts(server.port, { client })).tls?.clientCertificateAccepted, true)
    assert.equal((await facts(server.port)).tls?.pathValid, true)
  })
})

/** `openssl s_server`; gone after the test. */
async function openssl(t: TestContext, ...options: readonly string[]): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'vigil-s_server-'))
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(directory, name), content)
  const [port = 0] = await freePorts(1)
  const served = ['-cert', 'shop.pem', '-key', 'shop.pem', '-cert_chain', 'ca.pem']
  const args = ['s_server', '-accept', `127.0.0.1:${port}`, ...served, ...options]
  const child = spawn('openssl', args, { cwd: directory, stdio: ['pipe', 'pipe', 'ignore'] })
  t.after(async () => {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    rmSync(directory, { recursive: true })
  })
  for await (const text of child.stdout) if (String(text).includes('ACCEPT')) break
  child.stdout.resume()
  return port
}

describe('openssl s_server', needs('openssl'), () => {
  it('sends a chain with the root, which is allowed', async (t) => {
    const { chain } = await facts(await openssl(t))
    assert.deepEqual([chain?.sent, chain?.anchorSent, chain?.unneeded], [3, true, []])
  })

  it('staples an answer from a file', async (t) => {
    const { staple } = await facts(await openssl(t, '-status_file', 'staple.der'))
    assert.equal(staple?.valid, true)
  })

  for (const [option, protocol] of [
    ['-tls1_3', 'TLSv1.3'],
    ['-tls1_2', 'TLSv1.2'],
    ['-tls1_1', 'TLSv1.1'],
    ['-tls1', 'TLSv1'],
  ] as const) {
    it(`${protocol} is seen`, async (t) => {
      const port = await openssl(t, option, '-cipher', 'DEFAULT:@SECLEVEL=0')
      assert.equal((await facts(port)).tls?.protocol, protocol)
    })
  }

  it('the key exchange group is seen, and that it is a classical one', async (t) => {
    const { tls } = await facts(await openssl(t, '-groups', 'P-384'))
    assert.deepEqual([tls?.group, tls?.quantumSafe], ['secp384r1', false])
  })

  it('in TLS 1.2 staples and groups are seen as well', async (t) => {
    const port = await openssl(t, '-tls1_2', '-groups', 'P-256', '-status_file', 'staple.der')
    const { tls, staple } = await facts(port)
    assert.deepEqual([tls?.group, staple?.valid], ['prime256v1', true])
  })
})

const SLAPD = findProgram('slapd') ?? '/usr/sbin/slapd'

describe('OpenLDAP', existsSync(SLAPD) ? {} : needs('slapd'), () => {
  it('turns to TLS when it is asked to, and says when it cannot', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'vigil-slapd-tls-'))
    t.after(() => rmSync(directory, { recursive: true }))
    const start = async (tls: string): Promise<number> => {
      const [port = 0] = await freePorts(1)
      const configuration = join(directory, `${port}.conf`)
      writeFileSync(configuration, `include /etc/ldap/schema/core.schema\n${tls}`)
      const listens = [{ host: '127.0.0.1', port }]
      const options = ['-f', configuration, '-h', `ldap://127.0.0.1:${port}`, '-d', '0']
      await startProgram(t, SLAPD, options, listens)
      return port
    }
    for (const [name, content] of Object.entries({ ...FILES, 'shop.key': keyPem(shop) }))
      writeFileSync(join(directory, name), content, { mode: 0o600 })
    writeFileSync(join(directory, 'chain.pem'), pem(shop, ca))
    const port = await start(
      `TLSCertificateFile ${join(directory, 'chain.pem')}\nTLSCertificateKeyFile ${join(directory, 'shop.key')}\n`,
    )
    const { tls, chain } = await facts(port, { startTls: 'ldap' })
    assert.deepEqual([tls?.pathValid, chain?.complete], [true, true])
    const without = tlsTarget(await start(''), { issuer, startTls: 'ldap' })
    failedIn(await bounded(probeTls, without), 'tls', 'starttls_refused')
  })
})
