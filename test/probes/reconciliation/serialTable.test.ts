import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { SerialTable } from '../../../probes/reconciliation/serialTable.ts'

const HOUR = 3_600_000
const T = Date.parse('2026-11-22T08:00:00Z')

describe('a table of serial numbers', () => {
  it('finds each again among many, those that follow one another too, and says them as they were', () => {
    const table = new SerialTable(20_000)
    const serials = Array.from({ length: 10_000 }, (_, i) =>
      i % 2 === 0 ? (i + 1).toString(16) : randomBytes(20).toString('hex').replace(/^0+/, ''),
    )
    const rows = serials.map((serial) => table.put(serial))
    assert.deepEqual(
      serials.map((serial) => table.find(serial)),
      rows,
    )
    assert.deepEqual(
      rows.map((row) => table.serialOf(row ?? -1)),
      serials,
    )
    assert.equal(new Set(rows).size, serials.length)
    assert.equal(table.find('10000000'), undefined)
  })

  it('keeps what is known of each while it grows', () => {
    const table = new SerialTable(2000)
    const row = table.put('2a') ?? -1
    table.revoke(row, T)
    table.setNotAfter(row, T + 1000)
    table.setPosition(row, { epoch: 5, entry: 7, n: 3 })
    for (let i = 1000; i < 2500; i++) table.put(i.toString(16))
    assert.equal(table.put('2a'), row)
    assert.deepEqual(
      [table.revokedAt(row), table.notAfter(row), table.position(row)],
      [T, T + 1000, { epoch: 5, entry: 7, n: 3 }],
    )
  })

  it('takes no more than its limit, and still knows those that it has', () => {
    const table = new SerialTable(2)
    assert.deepEqual(
      ['1', '2', '3', '2'].map((serial) => table.put(serial)),
      [0, 1, undefined, 1],
    )
  })

  it('gives the rows of what has expired to others, and finds all that are left', () => {
    const table = new SerialTable(3000)
    const serials = Array.from({ length: 6000 }, (_, i) =>
      (i % 3 === 0 ? i + 1 : 2 ** 31 + i * 8191).toString(16),
    )
    const kept = new Map<string, number>()
    for (const [i, serial] of serials.entries()) {
      const row = table.isFull ? table.expired(T + i) : table.put(serial)
      assert.ok(row !== undefined)
      if (table.isFull && i >= 3000) {
        kept.delete(table.serialOf(row))
        table.reuse(row, serial)
      }
      assert.deepEqual([table.notAfter(row), table.hasStatus(row)], [undefined, false])
      table.setNotAfter(row, T - 10_000)
      if (i % 2 === 0) table.revoke(row, T)
      kept.set(serial, row)
    }
    assert.equal(kept.size, 3000)
    for (const serial of serials) assert.equal(table.find(serial), kept.get(serial), serial)
    assert.equal(table.expired(T - HOUR), undefined)
  })

  it('takes only what can be the serial number of a certificate', () => {
    const table = new SerialTable(10)
    for (const serial of ['', '-1', 'x', '2A', '1'.repeat(41)])
      assert.equal(table.put(serial), undefined, serial)
    assert.notEqual(table.put('f'.repeat(40)), undefined)
  })

  it('tells a certificate from another with its serial number, where it knows one', () => {
    const table = new SerialTable(10)
    const row = table.put('2a') ?? -1
    assert.equal(table.mayBe(row, 'aa'.repeat(32)), true)
    table.setDigest(row, 'aa'.repeat(32))
    assert.deepEqual(
      ['aa', 'ab'].map((octet) => table.mayBe(row, octet.repeat(32))),
      [true, false],
    )
  })
})
