import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Clones, type Telling } from '../../../probes/reconciliation/clones.ts'

const LOGS = [
  { id: 'a', serials: { first: '1', last: '64' } },
  { id: 'b', serials: { first: '65', last: 'c8' } },
]
const AT = Date.parse('2026-11-22T08:00:00Z')
const by = (log: string, seconds = 0): Telling => ({
  log,
  record: `vigil.test/0/${seconds}/0`,
  at: AT + seconds * 1000,
})

describe('clones of an authority', () => {
  it('that keep to what is theirs contradict in nothing', () => {
    const clones = new Clones(LOGS)
    for (const serial of ['1', '64']) clones.issued(serial, by('a'), undefined)
    for (const serial of ['65', 'c8']) clones.issued(serial, by('b'), undefined)
    clones.issued('1', by('a', 1), by('a'))
    for (const number of ['1', '2', '2']) clones.crlIssued(number, by('a'))
    const { serialsTwice, serialsOutside, crlsTwice } = clones.facts()
    assert.deepEqual([serialsTwice, serialsOutside, crlsTwice], [0, 0, 0])
  })

  it('that gave the same are named with both records, once, in whatever order they are told of', () => {
    const [forth, back] = [new Clones([]), new Clones([])]
    forth.issued('2a', by('b', 5), by('a', 1))
    for (let i = 0; i < 2; i++) back.issued('2a', by('a', 1), by('b', 5))
    forth.crlIssued('7', by('a', 1))
    forth.crlIssued('7', by('b', 5))
    back.crlIssued('7', by('b', 5))
    back.crlIssued('7', by('a', 1))
    assert.deepEqual(forth.facts(), back.facts())
    assert.deepEqual(forth.facts(), {
      serialsTwice: 1,
      serialsTwiceAt: '2026-11-22T08:00:05.000Z',
      serialsTwiceRecent: ['2026-11-22T08:00:05.000Z 2a: a vigil.test/0/1/0, b vigil.test/0/5/0'],
      serialsOutside: 0,
      serialsOutsideRecent: [],
      crlsTwice: 1,
      crlsTwiceAt: '2026-11-22T08:00:05.000Z',
      crlsTwiceRecent: ['2026-11-22T08:00:05.000Z CRL 7: a vigil.test/0/1/0, b vigil.test/0/5/0'],
    })
  })

  it('say how much of its range the one has left that has the least; what is outside uses none of it', () => {
    const clones = new Clones(LOGS)
    assert.deepEqual([clones.facts().serialsLeft, clones.facts().serialsLeftOf], [100, 'a'])
    clones.issued('a0', by('a'), undefined)
    clones.issued('32', by('a'), undefined)
    clones.issued('bf', by('b'), undefined)
    const { serialsLeft, serialsLeftOf, serialsOutside } = clones.facts()
    assert.deepEqual([serialsLeft, serialsLeftOf, serialsOutside], [9, 'b', 1])
    clones.issued('64', by('a'), undefined)
    assert.deepEqual([clones.facts().serialsLeft, clones.facts().serialsLeftOf], [0, 'a'])
  })

  it('of any number take bounded room', () => {
    const clones = new Clones(LOGS)
    for (let n = 0; n < 20_000; n++) {
      clones.issued((n + 1000).toString(16), by('b', n), by('a', n))
      clones.crlIssued(String(n), by('a', n))
      clones.crlIssued(String(n), by('b', n))
    }
    const { serialsTwice, serialsOutside, crlsTwice, serialsTwiceRecent } = clones.facts()
    assert.deepEqual(
      [serialsTwice, serialsOutside, crlsTwice, serialsTwiceRecent?.length],
      [1000, 1000, 1000, 5],
    )
  })
})
