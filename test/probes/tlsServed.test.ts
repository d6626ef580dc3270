import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createServer, type TlsOptions } from 'node:tls'
import {
  answerOcsp,
  issueCrl,
  toPem,
  type Issuer as Signer,
  type OcspAnswer,
  type RevokedEntry,
} from '../../lab/issue.ts'
import type { Facts } from '../../model/facts.ts'
import { parseCrl, crlFacts } from '../../pki/crl.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import type { ProbeContext, TlsTarget } from '../../probes/probe.ts'
import { probeTls } from '../../probes/tls.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import { bind, bounded, context, crlTarget, failedIn, succeeded, tlsTarget } from './support.ts'

// What a service serves besides a good certificate, and what is known of it from elsewhere.

const root = await entity({ subject: 'Root' })
const ca = await entity({ subject: 'Issuing 1', issuer: root })
const issuer = declared('issuing-1', ca, root)
const web = { subject: 'shop', profile: 'tls_server', issuer: ca, dns: ['shop.example'] } as const
const shop = await entity({ ...web, serial: '5eed', notAfter: NOW + 20 * DAY })

async function serve(t: TestContext, chain: readonly Signer[], options: TlsOptions = {}): Promise<number> {
  const [leaf] = chain
  assert.ok(leaf !== undefined)
  const cert = chain.map(({ certificate }) => toPem(certificate, 'CERTIFICATE')).join('')
  const key = leaf.key.privateKey.export({ type: 'pkcs8', format: 'pem' })
  const server = createServer({ cert, key, ...options }, (socket) =>
    socket.on('error', () => socket.destroy()),
  )
  server.on('tlsClientError', () => undefined)
  return bind(t, server)
}

/** Runs a target several times, each remembering the ones before. */
function watching(target: TlsTarget, overrides: Partial<ProbeContext> = {}) {
  const memory = new RecordedMemory([target])
  return async (now: Partial<TlsTarget> = {}): Promise<Facts> => {
    const { observation } = await bounded(probeTls, { ...target, ...now }, { memory, ...overrides })
    memory.remember(observation)
    return observation.facts
  }
}

async function chainOf(t: TestContext, ...chain: readonly Signer[]): Promise<Facts> {
  const port = await serve(t, chain)
  return (await bounded(probeTls, tlsTarget(port, { issuer }))).observation.facts
}

test('the chain as it should be', async (t) => {
  const facts = await chainOf(t, shop, ca)
  assert.deepEqual(facts.chain, {
    sent: 2,
    complete: true,
    ordered: true,
    anchorSent: false,
    ocspSigners: [],
    unneeded: [],
  })
  assert.deepEqual(facts.path, {
    length: 3,
    count: 1,
    notAfter: new Date(NOW + 20 * DAY).toISOString(),
    firstToEnd: 'CN=shop',
    authoritiesNotAfter: new Date(NOW + 30 * DAY).toISOString(),
    anchor: 'CN=Root',
  })
})

test('a chain without the issuer is incomplete, though the path is known to be good', async (t) => {
  const { chain, path, tls } = await chainOf(t, shop)
  assert.deepEqual([tls?.pathValid, chain?.complete, path], [true, false, undefined])
})

test('the root may be sent; what nobody needs is named, with its end', async (t) => {
  const stray = await entity({ subject: 'Stray', notAfter: NOW + 2 * DAY })
  const { chain } = await chainOf(t, shop, stray, ca, root)
  assert.deepEqual([chain?.complete, chain?.ordered, chain?.anchorSent], [true, true, true])
  assert.deepEqual(chain?.unneeded, ['CN=Stray'])
  assert.equal(chain.unneededNotAfter, new Date(NOW + 2 * DAY).toISOString())
})

test('an intermediate before the one below it is out of order', async (t) => {
  const sub = await entity({ subject: 'Sub CA', issuer: ca })
  const leaf = await entity({ ...web, issuer: sub })
  assert.equal((await chainOf(t, leaf, sub, ca)).chain?.ordered, true)
  assert.equal((await chainOf(t, leaf, ca, sub)).chain?.ordered, false)
})

test('of several paths the one that lasts longest counts', async (t) => {
  const short = await entity({ subject: 'Issuing 1', issuer: root, key: ca.key, notAfter: NOW + 2 * DAY })
  const { path, chain } = await chainOf(t, shop, short, ca)
  assert.equal(path?.count, 2)
  assert.equal(path.firstToEnd, 'CN=shop')
  assert.deepEqual(chain?.unneeded, [])
  const ending = await chainOf(t, shop, short)
  assert.deepEqual(
    [ending.path?.count, ending.path?.firstToEnd, ending.path?.notAfter],
    [1, 'CN=Issuing 1', new Date(NOW + 2 * DAY).toISOString()],
  )
})

test('a path that only time ended still says when', async (t) => {
  const over = await entity({ subject: 'Issuing 1', issuer: root, key: ca.key, notAfter: NOW - HOUR })
  const { path, chain, tls } = await chainOf(t, shop, over)
  assert.deepEqual([tls?.pathValid, chain?.complete, path?.count], [true, true, 0])
  assert.equal(path?.authoritiesNotAfter, new Date(NOW - HOUR).toISOString())
})

test('a forged intermediate says nothing about whether the chain is complete', async (t) => {
  const forger = await entity({ subject: 'Root' })
  const forged = await entity({ subject: 'Issuing 1', issuer: forger })
  const leaf = await entity({ ...web, issuer: forged })
  const { chain } = await chainOf(t, leaf, forged)
  assert.deepEqual([chain?.sent, chain?.complete], [2, undefined])
})

async function stapled(t: TestContext, overrides: Partial<OcspAnswer> & { serial?: string } = {}) {
  const { serial = '5eed', ...answer } = overrides
  const life = { thisUpdate: NOW - HOUR, nextUpdate: NOW + HOUR }
  const der = await answerOcsp({
    issuer: ca,
    producedAt: NOW - HOUR,
    answers: [{ status: 'good', serial, ...life }],
    ...answer,
  })
  return stapledOctets(t, der)
}

async function stapledOctets(t: TestContext, der: Uint8Array): Promise<Facts['staple']> {
  const cert = [shop, ca].map(({ certificate }) => toPem(certificate, 'CERTIFICATE')).join('')
  const key = shop.key.privateKey.export({ type: 'pkcs8', format: 'pem' })
  const server = createServer({ cert, key })
  server.on('OCSPRequest', (_certificate, _issuer, callback: (error: null, answer: Buffer) => void) =>
    callback(null, Buffer.from(der)),
  )
  server.on('secureConnection', (socket) => socket.on('error', () => socket.destroy()))
  const port = await bind(t, server)
  return succeeded(await bounded(probeTls, tlsTarget(port, { issuer }))).facts.staple
}

const over = { thisUpdate: NOW - 2 * HOUR, nextUpdate: NOW - HOUR }

test('a good staple', async (t) => {
  assert.deepEqual(await stapled(t), {
    present: true,
    presentBefore: true,
    valid: true,
    status: 'good',
    thisUpdate: new Date(NOW - HOUR).toISOString(),
    nextUpdate: new Date(NOW + HOUR).toISOString(),
  })
})

test('no staple is no failure', async (t) => {
  const port = await serve(t, [shop, ca])
  const { facts } = succeeded(await bounded(probeTls, tlsTarget(port, { issuer })))
  assert.deepEqual(facts.staple, { present: false, presentBefore: false })
})

const foreign = await entity({ subject: 'Foreign' })
for (const [what, answer, error] of [
  ['that is over', { answers: [{ status: 'good', serial: '5eed', ...over }] }, 'ocsp_expired'],
  ['about another certificate', { serial: 'beef' }, 'cert_id_mismatch'],
  ['of another issuer', { issuer: foreign }, 'cert_id_mismatch'],
  ['signed by who may not', { signer: foreign }, 'responder_not_authorized'],
] as const) {
  test(`a staple ${what} is not valid, and has no status`, async (t) => {
    const staple = await stapled(t, answer)
    assert.deepEqual([staple?.valid, staple?.error, staple?.status], [false, error, undefined])
  })
}

test('octets that are no OCSP answer are not valid', async (t) => {
  const staple = await stapledOctets(t, Buffer.from('hello'))
  assert.equal(staple?.valid, false)
})

test('a revoked staple says since when', async (t) => {
  const life = { thisUpdate: NOW - HOUR, nextUpdate: NOW + HOUR }
  const answers = [{ status: 'revoked', at: NOW - DAY, reason: 1, serial: '5eed', ...life }] as const
  const staple = await stapled(t, { answers })
  assert.deepEqual(
    [staple?.valid, staple?.status, staple?.revokedAt, staple?.reason],
    [true, 'revoked', new Date(NOW - DAY).toISOString(), 'keyCompromise'],
  )
})

test('what was stapled, and how quantum-safe it was, is remembered', async (t) => {
  const port = await serve(t, [shop, ca])
  const classical = await serve(t, [shop, ca], { ecdhCurve: 'X25519' })
  const look = watching(tlsTarget(port, { issuer }))
  assert.deepEqual(await look().then(({ tls }) => [tls?.quantumSafe, tls?.quantumSafeBefore]), [true, true])
  const { tls } = await look({ port: classical })
  assert.deepEqual([tls?.group, tls?.quantumSafe, tls?.quantumSafeBefore], ['X25519', false, true])
})

/** A memory in which the authority's CRL was seen, and the journal that keeps it. */
async function revocations(target: TlsTarget, ...revoked: RevokedEntry[]) {
  const der = await issueCrl({
    issuer: ca,
    number: 1n,
    thisUpdate: NOW - HOUR,
    nextUpdate: NOW + DAY,
    revoked,
  })
  const crl = crlTarget('http://crl.example/', issuer)
  const memory = new RecordedMemory([target, crl])
  const { subject, probe, address } = crl
  memory.remember({
    ...{ subject, probe, target: address, vantage: 'test', start: new Date(NOW).toISOString() },
    ...{ duration: 1, outcome: 'success', artifacts: [] },
    facts: { crl: crlFacts(parseCrl(der)) },
  })
  const digest = createHash('sha256').update(der).digest('hex')
  let reads = 0
  const artifact = (asked: string): Promise<Uint8Array | undefined> => {
    reads++
    return Promise.resolve(asked === digest ? der : undefined)
  }
  return { memory, artifact, digest, reads: () => reads }
}

test('a certificate on its authority’s CRL is revoked; the CRL is read once', async (t) => {
  const target = tlsTarget(await serve(t, [shop, ca]), { issuer })
  const known = await revocations(target, { serial: '5eed', at: NOW - DAY, reason: 4 })
  const first = await bounded(probeTls, target, known)
  assert.deepEqual(first.observation.facts.crlStatus, {
    status: 'revoked',
    error: 'certificate_revoked',
    revokedAt: new Date(NOW - DAY).toISOString(),
    reason: 'superseded',
    authoritiesRevoked: [],
    certificate: createHash('sha256').update(shop.certificate).digest('hex'),
    lists: [known.digest],
  })
  known.memory.remember(first.observation)
  const second = await bounded(probeTls, target, known)
  assert.deepEqual(second.observation.facts.crlStatus, first.observation.facts.crlStatus)
  assert.equal(known.reads(), 1)
})

test('a certificate that is on no CRL is good until the CRL is over', async (t) => {
  const target = tlsTarget(await serve(t, [shop, ca]), { issuer })
  const known = await revocations(target, { serial: 'beef', at: NOW - DAY })
  const { observation } = await bounded(probeTls, target, known)
  assert.equal(observation.facts.crlStatus?.status, 'good')
  known.memory.remember(observation)
  const later = await bounded(probeTls, target, { ...known, now: () => NOW + 2 * DAY })
  const { status, error } = later.observation.facts.crlStatus ?? {}
  assert.deepEqual([status, error], ['undetermined', 'crl_expired'])
})

test('without the octets of the CRL nothing is said', async (t) => {
  const target = tlsTarget(await serve(t, [shop, ca]), { issuer })
  const { memory } = await revocations(target)
  const { observation } = await bounded(probeTls, target, { memory })
  assert.equal(observation.facts.crlStatus, undefined)
})

test('a big CRL is looked up in a worker, with the same answer', async (t) => {
  const target = tlsTarget(await serve(t, [shop, ca]), { issuer })
  const many = Array.from({ length: 8_000 }, (_, i) => ({
    serial: `7${i.toString(16).padStart(31, '0')}`,
    at: NOW,
  }))
  const known = await revocations(target, ...many, { serial: '5eed', at: NOW - DAY })
  const { observation } = await bounded(probeTls, target, known)
  assert.equal(observation.facts.crlStatus?.status, 'revoked')
})

test('an older certificate than one that was served is not the newest', async (t) => {
  const renewed = await entity({ ...web, notBefore: NOW - HOUR })
  const ports = [await serve(t, [shop, ca]), await serve(t, [renewed, ca])] as const
  const look = watching(tlsTarget(ports[0], { issuer }))
  assert.equal((await look()).renewal?.newestServed, true)
  assert.equal((await look({ port: ports[1] })).renewal?.newestServed, true)
  const back = (await look()).renewal
  assert.deepEqual([back?.newestServed, back?.newestFrom], [false, 'earlier run'])
  assert.deepEqual((await look()).renewal, back)
})

test('the declared file says which certificate is the newest; what it does not say is not known', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-issued-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const certificateFile = join(folder, 'shop.pem')
  const renewed = await entity({ ...web, notBefore: NOW - HOUR })
  const other = await entity({ ...web, dns: ['pay.example'] })
  const look = watching(tlsTarget(await serve(t, [shop, ca]), { issuer, certificateFile }))
  assert.equal((await look()).renewal, undefined)
  writeFileSync(certificateFile, toPem(other.certificate, 'CERTIFICATE').slice(0, 100))
  assert.equal((await look()).renewal, undefined)
  writeFileSync(certificateFile, toPem(other.certificate, 'CERTIFICATE'))
  assert.equal((await look()).renewal, undefined)
  writeFileSync(certificateFile, toPem(shop.certificate, 'CERTIFICATE'))
  assert.equal((await look()).renewal?.newestServed, true)
  writeFileSync(certificateFile, toPem(renewed.certificate, 'CERTIFICATE'))
  const { renewal } = await look()
  assert.deepEqual([renewal?.newestServed, renewal?.newestFrom], [false, 'file'])
})

test('a key that comes over a renewal, and one that another service has', async (t) => {
  const again = await entity({ ...web, key: shop.key })
  const fresh = await entity(web)
  const shared = tlsTarget(await serve(t, [again, ca]), { issuer, subject: 'service_tls_health[pay,prod]' })
  const own = tlsTarget(await serve(t, [shop, ca]), { issuer })
  const memory = new RecordedMemory([own, shared])
  const look = async (target: TlsTarget) => {
    const { observation } = await bounded(probeTls, target, { memory })
    memory.remember(observation)
    return observation.facts.keyUse
  }
  assert.deepEqual(await look(own).then((use) => [use?.certificates?.length, use?.sharedWith]), [1, []])
  assert.deepEqual((await look(shared))?.sharedWith, ['service_tls_health[shop,prod]'])
  assert.deepEqual((await look(own))?.sharedWith, ['service_tls_health[pay,prod]'])
  const renewed = { ...own, port: shared.port }
  assert.equal((await look(renewed))?.certificates?.length, 2)
  assert.equal((await look(renewed))?.certificates?.length, 2)
  assert.equal((await look({ ...own, port: await serve(t, [fresh, ca]) }))?.certificates?.length, 1)
})

test('URLs in the certificate that are not declared are named', async (t) => {
  const leaf = await entity({
    ...web,
    crlUrl: 'http://crl.example/1.crl',
    ocspUrl: 'http://ocsp.example/',
    caIssuersUrl: 'http://ca.example/1.cer',
  })
  const port = await serve(t, [leaf, ca])
  const look = async (locations: TlsTarget['locations']) =>
    (await bounded(probeTls, tlsTarget(port, { issuer, locations }))).observation.facts.locations
  const all = { crl: ['http://crl.example/1.crl'], ocsp: ['http://ocsp.example/'], caIssuers: [] }
  assert.deepEqual(await look(all), { undeclared: [], declared: 2 })
  assert.deepEqual(await look({ ...all, crl: [], caIssuers: ['http://ca.example/2.cer'] }), {
    undeclared: ['ca_issuers http://ca.example/1.cer', 'crl http://crl.example/1.crl'],
    declared: 1,
  })
  assert.equal(await look(undefined), undefined)
})

test('every address is looked at; one that differs and one that fails are named', async (t) => {
  const old = await entity({ ...web, notBefore: NOW - 2 * DAY })
  const listening = async (host: string, leaf: Signer, port: number): Promise<number> => {
    const cert = [leaf, ca].map(({ certificate }) => toPem(certificate, 'CERTIFICATE')).join('')
    const server = createServer({ cert, key: leaf.key.privateKey.export({ type: 'pkcs8', format: 'pem' }) })
    server.on('secureConnection', (socket) => socket.on('error', () => socket.destroy()))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
    t.after(() => server.close())
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    return address.port
  }
  if (process.platform !== 'linux') {
    t.skip('loopback addresses besides 127.0.0.1 are Linux’s')
    return
  }
  const port = await listening('127.0.0.1', shop, 0)
  await listening('127.0.0.2', old, port)
  const { names } = context()
  const target = tlsTarget(port, { issuer, host: 'shop.example' })
  const hosts = new Map([['shop.example', ['127.0.0.1', '127.0.0.2', '127.0.0.3']]])
  const { facts } = succeeded(await bounded(probeTls, target, { names: { ...names, declared: hosts } }))
  assert.deepEqual(facts.addresses, {
    all: ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
    failed: ['127.0.0.3 refused'],
    differing: ['127.0.0.2'],
  })
  assert.equal(facts.certificate?.serial, '5eed')
  assert.equal(facts.renewal?.newestServed, false)
})

test('weak and old is seen, not refused', async (t) => {
  const anything = { ciphers: 'DEFAULT:@SECLEVEL=0', minVersion: 'TLSv1', maxVersion: 'TLSv1' } as const
  const port = await serve(t, [shop, ca], anything)
  const { facts } = succeeded(await bounded(probeTls, tlsTarget(port, { issuer })))
  assert.deepEqual([facts.tls?.protocol, facts.tls?.quantumSafe], ['TLSv1', false])
})

test('of a certificate that is not the issuer’s nothing is compared', async (t) => {
  const leaf = await entity({ ...web, issuer: foreign })
  const target = tlsTarget(await serve(t, [leaf, foreign]), { issuer })
  const { facts } = failedIn(await bounded(probeTls, target), 'path', 'issuer_not_found')
  assert.deepEqual(
    [facts.keyUse, facts.renewal, facts.crlStatus, facts.locations],
    [undefined, undefined, undefined, undefined],
  )
  assert.deepEqual([facts.chain?.complete, facts.addresses?.failed], [false, ['127.0.0.1 issuer_not_found']])
})
