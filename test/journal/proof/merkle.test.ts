import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  consistencyRanges,
  inclusionRanges,
  rootOfInclusion,
  rootsOfConsistency,
  type Range,
} from '../../../journal/proof/merkle.ts'
import { leafHash, nodeHash } from '../../../journal/tree.ts'

const LEAVES = Array.from({ length: 70 }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)))

/** The definition in RFC 9162 section 2.1.1, word for word. */
function hashOf({ start, end }: Range): Buffer {
  const [first] = LEAVES.slice(start, end)
  if (end - start === 1) return first ?? assert.fail()
  let k = 1
  while (k * 2 < end - start) k *= 2
  return nodeHash(hashOf({ start, end: start + k }), hashOf({ start: start + k, end }))
}

const rootOf = (size: number): Buffer => hashOf({ start: 0, end: size })

/** Every way in which a proof can be another one of nearly the same form. */
function* spoilt(proof: readonly Buffer[]): Generator<readonly Buffer[]> {
  const extra = leafHash(Buffer.from('another'))
  yield [...proof, extra]
  yield [extra, ...proof]
  for (const i of proof.keys()) {
    yield proof.filter((_, other) => other !== i)
    yield proof.with(i, extra)
  }
}

describe('an inclusion proof', () => {
  test('leads to the root, for every leaf of every tree', () => {
    for (let size = 1; size <= LEAVES.length; size++)
      for (let index = 0; index < size; index++) {
        const proof = inclusionRanges(index, size).map(hashOf)
        const leaf = LEAVES[index] ?? assert.fail()
        assert.deepEqual(rootOfInclusion(leaf, { index, size }, proof), rootOf(size), `${index} of ${size}`)
      }
  })

  test('is that of RFC 9162 section 2.1.5, with seven leaves', () => {
    const ranges = (index: number): string[] => inclusionRanges(index, 7).map((r) => `${r.start}-${r.end}`)
    assert.deepEqual(ranges(0), ['1-2', '2-4', '4-7'])
    assert.deepEqual(ranges(3), ['2-3', '0-2', '4-7'])
    assert.deepEqual(ranges(4), ['5-6', '6-7', '0-4'])
    assert.deepEqual(ranges(6), ['4-6', '0-4'])
  })

  test('leads nowhere when it is cut, extended or altered, or is about another leaf', () => {
    for (const size of [1, 2, 3, 7, 8, 13, 64, 70])
      for (let index = 0; index < size; index++) {
        const proof = inclusionRanges(index, size).map(hashOf)
        const leaf = LEAVES[index] ?? assert.fail()
        for (const other of spoilt(proof))
          assert.notDeepEqual(rootOfInclusion(leaf, { index, size }, other), rootOf(size))
        const next = LEAVES[index + 1] ?? leafHash(Buffer.from('another'))
        assert.notDeepEqual(rootOfInclusion(next, { index, size }, proof), rootOf(size))
        for (let place = 0; place <= size; place++)
          if (place !== index)
            assert.notDeepEqual(rootOfInclusion(leaf, { index: place, size }, proof), rootOf(size))
      }
  })

  test('counts beyond 2^32', () => {
    const size = 2 ** 40 + 1
    const proof = inclusionRanges(size - 1, size)
    assert.deepEqual(proof, [{ start: 0, end: 2 ** 40 }])
    const [leaf, left] = LEAVES
    assert.ok(leaf !== undefined && left !== undefined)
    assert.deepEqual(rootOfInclusion(leaf, { index: size - 1, size }, [left]), nodeHash(left, leaf))
    assert.equal(inclusionRanges(0, size).length, 41)
  })
})

describe('a consistency proof', () => {
  test('leads to both roots, for every pair of trees', () => {
    for (let size = 1; size <= LEAVES.length; size++)
      for (let before = 1; before <= size; before++) {
        const proof = consistencyRanges(before, size).map(hashOf)
        const roots = rootsOfConsistency(rootOf(before), { before, size }, proof)
        assert.deepEqual(roots, { before: rootOf(before), after: rootOf(size) }, `${before} in ${size}`)
      }
  })

  test('is that of RFC 9162 section 2.1.5, with seven leaves', () => {
    const ranges = (before: number): string[] =>
      consistencyRanges(before, 7).map((r) => `${r.start}-${r.end}`)
    assert.deepEqual(ranges(3), ['2-3', '3-4', '0-2', '4-7'])
    assert.deepEqual(ranges(4), ['4-7'])
    assert.deepEqual(ranges(6), ['4-6', '6-7', '0-4'])
    assert.deepEqual(ranges(7), [])
  })

  test('leads nowhere when it is cut, extended or altered, or is about other sizes', () => {
    for (const size of [2, 3, 7, 8, 13, 64, 70])
      for (let before = 1; before < size; before++) {
        const proof = consistencyRanges(before, size).map(hashOf)
        const expected = { before: rootOf(before), after: rootOf(size) }
        for (const other of spoilt(proof))
          assert.notDeepEqual(rootsOfConsistency(rootOf(before), { before, size }, other), expected)
        if (before > 1)
          assert.notDeepEqual(rootsOfConsistency(rootOf(before - 1), { before: before - 1, size }, proof), {
            before: rootOf(before - 1),
            after: rootOf(size),
          })
      }
  })

  test('of nothing, or of more than there is, is none', () => {
    assert.equal(rootsOfConsistency(rootOf(1), { before: 0, size: 1 }, []), undefined)
    assert.equal(rootsOfConsistency(rootOf(2), { before: 2, size: 1 }, []), undefined)
  })
})
