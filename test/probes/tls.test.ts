import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createServer, type TlsOptions } from 'node:tls'
import { toPem, type Issuer as Signer } from '../../lab/issue.ts'
import { probeTls } from '../../probes/tls.ts'
import type { TlsTarget } from '../../probes/probe.ts'
import { declared, entity, HOUR, NOW, DAY } from './pki.ts'
import { respond } from './responder.ts'
import { bind, bounded, closedPort, failedIn, listen, succeeded, tlsTarget } from './support.ts'

const root = await entity({ subject: 'Root' })
const ca = await entity({ subject: 'Issuing 1', issuer: root })
const sub = await entity({ subject: 'Sub CA', issuer: ca })
const issuer = declared('issuing-1', ca, root)
const web = { subject: 'shop', profile: 'tls_server', issuer: ca, dns: ['shop.example'] } as const
const shop = await entity({ ...web, serial: '5eed' })
const clientCa = await entity({ subject: 'Client CA' })
const prober = await entity({ subject: 'prober', profile: 'tls_client', issuer: clientCa })

function pem(...certificates: readonly Signer[]): string {
  return certificates.map(({ certificate }) => toPem(certificate, 'CERTIFICATE')).join('')
}

function keyPem({ key }: Signer): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** A TLS service that serves this chain; gone after the test. */
async function serve(t: TestContext, chain: readonly Signer[], options: TlsOptions = {}): Promise<number> {
  const [leaf] = chain
  assert.ok(leaf !== undefined)
  const server = createServer({ cert: pem(...chain), key: keyPem(leaf), ...options }, (socket) =>
    socket.on('error', () => socket.destroy()),
  )
  server.on('tlsClientError', () => undefined)
  return bind(t, server)
}

function probe(port: number, overrides: Partial<TlsTarget> = {}) {
  return bounded(probeTls, tlsTarget(port, { issuer, ...overrides }))
}

test('a good service gives facts about connection, certificate and service, and the chain as evidence', async (t) => {
  const result = await probe(await serve(t, [shop, ca]))
  const { facts } = succeeded(result)
  assert.deepEqual(
    { ...facts.tls, cipher: undefined },
    {
      protocol: 'TLSv1.3',
      cipher: undefined,
      group: 'X25519MLKEM768',
      chainLength: 2,
      pathValid: true,
      issuedDirectly: true,
      identityMatches: true,
      quantumSafe: true,
      quantumSafeBefore: true,
    },
  )
  assert.match(facts.tls?.cipher ?? '', /^TLS_/)
  assert.equal(facts.certificate?.serial, '5eed')
  assert.deepEqual(facts.certificate.identities, ['shop.example'])
  assert.deepEqual(facts.service, {
    id: 'shop',
    environment: 'prod',
    owner: 'team',
    servername: 'shop.example',
  })
  assert.equal(facts.ocsp, undefined)
  assert.deepEqual(
    result.artifacts.map(({ mediaType, bytes }) => [mediaType, Buffer.from(bytes).toString('hex')]),
    [shop, ca].map(({ certificate }) => ['application/pkix-cert', Buffer.from(certificate).toString('hex')]),
  )
})

test('the served certificate is asked about at the responder of its issuer', async (t) => {
  const port = await serve(t, [shop])
  const ocspUrl = await respond(t, ca)
  const result = await probe(port, { ocspUrl })
  const { facts } = succeeded(result)
  assert.deepEqual([facts.ocsp?.serial, facts.ocsp?.status], ['5eed', 'good'])
  assert.deepEqual(
    result.artifacts.map((a) => a.mediaType),
    ['application/pkix-cert', 'application/ocsp-response'],
  )
})

test('the lints of a certificate whose path verified, and of the answer about it, are facts', async (t) => {
  const kinds = async (port: number, overrides: Partial<TlsTarget> = {}) => {
    const { lint } = (await probe(port, overrides)).observation.facts
    return lint?.judged?.map((line) => line.replace(/ .*/, ''))
  }
  const port = await serve(t, [shop])
  assert.deepEqual(await kinds(port), ['certificate'])
  assert.deepEqual(await kinds(port, { ocspUrl: await respond(t, ca) }), ['certificate', 'ocsp'])
  const leaf = await entity({ ...web, issuer: sub })
  assert.equal(await kinds(await serve(t, [leaf])), undefined)
})

test('a certificate signed in a way that is not known is neither a valid path nor a fault', async (t) => {
  const ecdsaWithSha256 = Buffer.from('2a8648ce3d040302', 'hex')
  const certificate = Buffer.from(shop.certificate)
  for (
    let at = certificate.indexOf(ecdsaWithSha256);
    at >= 0;
    at = certificate.indexOf(ecdsaWithSha256, at)
  ) {
    certificate[at + 7] = 0x7f
  }
  const { facts, error } = failedIn(
    await probe(await serve(t, [{ ...shop, certificate }])),
    'signature',
    'unsupported',
  )
  assert.deepEqual([facts.tls?.pathValid, facts.tls?.pathError], [undefined, 'unsupported'])
  assert.equal(facts.certificate?.signatureAlgorithm, '1.2.840.10045.4.3.127')
  assert.match(error?.message ?? '', /got algorithm 1\.2\.840\.10045\.4\.3\.127/)
})

test('a responder that is down leaves the outcome alone', async (t) => {
  const port = await serve(t, [shop])
  const ocspUrl = `http://127.0.0.1:${await closedPort()}/`
  const { facts } = succeeded(await probe(port, { ocspUrl }))
  assert.equal(facts.ocsp, undefined)
})

test('the time that a silent responder takes is not the service’s', async (t) => {
  const port = await serve(t, [shop])
  const silent = `http://127.0.0.1:${await listen(t, () => undefined)}/`
  const began = performance.now()
  const { duration } = succeeded(await probe(port, { ocspUrl: silent, timeout: 1_000 }))
  assert.ok(performance.now() - began >= 1_000)
  assert.ok(duration < 900, `${duration} ms`)
})

test('a missing intermediate fails in path; with it the path is found', async (t) => {
  const leaf = await entity({ ...web, issuer: sub })
  const { facts } = failedIn(await probe(await serve(t, [leaf])), 'path', 'issuer_not_found')
  assert.equal(facts.tls?.pathValid, false)
  assert.equal(facts.tls.pathError, 'issuer_not_found')
  assert.equal(facts.certificate?.subject, 'CN=shop')
  const complete = succeeded(await probe(await serve(t, [leaf, sub])))
  assert.deepEqual([complete.facts.tls?.pathValid, complete.facts.tls?.issuedDirectly], [true, false])
})

test('a certificate of another CA is not asked about at the declared one', async (t) => {
  const foreign = await entity({ ...web, issuer: root })
  let isAsked = false
  const ocspUrl = await respond(t, ca, { seen: () => (isAsked = true) })
  failedIn(await probe(await serve(t, [foreign]), { ocspUrl }), 'path', 'issuer_not_found')
  assert.equal(isAsked, false)
})

test('a certificate of the declared issuer is its own under a renewed CA certificate too', async (t) => {
  const renewed = await entity({ subject: 'Issuing 1', issuer: root, key: ca.key })
  const port = await serve(t, [shop])
  const { facts } = succeeded(await probe(port, { issuer: declared('issuing-1', renewed, root) }))
  assert.equal(facts.tls?.issuedDirectly, true)
})

test('a forged issuer name fails in signature', async (t) => {
  const forger = await entity({ subject: 'Issuing 1' })
  const leaf = await entity({ ...web, issuer: forger })
  failedIn(await probe(await serve(t, [leaf, forger])), 'signature', 'signature_invalid')
})

test('an expired leaf fails in time and keeps all facts', async (t) => {
  const leaf = await entity({ ...web, notBefore: NOW - 2 * DAY, notAfter: NOW - HOUR })
  const { facts } = failedIn(await probe(await serve(t, [leaf])), 'time', 'certificate_expired')
  assert.deepEqual([facts.tls?.pathValid, facts.tls?.pathError], [false, 'certificate_expired'])
  assert.equal(facts.certificate?.notAfter, new Date(NOW - HOUR).toISOString())
})

test('a leaf that is not valid yet fails in time', async (t) => {
  const leaf = await entity({ ...web, notBefore: NOW + HOUR })
  failedIn(await probe(await serve(t, [leaf])), 'time', 'certificate_not_yet_valid')
})

test('a wrong identity fails in consistency', async (t) => {
  const port = await serve(t, [shop])
  const { facts } = failedIn(
    await probe(port, { servername: 'pay.example' }),
    'consistency',
    'identity_mismatch',
  )
  assert.deepEqual([facts.tls?.pathValid, facts.tls?.identityMatches], [true, false])
})

test('an IP address is an identity, and is not sent as server name', async (t) => {
  const leaf = await entity({ ...web, dns: [], ip: ['127.0.0.1'] })
  let asked: string | undefined
  const port = await serve(t, [leaf], {
    SNICallback: (name, callback) => {
      asked = name
      callback(null)
    },
  })
  succeeded(await probe(port, { servername: '127.0.0.1' }))
  assert.equal(asked, undefined)
})

test('a client certificate at a server fails in profile', async (t) => {
  const leaf = await entity({ ...web, profile: 'tls_client' })
  failedIn(await probe(await serve(t, [leaf])), 'profile', 'server_auth_missing')
})

test('without declared issuer the path is not judged', async (t) => {
  const { facts } = succeeded(await probe(await serve(t, [shop]), { issuer: undefined, service: undefined }))
  assert.equal(facts.tls?.pathValid, undefined)
  assert.equal(facts.tls?.identityMatches, true)
  assert.equal(facts.service, undefined)
})

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  const mutual: TlsOptions = { requestCert: true, rejectUnauthorized: true, ca: pem(clientCa), maxVersion }

  test(`${maxVersion}: an accepted client certificate is a fact`, async (t) => {
    const port = await serve(t, [shop], mutual)
    const client = { certificate: pem(prober), key: keyPem(prober) }
    const { facts } = succeeded(await probe(port, { client }))
    assert.equal(facts.tls?.protocol, maxVersion)
    assert.equal(facts.tls.clientCertificateAccepted, true)
  })

  test(`${maxVersion}: a missing client certificate is seen, with what was served`, async (t) => {
    const port = await serve(t, [shop], mutual)
    const { facts } = failedIn(await probe(port), 'tls', 'client_certificate_required')
    assert.equal(facts.tls?.clientCertificateAccepted, undefined)
    assert.equal(facts.tls?.pathValid, true)
    assert.equal(facts.certificate?.serial, '5eed')
  })

  test(`${maxVersion}: an optional client certificate is not required`, async (t) => {
    const port = await serve(t, [shop], { ...mutual, rejectUnauthorized: false })
    const { facts } = succeeded(await probe(port))
    assert.equal(facts.tls?.clientCertificateAccepted, undefined)
  })
}

test('a refused client certificate is seen after the handshake', async (t) => {
  const port = await serve(t, [shop], { requestCert: true, rejectUnauthorized: true, ca: pem(clientCa) })
  const foreign = await entity({ subject: 'prober', profile: 'tls_client', issuer: ca })
  const client = { certificate: pem(foreign), key: keyPem(foreign) }
  const { facts } = failedIn(await probe(port, { client }), 'tls', 'client_certificate_refused')
  assert.equal(facts.tls?.clientCertificateAccepted, false)
  assert.equal(facts.tls.protocol, 'TLSv1.3')
})

test('client credentials that don’t fit together are our own mistake, and named', async (t) => {
  const client = { certificate: pem(prober), key: keyPem(shop) }
  failedIn(await probe(await serve(t, [shop]), { client }), 'tls', 'client_credentials_unusable')
})
