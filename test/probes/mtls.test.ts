import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createServer as createHttps } from 'node:https'
import { describe, it, type TestContext } from 'node:test'
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls'
import { issueCrl, toPem, type Issuer as Signer } from '../../lab/issue.ts'
import type { FactsOf } from '../../model/facts.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import { verifySignature } from '../../pki/signature.ts'
import type { Credential } from '../../probes/fetch/credential.ts'
import { systemNames } from '../../probes/fetch/resolve.ts'
import { probeMtls } from '../../probes/mtls.ts'
import { makeStranger, STRANGER_NAME } from '../../probes/mtls/strangers.ts'
import type { MtlsTarget, ProbeContext } from '../../probes/probe.ts'
import { DAY, entity, HOUR, NOW } from './pki.ts'
import { bind, bounded, closedPort, failedIn, listen, mtlsTarget, succeeded } from './support.ts'

const ca = await entity({ subject: 'Zone CA' })
const other = await entity({ subject: 'Other CA' })
const shop = await entity({ subject: 'shop', profile: 'tls_server', issuer: ca, dns: ['shop.example'] })
const client = { profile: 'tls_client', issuer: ca } as const
const prober = await entity({ subject: 'prober', ...client })
const revoked = await entity({ subject: 'revoked prober', ...client, serial: 'dead' })
const expired = await entity({
  subject: 'expired prober',
  ...client,
  notBefore: NOW - 2 * DAY,
  notAfter: NOW - DAY,
})
const stranger = await entity({ subject: 'stranger', profile: 'tls_client', issuer: other })
const crl = toPem(
  await issueCrl({
    issuer: ca,
    number: 1n,
    thisUpdate: NOW - HOUR,
    nextUpdate: NOW + DAY,
    revoked: [{ serial: 'dead', at: NOW - HOUR }],
  }),
  'X509 CRL',
)

function pem({ certificate }: Signer): string {
  return toPem(certificate, 'CERTIFICATE')
}

function keyPem({ key }: Signer): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function credential(signer: Signer): Credential {
  return { certificate: pem(signer), key: keyPem(signer) }
}

const ALL = {
  valid: credential(prober),
  foreign: credential(stranger),
  expired: credential(expired),
  revoked: credential(revoked),
}

const SERVED = { cert: pem(shop), key: keyPem(shop) }
/** As it should be. */
const STRICT: TlsOptions = { ...SERVED, requestCert: true, rejectUnauthorized: true, ca: pem(ca), crl }

const quiet = (socket: TLSSocket): unknown => socket.on('error', () => socket.destroy())

/** A service that says nothing by itself, and says no more than TLS does. */
async function serve(t: TestContext, options: TlsOptions): Promise<number> {
  const server = createServer(options, quiet)
  server.on('tlsClientError', () => undefined)
  return bind(t, server)
}

/** A web service that verifies in TLS as told, and answers with what `status` says of the connection. */
async function serveHttp(
  t: TestContext,
  options: TlsOptions,
  status: (isAuthorized: boolean) => number,
): Promise<number> {
  const server = createHttps(options, (request, response) => {
    const isAuthorized = 'authorized' in request.socket && request.socket.authorized === true
    response.writeHead(status(isAuthorized)).end('said')
  })
  server.on('tlsClientError', () => undefined)
  server.on('secureConnection', quiet)
  return bind(t, server)
}

function probe(port: number, overrides: Partial<MtlsTarget> = {}, world: Partial<ProbeContext> = {}) {
  return bounded(probeMtls, mtlsTarget(port, { credentials: ALL, ...overrides }), world)
}

type Outcomes = Pick<FactsOf<'mtls'>, 'valid' | 'without' | 'foreign' | 'selfSigned' | 'expired' | 'revoked'>

const ENFORCED: Outcomes = {
  valid: 'accepted',
  without: 'refused',
  foreign: 'refused',
  selfSigned: 'refused',
  expired: 'refused',
  revoked: 'refused',
}

const OPEN: Outcomes = {
  valid: 'accepted',
  without: 'accepted',
  foreign: 'accepted',
  selfSigned: 'accepted',
  expired: 'accepted',
  revoked: 'accepted',
}

function outcomes(facts: FactsOf<'mtls'> | undefined): Outcomes {
  const { valid, without, foreign, selfSigned, expired, revoked } = facts ?? {}
  return JSON.parse(JSON.stringify({ valid, without, foreign, selfSigned, expired, revoked })) as Outcomes
}

// Most of the time nothing happens: whether a service hangs up is waited for.
describe('mtls', { concurrency: 8 }, () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`${maxVersion}: a service that enforces refuses everything but the valid certificate`, async (t) => {
      const { facts } = succeeded(await probe(await serve(t, { ...STRICT, maxVersion })))
      assert.deepEqual(outcomes(facts.mtls), ENFORCED)
      assert.deepEqual(
        [facts.mtls?.requested, facts.mtls?.protocol, facts.mtls?.overHttp, facts.mtls?.acceptedAt],
        [true, maxVersion, false, []],
      )
    })

    it(`${maxVersion}: a service that asks and does not verify accepts everything`, async (t) => {
      const port = await serve(t, { ...STRICT, rejectUnauthorized: false, maxVersion })
      const { facts } = succeeded(await probe(port))
      assert.deepEqual(outcomes(facts.mtls), OPEN)
      assert.deepEqual(facts.mtls?.acceptedAt, [
        '127.0.0.1 expired',
        '127.0.0.1 foreign',
        '127.0.0.1 revoked',
        '127.0.0.1 selfSigned',
        '127.0.0.1 without',
      ])
    })

    it(`${maxVersion}: a service that does not ask accepts everything`, async (t) => {
      const { facts } = succeeded(await probe(await serve(t, { ...SERVED, maxVersion })))
      assert.deepEqual(outcomes(facts.mtls), OPEN)
      assert.equal(facts.mtls?.requested, false)
    })
  }

  it('a service that trusts another authority too accepts the foreign certificate and no other', async (t) => {
    const port = await serve(t, { ...STRICT, ca: [pem(ca), pem(other)], crl: undefined })
    const credentials = { valid: ALL.valid, foreign: ALL.foreign }
    const { facts } = succeeded(await probe(port, { credentials }))
    const rest = { expired: 'not_applicable', revoked: 'not_applicable' }
    assert.deepEqual(outcomes(facts.mtls), { ...ENFORCED, ...rest, foreign: 'accepted' })
  })

  it('a service that checks no revocation accepts the revoked certificate and no other', async (t) => {
    const { facts } = succeeded(await probe(await serve(t, { ...STRICT, crl: undefined })))
    assert.deepEqual(outcomes(facts.mtls), { ...ENFORCED, revoked: 'accepted' })
  })

  it('a service that hangs up a moment after the handshake refuses', async (t) => {
    const server = createServer({ ...STRICT, rejectUnauthorized: false }, (socket) => {
      quiet(socket)
      if (!socket.authorized) setTimeout(() => socket.destroy(), 100)
    })
    const { facts } = succeeded(await probe(await bind(t, server)))
    assert.deepEqual(outcomes(facts.mtls), ENFORCED)
  })

  it('a web service that lets everybody connect and refuses the request enforces', async (t) => {
    const lenient = { ...STRICT, rejectUnauthorized: false }
    const port = await serveHttp(t, lenient, (isAuthorized) => (isAuthorized ? 200 : 400))
    const { facts } = succeeded(await probe(port))
    assert.deepEqual(outcomes(facts.mtls), ENFORCED)
    assert.equal(facts.mtls?.overHttp, true)
  })

  it('a web service that answers whoever comes does not', async (t) => {
    const port = await serveHttp(t, { ...STRICT, rejectUnauthorized: false }, () => 404)
    assert.deepEqual(outcomes(succeeded(await probe(port)).facts.mtls), OPEN)
  })

  it('a web service that verifies in TLS closes before it answers', async (t) => {
    const { facts } = succeeded(await probe(await serveHttp(t, STRICT, () => 200)))
    assert.deepEqual(outcomes(facts.mtls), ENFORCED)
  })

  it('a refusal that the valid certificate gets too tells nothing', async (t) => {
    const port = await serveHttp(t, { ...STRICT, rejectUnauthorized: false }, () => 403)
    const { facts } = succeeded(await probe(port))
    const silent = 'silent'
    assert.deepEqual(outcomes(facts.mtls), {
      valid: 'refused',
      without: silent,
      foreign: silent,
      selfSigned: silent,
      expired: silent,
      revoked: silent,
    })
  })

  it('an error of the web service tells nothing', async (t) => {
    const port = await serveHttp(t, { ...STRICT, rejectUnauthorized: false }, () => 502)
    assert.equal(succeeded(await probe(port)).facts.mtls?.without, 'silent')
  })

  it('the configured path is asked for, by the name of the service', async (t) => {
    const asked = new Set<string>()
    const server = createHttps({ ...STRICT }, (request, response) => {
      asked.add(`${request.url ?? ''} ${request.headers.host ?? ''} ${request.headers['user-agent'] ?? ''}`)
      response.end()
    })
    server.on('tlsClientError', () => undefined)
    const port = await bind(t, server)
    succeeded(await probe(port, { path: '/api?x=1' }))
    assert.deepEqual([...asked], [`/api?x=1 shop.example:${port} pki-vigil`])
  })

  it('a service that insists on a protocol of its own is asked without one', async (t) => {
    const port = await serve(t, { ...STRICT, ALPNProtocols: ['h2'] })
    const { facts } = succeeded(await probe(port))
    assert.deepEqual(outcomes(facts.mtls), ENFORCED)
  })

  it('without credentials only what vigil makes itself is asked', async (t) => {
    const { facts } = succeeded(await probe(await serve(t, STRICT), { credentials: {} }))
    assert.deepEqual(outcomes(facts.mtls), {
      ...ENFORCED,
      valid: 'not_applicable',
      expired: 'not_applicable',
      revoked: 'not_applicable',
    })
    assert.equal(facts.prober?.configured, false)
  })

  it('a certificate that would be judged for another reason than the one asked about is not shown', async (t) => {
    const seen = new Set<string>()
    const server = createServer({ ...STRICT, rejectUnauthorized: false }, (socket) => {
      quiet(socket)
      seen.add(socket.getPeerX509Certificate()?.serialNumber.toLowerCase() ?? '')
    })
    const port = await bind(t, server)
    const credentials = { foreign: ALL.expired, expired: ALL.valid, revoked: ALL.expired, valid: ALL.expired }
    const { facts } = succeeded(await probe(port, { credentials }))
    const not = 'not_applicable'
    assert.deepEqual(outcomes(facts.mtls), {
      ...OPEN,
      valid: not,
      foreign: not,
      expired: not,
      revoked: not,
    })
    assert.equal(seen.size, 2)
  })

  it('the facts about the prober name every certificate that is shown, and the first that ends', async (t) => {
    const soon = await entity({ subject: 'soon', ...client, notAfter: NOW + HOUR, serial: 'beef' })
    const credentials = { ...ALL, revoked: credential(soon) }
    const { facts } = succeeded(await probe(await serve(t, STRICT), { credentials }))
    assert.deepEqual(
      [facts.prober?.configured, facts.prober?.subject, facts.prober?.notAfter],
      [true, 'CN=soon', new Date(NOW + HOUR).toISOString()],
    )
    const shown = facts.prober?.certificates ?? []
    assert.ok(shown.includes('revoked beef CN=soon'))
    assert.ok(shown.includes(`selfSigned 706b692d766967696c2d73656c66 CN=${STRANGER_NAME}: self-signed`))
    assert.equal(shown.length, 5)
  })

  it('runs that find the same are the same, though strangers are made anew', async (t) => {
    const port = await serve(t, STRICT)
    const credentials = { valid: ALL.valid }
    const first = succeeded(await probe(port, { credentials }))
    const second = succeeded(await probe(port, { credentials }))
    assert.deepEqual(second.facts, first.facts)
  })

  it('one address that lets everybody in is found among those that do not', async (t) => {
    const port = await serve(t, STRICT)
    await bind(t, createServer(SERVED, quiet), { host: '127.0.0.2', port })
    const names = systemNames({ 'shop.example': ['127.0.0.1', '127.0.0.2'] })
    const { facts } = succeeded(await probe(port, { host: 'shop.example' }, { names }))
    assert.deepEqual([facts.mtls?.without, facts.mtls?.valid], ['accepted', 'accepted'])
    assert.equal(
      facts.mtls?.acceptedAt?.every((one) => one.startsWith('127.0.0.2 ')),
      true,
    )
    assert.deepEqual(facts.addresses?.differing, ['127.0.0.2'])
  })

  it('an address that cannot be asked leaves open what the others refuse', async (t) => {
    const port = await serve(t, STRICT)
    const names = systemNames({ 'shop.example': ['127.0.0.1', '127.0.0.2'] })
    const { facts } = failedIn(await probe(port, { host: 'shop.example' }, { names }), 'connect', 'refused')
    assert.deepEqual([facts.mtls?.without, facts.mtls?.valid], [undefined, undefined])
    assert.deepEqual(facts.addresses?.failed, ['127.0.0.2 refused'])
  })

  it('what one address lets in is known, whatever the others would have said', async (t) => {
    const port = await serve(t, SERVED)
    const names = systemNames({ 'shop.example': ['127.0.0.1', '127.0.0.2'] })
    const { facts } = failedIn(await probe(port, { host: 'shop.example' }, { names }), 'connect', 'refused')
    assert.deepEqual([facts.mtls?.without, facts.mtls?.valid], ['accepted', undefined])
  })

  it('nobody there: nothing is known', async () => {
    const { facts } = failedIn(await probe(await closedPort()), 'connect', 'refused')
    assert.equal(facts.mtls, undefined)
  })

  it('a handshake that fails for no reason of the client is a failure of the run', async (t) => {
    const port = await listen(t, (socket) => socket.once('data', () => socket.end('220 no TLS here\r\n')))
    const { facts } = failedIn(await probe(port), 'tls', 'not_tls')
    assert.equal(facts.mtls, undefined)
  })

  it('credentials that are none are a failure of the run, before anybody is asked', async () => {
    const port = await closedPort()
    const noCertificate = { ...ALL, revoked: { certificate: 'nothing', key: ALL.revoked.key } }
    failedIn(await probe(port, { credentials: noCertificate }), 'tls', 'client_credentials_unusable')
  })

  it('a certificate with another key is unusable, and said to be', async (t) => {
    const credentials = { ...ALL, valid: { ...ALL.valid, key: ALL.foreign.key } }
    const { error } = failedIn(
      await probe(await serve(t, STRICT), { credentials }),
      'tls',
      'client_credentials_unusable',
    )
    assert.match(error?.message ?? '', /\(valid\)/)
  })

  it('a service that never stops talking is heard out for no longer than its first line may be', async (t) => {
    const server = createHttps(STRICT)
    server.removeAllListeners('request')
    server.removeAllListeners('secureConnection')
    server.on('secureConnection', (socket: TLSSocket) => {
      quiet(socket)
      const talk = (): unknown => socket.write('x'.repeat(65_536), (error) => (error ? undefined : talk()))
      talk()
    })
    server.on('tlsClientError', () => undefined)
    const { facts } = await probe(await bind(t, server), { credentials: { valid: ALL.valid } }).then(
      succeeded,
    )
    assert.notEqual(facts.mtls?.valid, 'accepted')
  })

  it('what vigil makes for strangers is correct in every way but its origin', () => {
    for (const kind of ['self_signed', 'foreign'] as const) {
      const { certificate, key } = makeStranger(kind, NOW)
      const [leaf, above] = decodeCertificates(Buffer.from(certificate)).map((der) => parseCertificate(der))
      assert.ok(leaf !== undefined)
      assert.ok(leaf.subject.text.startsWith(`CN=${STRANGER_NAME}: `))
      assert.deepEqual(leaf.extendedKeyUsage, ['1.3.6.1.5.5.7.3.2'])
      assert.deepEqual([leaf.notBefore, leaf.notAfter], [NOW - HOUR, NOW + HOUR])
      verifySignature(leaf, above ?? leaf, 'stranger')
      assert.equal(above === undefined, kind === 'self_signed')
      const seen = new X509Certificate(certificate)
      assert.ok(seen.checkPrivateKey(createPrivateKey(key)))
    }
  })
})
