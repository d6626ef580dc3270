import assert from 'node:assert/strict'
import { X509Certificate, createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import * as pkijs from 'pkijs'
import * as lab from '../../lab/der.ts'
import { extension, generateKey, issueCertificate } from '../../lab/issue.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { certificateFacts } from '../../pki/certificateFacts.ts'
import type { PkiErrorCode } from '../../pki/error.ts'
import { DAY, NOW, entity, recordedCertificate, refused } from './support.ts'

const ca = await entity({ subject: 'Test CA', organization: 'Example', country: 'SE', pathLength: 1 })
const server = await entity({
  subject: 'shop',
  issuer: ca,
  profile: 'tls_server',
  serial: '0a1b2c3d4e5f60718293a4b5c6d7e8f901020304',
  dns: ['shop.example.org', '*.shop.example.org'],
  ip: ['10.1.2.3', '2001:db8::42'],
  ocspUrl: 'http://ocsp.example.org/',
  caIssuersUrl: 'http://ca.example.org/ca.cer',
  crlUrl: 'http://crl.example.org/ca.crl',
})
const others = [
  await entity({
    subject: 'rsa',
    issuer: ca,
    profile: 'tls_server',
    key: generateKey('rsa2048'),
    dns: ['a.example'],
  }),
  await entity({ subject: 'p384', issuer: ca, profile: 'tls_client', key: generateKey('p384') }),
  await entity({ subject: 'ed25519', profile: 'ca', key: generateKey('ed25519'), serial: '7f' }),
  await entity({
    subject: 'responder',
    issuer: ca,
    profile: 'ocsp_signer',
    serial: '80',
    notAfter: Date.UTC(2055, 1, 1),
  }),
]
const everything: readonly Certificate[] = [
  ca.parsed,
  server.parsed,
  ...others.map(({ parsed }) => parsed),
  ...['ca.pem', 'issuing-ca.pem', 'alice.pem'].map(recordedCertificate),
]

describe('certificates', () => {
  it('reads every field that rules need', () => {
    const c = server.parsed
    assert.deepEqual(certificateFacts(c), {
      subject: 'CN=shop',
      // Written from the front of the encoded name to its end, then reversed: EJBCA puts CN first.
      issuer: 'C=SE,O=Example,CN=Test CA',
      serial: 'a1b2c3d4e5f60718293a4b5c6d7e8f901020304',
      notBefore: new Date(NOW - DAY).toISOString(),
      notAfter: new Date(NOW + 30 * DAY).toISOString(),
      identities: ['shop.example.org', '*.shop.example.org', '10.1.2.3', '2001:db8::42'],
      keyAlgorithm: 'EC P-256',
      keyBits: 256,
      keyStrength: 128,
      signatureAlgorithm: 'ECDSA-SHA256',
      signatureStrength: 128,
      quantumSafe: false,
      isCa: false,
      selfSigned: false,
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: ['serverAuth'],
      policies: [],
      ocspUrls: ['http://ocsp.example.org/'],
      crlUrls: ['http://crl.example.org/ca.crl'],
      caIssuerUrls: ['http://ca.example.org/ca.cer'],
      mustStaple: false,
      isPrecertificate: false,
      sctCount: 0,
      sha256: c.sha256,
      spkiSha256: createHash('sha256')
        .update(server.key.publicKey.export({ type: 'spki', format: 'der' }))
        .digest('hex'),
    })
    assert.equal(c.version, 3)
    assert.deepEqual([...(c.keyUsage ?? [])], ['digitalSignature'])
    assert.deepEqual(c.extendedKeyUsage, ['1.3.6.1.5.5.7.3.1'])
    assert.deepEqual(c.ocspUrls, ['http://ocsp.example.org/'])
    assert.deepEqual(c.caIssuerUrls, ['http://ca.example.org/ca.cer'])
    assert.deepEqual(c.crlUrls, ['http://crl.example.org/ca.crl'])
    assert.equal(c.authorityKeyId, ca.parsed.subjectKeyId)
    assert.equal(c.isCa, false)
    assert.equal(c.pathLength, undefined)
    assert.equal(ca.parsed.isCa, true)
    assert.equal(ca.parsed.pathLength, 1)
    assert.equal(others[3]?.parsed.ocspNoCheck, true)
    assert.deepEqual(c.unknownCritical, [])
  })

  it('agrees with node:crypto about every field that both read', () => {
    for (const c of everything) {
      const node = new X509Certificate(c.der)
      const { subject, serialNumber, validFromDate, validToDate, fingerprint256, ca: isCa } = node
      assert.equal(c.serial, serialNumber.toLowerCase().replace(/^0+(?=.)/, ''))
      assert.equal(c.notBefore, validFromDate.getTime())
      assert.equal(c.notAfter, validToDate.getTime())
      assert.equal(c.sha256, fingerprint256.replaceAll(':', '').toLowerCase())
      assert.equal(c.isCa, isCa)
      assert.ok(c.publicKey.equals(node.publicKey))
      assert.deepEqual(c.subject.text.split(',').reverse(), subject.split('\n'))
      assert.deepEqual(
        c.identities,
        (node.subjectAltName ?? '')
          .split(', ')
          .filter((name) => name !== '')
          .map((name) =>
            name
              .replace(/^(DNS|IP Address|email|URI):/, '')
              .toLowerCase()
              .replace('2001:db8:0:0:0:0:0:42', '2001:db8::42'),
          ),
      )
      const bits =
        node.publicKey.asymmetricKeyDetails?.modulusLength ??
        { prime256v1: 256, secp384r1: 384 }[node.publicKey.asymmetricKeyDetails?.namedCurve ?? ''] ??
        256
      assert.equal(c.keyBits, bits)
    }
  })

  it('agrees with pkijs about extensions and signed bytes', () => {
    for (const c of everything) {
      const other = pkijs.Certificate.fromBER(Uint8Array.from(c.der))
      assert.deepEqual(Buffer.from(c.tbs), Buffer.from(other.tbsView))
      assert.deepEqual(Buffer.from(c.signature), Buffer.from(other.signatureValue.valueBlock.valueHexView))
      assert.deepEqual(
        Buffer.from(c.keyBytes),
        Buffer.from(other.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView),
      )
      const parsed = (oid: string): unknown =>
        other.extensions?.find(({ extnID }) => extnID === oid)?.parsedValue
      const purposes = parsed('2.5.29.37')
      assert.deepEqual(
        c.extendedKeyUsage,
        purposes instanceof pkijs.ExtKeyUsage ? purposes.keyPurposes : undefined,
      )
      const constraints = parsed('2.5.29.19')
      assert.ok(constraints instanceof pkijs.BasicConstraints)
      assert.equal(c.isCa, constraints.cA)
      assert.equal(c.pathLength, constraints.pathLenConstraint)
    }
  })

  it('keeps critical extensions that it does not process, among them the poison of a precertificate', async () => {
    const poison = extension('1.3.6.1.4.1.11129.2.4.3', true, lab.nullValue())
    const harmless = extension('1.3.6.1.4.1.99999.1', false, lab.nullValue())
    const { parsed } = await entity({ subject: 'pre', issuer: ca, extensions: [poison, harmless] })
    assert.deepEqual(parsed.unknownCritical, ['1.3.6.1.4.1.11129.2.4.3'])
  })
})

describe('extensions of certificates', () => {
  const UPN = '1.3.6.1.4.1.311.20.2.3'
  const SMTP_UTF8 = '1.3.6.1.5.5.7.8.9'
  const otherName = (oid: string, value: Uint8Array) => lab.context(0, lab.oid(oid), lab.context(0, value))

  it('are kept as they stand, in their order, whether they are understood or not', async () => {
    const comment = extension('2.16.840.1.113730.1.13', false, lab.ia5String('made by hand'))
    const { parsed } = await entity({
      subject: 'x',
      issuer: ca,
      profile: 'tls_client',
      extensions: [comment],
    })
    const oids = ['2.5.29.19', '2.5.29.15', '2.5.29.14', '2.5.29.35', '2.5.29.37', '2.16.840.1.113730.1.13']
    assert.deepEqual(
      parsed.extensions.map(({ oid }) => oid),
      oids,
    )
    assert.deepEqual(
      parsed.extensions.map(({ critical }) => critical),
      [true, true, false, false, false, false],
    )
    const last = parsed.extensions.at(-1)
    assert.deepEqual(Buffer.from(last?.value ?? []), Buffer.from(lab.ia5String('made by hand')))
    assert.deepEqual(Buffer.from(last?.der ?? []), Buffer.from(comment))
    for (const { der, offset } of parsed.extensions) {
      assert.deepEqual(Buffer.from(parsed.der.subarray(offset, offset + der.length)), Buffer.from(der))
    }
  })

  it('give every form of a general name', async () => {
    const directory = lab.sequence(lab.set(lab.sequence(lab.oid('2.5.4.3'), lab.utf8String('dir'))))
    const x400 = lab.context(3, lab.sequence())
    const edi = lab.context(5, lab.context(1, lab.utf8String('p')))
    const kerberos = lab.sequence(lab.integer(1n))
    const read = await withExtension(
      '2.5.29.17',
      lab.sequence(
        otherName(UPN, lab.utf8String('åsa@example.org')),
        otherName(SMTP_UTF8, lab.utf8String('åsa@bücher.example')),
        otherName('1.3.6.1.5.2.2', kerberos),
        otherName(UPN, lab.ia5String('not utf8')),
        lab.contextPrimitive(1, Buffer.from('a@example.org')),
        lab.contextPrimitive(2, Buffer.from('a.example.org')),
        x400,
        lab.context(4, directory),
        edi,
        lab.contextPrimitive(6, Buffer.from('urn:x:1')),
        lab.contextPrimitive(7, Buffer.from('0a000001', 'hex')),
        lab.contextPrimitive(8, Buffer.from('2a0304', 'hex')),
      ),
    )
    const { subjectAltNames, identities } = read()
    const bytes = (value: Uint8Array) => Buffer.from(value).toString('hex')
    assert.deepEqual(
      subjectAltNames.map((name) => {
        if (name.type === 'directory') return [name.type, name.name.text]
        if (name.type === 'ip') return [name.type, bytes(name.octets)]
        if (name.type !== 'other') return [name.type, name.value]
        if (name.form === 'otherName') return [name.form, name.oid, bytes(name.value), name.text]
        return name.form === 'registeredID' ? [name.form, name.oid] : [name.form, bytes(name.der)]
      }),
      [
        ['otherName', UPN, bytes(lab.utf8String('åsa@example.org')), 'åsa@example.org'],
        ['otherName', SMTP_UTF8, bytes(lab.utf8String('åsa@bücher.example')), 'åsa@bücher.example'],
        ['otherName', '1.3.6.1.5.2.2', bytes(kerberos), undefined],
        ['otherName', UPN, bytes(lab.ia5String('not utf8')), undefined],
        ['email', 'a@example.org'],
        ['dns', 'a.example.org'],
        ['x400Address', bytes(x400)],
        ['directory', 'CN=dir'],
        ['ediPartyName', bytes(edi)],
        ['uri', 'urn:x:1'],
        ['ip', '0a000001'],
        ['registeredID', '1.2.3.4'],
      ],
    )
    assert.deepEqual(identities, [
      'åsa@example.org',
      'åsa@bücher.example',
      'a@example.org',
      'a.example.org',
      'urn:x:1',
      '10.0.0.1',
    ])
  })

  it('tell must-staple, and statements about qualified certificates', async () => {
    const feature = (...numbers: readonly bigint[]) => lab.sequence(...numbers.map(lab.integer))
    const staple = async (...numbers: readonly bigint[]) =>
      certificateFacts((await withExtension('1.3.6.1.5.5.7.1.24', feature(...numbers)))()).mustStaple
    assert.deepEqual(
      [await staple(5n), await staple(17n), await staple(1n), await staple()],
      [true, true, false, false],
    )
    const statements = lab.sequence(
      lab.sequence(lab.oid('0.4.0.1862.1.1')),
      lab.sequence(lab.oid('0.4.0.1862.1.6'), lab.sequence(lab.oid('0.4.0.1862.1.6.1'))),
    )
    const read = await withExtension('1.3.6.1.5.5.7.1.3', statements)
    assert.deepEqual(read().qcStatements, ['0.4.0.1862.1.1', '0.4.0.1862.1.6'])
  })

  it('that only describe are not understood when they are critical', async () => {
    for (const [oid, value] of [
      ['1.3.6.1.5.5.7.1.24', lab.sequence(lab.integer(5n))],
      ['1.3.6.1.5.5.7.1.3', lab.sequence(lab.sequence(lab.oid('0.4.0.1862.1.1')))],
    ] as const) {
      const { parsed } = await entity({ subject: 'x', issuer: ca, extensions: [extension(oid, true, value)] })
      assert.deepEqual(parsed.unknownCritical, [oid])
    }
  })

  it('keep the type, the string type and the octets of every attribute of a name', async () => {
    const name = lab.sequence(
      lab.set(lab.sequence(lab.oid('2.5.4.6'), lab.printableString('SE'))),
      lab.set(
        lab.sequence(lab.oid('2.5.4.3'), lab.utf8String('a+b')),
        lab.sequence(lab.oid('2.5.4.45'), lab.bitString(Buffer.from('x'))),
      ),
    )
    const { parsed } = await entity({ subject: '', name, issuer: ca })
    assert.deepEqual(
      parsed.subject.rdns.map((rdn) => rdn.map(({ type, tag, text }) => [type, tag, text])),
      [
        [['2.5.4.6', 0x13, 'SE']],
        [
          ['2.5.4.3', 0x0c, 'a+b'],
          ['2.5.4.45', 0x03, undefined],
        ],
      ],
    )
  })

  it('leave the serial number as it was encoded beside its text', async () => {
    for (const [serial, octets] of [
      ['7f', '7f'],
      ['80', '0080'],
      ['-80', '80'],
      ['0', '00'],
      ['f'.repeat(40), `00${'f'.repeat(40)}`],
    ] as const) {
      const { parsed } = await entity({ subject: 'x', issuer: ca, serial })
      assert.deepEqual([parsed.serial, Buffer.from(parsed.serialOctets).toString('hex')], [serial, octets])
    }
  })
})

/** Parses a server certificate in which that extension has these contents. */
async function withExtension(oid: string, contents: Uint8Array): Promise<() => Certificate> {
  const der = await issueCertificate({
    subject: 'x',
    key: server.key,
    issuer: ca,
    profile: 'tls_server',
    notBefore: NOW,
    notAfter: NOW + DAY,
    extensions: [extension(oid, false, contents)],
  })
  return () => parseCertificate(der)
}

describe('malformed certificates', () => {
  const cases: readonly [name: string, oid: string, contents: Uint8Array, code: PkiErrorCode][] = [
    [
      'an IP address of five octets',
      '2.5.29.17',
      lab.sequence(lab.contextPrimitive(7, Buffer.from('0a00000101', 'hex'))),
      'bad_value',
    ],
    [
      'a NUL in a DNS name',
      '2.5.29.17',
      lab.sequence(lab.contextPrimitive(2, Buffer.from('good.example\0.evil.example'))),
      'bad_string',
    ],
    [
      'a DNS name that is not ASCII',
      '2.5.29.17',
      lab.sequence(lab.contextPrimitive(2, Buffer.from('bücher.example'))),
      'bad_string',
    ],
    [
      'a general name of no known form',
      '2.5.29.17',
      lab.sequence(lab.contextPrimitive(9, Buffer.from('x'))),
      'unexpected_tag',
    ],
    [
      '10,001 names',
      '2.5.29.17',
      lab.sequence(...Array.from({ length: 10_001 }, () => lab.contextPrimitive(2, Buffer.from('a')))),
      'too_many',
    ],
    ['octets behind an extension value', '2.5.29.19', Buffer.from('30000500', 'hex'), 'trailing_bytes'],
    ['a negative path length', '2.5.29.19', lab.sequence(lab.boolean(true), lab.integer(-1n)), 'bad_value'],
    [
      'basicConstraints with a third field',
      '2.5.29.19',
      lab.sequence(lab.boolean(true), lab.integer(1n), lab.integer(1n)),
      'trailing_bytes',
    ],
    ['name constraints with an empty list', '2.5.29.30', lab.sequence(lab.context(0)), 'truncated'],
    [
      'a user principal name with a line feed',
      '2.5.29.17',
      lab.sequence(lab.context(0, lab.oid('1.3.6.1.4.1.311.20.2.3'), lab.context(0, lab.utf8String('a\nb')))),
      'bad_string',
    ],
    [
      'an otherName without its value',
      '2.5.29.17',
      lab.sequence(lab.context(0, lab.oid('1.2.3'))),
      'truncated',
    ],
    [
      'a registeredID that is no OID',
      '2.5.29.17',
      lab.sequence(lab.contextPrimitive(8, Buffer.from('80', 'hex'))),
      'bad_oid',
    ],
    ['a negative TLS feature', '1.3.6.1.5.5.7.1.24', lab.sequence(lab.integer(-5n)), 'bad_value'],
    ['key usage that is not a BIT STRING', '2.5.29.15', lab.octetString(Buffer.from('06')), 'unexpected_tag'],
  ]
  for (const [name, oid, contents, code] of cases) {
    it(`refuses ${name}`, async () => {
      const error = refused(await withExtension(oid, contents), 'decode', code)
      assert.match(error.path ?? '', /^tbsCertificate\.extensions\[\d+\]\.extnValue/)
    })
  }

  it('accepts lists that are empty where that says nothing wrong', async () => {
    const read = await withExtension('2.5.29.17', lab.sequence())
    assert.deepEqual(read().identities, [])
    // No purpose at all is not the same as every purpose.
    const purposes = await withExtension('2.5.29.37', lab.sequence())
    assert.deepEqual(purposes().extendedKeyUsage, [])
  })

  it('refuses the same extension twice', async () => {
    const twice = lab.sequence(lab.oid('1.2.3'), lab.octetString(lab.nullValue()))
    const request = { subject: 'x', issuer: ca, extensions: [twice, twice] }
    await assert.rejects(entity(request), { code: 'duplicate_extension', phase: 'decode' })
  })

  it('refuses an outer algorithm that is not the signed one', () => {
    const der = Buffer.from(server.certificate)
    // The last OID of ecdsa-with-SHA256 stands outside; 2 becomes 3.
    const outer = der.lastIndexOf(Buffer.from('2a8648ce3d040302', 'hex'))
    der[outer + 7] = 3
    refused(() => parseCertificate(der), 'decode', 'algorithm_mismatch')
  })

  it('refuses extensions in a version 1 certificate, and version 4', () => {
    const der = Buffer.from(server.certificate)
    const version = der.indexOf(Buffer.from('a003020102', 'hex')) + 4
    der[version] = 0
    refused(() => parseCertificate(der), 'decode', 'bad_version')
    der[version] = 3
    refused(() => parseCertificate(der), 'decode', 'bad_version')
  })

  it('refuses any truncation', () => {
    for (let length = 0; length < server.certificate.length; length++) {
      refused(() => parseCertificate(server.certificate.subarray(0, length)), 'decode', 'truncated')
    }
  })
})
