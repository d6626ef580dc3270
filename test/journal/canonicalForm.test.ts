import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { canonicalize } from '../../journal/canonical.ts'
import { NOT_PLAIN, plainEnd } from '../../journal/canonicalForm.ts'
import { JournalError } from '../../journal/error.ts'

/** Whether the whole text is taken for canonical. */
function isPlain(text: string): boolean {
  const bytes = Buffer.from(text)
  return plainEnd(bytes, 0) === bytes.length
}

/** Whether it is, by the slow way. */
function isCanonical(text: string): boolean {
  try {
    return canonicalize(JSON.parse(text)) === text
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof JournalError) return false
    throw error
  }
}

describe('octets that are plainly canonical JSON', () => {
  const accepted = [
    '{}',
    '[]',
    '{"a":1,"ab":[true,false,null,-7,0],"b":{"c":"x\\n\\"\\\\y"}}',
    '"läßt 𝄞 zu"',
    '999999999999999',
    '{"":1,"A":2,"a":3}',
  ]
  for (const text of accepted) test(`are ${text}`, () => assert.ok(isPlain(text)))

  const refused = {
    'members out of order': '{"b":1,"a":2}',
    'a member twice': '{"a":1,"a":1}',
    'a longer name before the shorter': '{"ab":1,"a":2}',
    'a space': '{"a": 1}',
    'a comma at the end': '[1,]',
    'a comma at the beginning': '[,1]',
    'a leading zero': '01',
    'minus zero': '-0',
    'a bare minus': '-',
    'a plus': '+1',
    'a fraction of zero': '1.0',
    'an exponent': '1e2',
    'an escape that is not needed': '"\\/"',
    'an escape in capitals': '"\\u001F"',
    'a control character': '"\n"',
    'a string without end': '"abc',
    'an escape without end': '"abc\\',
    'an object without end': '{"a":1',
    'a list without end': '[1',
    'an object that ends as a list': '{"a":1]',
    'no value': '{"a":}',
    'no name': '{1:2}',
    'a word in capitals': 'True',
    'a part of a word': 'tru',
    nothing: '',
  }
  for (const [name, text] of Object.entries(refused))
    test(`are not ${name}`, () => {
      assert.ok(!isPlain(text))
      assert.ok(!isCanonical(text))
    })

  test('end where the value ends, whatever follows', () => {
    assert.equal(plainEnd(Buffer.from('x{"a":[1]},"b"'), 1), 10)
    assert.equal(plainEnd(Buffer.from('x{"a":[1,]},"b"'), 1), NOT_PLAIN)
  })

  test('are canonical whenever they are taken for it, also after one octet was changed, added or removed', () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.integer(),
        fc.string({ unit: 'binary' }),
        fc.constantFrom(0.5, true, false, null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 4 }),
      ),
    }))
    const texts = value.map(canonicalize)
    const octet = fc.oneof(
      fc.constantFrom(...Buffer.from('{}[]",:\\0123456789-+.eEtfnu ab')),
      fc.integer({ min: 0, max: 0x7f }),
    )
    const change = fc.constantFrom('replace', 'insert', 'remove')
    let taken = 0
    fc.assert(
      fc.property(texts, fc.nat(), octet, change, (text, place, replacement, how) => {
        const bytes = [...Buffer.from(text)]
        const at = place % bytes.length
        bytes.splice(at, how === 'insert' ? 0 : 1, ...(how === 'remove' ? [] : [replacement]))
        const changed = Buffer.from(bytes)
        for (const candidate of [text, changed.toString()]) {
          if (!isPlain(candidate)) continue
          taken++
          assert.ok(isCanonical(candidate), candidate)
        }
      }),
      { numRuns: 20_000, seed: 9 },
    )
    assert.ok(taken > 10_000, `only ${taken} were taken`)
  })
})
