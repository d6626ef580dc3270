import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromBER, Integer } from 'asn1js'
import fc from 'fast-check'
import { Certificate, CertificateRevocationList } from 'pkijs'
import * as der from '../../lab/der.ts'
import {
  answerOcsp,
  extension,
  generateKey,
  issueCertificate,
  issueCrl,
  ocspError,
  randomSerial,
  subjectOf,
  toPem,
  type CrlRequest,
  type Issuer,
  type KeyKind,
} from '../../lab/issue.ts'
import { needs } from '../support/needs.ts'
import { DAY, readCrl, temporaryDirectory } from './support.ts'

const NOW = Date.parse('2026-11-22T07:00:00.789Z')

async function authority(kind: KeyKind, subject = 'CA', issuer?: Issuer): Promise<Issuer> {
  const key = generateKey(kind)
  const certificate = await issueCertificate({
    subject,
    organization: 'Lab',
    country: 'SE',
    key,
    ...(issuer === undefined ? {} : { issuer, pathLength: 0 }),
    notBefore: NOW - DAY,
    notAfter: NOW + 30 * DAY,
    profile: 'ca',
  })
  return { certificate, key }
}

for (const kind of ['rsa2048', 'p256', 'p384', 'ed25519'] as const) {
  test(`a ${kind} CA: Node verifies its certificates`, async () => {
    const root = await authority(kind)
    const key = generateKey('p256')
    const certificate = await issueCertificate({
      subject: 'shop',
      key,
      issuer: root,
      serial: '00ff01',
      notBefore: NOW,
      notAfter: NOW + DAY,
      profile: 'tls_server',
      dns: ['shop.test', '*.shop.test'],
      ip: ['192.0.2.1', '2001:db8::5'],
      ocspUrl: 'http://ocsp.test/',
      caIssuersUrl: 'http://ca.test/ca.cer',
      crlUrl: 'http://crl.test/ca.crl',
    })
    const parsed = new X509Certificate(certificate)
    const issuer = new X509Certificate(root.certificate)
    assert.equal(parsed.verify(root.key.publicKey), true)
    assert.equal(parsed.checkIssued(issuer), true)
    assert.equal(parsed.checkPrivateKey(key.privateKey), true)
    assert.equal(parsed.serialNumber, 'FF01')
    assert.equal(parsed.subject, 'CN=shop')
    assert.equal(parsed.issuer, 'CN=CA\nO=Lab\nC=SE')
    assert.equal(parsed.ca, false)
    assert.equal(issuer.ca, true)
    assert.equal(parsed.validFromDate.getTime(), Date.parse('2026-11-22T07:00:00Z'), 'whole seconds')
    assert.equal(
      parsed.subjectAltName,
      'DNS:shop.test, DNS:*.shop.test, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:5',
    )
    assert.match(
      parsed.infoAccess ?? '',
      /OCSP - URI:http:\/\/ocsp.test\/\nCA Issuers - URI:http:\/\/ca.test\/ca.cer/,
    )
    assert.deepEqual(parsed.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  })
}

test('openssl verifies chain, CRL and OCSP answer strictly', needs('openssl'), async (t) => {
  const root = await authority('p384', 'Root')
  const ca = await authority('p256', 'Issuing', root)
  const end = { issuer: ca, notBefore: NOW, notAfter: NOW + DAY }
  const key = generateKey('p256')
  const leaf = await issueCertificate({
    ...end,
    subject: 'shop',
    key,
    profile: 'tls_server',
    dns: ['shop.test'],
  })
  const signer = await issueCertificate({ ...end, subject: 'ocsp', key, profile: 'ocsp_signer' })
  const crl = await issueCrl({
    issuer: ca,
    number: 128n,
    thisUpdate: NOW,
    nextUpdate: NOW + DAY,
    revoked: [{ serial: '7f', at: NOW - DAY, reason: 1 }],
  })
  const answer = await answerOcsp({
    issuer: ca,
    signer: { certificate: signer, key },
    responderId: 'name',
    producedAt: NOW,
    answers: [
      { serial: new X509Certificate(leaf).serialNumber, status: 'good', thisUpdate: NOW },
      { serial: '7f', status: 'revoked', at: NOW - DAY, reason: 1, thisUpdate: NOW, hash: 'sha256' },
    ],
  })
  const directory = temporaryDirectory(t)
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(directory, name), content)
    return join(directory, name)
  }
  const pem = (name: string, ...ders: Uint8Array[]) =>
    write(name, ders.map((bytes) => toPem(bytes, 'CERTIFICATE')).join(''))
  const openssl = (...args: string[]) => {
    const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
    return `${stdout}${stderr}`
  }
  const at = ['-attime', String(Math.floor(NOW / 1000) + 60)]
  const anchor = ['-CAfile', pem('root.pem', root.certificate)]
  const issuer = pem('ca.pem', ca.certificate)
  const strict = ['verify', '-x509_strict', ...at, ...anchor, '-untrusted', issuer]
  assert.match(openssl(...strict, '-purpose', 'sslserver', pem('leaf.pem', leaf)), /: OK/)
  assert.match(openssl(...strict, '-purpose', 'ocsphelper', pem('signer.pem', signer)), /: OK/)
  const crlText = openssl(
    'crl',
    '-inform',
    'DER',
    '-in',
    write('crl', crl),
    '-CAfile',
    issuer,
    '-noout',
    '-text',
  )
  assert.match(crlText, /verify OK/)
  assert.match(crlText, /Serial Number: 7F[^]*Key Compromise/)
  const both = ['-CAfile', pem('both.pem', root.certificate, ca.certificate)]
  const about = ['-issuer', issuer, '-cert', join(directory, 'leaf.pem'), '-sha256', '-serial', '0x7f']
  const read = openssl('ocsp', '-respin', write('answer', answer), '-no_nonce', ...both, ...at, ...about)
  assert.match(read, /Response verify OK/)
  assert.match(read, /leaf\.pem: good/)
  assert.match(read, /0x7f: revoked[^]*Reason: keyCompromise/)
  assert.match(
    openssl('ocsp', '-respin', write('error', ocspError('tryLater')), '-noverify'),
    /trylater \(3\)/,
  )
})

test('a CRL without entries has no list of them, and pkijs verifies it', async () => {
  const ca = await authority('p256')
  const empty = { issuer: ca, thisUpdate: NOW, nextUpdate: NOW + DAY, revoked: [] }
  const read = await readCrl(await issueCrl({ ...empty, number: 255n }), ca.certificate)
  assert.equal(read.crl.revokedCertificates, undefined)
  assert.equal(read.signatureValid, true)
  assert.equal(read.number, 255n)
})

test('what a CRL must not be is written as it is asked for, and signed', async () => {
  const ca = await authority('p256')
  const other = await authority('p256', 'Other CA')
  const entry = { serial: '0a', at: NOW - DAY, reason: 1 }
  const plain = { issuer: ca, number: 7n, thisUpdate: NOW, nextUpdate: NOW + DAY, revoked: [entry] }
  const read = async (changed: Partial<CrlRequest>) => {
    const crl = CertificateRevocationList.fromBER(Uint8Array.from(await issueCrl({ ...plain, ...changed })))
    const issuerCertificate = Certificate.fromBER(Uint8Array.from(ca.certificate))
    return { crl, oids: (crl.crlExtensions?.extensions ?? []).map(({ extnID }) => extnID), issuerCertificate }
  }

  const first = await read({ version: 1 })
  assert.equal(first.crl.version, 0)
  assert.equal(first.crl.crlExtensions, undefined)
  assert.equal(first.crl.revokedCertificates?.[0]?.crlEntryExtensions, undefined)
  assert.equal(await first.crl.verify(first), true)

  const [AUTHORITY_KEY_IDENTIFIER, CRL_NUMBER] = ['2.5.29.35', '2.5.29.20']
  assert.deepEqual((await read({})).oids, [AUTHORITY_KEY_IDENTIFIER, CRL_NUMBER])
  assert.deepEqual((await read({ without: [AUTHORITY_KEY_IDENTIFIER] })).oids, [CRL_NUMBER])
  const number = extension(CRL_NUMBER, true, der.integer(8n))
  const twice = await read({ extensions: [number, number] })
  assert.deepEqual(twice.oids, [AUTHORITY_KEY_IDENTIFIER, CRL_NUMBER, CRL_NUMBER])
  assert.equal(await twice.crl.verify(twice), true)

  const [tbs = assert.fail()] = der.elementsOf(
    await issueCrl({ ...plain, revoked: [], emptyList: 'present' }),
  )
  assert.deepEqual(Buffer.from(der.elementsOf(tbs)[5] ?? []), Buffer.from(der.sequence()))

  const SHA1_WITH_ECDSA = '1.2.840.10045.4.1'
  const retired = await read({ digest: 'sha1' })
  assert.equal(retired.crl.signatureAlgorithm.algorithmId, SHA1_WITH_ECDSA)
  const differing = await read({ outerAlgorithm: der.sequence(der.oid(SHA1_WITH_ECDSA)) })
  assert.equal(differing.crl.signatureAlgorithm.algorithmId, SHA1_WITH_ECDSA)
  assert.equal(differing.crl.signature.algorithmId, '1.2.840.10045.4.3.2')

  const renamed = await read({ issuerName: subjectOf(other.certificate), issuer: ca })
  assert.deepEqual(
    Buffer.from(renamed.crl.issuer.toSchema().toBER()),
    Buffer.from(subjectOf(other.certificate)),
  )
})

test('times from 2050 on are GeneralizedTime', async () => {
  const key = generateKey('p256')
  const dates = { notBefore: NOW, notAfter: Date.parse('2050-01-01T00:00:00Z') }
  const certificate = await issueCertificate({ subject: 'x', key, profile: 'ca', ...dates })
  assert.equal(new X509Certificate(certificate).validToDate.getTime(), dates.notAfter)
  assert.ok(Buffer.from(certificate).includes(Buffer.from('\x18\x0f20500101000000Z', 'latin1')))
  assert.ok(Buffer.from(certificate).includes(Buffer.from('\x17\x0d261122070000Z', 'latin1')))
})

test('serial numbers are positive, 16 octets, and never begin with a zero octet', () => {
  for (const octet of [0x00, 0x7f, 0x80, 0xff]) {
    const serial = randomSerial((size) => new Uint8Array(size).fill(octet))
    assert.match(serial, /^[4-7][0-9a-f]{31}$/)
  }
})

test('integers of every size and sign are written as asn1js reads them', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 160n }), (value) => {
      const written = der.integer(value)
      const { result, offset } = fromBER(Uint8Array.from(written))
      assert.equal(offset, written.length)
      assert.ok(result instanceof Integer)
      assert.equal(toBigInt(der.contentsOf(written)), value)
      assert.deepEqual(Buffer.from(result.toBER()), Buffer.from(written))
    }),
  )
})

/** Two's complement. */
function toBigInt(octets: Uint8Array): bigint {
  return BigInt.asIntN(octets.length * 8, BigInt(`0x${Buffer.from(octets).toString('hex')}`))
}

test('what is written can be taken apart again, and a cut element is refused', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (parts) => {
      const whole = der.sequence(...parts.map(der.octetString))
      const contents = der.elementsOf(whole).map((element) => [...der.contentsOf(element)])
      assert.deepEqual(
        contents,
        parts.map((part) => [...part]),
      )
      assert.throws(() => der.contentsOf(whole.subarray(0, -1)), RangeError)
    }),
  )
})
