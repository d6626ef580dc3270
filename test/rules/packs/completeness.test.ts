import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadPack, SHIPPED_PACKS } from '../../../rules/loadPack.ts'
import { judge, uncovered } from './harness.ts'
import { PACK_CASES } from './table.ts'

describe('every rule of every shipped pack', () => {
  for (const id of SHIPPED_PACKS) {
    it(`has cases that make it fail, pass, unknown, and not applicable where it can be: ${id}`, () => {
      const { rules } = loadPack(id)
      const cases = PACK_CASES[id] ?? {}
      assert.deepEqual(uncovered(rules, cases), [])
      const known = new Set(rules.map((rule) => rule.id))
      assert.deepEqual(
        Object.keys(cases).filter((rule) => !known.has(rule)),
        [],
        'cases of rules that are not there',
      )
    })
  }

  for (const id of SHIPPED_PACKS) {
    it(`never passes without a single fact: ${id}`, () => {
      const green = loadPack(id).rules.filter((rule) => judge(rule, { probe: {} }).verdict === 'pass')
      assert.deepEqual(
        green.map((rule) => rule.id),
        [],
      )
    })
  }

  it('is in the table of cases', () => {
    assert.deepEqual(Object.keys(PACK_CASES).toSorted(), [...SHIPPED_PACKS].toSorted())
  })
})
