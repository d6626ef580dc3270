import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { canonicalize, canonicalNumber, MAX_DEPTH } from '../../journal/canonical.ts'
import { JournalError } from '../../journal/error.ts'

const refused = (value: unknown) => {
  assert.throws(
    () => canonicalize(value),
    (error) => error instanceof JournalError && error.code === 'invalid_record',
  )
}

describe('canonical JSON', () => {
  // RFC 8785 appendix B: the octets of a double, and how it is written.
  const numbers: readonly (readonly [string, string])[] = [
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ]
  for (const [octets, text] of numbers)
    test(`writes the double ${octets} as ${text}`, () => {
      assert.equal(canonicalNumber(Buffer.from(octets, 'hex').readDoubleBE()), text)
    })

  test('writes every value as the specification does, whatever the order and the names of members', () => {
    const reference = (value: unknown): string => {
      if (Array.isArray(value)) return `[${value.map(reference).join()}]`
      if (typeof value !== 'object' || value === null) return JSON.stringify(value)
      const members = Object.entries(value).sort(([a], [b]) => Buffer.compare(utf16(a), utf16(b)))
      return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${reference(member)}`).join()}}`
    }
    const utf16 = (text: string) => Buffer.from(text, 'utf16le').swap16()
    const name = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.nat(20).map(String),
      fc.constantFrom('__proto__', 'toJSON', 'constructor'),
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.integer(),
        fc.double({ noNaN: true, max: 1e9, min: -1e9 }),
        fc.string({ unit: 'binary' }),
        fc.boolean(),
        fc.constant(null),
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
      object: fc
        .uniqueArray(fc.tuple(name, tie('value')), { maxLength: 6, selector: ([key]) => key })
        .map((members) => Object.fromEntries(members)),
    }))
    fc.assert(
      fc.property(value, (v) => assert.equal(canonicalize(v), reference(v))),
      { numRuns: 300, seed: 7 },
    )
  })

  test('refuses NaN and infinity', () => {
    for (const octets of ['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000'])
      refused(Buffer.from(octets, 'hex').readDoubleBE())
  })

  test('refuses integers that a double does not hold exactly', () => {
    refused(2 ** 53)
    refused(-(2 ** 53))
    refused([1e30])
    assert.equal(canonicalize(2 ** 53 - 1), '9007199254740991')
  })

  test('sorts members by UTF-16 code units (RFC 8785 section 3.2.3)', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      1: 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    }
    const names = ['\\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33']
    const written = canonicalize(value)
    const places = names.map((name) => written.indexOf(`"${name}":`))
    assert.deepEqual(
      places,
      places.toSorted((x, y) => x - y),
    )
    assert.ok(!places.includes(-1))
  })

  test('escapes strings as RFC 8785 section 3.2.2.2 does', () => {
    const text = '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/\u007f'
    assert.equal(canonicalize(text), '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u007f"')
  })

  test('writes literals and nested values without space', () => {
    assert.equal(
      canonicalize({ b: [null, true, false], a: { c: [] } }),
      '{"a":{"c":[]},"b":[null,true,false]}',
    )
  })

  test('refuses lone surrogates, in values and in names', () => {
    refused('\ud800')
    refused({ '\udc00': 1 })
  })

  test('refuses what JSON does not have', () => {
    for (const value of [
      undefined,
      () => 1,
      Symbol('s'),
      1n,
      new Date(0),
      new Map(),
      [undefined],
      Buffer.of(1),
    ])
      refused(value)
  })

  test('leaves out members that are undefined', () => {
    assert.equal(canonicalize({ a: undefined, b: 1 }), '{"b":1}')
  })

  test('refuses nesting beyond its limit', () => {
    let value: unknown = 1
    for (let i = 0; i < MAX_DEPTH; i++) value = [value]
    canonicalize(value)
    refused([value])
  })

  test('is a fixed point: what is read back is written the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        try {
          const text = canonicalize(value)
          assert.equal(canonicalize(JSON.parse(text)), text)
        } catch (error) {
          assert.ok(error instanceof JournalError)
        }
      }),
      { numRuns: 200, seed: 1 },
    )
  })
})
