import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Der, TAG } from '../../pki/der.ts'
import { tlv } from '../../pki/derWriter.ts'
import { serialContent, serialText } from '../../pki/serial.ts'

const contentOf = (serial: string) => {
  const content = serialContent(serial)
  return content === undefined ? undefined : Buffer.from(content).toString('hex')
}

describe('serial numbers', () => {
  it('writes the shortest INTEGER, with a zero octet where the highest bit would be a sign', () => {
    const cases = { '0': '00', '7f': '7f', '80': '0080', fff: '0fff', '1': '01', a1b2c3: '00a1b2c3' }
    for (const [serial, content] of Object.entries(cases)) assert.equal(contentOf(serial), content, serial)
    const negative = { '-1': 'ff', '-80': '80', '-81': 'ff7f', '-8000': '8000' }
    for (const [serial, content] of Object.entries(negative)) assert.equal(contentOf(serial), content, serial)
  })

  it('refuses what serialText does not write', () => {
    for (const serial of [
      '',
      '00',
      '01',
      '-',
      '-0',
      '-01',
      'A1',
      '0x1',
      'g',
      '1 ',
      '8'.repeat(82),
      '1'.repeat(83),
      '-+1',
    ]) {
      assert.equal(contentOf(serial), undefined, serial)
    }
  })

  it('reads what it writes, and writes what it reads', () => {
    // 41 octets: all that the reader lets pass, so that everything that is listed can be looked up.
    const integer = fc.bigInt({ min: -(1n << 327n), max: (1n << 327n) - 1n })
    fc.assert(
      fc.property(integer, (number) => {
        const serial = number.toString(16)
        const content = serialContent(serial)
        assert.ok(content !== undefined)
        // The reader refuses anything but the shortest encoding.
        const der = Der.open(tlv(TAG.sequence, tlv(TAG.integer, content)), '', 100)
        assert.equal(serialText(der.integer('')), serial)
      }),
    )
  })
})
