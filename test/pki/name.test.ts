import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as lab from '../../lab/der.ts'
import { Der } from '../../pki/der.ts'
import { PkiError } from '../../pki/error.ts'
import { isNameWithin, namesMatch, readName, readRdn } from '../../pki/name.ts'
import type { Name, Rdn } from '../../pki/name.ts'
import { isPlainName } from '../../pki/plainName.ts'
import { refused } from './support.ts'

const CN = '2.5.4.3'
const O = '2.5.4.10'
const utf8 = (type: string, text: string) => lab.sequence(lab.oid(type), lab.utf8String(text))
const tagged = (type: string, tag: number, content: Uint8Array) =>
  lab.sequence(lab.oid(type), lab.tlv(tag, content))

function name(...rdns: readonly (readonly Uint8Array[])[]): Name {
  const der = lab.sequence(lab.sequence(...rdns.map((attributes) => lab.set(...attributes))))
  return readName(Der.open(der, 'test', 100_000), 'name')
}

describe('names as text (RFC 4514)', () => {
  it('writes the most specific part first', () => {
    const text = name([utf8('2.5.4.6', 'SE')], [utf8(O, 'Example PKI')], [utf8(CN, 'Issuing CA 1')]).text
    assert.equal(text, 'CN=Issuing CA 1,O=Example PKI,C=SE')
  })

  it('escapes what RFC 4514 section 2.4 says', () => {
    const cases = [
      ['James "Jim" Smith, III', 'James \\"Jim\\" Smith\\, III'],
      ['a+b;c<d>e\\f', 'a\\+b\\;c\\<d\\>e\\\\f'],
      ['#1', '\\#1'],
      ['1#', '1#'],
      [' x ', '\\ x\\ '],
      [' ', '\\ '],
      ['a=b', 'a=b'],
      ['Lučić', 'Lučić'],
      ['', ''],
    ] as const
    for (const [value, expected] of cases) assert.equal(name([utf8(CN, value)]).text, `CN=${expected}`)
  })

  it('escapes what could forge a line or turn text around on a terminal', () => {
    assert.equal(name([utf8(CN, 'a\r\nb\u0000\u001b[1m')]).text, 'CN=a\\0d\\0ab\\00\\1b[1m')
    assert.equal(name([utf8(CN, 'a\u202eb\u2028')]).text, 'CN=a\\e2\\80\\aeb\\e2\\80\\a8')
  })

  it('joins the attributes of one RDN, and writes unknown types and values that are no strings as hex', () => {
    assert.equal(name([utf8(CN, 'a'), utf8('0.9.2342.19200300.100.1.1', 'b')]).text, 'CN=a+UID=b')
    assert.equal(name([utf8('1.3.6.1.4.1.1466.0', 'Hi')]).text, '1.3.6.1.4.1.1466.0=#0c024869')
    assert.equal(name([lab.sequence(lab.oid(CN), lab.integer(5n))]).text, 'CN=#020105')
    assert.equal(name().text, '')
  })

  it('decodes every string type', () => {
    const texts = [
      [0x13, Buffer.from('Abc'), 'Abc'],
      [0x16, Buffer.from('a@b'), 'a@b'],
      [0x14, Buffer.from('Zürich', 'latin1'), 'Zürich'],
      [0x1e, Buffer.from('005a00fc', 'hex'), 'Zü'],
      [0x1c, Buffer.from('0000005a0001f600', 'hex'), 'Z😀'],
    ] as const
    for (const [tag, content, text] of texts)
      assert.equal(name([tagged(CN, tag, content)]).text, `CN=${text}`)
    const bad = [
      [0x0c, 'ff'],
      [0x0c, 'c080'],
      [0x13, 'e4'],
      [0x16, '80'],
      [0x1e, '00'],
      [0x1e, 'd8000041'],
      [0x1c, '00110000'],
      [0x1c, '0000d800'],
      [0x1c, '00'],
    ] as const
    for (const [tag, content] of bad) {
      refused(() => name([tagged(CN, tag, Buffer.from(content, 'hex'))]), 'decode', 'bad_string')
    }
  })

  it('refuses empty RDNs, too many attributes, and names that are too large', () => {
    refused(() => name([]), 'decode', 'truncated')
    refused(() => name(...Array.from({ length: 129 }, () => [utf8(CN, '')])), 'decode', 'too_many')
    refused(() => name([utf8(CN, 'x'.repeat(20_000))]), 'decode', 'too_large')
  })
})

describe('comparing names (RFC 5280 7.1)', () => {
  it('ignores string type, letter case and spacing, and nothing else', () => {
    const a = name([utf8(CN, 'Example  CA ')])
    assert.ok(namesMatch(a, name([tagged(CN, 0x13, Buffer.from('example ca'))])))
    assert.ok(!namesMatch(a, name([utf8(CN, 'exampleca')])))
    assert.ok(!namesMatch(a, name([utf8(O, 'Example CA')])))
    assert.ok(!namesMatch(a, name([utf8(CN, 'Example CA')], [utf8(O, 'x')])))
    assert.ok(!namesMatch(a, name()))
    assert.ok(namesMatch(name(), name()))
  })

  it('takes the attributes of an RDN as a set, but the RDNs in order', () => {
    const [a, b] = [utf8(CN, 'a'), utf8(O, 'b')]
    assert.ok(namesMatch(name([a, b]), name([b, a])))
    assert.ok(!namesMatch(name([a], [b]), name([b], [a])))
    assert.ok(!namesMatch(name([a, b]), name([a], [b])))
  })

  it('does not confuse a separator inside a value with one between values', () => {
    assert.ok(!namesMatch(name([utf8(CN, 'a","2.5.4.10=b')]), name([utf8(CN, 'a'), utf8(O, 'b')])))
  })

  it('knows what lies below a name', () => {
    const [o, cn] = [utf8(O, 'x'), utf8(CN, 'y')]
    assert.ok(isNameWithin(name([o], [cn]), name([o])))
    assert.ok(isNameWithin(name([o]), name()))
    assert.ok(!isNameWithin(name([o]), name([o], [cn])))
    assert.ok(!isNameWithin(name([cn], [o]), name([o])))
  })
})

describe('names that are read only when somebody asks', () => {
  /** Reads the name at once, with the full reader; undefined: it is refused or remarked upon. */
  function fully(der: Uint8Array): readonly Rdn[] | undefined {
    try {
      const list = Der.open(der, 'name', 100_000)
      const rdns: Rdn[] = []
      while (!list.done) rdns.push(readRdn(list.enter(0x31, rdns.length)))
      return list.notes.length === 0 ? rdns : undefined
    } catch (error) {
      if (error instanceof PkiError) return undefined
      throw error
    }
  }

  const attribute = fc
    .tuple(
      fc.constantFrom(CN, O, '0.9.2342.19200300.100.1.25', '2.999.4294967295'),
      fc.constantFrom(0x0c, 0x13, 0x16, 0x14, 0x02),
      fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 5 })),
    )
    .map(([type, tag, text]) => tagged(type, tag, Buffer.from(text)))
  const rdns = fc.array(fc.array(attribute, { minLength: 1, maxLength: 2 }), { maxLength: 5 })
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 })

  it('are those that the full reader accepts, and say the same', () => {
    let plain = 0
    fc.assert(
      fc.property(rdns, changes, (list, edits) => {
        const der = Uint8Array.from(lab.sequence(...list.map((attributes) => lab.set(...attributes))))
        // What the lengths say stays, so that an edit does not only cut the name short.
        for (const [at, value] of edits) der[2 + (at % Math.max(der.length - 2, 1))] = value
        if (der.length > 129 || !isPlainName(der, 2, der.length)) return
        plain++
        const full = fully(der)
        assert.ok(full !== undefined, Buffer.from(der).toString('hex'))
        const wrapped = Uint8Array.from(lab.sequence(der))
        assert.deepEqual(readName(Der.open(wrapped, 'test', 100_000), 'name').rdns, full)
      }),
      { numRuns: 20_000 },
    )
    assert.ok(plain > 1000, `${plain} names were plain`)
  })

  it('do not end in the middle of a part', () => {
    const { der } = name([utf8(O, 'Example PKI')], [utf8(CN, 'CA 1')])
    const whole = Array.from({ length: der.length - 1 }, (_, i) => i + 2).filter((end) =>
      isPlainName(der, 2, end),
    )
    // Nothing, the first of the two, and both.
    assert.deepEqual(whole, [2, 2 + 22, der.length])
  })

  it('are nearly all there are', () => {
    const usual = name(
      [tagged('2.5.4.6', 0x13, Buffer.from('SE'))],
      [utf8(O, 'Example PKI')],
      [utf8(CN, 'CA 1')],
    )
    assert.ok(isPlainName(usual.der, 2, usual.der.length))
    assert.equal(usual.text, 'CN=CA 1,O=Example PKI,C=SE')
    for (const odd of [
      name([utf8(CN, 'å')]),
      name([utf8(CN, 'a'), utf8(O, 'b')]),
      name([tagged(CN, 0x13, Buffer.from('a@b'))]),
      name([lab.sequence(lab.oid(CN), lab.integer(1n))]),
    ]) {
      assert.ok(!isPlainName(odd.der, 2, odd.der.length), odd.text)
    }
  })
})

describe('object identifiers', () => {
  it('read the same again, however many there are', () => {
    const arcs = fc.array(fc.nat(2 ** 31 - 1), { minLength: 1, maxLength: 6 })
    const oids = fc.sample(arcs, { seed: 1, numRuns: 3000 }).map((rest) => ['2', ...rest].join('.'))
    const read = (oid: string) => Der.open(lab.sequence(lab.oid(oid)), 'test', 100).oid('id')
    for (const oid of [...oids, ...oids.toReversed(), ...oids]) assert.equal(read(oid), oid)
    for (let arc = 0; arc < 2000; arc++) {
      for (const oid of ['2.999.5', `2.999.5.${arc}`]) assert.equal(read(oid), oid)
    }
  })
})
