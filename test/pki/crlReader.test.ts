import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as lab from '../../lab/der.ts'
import { extension, generateKey, issueCrl } from '../../lab/issue.ts'
import type { CrlRequest } from '../../lab/issue.ts'
import { parseCrl, verifyCrl } from '../../pki/crl.ts'
import type { ReadCrl } from '../../pki/crl.ts'
import { openCrlReader } from '../../pki/crlStream.ts'
import type { PkiErrorCode } from '../../pki/error.ts'
import { headOf, header, outcome, pushed, signedList } from './crlSupport.ts'
import { DAY, HOUR, NOW, entity, flip, refused } from './support.ts'

const ca = await entity({ subject: 'CA', organization: 'Example' })
const issue = (request: Partial<CrlRequest> = {}): Promise<Uint8Array> =>
  issueCrl({ issuer: ca, number: 7n, thisUpdate: NOW - HOUR, nextUpdate: NOW + DAY, revoked: [], ...request })

/** Every shape of entry, among them ones that only the general path reads. */
const varied = await issue({
  deltaBase: 3n,
  extensions: [extension('2.5.29.28', true, lab.sequence(lab.contextPrimitive(4, Buffer.from([0xff]))))],
  revoked: [
    { serial: '7f', at: NOW - DAY },
    { serial: '1234567890abcdef1234567890abcdef', at: NOW - DAY, reason: 1 },
    { serial: '80', at: Date.UTC(2055, 0, 1), reason: 8 },
    {
      serial: '77',
      at: NOW,
      extensions: [
        extension('2.5.29.24', false, lab.generalizedTime(NOW - DAY)),
        extension('2.5.29.29', true, lab.sequence(lab.context(4, ca.parsed.subject.der))),
        extension('1.2.3.4', true, lab.octetString(Buffer.alloc(200, 1))),
      ],
    },
    ...Array.from({ length: 20 }, (_, i) => ({
      serial: `c0ffee${i + 10}`,
      at: NOW - i * DAY,
      reason: i % 6,
    })),
  ],
})
const plain = await issue({
  revoked: Array.from({ length: 40 }, (_, i) => ({ serial: `${i + 1}`, at: NOW - DAY })),
})

describe('a CRL that comes in pieces', () => {
  it('reads the same octet by octet as in one piece', () => {
    for (const der of [varied, plain]) {
      const whole = outcome(() => parseCrl(der))
      for (const size of [1, 2, 3, 7, 24, 64, der.length - 1, der.length]) {
        assert.deepEqual(
          outcome(() => pushed(der, [size])),
          whole,
          `pieces of ${size}`,
        )
      }
    }
  })

  it('says the same of any damaged CRL, however it was cut', () => {
    const piece = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 2000 }))
    const damage = fc.oneof(
      fc.constant((der: Uint8Array) => der),
      fc.nat().map((at) => (der: Uint8Array) => der.subarray(0, at % der.length)),
      fc.nat().map((bit) => (der: Uint8Array) => flip(der, bit % (der.length * 8))),
      fc
        .uint8Array({ minLength: 1, maxLength: 30 })
        .map((more) => (der: Uint8Array) => Buffer.concat([der, more])),
      fc
        .tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 12 }))
        .map(([at, octets]) => (der: Uint8Array) => {
          const copy = Uint8Array.from(der)
          copy.set(octets.subarray(0, copy.length - (at % copy.length)), at % copy.length)
          return copy
        }),
    )
    const crl = fc.constantFrom(varied, plain)
    fc.assert(
      fc.property(crl, damage, fc.array(piece, { minLength: 1, maxLength: 6 }), (der, damaged, sizes) => {
        const bytes = damaged(der)
        assert.deepEqual(
          outcome(() => pushed(bytes, sizes)),
          outcome(() => parseCrl(bytes)),
        )
      }),
      { numRuns: 2000 },
    )
  })

  it('goes on saying what was wrong, and reads nothing more', () => {
    const stream = openCrlReader()
    const read = () => stream.push(Buffer.from('<html><head><title>Not found'))
    const first = refused(read, 'decode', 'not_der')
    assert.equal(
      refused(() => stream.push(varied), 'decode', 'not_der'),
      first,
    )
    assert.equal(
      refused(() => stream.finish(), 'decode', 'not_der'),
      first,
    )
  })

  it('quotes a text of any length in pieces of any size', () => {
    for (const text of ['<', '<html>', '<html><body>404 Not found</body></html>']) {
      const { message } = refused(() => pushed(Buffer.from(text), [1]), 'decode', 'not_der')
      assert.match(message, new RegExp(`got text that starts with "${text.slice(0, 24)}"`))
    }
    refused(() => pushed(new Uint8Array(), [1]), 'decode', 'truncated')
  })

  it('can be verified while nobody has all of it', () => {
    verifyCrl(pushed(plain, [100]), ca.parsed)
    refused(() => verifyCrl(pushed(varied, [100]), ca.parsed), 'profile', 'unknown_critical_extension')
  })

  it('never verifies after a bit of it changed', () => {
    for (let bit = 0; bit < plain.length * 8; bit += 29) {
      assert.throws(
        () => verifyCrl(pushed(flip(plain, bit), [50]), ca.parsed),
        { name: 'PkiError' },
        `bit ${bit}`,
      )
    }
  })
})

describe('the signature of a CRL that is not kept', () => {
  const keys = ['rsa2048', 'p384', 'ed25519'] as const
  for (const kind of keys) {
    it(`verifies with ${kind}, and not with another key of the same name`, async () => {
      const extensions = [extension('2.5.29.14', false, lab.octetString(Buffer.alloc(20, 1)))]
      const request = { subject: 'Signer', extensions }
      const signer = await entity({ ...request, key: generateKey(kind) })
      const impostor = await entity({ ...request, key: generateKey(kind) })
      const der = signedList(signer, [
        ...headOf(signer),
        lab.sequence(lab.sequence(lab.integer(300n), lab.time(NOW))),
      ])
      verifyCrl(pushed(der, [33]), signer.parsed)
      refused(() => verifyCrl(pushed(der, [33]), impostor.parsed), 'signature', 'signature_invalid')
    })
  }

  it('is checked once for one key, and for a second one only when the octets can be read again', async () => {
    const impostor = await entity({ subject: 'CA', organization: 'Example', extensions: [] })
    const unnamed = { ...impostor.parsed, subjectKeyId: undefined }
    const passing = pushed(plain, [100])
    verifyCrl(passing, ca.parsed)
    verifyCrl(passing, ca.parsed)
    refused(() => verifyCrl(passing, unnamed), 'signature', 'unsupported')

    const reads: number[] = []
    const stream = openCrlReader({
      readAt: (offset, length) => {
        reads.push(offset)
        return plain.subarray(offset, offset + length)
      },
    })
    stream.push(plain)
    const spooled = stream.finish()
    refused(() => verifyCrl(spooled, unnamed), 'signature', 'signature_invalid')
    assert.deepEqual(reads, [])
    verifyCrl(spooled, ca.parsed)
    assert.ok(reads.length > 0)
  })

  it('is refused before the entries when it needs more held than is allowed', async () => {
    const signer = await entity({ subject: 'Signer', key: generateKey('ed25519') })
    const der = signedList(signer, [
      ...headOf(signer),
      lab.sequence(lab.sequence(lab.integer(300n), lab.time(NOW))),
    ])
    const tbs = Buffer.from(parseCrl(der).tbs)
    const read = (maxHeld: number): ReadCrl => {
      const stream = openCrlReader({ maxHeld })
      stream.push(der.subarray(0, 60))
      stream.push(der.subarray(60))
      return stream.finish()
    }
    verifyCrl(read(tbs.length), signer.parsed)
    const error = refused(() => read(tbs.length - 1), 'decode', 'too_large')
    assert.equal(error.path, 'tbsCertList')
    assert.match(error.message, /under a Ed25519 signature, which cannot be verified as a stream, got \d+ at/)
    // Others pass by, however large.
    const stream = openCrlReader({ maxHeld: 0 })
    stream.push(plain)
    verifyCrl(stream.finish(), ca.parsed)
  })

  it('gives the SHA-256 of all octets when it is asked for', () => {
    const stream = openCrlReader({ sha256: true })
    for (let at = 0; at < plain.length; at += 100) stream.push(plain.subarray(at, at + 100))
    assert.equal(stream.finish().sha256, parseCrl(plain).sha256)
    assert.equal(pushed(plain, [100]).sha256, undefined)
  })
})

describe('named malformed CRLs', () => {
  const LIST = 'tbsCertList.revokedCertificates'
  const tail = (fields: readonly Uint8Array[]): Uint8Array => signedList(ca, [...headOf(ca), ...fields])

  it('a length above 4 GiB, above the limit, and above what its parent has', () => {
    const begin = (hex: string) => () => {
      const stream = openCrlReader({ maxSize: 2 ** 40 })
      stream.push(Buffer.from(hex.padEnd(60, '0'), 'hex'))
    }
    assert.match(
      refused(begin('3085 0100000000'.replace(' ', '')), 'decode', 'bad_length').message,
      /expected a length of at most 4 octets, got 5 \(offset 1\)/,
    )
    assert.match(
      refused(begin('3084ffffffff'), 'decode', 'too_large').message,
      /expected at most 4294967296 octets, got 4294967301/,
    )
    const stream = openCrlReader({ maxSize: 1000 })
    assert.match(
      refused(() => stream.push(Buffer.from('3084000f4240'.padEnd(60, '0'), 'hex')), 'decode', 'bad_length')
        .message,
      /shortest/,
    )
    refused(
      () => openCrlReader({ maxSize: 1000 }).push(Buffer.from('30830f4240'.padEnd(60, '0'), 'hex')),
      'decode',
      'too_large',
    )

    const overflowing = Buffer.from('3008 0284ffffffff 0000'.replaceAll(' ', ''), 'hex')
    const error = refused(() => parseCrl(tail([lab.sequence(overflowing)])), 'decode', 'truncated')
    assert.equal(error.path, `${LIST}[0].userCertificate`)
    assert.match(error.message, /expected at most 2 octets of content, got a length of 4294967295/)
  })

  it('10,000 nested sequences, in an extension of an entry and in one of the CRL', () => {
    let nested: Uint8Array = lab.nullValue()
    for (let i = 0; i < 10_000; i++) nested = lab.sequence(nested)
    const start = process.cpuUsage()
    // certificateIssuer and freshestCRL are looked into; what is in an unknown extension nobody reads.
    const entry = lab.sequence(
      lab.integer(300n),
      lab.time(NOW),
      lab.sequence(extension('2.5.29.29', true, lab.sequence(lab.context(3, nested)))),
    )
    const inEntry = refused(() => parseCrl(tail([lab.sequence(entry)])), 'decode', 'too_deep')
    assert.match(inEntry.path ?? '', /revokedCertificates\[0\]\.crlEntryExtensions\[0\]\.extnValue/)
    const extensions = lab.context(0, lab.sequence(extension('2.5.29.35', false, lab.sequence(nested))))
    const inCrl = refused(() => parseCrl(tail([extensions])), 'decode', 'too_deep')
    assert.match(inCrl.path ?? '', /^tbsCertList\.crlExtensions/)
    // In place of a field they are not even looked at.
    refused(() => parseCrl(tail([nested])), 'decode', 'unexpected_tag')
    assert.ok(process.cpuUsage(start).user < 2_000_000)
  })

  it('years 0 and 9999', () => {
    const at = (year: string) =>
      lab.sequence(lab.sequence(lab.integer(300n), lab.tlv(0x18, Buffer.from(`${year}1231235959Z`))))
    const error = refused(() => parseCrl(tail([at('0000')])), 'decode', 'bad_time')
    assert.equal(error.path, `${LIST}[0].revocationDate`)
    const crl = parseCrl(tail([at('9999')]))
    assert.equal(crl.latestRevocation, Date.UTC(9999, 11, 31, 23, 59, 59))
    assert.equal(crl.revokedLater, 1)
    assert.equal(crl.find('12c')?.revokedAt, crl.latestRevocation)
  })

  it('an end in the middle, with the field that was to come', () => {
    const entries = lab.sequence(
      ...Array.from({ length: 100 }, (_, i) => lab.sequence(lab.integer(BigInt(1000 + i)), lab.time(NOW))),
    )
    const der = Buffer.from(tail([entries]))
    const place = (octets: number) => {
      const { offset, path } = refused(() => pushed(der.subarray(0, octets), [64]), 'decode', 'truncated')
      assert.equal(offset, octets)
      return path
    }
    assert.equal(place(1), '')
    assert.equal(place(30), 'tbsCertList.issuer')
    const start = der.indexOf(Buffer.from('020203e8', 'hex')) - 2
    assert.equal(place(start + 21 * 40), `${LIST}[40]`)
    assert.equal(place(start + 21 * 40 + 20), `${LIST}[40]`)
    assert.equal(place(der.length - 1), 'signatureValue')
  })

  it('octets behind the end, in the same piece and in the next', () => {
    const wanted = { code: 'trailing_bytes', offset: plain.length }
    assert.throws(() => parseCrl(Buffer.concat([plain, Buffer.alloc(3)])), wanted)
    const stream = openCrlReader()
    stream.push(plain)
    assert.throws(() => stream.push(Buffer.alloc(1)), wanted)
  })

  it('an element that would have to be held and is too large', () => {
    const large = Buffer.alloc(1024 * 1024 + 1)
    const entry = lab.sequence(
      lab.integer(300n),
      lab.time(NOW),
      lab.sequence(extension('1.2.3', false, lab.octetString(large))),
    )
    const error = refused(() => parseCrl(tail([lab.sequence(entry)])), 'decode', 'too_large')
    assert.equal(error.path, `${LIST}[0]`)
    const extensions = lab.context(0, lab.sequence(extension('1.2.3', false, lab.octetString(large))))
    assert.equal(
      refused(() => parseCrl(tail([extensions])), 'decode', 'too_large').path,
      'tbsCertList.crlExtensions',
    )
  })

  it('entries of the common shape that are just not right', () => {
    const reason = (code: number) => lab.sequence(extension('2.5.29.21', false, lab.enumerated(code)))
    const entry = (serial: string, ...rest: readonly Uint8Array[]) =>
      lab.sequence(lab.tlv(2, Buffer.from(serial, 'hex')), lab.time(NOW), ...rest)
    const good = entry('00c0ffee', reason(1))
    const refusedEntry = (bad: Uint8Array, code: PkiErrorCode) => {
      const { path } = refused(() => parseCrl(tail([lab.sequence(good, bad, good)])), 'decode', code)
      assert.match(path ?? '', /revokedCertificates\[1\]/)
    }
    for (const code of [7, 11, 128, 255]) refusedEntry(entry('40ffee', reason(code)), 'bad_value')
    const hollow = Buffer.from(reason(1))
    hollow[hollow.length - 2] = 0
    refusedEntry(entry('40ffee', hollow), 'bad_integer')
    const local = lab.tlv(0x17, Buffer.from('261122050208+'))
    refusedEntry(lab.sequence(lab.tlv(2, Buffer.from('40ffee', 'hex')), local), 'bad_time')
    refusedEntry(entry(''), 'bad_integer')
    refusedEntry(entry('007fffee'), 'bad_integer')
    refusedEntry(entry('ff80ffee'), 'bad_integer')
    refusedEntry(entry('00c0ffee', reason(1), lab.nullValue()), 'trailing_bytes')
    // The lengths of entry and serial number say that the date passes the end of the entry.
    refusedEntry(Buffer.from('301103030102033017', 'hex'), 'unexpected_tag')
    const [, ...first] = headOf(ca)
    refused(() => parseCrl(signedList(ca, [...first, lab.sequence(good)])), 'decode', 'bad_version')
    assert.equal(parseCrl(signedList(ca, [...first, lab.sequence(entry('00c0ffee'))])).version, 1)
  })

  it('serial numbers that no certificate should have, and extensions that nobody knows, are counted', () => {
    const serials = ['00', '80', 'ff00', '40'.repeat(21), '01', '40'.repeat(20), '00'.padEnd(42, '8')]
    const extensions = Array.from({ length: 40 }, (_, i) => extension(`1.2.3.${i}`, true, lab.nullValue()))
    const entries = serials.map((serial, i) =>
      lab.sequence(
        lab.tlv(2, Buffer.from(serial, 'hex')),
        lab.time(NOW),
        ...(i === 0 ? [lab.sequence(...extensions)] : []),
      ),
    )
    const crl = parseCrl(tail([lab.sequence(...entries)]))
    assert.equal(crl.entries, serials.length)
    assert.equal(crl.oddSerials, 5)
    assert.equal(crl.unknownCritical.length, 16)
    assert.equal(crl.entryExtensions.length, 32)
  })

  it('a list of entries where a field is missing is not read as that field', () => {
    const [version, algorithm, name] = headOf(ca)
    assert.ok(version !== undefined && algorithm !== undefined && name !== undefined)
    const list = { length: 0x7fff_0000 }
    const fields = Buffer.concat([version, algorithm, name, header(list.length)])
    const stream = openCrlReader({ maxSize: 2 ** 32 })
    const length = fields.length + list.length
    const der = Buffer.concat([header(length + 6 + 100), header(length), fields])
    assert.equal(refused(() => stream.push(der), 'decode', 'unexpected_tag').path, 'tbsCertList.thisUpdate')
  })
})
