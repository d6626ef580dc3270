import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { issueCrl, toPem, type Issuer as Signer } from '../../lab/issue.ts'
import type { FactsOf } from '../../model/facts.ts'
import { probeMtls } from '../../probes/mtls.ts'
import { needs } from '../support/needs.ts'
import { startNginx } from '../support/nginx.ts'
import { freePorts } from '../support/ports.ts'
import { DAY, entity, HOUR, NOW } from './pki.ts'
import { bounded, mtlsTarget, succeeded } from './support.ts'

// nginx lets everybody shake hands and refuses the request; OpenSSL refuses late in TLS 1.3, and may be made to say nothing.

const ca = await entity({ subject: 'Zone CA' })
const client = { profile: 'tls_client', issuer: ca } as const
const shop = await entity({ subject: 'shop', profile: 'tls_server', issuer: ca, dns: ['shop.example'] })
const prober = await entity({ subject: 'prober', ...client })
const revoked = await entity({ subject: 'revoked', ...client, serial: 'dead' })
const expired = await entity({ subject: 'expired', ...client, notBefore: NOW - 2 * DAY, notAfter: NOW - DAY })
const crl = await issueCrl({
  issuer: ca,
  number: 1n,
  thisUpdate: NOW - HOUR,
  nextUpdate: NOW + DAY,
  revoked: [{ serial: 'dead', at: NOW - HOUR }],
})

const credential = ({ certificate, key }: Signer) => ({
  certificate: toPem(certificate, 'CERTIFICATE'),
  key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
})
const credentials = {
  valid: credential(prober),
  expired: credential(expired),
  revoked: credential(revoked),
}
const FILES = {
  'shop.pem': credential(shop).certificate,
  'shop.key': credential(shop).key,
  'ca.pem': toPem(ca.certificate, 'CERTIFICATE'),
  'ca.crl': toPem(crl, 'X509 CRL'),
}

async function facts(port: number): Promise<FactsOf<'mtls'>> {
  return succeeded(await bounded(probeMtls, mtlsTarget(port, { credentials }))).facts.mtls ?? {}
}

async function nginx(verify: string): Promise<FactsOf<'mtls'>> {
  const http = `server { listen 127.0.0.1:PORT ssl; ssl_certificate shop.pem; ssl_certificate_key shop.key; ${verify} return 200; }`
  await using server = await startNginx({ http, files: FILES })
  return await facts(server.port)
}

/** `openssl s_server` with these options, gone after the test. */
async function serve(t: TestContext, ...options: readonly string[]): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-s_server-'))
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(directory, name), text)
  const [port = 0] = await freePorts(1)
  const args = [
    's_server',
    '-accept',
    `127.0.0.1:${port}`,
    '-cert',
    'shop.pem',
    '-key',
    'shop.key',
    ...options,
  ]
  const child = spawn('openssl', args, { cwd: directory, stdio: ['pipe', 'pipe', 'ignore'] })
  t.after(async () => {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    await rm(directory, { recursive: true, force: true })
  })
  for await (const text of child.stdout) if (String(text).includes('ACCEPT')) break
  child.stdout.resume()
  return port
}

const REFUSED = { without: 'refused', foreign: 'refused', selfSigned: 'refused', expired: 'refused' }
const ENFORCED = { valid: 'accepted', ...REFUSED }
const STRICT = ['-Verify', '3', '-verify_return_error', '-CAfile', 'ca.pem']

function only({ valid, without, foreign, selfSigned, expired: late }: FactsOf<'mtls'>) {
  return { valid, without, foreign, selfSigned, expired: late }
}

describe('mtls with nginx', needs('nginx'), () => {
  it('that verifies is seen to enforce by its answers, though it completes every handshake', async () => {
    const seen = await nginx('ssl_verify_client on; ssl_client_certificate ca.pem; ssl_crl ca.crl;')
    assert.deepEqual([only(seen), seen.revoked, seen.overHttp], [ENFORCED, 'refused', true])
  })

  it('without a CRL accepts what is revoked', async () => {
    const seen = await nginx('ssl_verify_client on; ssl_client_certificate ca.pem;')
    assert.deepEqual([only(seen), seen.revoked], [ENFORCED, 'accepted'])
  })

  it('that makes the certificate optional accepts who has none', async () => {
    const seen = await nginx('ssl_verify_client optional; ssl_client_certificate ca.pem;')
    assert.deepEqual([seen.requested, only(seen)], [true, { ...ENFORCED, without: 'accepted' }])
  })

  it('that verifies nothing accepts everybody', async () => {
    const seen = await nginx('ssl_verify_client optional_no_ca;')
    assert.deepEqual([seen.without, seen.foreign, seen.selfSigned], ['accepted', 'accepted', 'accepted'])
  })
})

describe('mtls with openssl s_server', needs('openssl'), () => {
  for (const version of ['-tls1_2', '-tls1_3']) {
    it(`${version}: that verifies is seen to enforce`, async (t) => {
      const port = await serve(t, version, ...STRICT, '-CRL', 'ca.crl', '-crl_check')
      const seen = await facts(port)
      assert.deepEqual([only(seen), seen.revoked, seen.overHttp], [ENFORCED, 'refused', false])
    })
  }

  it('that verifies and ignores the result accepts every certificate, and nobody without', async (t) => {
    const seen = await facts(await serve(t, '-tls1_3', '-Verify', '3', '-CAfile', 'ca.pem'))
    assert.deepEqual(only(seen), {
      valid: 'accepted',
      without: 'refused',
      foreign: 'accepted',
      selfSigned: 'accepted',
      expired: 'accepted',
    })
  })

  it('that sends no tickets accepts in silence, and refuses loudly', async (t) => {
    const seen = await facts(await serve(t, '-tls1_3', ...STRICT, '-num_tickets', '0'))
    assert.deepEqual(only(seen), { ...REFUSED, valid: 'silent' })
  })
})
