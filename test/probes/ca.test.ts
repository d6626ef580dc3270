import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toPem, type Issuer as Signer } from '../../lab/issue.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import { certificateFacts } from '../../pki/certificateFacts.ts'
import { probeCa } from '../../probes/ca.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import type { CaTarget } from '../../probes/probe.ts'
import { declared, entity, NOW } from './pki.ts'
import { bounded, closedPort, failedIn, listen, serve, serveRaw, succeeded, tlsTarget } from './support.ts'

const root = await entity({ subject: 'Root' })
const ca = await entity({ subject: 'Issuing 1', issuer: root })
const issuer = declared('issuing-1', ca, root)

function caTarget(overrides: Partial<CaTarget> = {}): CaTarget {
  return {
    ...{ probe: 'ca', subject: 'intermediate_ca_cert[issuing-1]', address: 'inventory:issuing-1' },
    ...{ interval: 3_600_000, timeout: 5_000, issuer, urls: [], named: [] },
    ...overrides,
  }
}

const DER = 'application/pkix-cert'

test('the authority’s own certificate is a fact, with its lints, and evidence', async () => {
  const result = await bounded(probeCa, caTarget())
  const { facts } = succeeded(result)
  assert.deepEqual(facts.authority, { id: 'issuing-1', class: 'online' })
  assert.equal(facts.certificate?.subject, 'CN=Issuing 1')
  assert.match(facts.lint?.judged?.join() ?? '', /^certificate/)
  assert.deepEqual(facts.aia?.urls, [])
  assert.deepEqual(
    result.artifacts.map(({ bytes }) => Buffer.from(bytes)),
    [Buffer.from(ca.certificate)],
  )
})

test('a certificate that is published in DER is good', async (t) => {
  const url = await serve(t, ca.certificate, DER)
  const { facts } = succeeded(await bounded(probeCa, caTarget({ urls: [url] })))
  assert.deepEqual([facts.aia?.urls, facts.aia?.good], [[url], [url]])
})

test('a renewed certificate of the same name and key is good too', async (t) => {
  const renewed = await entity({ subject: 'Issuing 1', issuer: root, key: ca.key })
  const url = await serve(t, renewed.certificate, DER)
  succeeded(await bounded(probeCa, caTarget({ urls: [url] })))
})

test('a bag of certificates that has the authority’s is good', async (t) => {
  const url = await serve(t, bagOf(root, ca), 'application/pkcs7-mime; smime-type=certs-only')
  assert.deepEqual(succeeded(await bounded(probeCa, caTarget({ urls: [url] }))).facts.aia?.good, [url])
  const other = await serve(t, bagOf(root), 'application/pkcs7-mime')
  failedIn(await bounded(probeCa, caTarget({ urls: [other] })), 'consistency', 'certificate_mismatch')
})

test('what is wrong with a publication is named', async (t) => {
  const same = await entity({ subject: 'Issuing 1', issuer: root })
  const of = async (url: string) => (await bounded(probeCa, caTarget({ urls: [url] }))).observation
  const gone = await serveRaw(t, 'HTTP/1.1 404 Not Found\nContent-Length: 0\n\n')
  const text = await serve(t, ca.certificate, 'text/html; charset=utf-8')
  const pem = await serve(t, toPem(ca.certificate, 'CERTIFICATE'), DER)
  const another = await serve(t, same.certificate, DER)
  const refused = `http://127.0.0.1:${await closedPort()}/`
  for (const [url, fact, item, code] of [
    [gone, 'missing', `${gone} http_status 404`, 'http_status'],
    [refused, 'missing', `${refused} refused`, 'refused'],
    [text, 'wrongType', `${text} text/html`, 'bad_media_type'],
    [pem, 'wrongFormat', pem, 'not_a_certificate'],
    [another, 'wrongCertificate', another, 'certificate_mismatch'],
  ] as const) {
    const { outcome, error, facts } = await of(url)
    assert.deepEqual([outcome, error?.code, facts.aia?.[fact]], ['failure', code, [item]])
    assert.deepEqual(facts.aia?.good, [])
    assert.ok(facts.certificate !== undefined)
  }
})

test('one good place of two is no failure of the run, and the other is named', async (t) => {
  const good = await serve(t, ca.certificate, DER)
  const bad = `http://127.0.0.1:${await closedPort()}/`
  const { facts } = succeeded(await bounded(probeCa, caTarget({ urls: [bad, good] })))
  assert.deepEqual([facts.aia?.good, facts.aia?.missing], [[good], [`${bad} refused`]])
})

test('places are found in certificates that services serve, when these are the authority’s', async (t) => {
  const url = await serve(t, ca.certificate, DER)
  const leaf = await entity({ subject: 'shop', profile: 'tls_server', issuer: ca, caIssuersUrl: url })
  const stray = await entity({ subject: 'stray', profile: 'tls_server', caIssuersUrl: 'http://127.0.0.1:1/' })
  const service = tlsTarget(443)
  const memoryOf = (of: Signer, pathValid: boolean) => {
    const memory = new RecordedMemory([service])
    const { subject, probe, address } = service
    memory.remember({
      ...{ subject, probe, target: address, vantage: 'test', start: new Date(NOW).toISOString() },
      ...{ duration: 1, outcome: 'success', artifacts: [] },
      facts: { certificate: certificateFacts(parseCertificate(of.certificate)), tls: { pathValid } },
    })
    return memory
  }
  const urls = async (memory: RecordedMemory) =>
    (await bounded(probeCa, caTarget(), { memory })).observation.facts.aia?.urls
  assert.deepEqual(await urls(memoryOf(leaf, true)), [url])
  assert.deepEqual(await urls(memoryOf(leaf, false)), [])
  assert.deepEqual(await urls(memoryOf(stray, true)), [])
})

test('a place that a certificate names is not contacted where it may not lead', async (t) => {
  let isAsked = false
  const port = await listen(t, () => (isAsked = true))
  const named = [`http://127.0.0.1:${port}/`, 'ldap://127.0.0.1/', 'file:///etc/passwd', 'no url']
  const follow = { allows: () => false }
  const result = await bounded(probeCa, caTarget({ named }), { follow })
  const { facts } = failedIn(result, 'resolve', 'address_refused')
  assert.deepEqual(facts.aia?.urls, named.slice(0, 1))
  assert.equal(isAsked, false)
})

test('a silent place leaves time for the others', async (t) => {
  const silent = `http://127.0.0.1:${await listen(t, () => undefined)}/`
  const good = await serve(t, ca.certificate, DER)
  const target = caTarget({ urls: [silent, good], timeout: 600 })
  const { facts } = succeeded(await bounded(probeCa, target))
  assert.deepEqual([facts.aia?.missing, facts.aia?.good], [[`${silent} timeout`], [good]])
})

/** As `openssl crl2pkcs7 -nocrl` makes it. */
function bagOf(...certificates: readonly Signer[]): Buffer {
  const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
    const body = Buffer.concat(parts)
    return Buffer.concat([Buffer.from([tag, 0x82, body.length >> 8, body.length & 0xff]), body])
  }
  const short = (hex: string): Buffer => Buffer.from(hex, 'hex')
  const signed = tlv(
    0x30,
    short('0201013100300b06092a864886f70d010701'),
    tlv(0xa0, ...certificates.map(({ certificate }) => certificate)),
    short('3100'),
  )
  return tlv(0x30, short('06092a864886f70d010702'), tlv(0xa0, signed))
}
