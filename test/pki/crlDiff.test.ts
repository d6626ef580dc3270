import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { issueCrl } from '../../lab/issue.ts'
import type { RevokedEntry } from '../../lab/issue.ts'
import { parseCrl } from '../../pki/crl.ts'
import type { IndexedCrl } from '../../pki/crl.ts'
import { diffCrls } from '../../pki/crlDiff.ts'
import type { CrlDifference } from '../../pki/crlDiff.ts'
import { DAY, HOUR, NOW, entity } from './support.ts'

const ca = await entity({ subject: 'CA' })
const issue = async (revoked: readonly RevokedEntry[]): Promise<IndexedCrl> => {
  const times = { thisUpdate: NOW - HOUR, nextUpdate: NOW + DAY }
  return parseCrl(await issueCrl({ issuer: ca, number: 7n, ...times, revoked }), { index: true })
}

/** Serial numbers of each kind. */
function serials({ added, removed, changedDate, changedReason }: CrlDifference): Record<string, string[]> {
  for (const entries of [added, removed, changedDate, changedReason]) {
    assert.equal([...entries.list()].length, entries.count)
  }
  const pairs = (changes: CrlDifference['changedDate']): string[] =>
    [...changes.list()].map(({ before, after }) => {
      assert.equal(before.serial, after.serial)
      return before.serial
    })
  return {
    added: [...added.list()].map(({ serial }) => serial),
    removed: [...removed.list()].map(({ serial }) => serial),
    changedDate: pairs(changedDate),
    changedReason: pairs(changedReason),
  }
}

describe('the difference between two CRLs', () => {
  it('names what was added, removed and changed', async () => {
    const before = await issue([
      { serial: 'a1', at: NOW - DAY },
      { serial: 'a2', at: NOW - DAY, reason: 1 },
      { serial: 'a3', at: NOW - DAY, reason: 1 },
      { serial: 'a4', at: NOW - DAY },
      { serial: 'a5', at: Date.UTC(2100, 0) },
      { serial: 'a6', at: Date.UTC(2100, 0) },
    ])
    const after = await issue([
      { serial: 'b1', at: NOW },
      { serial: 'a6', at: Date.UTC(2100, 0) },
      { serial: 'a3', at: NOW, reason: 4 },
      { serial: 'a2', at: NOW - DAY, reason: 4 },
      { serial: 'a1', at: NOW - 2 * DAY },
      { serial: 'a5', at: Date.UTC(2101, 0) },
    ])
    const difference = diffCrls(before, after)
    assert.deepEqual(serials(difference), {
      added: ['b1'],
      removed: ['a4'],
      changedDate: ['a1', 'a3', 'a5'],
      changedReason: ['a2', 'a3'],
    })
    const [first] = difference.changedReason.list()
    assert.deepEqual([first?.before.reason, first?.after.reason], ['keyCompromise', 'superseded'])
  })

  it('counts a certificate that is listed again by its first entry', async () => {
    const twice = await issue([
      { serial: 'a1', at: NOW - DAY },
      { serial: 'a2', at: NOW - DAY, reason: 1 },
      { serial: 'a1', at: NOW },
    ])
    const once = await issue([
      { serial: 'a2', at: NOW - DAY, reason: 1 },
      { serial: 'a1', at: NOW - DAY },
    ])
    const none = { added: [], removed: [], changedDate: [], changedReason: [] }
    assert.deepEqual(serials(diffCrls(twice, once)), none)
    assert.deepEqual(serials(diffCrls(once, twice)), none)
    assert.deepEqual(serials(diffCrls(twice, twice)), none)
    assert.deepEqual(serials(diffCrls(await issue([]), twice)), { ...none, added: ['a1', 'a2'] })
    assert.deepEqual(serials(diffCrls(twice, await issue([]))), { ...none, removed: ['a1', 'a2'] })
  })

  it('is that of two maps by serial number', async () => {
    const entry = fc.record({
      serial: fc.integer({ min: 1000, max: 1080 }).map((n) => n.toString(16)),
      at: fc.constantFrom(NOW, NOW - DAY),
      reason: fc.constantFrom(0, 1, 4),
    })
    const list = fc.array(entry, { maxLength: 80 })
    await fc.assert(
      fc.asyncProperty(list, list, async (old, young) => {
        const first = (entries: typeof old) => new Map(entries.toReversed().map((e) => [e.serial, e]))
        const [before, after] = [first(old), first(young)]
        const both = [...before.keys()].filter((serial) => after.has(serial))
        const expected = {
          added: [...after.keys()].filter((serial) => !before.has(serial)),
          removed: [...before.keys()].filter((serial) => !after.has(serial)),
          changedDate: both.filter((serial) => before.get(serial)?.at !== after.get(serial)?.at),
          changedReason: both.filter((serial) => before.get(serial)?.reason !== after.get(serial)?.reason),
        }
        const got = serials(diffCrls(await issue(old), await issue(young)))
        for (const [kind, wanted] of Object.entries(expected)) {
          assert.deepEqual(got[kind]?.toSorted(), wanted.toSorted(), kind)
        }
      }),
      { numRuns: 200 },
    )
  })
})
