import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EPOCH, FAR_DATE, NO_DATE, packDate, utcSeconds } from '../../pki/crlDate.ts'
import { utcTimeAt } from '../../pki/time.ts'

/** Both readings of 12 octets and a Z, in milliseconds; NaN: no date. */
function readings(octets: Uint8Array): { readonly fast: number; readonly strict: number } {
  const bytes = Buffer.concat([octets, Buffer.from('Z')])
  const packed = utcSeconds(bytes.readInt32BE(0), bytes.readInt32BE(4), bytes.readInt32BE(8))
  return { fast: packed === NO_DATE ? NaN : packed * 1000 + EPOCH, strict: utcTimeAt(bytes, 0) }
}

describe('a revocation date read four digits at a time', () => {
  it('is every day of a hundred years, and no other', () => {
    for (let year = 0; year < 100; year++) {
      for (let month = 0; month <= 13; month++) {
        for (let day = 0; day <= 32; day++) {
          const digits = [year, month, day].map((number) => String(number).padStart(2, '0')).join('')
          const { fast, strict } = readings(Buffer.from(`${digits}235959`))
          assert.equal(fast, strict, digits)
        }
      }
    }
  })

  it('is what the strict reader reads, whatever the octets', () => {
    const digit = fc.oneof(
      { weight: 40, arbitrary: fc.integer({ min: 0x30, max: 0x39 }) },
      fc.integer({ min: 0, max: 255 }),
    )
    fc.assert(
      fc.property(fc.array(digit, { minLength: 12, maxLength: 12 }), (octets) => {
        const { fast, strict } = readings(Uint8Array.from(octets))
        assert.equal(fast, strict)
      }),
      { numRuns: 20_000 },
    )
    for (const [hour, minute, second] of [
      ['24', '00', '00'],
      ['00', '60', '00'],
      ['00', '00', '60'],
      ['23', '59', '59'],
    ]) {
      const { fast, strict } = readings(Buffer.from(`260101${hour}${minute}${second}`))
      assert.equal(fast, strict)
    }
  })

  it('is packed as it would be read, up to the year 2086', () => {
    for (const ms of [Date.UTC(1950, 0), Date.UTC(2018, 0, 19), Date.UTC(2049, 11, 31, 23, 59, 59)]) {
      const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)
      assert.equal(packDate(ms), readings(Buffer.from(digits)).fast / 1000 - EPOCH / 1000)
    }
    assert.ok(packDate(Date.UTC(2086, 0)) < FAR_DATE)
    assert.equal(packDate(Date.UTC(2087, 0)), FAR_DATE)
    assert.equal(packDate(Date.UTC(9999, 11, 31)), FAR_DATE)
  })
})
