import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Der, TAG } from '../../pki/der.ts'
import type { DerOptions } from '../../pki/der.ts'
import type { PkiErrorCode } from '../../pki/error.ts'
import { refused } from './support.ts'

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')
const open = (text: string): Der => Der.open(hex(text), 'test', 1_000_000)

/** Bytes that are refused when opened and walked, each with why and where. */
const MALFORMED: readonly [name: string, bytes: string, code: PkiErrorCode, offset: number][] = [
  ['nothing', '', 'truncated', 0],
  ['one octet', '30', 'truncated', 0],
  ['not a SEQUENCE', '0201 00', 'not_der', 0],
  ['content cut off', '3003 0201', 'truncated', 0],
  ['indefinite length', '3080 0201 00 0000', 'indefinite_length', 1],
  ['indefinite length inside', '3006 3080 0500 0000', 'indefinite_length', 3],
  ['long form for a short length', '308103 020100', 'bad_length', 1],
  ['length with a leading zero', '30820003 020100', 'bad_length', 1],
  ['length with a leading zero that it does not need', `30820080${'0500'.repeat(64)}`, 'bad_length', 1],
  ['length of five octets', '30850000000001 00', 'bad_length', 1],
  ['length of 2^32-1', '3084ffffffff 00', 'truncated', 0],
  ['length octets cut off', '3082 01', 'truncated', 1],
  ['reserved length FF', '30ff 00', 'bad_length', 1],
  ['a child longer than its parent', '3003 0205 00', 'truncated', 2],
  ['a child header that passes its parent', '3001 02', 'truncated', 2],
  ['trailing bytes', '3000 00', 'trailing_bytes', 2],
  ['a tag number above 30', '3003 1f8100', 'unexpected_tag', 2],
]

describe('DER structure', () => {
  for (const [name, bytes, code, offset] of MALFORMED) {
    it(`refuses ${name}`, () => {
      const error = refused(
        () => {
          const root = open(bytes)
          while (!root.done) root.any('item')
        },
        'decode',
        code,
      )
      assert.equal(error.offset, offset)
    })
  }

  it('refuses 10,000 nested sequences without exhausting the stack', () => {
    let nested: Uint8Array = hex('0500')
    for (let i = 0; i < 10_000; i++) {
      const length = nested.length
      const header =
        length < 0x80 ? [0x30, length] : [0x30, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]
      // Minimal lengths up to 0xffff would be shorter; only the first levels are ever reached.
      if (length >= 0x80 && length < 0x100) header.splice(1, 4, 0x81, length)
      else if (length >= 0x100 && length < 0x10000) header.splice(1, 4, 0x82, length >> 8, length & 0xff)
      nested = Buffer.concat([Buffer.from(header), nested])
    }
    refused(() => Der.open(nested, 'test', 1_000_000).any('inner'), 'decode', 'too_deep')
  })

  it('refuses more elements than its limit', () => {
    const nulls = Buffer.alloc(200_000, Buffer.from([0x05, 0x00]))
    const der = Buffer.concat([Buffer.from([0x30, 0x83, 0x03, 0x0d, 0x40]), nulls])
    refused(
      () => {
        const root = Der.open(der, 'test', 1_000_000)
        while (!root.done) root.null('item')
      },
      'decode',
      'too_many',
    )
  })

  it('reads as many elements as its limit', () => {
    const nulls = (count: number) =>
      Buffer.concat([hex('3083'), threeOctets(2 * count), Buffer.alloc(2 * count, hex('0500'))])
    const read = (count: number) => {
      const root = Der.open(nulls(count), 'test', 1_000_000)
      for (let i = 0; i < count; i++) root.null('item')
      root.finish()
    }
    // The two others are the outermost SEQUENCE and what is around it.
    read(49_998)
    refused(() => read(49_999), 'decode', 'too_many')
  })

  it('reads as many levels as its limit', () => {
    const walk = (levels: number) => {
      let nested = ''
      for (let i = 0; i < levels; i++) nested = `30${hexLength(nested)}${nested}`
      open(nested).any('inner')
    }
    walk(32)
    assert.match(refused(() => walk(33), 'decode', 'too_deep').message, /^expected at most 32 levels/)
  })

  it('refuses an object above its size limit before reading it', () => {
    refused(() => Der.open(new Uint8Array(11), 'test', 10), 'decode', 'too_large')
    assert.ok(Der.open(hex('3000'), 'test', 2).done)
  })

  it('reads lengths in every form up to four octets', () => {
    for (const [length, header] of [
      [0x7f, '047f'],
      [0x80, '048180'],
      [0xff, '0481ff'],
      [0x100, '04820100'],
      [0x1_0000, '0483010000'],
      [0x100_0000, '048401000000'],
    ] as const) {
      const element = Buffer.concat([hex(header), Buffer.alloc(length, 1)])
      const size = element.length.toString(16).padStart(8, '0')
      const outer = `30${lengthOctets(size)}`
      const root = Der.open(Buffer.concat([hex(outer), element]), 'test', 20_000_000)
      assert.equal(root.octets('o').length, length)
      root.finish()
    }
  })

  it('walks what is inside any element, to its end', () => {
    const root = open('300a 3003 020105 0500 0401aa')
    assert.equal(Buffer.from(root.any('list').der).toString('hex'), '3003020105')
    assert.equal(root.next, TAG.null)
    root.any('null')
    root.any('octets')
    assert.equal(root.next, undefined)
    const error = refused(() => root.any('more'), 'decode', 'truncated')
    assert.equal(error.path, 'more')
    assert.equal(error.offset, 12)
    const inner = refused(() => open('3007 a005 3003 0202 05').any('list'), 'decode', 'truncated')
    assert.equal(inner.path, 'list[0][0]')
    const second = refused(() => open('3007 3005 0500 020505').any('list'), 'decode', 'truncated')
    assert.equal(second.path, 'list[1]')
    open('3003 020105').any('i').finish()
  })

  it('names the field in which an element is missing or another', () => {
    const at = (read: (list: Der) => unknown, code: PkiErrorCode) => {
      const list = open('3004 a002 0500').enter(0xa0, 'list')
      return refused(() => read(list), 'decode', code).path
    }
    const wrong = 'unexpected_tag'
    assert.equal(
      at((list) => list.oid('id'), wrong),
      'list.id',
    )
    assert.equal(
      at((list) => list.enter(TAG.oid, 7), wrong),
      'list[7]',
    )
    assert.equal(
      at((list) => list.enter(TAG.oid, ''), wrong),
      'list',
    )
    assert.equal(refused(() => open('3002 0500').oid('id'), 'decode', wrong).path, 'id')
    assert.equal(refused(() => open('3002 0500').enter(TAG.oid, 7), 'decode', wrong).path, '[7]')
  })

  it('leaves a string that comes in segments as it is', () => {
    const root = open('3006 2404 0402aabb')
    assert.equal(Buffer.from(root.any('s').der).toString('hex'), '24040402aabb')
    assert.deepEqual(root.notes, [])
  })

  it('refuses what is left behind the last field, and says how much', () => {
    const root = open('3006 020105 020106')
    root.integer('i')
    const error = refused(() => root.finish(), 'decode', 'trailing_bytes')
    assert.match(error.message, /expected the end, got 3 more octets/)
    assert.equal(error.offset, 5)
    root.skipAll()
    root.finish()
    assert.equal(root.done, true)
  })

  it('says which type it expected and which it got', () => {
    const wrong = (read: (der: Der) => unknown) =>
      refused(() => read(open('3003 020105')), 'decode', 'unexpected_tag')
    assert.match(wrong((der) => der.boolean('b')).message, /expected boolean \(01\), got integer \(02\)/)
    assert.match(wrong((der) => der.enter(0xa0, 'b')).message, /expected tag a0, got integer/)
    assert.match(
      refused(() => open('3000').oid('o'), 'decode', 'truncated').message,
      /expected oid \(06\), got the end/,
    )
  })

  it('says what begins a file that is not DER', () => {
    const start = (bytes: Uint8Array) =>
      refused(() => Der.open(bytes, 'CRL', 100), 'decode', 'not_der').message
    assert.match(start(hex('0500')), /SEQUENCE \(30\), got 05/)
    assert.match(start(Buffer.from('line\r\n\tother')), /got text that starts with "line\\r\\n\\tother"/)
    assert.match(start(Buffer.from('a'.repeat(30))), /starts with "a{24}"/)
    assert.match(start(Buffer.from('abc\0')), /got 61/)
    assert.match(start(Buffer.from('\0abc')), /got 00/)
  })

  it('reads an optional element only when it is next', () => {
    const root = open('3008 a003 020105 020106')
    assert.equal(root.explicit(1, 'other'), undefined)
    assert.equal(root.optional(TAG.integer, 'i'), undefined)
    const version = root.explicit(0, 'version')
    assert.equal(version?.smallInteger('v'), 5)
    assert.equal(version.next, undefined)
    assert.equal(version.optional(TAG.integer, 'i'), undefined)
    assert.equal(root.optional(TAG.integer, 'i')?.place, 7)
    assert.equal(root.optional(TAG.integer, 'i'), undefined)
  })

  it('says that a text file is a text file', () => {
    const error = refused(
      () => Der.open(Buffer.from('-----BEGIN X509 CRL-----\n'), 'CRL', 100),
      'decode',
      'not_der',
    )
    assert.match(
      error.message,
      /CRL: expected DER, a SEQUENCE \(30\), got text that starts with "-----BEGIN X509 CRL/,
    )
  })

  it('names the field by its path and the octet by its offset', () => {
    const root = open('300c 300a 3003 020100 3003 020280')
    const list = root.enter(TAG.sequence, 'tbsCertList').enter(TAG.sequence, 'revokedCertificates')
    assert.equal(list.integer('userCertificate').length, 1)
    const error = refused(
      () =>
        open('3009 3007 3005 02030000ff')
          .enter(TAG.sequence, 'list')
          .enter(TAG.sequence, 812)
          .integer('serial'),
      'decode',
      'bad_integer',
    )
    assert.equal(error.path, 'list[812].serial')
    assert.equal(error.offset, 6)
    assert.match(error.message, /at list\[812\]\.serial \(offset 6\)$/)
  })
})

describe('DER that comes in parts', () => {
  /** Of the element of a field that ends at `end`, of which the first octets are there. */
  const extent = (octets: string, end: number, options?: DerOptions) => {
    const place = { path: 'list', depth: 1, base: 100, from: 0, end }
    const found = Der.part(Der.parts(options), hex(octets), place).extent('entry')
    return found === undefined ? undefined : [found.tag, found.start, found.content, found.end, found.behind]
  }

  it('tells where an element ends as soon as its header is there, and not before', () => {
    for (const [header, length] of [
      ['3003', 3],
      ['308180', 0x80],
      ['30820100', 0x100],
      ['3083010000', 0x1_0000],
      ['308401000000', 0x100_0000],
    ] as const) {
      const size = header.length / 2
      for (let there = 0; there < size; there++) {
        assert.equal(extent(header.slice(0, 2 * there), size + length), undefined, `${there} of ${header}`)
      }
      const end = size + length
      assert.deepEqual(extent(header, end), [0x30, 0, size, end, end])
      assert.deepEqual(extent(`${header}05`, end + 9), [0x30, 0, size, end, end])
    }
    assert.deepEqual(extent('308005000000', 6, { ber: true }), [0x30, 0, 2, 4, 6])
  })

  it('refuses a header that is wrong, or for which the field has no room', () => {
    const wrong = (octets: string, end: number, code: PkiErrorCode) => {
      const error = refused(() => extent(octets, end), 'decode', code)
      assert.equal(error.path, 'list.entry')
      return error.offset
    }
    assert.equal(wrong('3080', 9, 'indefinite_length'), 101)
    assert.equal(wrong('3085', 9, 'bad_length'), 101)
    assert.equal(wrong('3004', 5, 'truncated'), 100)
    assert.equal(wrong('30', 1, 'truncated'), 100)
    assert.equal(wrong('308201', 3, 'truncated'), 101)
  })
})

describe('DER values', () => {
  it('reads minimal integers only', () => {
    assert.equal(open('3003 020100').smallInteger('i'), 0)
    assert.equal(open('3004 02020080').smallInteger('i'), 128)
    assert.equal(open('300b 0209 00ffffffffffffffff').bigInteger('i'), 2n ** 64n - 1n)
    refused(() => open('3002 0200').integer('i'), 'decode', 'bad_integer')
    refused(() => open('3004 02020001').integer('i'), 'decode', 'bad_integer')
    refused(() => open('3004 0202ff80').integer('i'), 'decode', 'bad_integer')
    refused(() => open('3003 020180').smallInteger('i'), 'decode', 'bad_value')
    refused(() => open('3003 020180').bigInteger('i'), 'decode', 'bad_value')
    assert.equal(open('3006 0204 7fffffff').smallInteger('i'), 0x7fffffff)
    assert.equal(open('3006 0a04 01020304').smallInteger('i', TAG.enumerated), 0x01020304)
    refused(() => open('3007 0205 0080000000').smallInteger('i'), 'decode', 'bad_value')
    refused(() => open('3007 0205 0100000000').smallInteger('i'), 'decode', 'bad_value')
    assert.equal(open('3004 0202ff7f').integer('i').length, 2)
    assert.equal(open(`302b 0229 01${'00'.repeat(40)}`).bigInteger('i'), 2n ** 320n)
    refused(() => open(`302c 022a 01${'00'.repeat(41)}`).integer('i'), 'decode', 'too_large')
  })

  it('reads booleans of 00 and FF only', () => {
    assert.equal(open('3003 0101ff').boolean('b'), true)
    assert.equal(open('3003 010100').boolean('b'), false)
    refused(() => open('3003 010101').boolean('b'), 'decode', 'bad_boolean')
    refused(() => open('3004 0102ff00').boolean('b'), 'decode', 'bad_boolean')
    refused(() => open('3002 0100').boolean('b'), 'decode', 'bad_boolean')
  })

  it('reads object identifiers of every size', () => {
    const oid = (content: string) =>
      open(`30${hexLength(content, 2)}06${hexLength(content)}${content}`).oid('o')
    assert.equal(oid('2a864886f70d01010b'), '1.2.840.113549.1.1.11')
    assert.equal(oid('550403'), '2.5.4.3')
    assert.equal(oid('00'), '0.0')
    assert.equal(oid('27'), '0.39')
    assert.equal(oid('28'), '1.0')
    assert.equal(oid('50'), '2.0')
    assert.equal(oid('8837'), '2.999')
    // ITU-T X.667: a UUID as one arc of 128 bits.
    assert.equal(
      oid('6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776'),
      '2.25.329800735698586629295641978511506172918',
    )
    assert.equal(oid('4f'), '1.39')
    assert.equal(oid('2a' + 'ff'.repeat(6) + '7f'), `1.2.${2n ** 49n - 1n}`)
    assert.equal(oid('2a' + 'ff'.repeat(7) + '7f'), `1.2.${2n ** 56n - 1n}`)
    assert.equal(oid('2a' + 'ff'.repeat(8) + '7f03'), `1.2.${2n ** 63n - 1n}.3`)
    assert.equal(oid('ff'.repeat(8) + '7f01'), `2.${2n ** 63n - 1n - 80n}.1`)
    assert.equal(oid('2a' + '01'.repeat(63)), `1.2${'.1'.repeat(63)}`)
    refused(() => oid('2a' + '01'.repeat(64)), 'decode', 'bad_oid')
    for (const bad of ['', '80', '8001', '2a8001', '2a86']) refused(() => oid(bad), 'decode', 'bad_oid')
    refused(() => oid('81'.repeat(64) + '00'), 'decode', 'bad_oid')
  })

  it('reads bit strings with padding bits of zero only', () => {
    assert.deepEqual(open('3004 0302 0780').bits('b'), { octets: hex('80'), unused: 7 })
    assert.equal(open('3003 030100').wholeBits('b').length, 0)
    refused(() => open('3004 0302 0740').bits('b'), 'decode', 'bad_bit_string')
    refused(() => open('3004 0302 0880').bits('b'), 'decode', 'bad_bit_string')
    refused(() => open('3003 030101').bits('b'), 'decode', 'bad_bit_string')
    refused(() => open('3002 0300').bits('b'), 'decode', 'bad_bit_string')
    refused(() => open('3005 0300 020105').bits('b'), 'decode', 'bad_bit_string')
    refused(() => open('3004 0302 0800').bits('b'), 'decode', 'bad_bit_string')
    refused(() => open('3004 0302 0180').wholeBits('b'), 'decode', 'bad_bit_string')
  })

  it('reads named bits, of which padding is none, and notes zeros at the end', () => {
    const named = (content: string, ber = false) => {
      const der = Der.open(hex(`30${hexLength(content, 2)}03${hexLength(content)}${content}`), 'test', 100, {
        ber,
      })
      const octets = Buffer.from(der.namedBits('usage')).toString('hex')
      return [octets, ...der.notes.map(({ code, path, offset }) => `${code} ${path} ${offset}`)]
    }
    assert.deepEqual(named('0106'), ['06'])
    assert.deepEqual(named('00a001'), ['a001'])
    assert.deepEqual(named('0106'), ['06'])
    assert.deepEqual(named('0006'), ['06', 'trailing_zero_bits usage 2'])
    assert.deepEqual(named('0500'), ['00', 'trailing_zero_bits usage 2'])
    assert.deepEqual(named('00'), [''])
    assert.deepEqual(named('02ff07', true), ['ff04', 'padding_bits usage 2'])
    assert.deepEqual(named('02ff0a', true), ['ff08', 'padding_bits usage 2', 'trailing_zero_bits usage 2'])
  })

  it('reads NULL without content only', () => {
    open('3002 0500').null('n')
    const error = refused(() => open('3003 050100').null('n'), 'decode', 'bad_value')
    assert.equal(error.path, 'n')
  })

  it('agrees with Date about every day from 1950 to 2049 and about century years', () => {
    const years = [...Array.from({ length: 100 }, (_, i) => 1950 + i), 2100, 2400, 9999]
    for (const year of years) {
      for (let month = 0; month < 12; month++) {
        for (const day of [1, 28, new Date(Date.UTC(year, month + 1, 0)).getUTCDate()]) {
          const ms = Date.UTC(year, month, day, 23, 59, 58)
          const text = new Date(ms).toISOString().replace(/[-:T]|\.000/g, '')
          assert.equal(generalizedTime(text), ms)
          if (year < 2050) assert.equal(utcTime(text.slice(2)), ms)
        }
      }
    }
  })

  it('refuses dates that are none', () => {
    const utc = [
      '2611220508Z',
      '261122050800+0000',
      '261122050800',
      '261122050800Z0',
      '26112205080ZZ',
      '261322050800Z',
      '260022050800Z',
    ]
    for (const text of [
      ...utc,
      '260230050800Z',
      '260229050800Z',
      '261122240000Z',
      '261122056000Z',
      '261122050860Z',
    ]) {
      refused(() => utcTime(text), 'decode', 'bad_time')
    }
    const generalized = [
      '00000101000000Z',
      '19491231235959Z',
      '20261122050800.5Z',
      '2026112205Z',
      '20261122050800Z0',
      '99991232235959Z',
    ]
    for (const text of [...generalized, '21000229000000Z', '20261122050800', '２0261122050800Z']) {
      refused(() => generalizedTime(text), 'decode', 'bad_time')
    }
  })
})

function hexLength(content: string, more = 0): string {
  return (content.length / 2 + more).toString(16).padStart(2, '0')
}

function threeOctets(value: number): Uint8Array {
  return Uint8Array.of(value >> 16, (value >> 8) & 0xff, value & 0xff)
}

/** Length octets (X.690 10.1) for a length in eight hexadecimal digits. */
function lengthOctets(size: string): string {
  const octets = size.replace(/^(00)+/, '')
  const isShort = octets.length === 2 && octets < '80'
  return isShort ? octets : (0x80 + octets.length / 2).toString(16) + octets
}

function utcTime(text: string): number {
  return timeOf(0x17, text)
}

function generalizedTime(text: string): number {
  return timeOf(0x18, text)
}

function timeOf(tag: number, text: string): number {
  const content = Buffer.from(text, 'utf8')
  const der = Buffer.concat([Buffer.from([0x30, content.length + 2, tag, content.length]), content])
  return Der.open(der, 'test', 100).time('time')
}
