import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as lab from '../../lab/der.ts'
import { extension, issueCertificate, issueCrl } from '../../lab/issue.ts'
import { signatureAlgorithm, signed } from '../../lab/signing.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import { parseCrl, verifyCrl } from '../../pki/crl.ts'
import { Der } from '../../pki/der.ts'
import type { PkiErrorCode } from '../../pki/error.ts'
import type { NoteCode } from '../../pki/note.ts'
import { headOf, signedList } from './crlSupport.ts'
import { DAY, NOW, entity, refused } from './support.ts'

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')
const text = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')
/** A cursor on a SEQUENCE of one element, given with or without the switch. */
const inside = (element: Uint8Array, ber: boolean): Der =>
  Der.open(lab.sequence(element), 'test', 1_000_000, { ber })
const codesOf = ({ notes }: { readonly notes: readonly { readonly code: NoteCode }[] }): NoteCode[] =>
  notes.map(({ code }) => code)

const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
const time = (tag: number, value: string): Uint8Array => lab.tlv(tag, Buffer.from(value))
const indefinite = (tag: number, ...contents: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([Uint8Array.of(tag, 0x80), ...contents, Uint8Array.of(0, 0)])

interface Odd {
  readonly what: string
  readonly bytes: Uint8Array
  readonly read: (der: Der) => unknown
  readonly value: unknown
  readonly notes: readonly NoteCode[]
  /** With which it is refused without the switch. */
  readonly refusal: PkiErrorCode
}

const ODD: readonly Odd[] = [
  {
    what: 'a BOOLEAN of 01',
    bytes: hex('010101'),
    read: (der) => der.boolean('b'),
    value: true,
    notes: ['boolean_value'],
    refusal: 'bad_boolean',
  },
  {
    what: 'an INTEGER with a leading zero',
    bytes: hex('02020005'),
    read: (der) => der.smallInteger('i'),
    value: 5,
    notes: ['long_integer'],
    refusal: 'bad_integer',
  },
  {
    what: 'a negative INTEGER with FF in front',
    bytes: hex('0203ffff80'),
    read: (der) => der.bigInteger('i'),
    value: -128n,
    notes: ['long_integer', 'negative_number'],
    refusal: 'bad_integer',
  },
  {
    what: 'a length in the long form',
    bytes: hex('04 8102 aabb'),
    read: (der) => text(der.octets('o')),
    value: 'aabb',
    notes: ['long_length'],
    refusal: 'bad_length',
  },
  {
    what: 'a length with leading zeros',
    bytes: hex('04 83000001 aa'),
    read: (der) => text(der.octets('o')),
    value: 'aa',
    notes: ['long_length'],
    refusal: 'bad_length',
  },
  {
    what: 'a length of zero in the long form',
    bytes: hex('048100'),
    read: (der) => text(der.octets('o')),
    value: '',
    notes: ['long_length'],
    refusal: 'bad_length',
  },
  {
    what: 'a zero of three octets',
    bytes: hex('0203000000'),
    read: (der) => text(der.integer('i')),
    value: '00',
    notes: ['long_integer'],
    refusal: 'bad_integer',
  },
  {
    what: 'an indefinite length around long elements, which may hold zeros',
    bytes: indefinite(0x30, lab.octetString(new Uint8Array(200)), lab.octetString(new Uint8Array(300))),
    read: (der) => {
      const list = der.enter(0x30, 'list')
      const lengths = [list.octets('o').length, list.octets('o').length]
      list.finish()
      return lengths
    },
    value: [200, 300],
    notes: ['indefinite_length'],
    refusal: 'indefinite_length',
  },
  {
    what: 'a length of four octets within an indefinite one',
    bytes: indefinite(0x30, hex('048400000001 aa')),
    read: (der) => text(der.enter(0x30, 'list').octets('o')),
    value: 'aa',
    notes: ['indefinite_length', 'long_length'],
    refusal: 'indefinite_length',
  },
  {
    what: 'a BIT STRING in three segments',
    bytes: lab.tlv(0x23, hex('030200aa'), hex('030200bb'), hex('030204c0')),
    read: (der) => {
      const { octets, unused } = der.bits('b')
      return [text(octets), unused]
    },
    value: ['aabbc0', 4],
    notes: ['constructed_string'],
    refusal: 'unexpected_tag',
  },
  {
    what: 'a BIT STRING without a segment',
    bytes: hex('2300'),
    read: (der) => text(der.wholeBits('b')),
    value: '',
    notes: ['constructed_string'],
    refusal: 'unexpected_tag',
  },
  {
    what: 'an indefinite length',
    bytes: indefinite(0x30, hex('020105')),
    read: (der) => {
      const list = der.enter(0x30, 'list')
      const value = list.smallInteger('i')
      list.finish()
      return [value, text(list.value), text(list.der)]
    },
    value: [5, '020105', '30800201050000'],
    notes: ['indefinite_length'],
    refusal: 'indefinite_length',
  },
  {
    what: 'indefinite lengths in each other',
    bytes: indefinite(0x30, indefinite(0x31, hex('0500')), hex('020105')),
    read: (der) => {
      const list = der.enter(0x30, 'list')
      list.any('set')
      return list.smallInteger('i')
    },
    value: 5,
    notes: ['indefinite_length', 'indefinite_length'],
    refusal: 'indefinite_length',
  },
  {
    what: 'a BIT STRING with padding bits',
    bytes: hex('03020781'),
    read: (der) => text(der.namedBits('b')),
    value: '80',
    notes: ['padding_bits'],
    refusal: 'bad_bit_string',
  },
  {
    what: 'an OCTET STRING in segments of segments',
    bytes: indefinite(0x24, hex('0401aa'), lab.tlv(0x24, hex('0402bbcc'), hex('0400'))),
    read: (der) => text(der.octets('o')),
    value: 'aabbcc',
    notes: ['indefinite_length', 'constructed_string', 'constructed_string'],
    refusal: 'unexpected_tag',
  },
  {
    what: 'a UTCTime in segments',
    bytes: lab.tlv(0x37, lab.octetString(Buffer.from('261122')), lab.octetString(Buffer.from('051000Z'))),
    read: (der) => der.time('t'),
    value: NOW,
    notes: ['constructed_string'],
    refusal: 'unexpected_tag',
  },
  {
    what: 'a UTCTime without seconds',
    bytes: time(UTC_TIME, '2611220510Z'),
    read: (der) => der.time('t'),
    value: NOW,
    notes: ['time_without_seconds'],
    refusal: 'bad_time',
  },
  {
    what: 'a UTCTime ahead of UTC',
    bytes: time(UTC_TIME, '261122061000+0100'),
    read: (der) => der.time('t'),
    value: NOW,
    notes: ['time_offset'],
    refusal: 'bad_time',
  },
  {
    what: 'a GeneralizedTime behind UTC, with a fraction',
    bytes: time(GENERALIZED_TIME, '20261122004000.25-0430'),
    read: (der) => der.generalizedTime('t'),
    value: NOW + 250,
    notes: ['time_fraction', 'time_offset'],
    refusal: 'bad_time',
  },
  {
    what: 'a date of year 1',
    bytes: time(GENERALIZED_TIME, '00010101000000Z'),
    read: (der) => der.time('t'),
    value: Date.parse('0001-01-01T00:00:00Z'),
    notes: ['time_year'],
    refusal: 'bad_time',
  },
]

/** What no switch makes readable: nobody can say what it means, or it has no end. */
const REFUSED: readonly [what: string, bytes: Uint8Array, read: (der: Der) => unknown, code: PkiErrorCode][] =
  [
    ['an indefinite length that nobody ends', hex('3080 020105'), (der) => der.any('x'), 'truncated'],
    [
      'an indefinite length that ends behind what it is in',
      Buffer.concat([lab.tlv(0x30, hex('3080 0500')), hex('0000')]),
      (der) => der.any('x'),
      'truncated',
    ],
    [
      'end-of-contents octets with a length',
      indefinite(0x30, hex('0001aa')),
      (der) => der.any('x'),
      'unexpected_tag',
    ],
    [
      'a length of five octets within an indefinite one',
      indefinite(0x30, hex('048500000000 01aa')),
      (der) => der.any('x'),
      'bad_length',
    ],
    [
      'a segment of a BIT STRING without its count',
      lab.tlv(0x23, hex('0300')),
      (der) => der.bits('x'),
      'bad_bit_string',
    ],
    ['unused bits of no octet', hex('030104'), (der) => der.bits('x'), 'bad_bit_string'],
    [
      'an indefinite length of a primitive',
      hex('0480 aa 0000'),
      (der) => der.octets('x'),
      'indefinite_length',
    ],
    ['end-of-contents octets out of place', hex('0000'), (der) => der.any('x'), 'unexpected_tag'],
    [
      'a BIT STRING with unused bits in the middle',
      lab.tlv(0x23, hex('030204f0'), hex('03020070')),
      (der) => der.bits('x'),
      'bad_bit_string',
    ],
    [
      'a date without time zone',
      time(GENERALIZED_TIME, '20261122051000'),
      (der) => der.time('x'),
      'bad_time',
    ],
    // In no calendar that RFC 3339 can write.
    [
      'a date in the year 10000',
      time(GENERALIZED_TIME, '99991231235959-0001'),
      (der) => der.time('x'),
      'bad_time',
    ],
    [
      'a date before the year 0',
      time(GENERALIZED_TIME, '00000101000000+0001'),
      (der) => der.time('x'),
      'bad_time',
    ],
    ['the 30th of February', time(GENERALIZED_TIME, '20260230051000.5Z'), (der) => der.time('x'), 'bad_time'],
    ['24 o’clock', time(UTC_TIME, '2611222400Z'), (der) => der.time('x'), 'bad_time'],
    ['an offset of 24 hours', time(UTC_TIME, '261122051000+2400'), (der) => der.time('x'), 'bad_time'],
    [
      'a date of 30 characters',
      time(GENERALIZED_TIME, `20261122051000.${'1'.repeat(14)}Z`),
      (der) => der.time('x'),
      'bad_time',
    ],
    ['an empty BOOLEAN', hex('0100'), (der) => der.boolean('x'), 'bad_boolean'],
    ['an OBJECT IDENTIFIER with padding', hex('06028001'), (der) => der.oid('x'), 'bad_oid'],
  ]

describe('BER behind its switch', () => {
  for (const { what, bytes, read, value, notes, refusal } of ODD) {
    it(`reads ${what}, and notes it`, () => {
      const der = inside(bytes, true)
      assert.deepEqual(read(der), value)
      assert.deepEqual(codesOf(der).sort(), [...notes].sort())
      refused(() => read(inside(bytes, false)), 'decode', refusal)
    })
  }

  for (const [what, bytes, read, code] of REFUSED) {
    it(`refuses ${what} all the same`, () => {
      refused(() => read(inside(bytes, true)), 'decode', code)
    })
  }

  it('bounds the nesting of indefinite lengths', () => {
    let nested: Uint8Array = hex('0500')
    for (let i = 0; i < 100; i++) nested = indefinite(0x30, nested)
    refused(() => inside(nested, true).any('x'), 'decode', 'too_deep')
  })

  it('says where in the object something was found, in the segments of a string too', () => {
    const segments = lab.tlv(0x24, lab.octetString(hex('3003')), lab.octetString(hex('0101aa')))
    const der = inside(segments, true)
    const value = der.enter(0x04, 'extnValue').enter(0x30, 'value')
    assert.equal(value.boolean('cA'), true)
    assert.deepEqual(der.notes, [
      { code: 'constructed_string', path: 'extnValue', offset: 2 },
      { code: 'boolean_value', path: 'extnValue.value.cA', offset: 2 },
    ])
  })

  it('keeps a few notes of each kind, so that one kind cannot hide another', () => {
    const der = Der.open(
      lab.sequence(...Array.from({ length: 100 }, () => hex('010101')), hex('02020005')),
      'test',
      1000,
      { ber: true },
    )
    for (let i = 0; i < 100; i++) der.boolean(`b${i}`)
    der.smallInteger('i')
    assert.deepEqual(codesOf(der), [...new Array<NoteCode>(4).fill('boolean_value'), 'long_integer'])
  })
})

/** Every constructed element of indefinite length (X.690 8.1.3.6). */
function withoutLengths(element: Uint8Array): Uint8Array {
  const [tag = 0] = element
  return (tag & 0x20) === 0 ? element : indefinite(tag, ...lab.elementsOf(element).map(withoutLengths))
}

describe('objects in BER', () => {
  it('a CRL is verified over the octets as they came', async () => {
    const ca = await entity({ subject: 'CA' })
    const plain = await issueCrl({
      issuer: ca,
      number: 7n,
      thisUpdate: NOW - DAY,
      nextUpdate: NOW + DAY,
      revoked: [
        { serial: '1234', at: NOW - 2 * DAY, reason: 1 },
        { serial: '1235', at: NOW - 2 * DAY },
      ],
    })
    const [tbs] = lab.elementsOf(plain)
    assert.ok(tbs !== undefined)
    const key = ca.key.privateKey
    const { identifier, digest } = signatureAlgorithm(key)
    const odd = await signed(withoutLengths(tbs), { identifier: withoutLengths(identifier), digest }, key)
    refused(() => parseCrl(odd), 'decode', 'indefinite_length')

    const crl = parseCrl(odd, { ber: true })
    verifyCrl(crl, ca.parsed)
    const same = parseCrl(plain)
    assert.equal(crl.number, same.number)
    assert.equal(crl.entries, 2)
    assert.deepEqual(crl.find('1234'), same.find('1234'))
    assert.deepEqual(crl.find('1235'), same.find('1235'))
    assert.ok(crl.notes.some(({ code }) => code === 'indefinite_length'))

    // What was signed is the BER, not what it says.
    const altered = Buffer.concat([odd])
    altered[altered.indexOf('CA', 0, 'latin1')] = 0x63
    refused(() => verifyCrl(parseCrl(altered, { ber: true }), ca.parsed), 'signature', 'signature_invalid')
  })

  it('an entry of a CRL is found however long its serial number is written', async () => {
    const ca = await entity({ subject: 'CA' })
    const entries = [hex('02040000beef'), hex('020400c0ffee')].map((serial) =>
      lab.sequence(serial, lab.time(NOW)),
    )
    const der = signedList(ca, [...headOf(ca), lab.sequence(...entries)])
    for (const index of [true, false]) {
      const crl = index ? parseCrl(der, { ber: true, index }) : parseCrl(der, { ber: true })
      for (const serial of ['beef', 'c0ffee']) assert.equal(crl.find(serial)?.serial, serial)
    }
  })

  it('a certificate in DER has no notes, and reads the same with the switch', async () => {
    const ca = await entity({ subject: 'CA' })
    const der = await issueCertificate({
      subject: 'leaf',
      key: ca.key,
      issuer: ca,
      notBefore: NOW,
      notAfter: NOW + DAY,
      profile: 'tls_server',
      dns: ['leaf.example'],
    })
    const [strict, lenient] = [parseCertificate(der), parseCertificate(der, { ber: true })]
    assert.deepEqual(strict.notes, [])
    assert.deepEqual(lenient.notes, [])
    assert.equal(JSON.stringify(lenient.identities), JSON.stringify(strict.identities))
    assert.equal(lenient.serial, strict.serial)
  })

  it('of two extensions of one kind the first is read', async () => {
    const ca = await entity({ subject: 'CA' })
    const twice = (path: number) =>
      extension('2.5.29.19', true, lab.sequence(lab.boolean(true), lab.integer(BigInt(path))))
    const der = await issueCertificate({
      subject: 'sub',
      key: ca.key,
      issuer: ca,
      notBefore: NOW,
      notAfter: NOW + DAY,
      profile: 'ca',
      extensions: [twice(1), twice(2)],
    })
    refused(() => parseCertificate(der), 'decode', 'duplicate_extension')
    const certificate = parseCertificate(der, { ber: true })
    assert.equal(certificate.pathLength, 1)
    assert.deepEqual(codesOf(certificate), ['duplicate_extension'])
  })
})

describe('what is accepted without a switch is noted', () => {
  /** A certificate with this subject, and these extensions beside a CA's. */
  const noted = async (change: { name?: Uint8Array; extensions?: readonly Uint8Array[] }) => {
    const ca = await entity({ subject: 'CA' })
    const der = await issueCertificate({
      subject: 'sub',
      key: ca.key,
      issuer: ca,
      notBefore: NOW,
      notAfter: NOW + DAY,
      profile: 'ca',
      ...change,
    })
    return parseCertificate(der).notes
  }
  const attribute = (oid: string, value: Uint8Array) => lab.sequence(lab.oid(oid), value)

  it('a default that is written out', async () => {
    const notes = await noted({
      extensions: [extension('2.5.29.19', true, lab.sequence(lab.boolean(false)))],
    })
    assert.deepEqual(codesOf({ notes }), ['default_written'])
    assert.match(notes[0]?.path ?? '', /^tbsCertificate\.extensions\[\d\]\.extnValue\.cA$/)
  })

  it('a set that is not sorted', async () => {
    const rdn = [attribute('2.5.4.10', lab.utf8String('b')), attribute('2.5.4.3', lab.utf8String('a'))]
    const codes = async (...attributes: readonly Uint8Array[]) =>
      codesOf({ notes: await noted({ name: lab.sequence(lab.set(...attributes)) }) })
    assert.deepEqual(await codes(...rdn), ['set_unsorted'])
    assert.deepEqual(await codes(...rdn.reverse()), [])
  })

  it('characters outside the alphabet of a string', async () => {
    const codes = async (value: Uint8Array) =>
      codesOf({ notes: await noted({ name: lab.sequence(lab.set(attribute('2.5.4.3', value))) }) })
    assert.deepEqual(await codes(lab.printableString("Az09 '()+,-./:=?")), [])
    for (const character of '*@&_!"#;<>')
      assert.deepEqual(await codes(lab.printableString(character)), ['character_set'])
    assert.deepEqual(await codes(lab.utf8String('*@&')), [])
    assert.deepEqual(await codes(lab.tlv(0x12, Buffer.from('0 9'))), [])
    assert.deepEqual(await codes(lab.tlv(0x12, Buffer.from('a'))), ['character_set'])
  })

  it('an empty list, and named bits that end with zeros', async () => {
    const codes = async (value: Uint8Array, oid: string) =>
      codesOf({ notes: await noted({ extensions: [extension(oid, true, value)] }) })
    assert.deepEqual(await codes(lab.sequence(), '2.5.29.37'), ['empty_list'])
    assert.deepEqual(await codes(lab.sequence(), '2.5.29.17'), ['empty_list'])
    assert.deepEqual(await codes(hex('03020006'), '2.5.29.15'), ['trailing_zero_bits'])
    assert.deepEqual(await codes(hex('03020106'), '2.5.29.15'), [])
    assert.deepEqual(await codes(hex('030100'), '2.5.29.15'), [])
  })

  it('a GeneralizedTime from 1950 to 2049', () => {
    const codes = (value: string) => {
      const der = inside(time(GENERALIZED_TIME, value), false)
      der.time('t')
      return codesOf(der)
    }
    assert.deepEqual(codes('19500101000000Z'), ['generalized_time'])
    assert.deepEqual(codes('20491231235959Z'), ['generalized_time'])
    assert.deepEqual(codes('20500101000000Z'), [])
  })
})
