import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as lab from '../../lab/der.ts'
import { extension, issueCrl } from '../../lab/issue.ts'
import type { RevokedEntry } from '../../lab/issue.ts'
import { parseCrl, verifyCrl } from '../../pki/crl.ts'
import { CrlIndex, fingerprint } from '../../pki/crlIndex.ts'
import { openCrlReader } from '../../pki/crlStream.ts'
import { serialContent } from '../../pki/serial.ts'
import { PLAIN, headOf, pieces, signedList } from './crlSupport.ts'
import { DAY, HOUR, NOW, entity, refused } from './support.ts'

const ca = await entity({ subject: 'CA' })
const other = await entity({ subject: 'Other CA' })
const issue = (revoked: readonly RevokedEntry[]): Promise<Uint8Array> =>
  issueCrl({ issuer: ca, number: 7n, thisUpdate: NOW - HOUR, nextUpdate: NOW + DAY, revoked })

describe('an index of serial numbers', () => {
  it('finds what going through the list finds, for serials of every length', () => {
    const serial = fc
      .tuple(fc.constantFrom('', '-'), fc.bigInt({ min: 1n, max: 2n ** 320n }), fc.nat({ max: 319 }))
      .map(([sign, value, shift]) => `${sign}${((value >> BigInt(shift)) + 1n).toString(16)}`)
    const entry = fc.record({ serial, date: fc.nat({ max: 5 }) })
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), fc.array(serial), (entries, others) => {
        const fields = entries.map(({ serial, date }) =>
          lab.sequence(lab.tlv(2, serialContent(serial) ?? assert.fail(serial)), lab.time(NOW - date * DAY)),
        )
        const der = signedList(ca, [...headOf(ca), lab.sequence(...fields)])
        const plain = parseCrl(der)
        const indexed = parseCrl(der, { index: true })
        for (const wanted of [...entries.map(({ serial }) => serial), ...others, '0', 'x', '']) {
          assert.deepEqual(indexed.find(wanted), plain.find(wanted))
        }
        for (const { serial, date } of entries) assert.equal(plain.find(serial)?.serial, serial, `${date}`)
        const distinct = new Set(entries.map(({ serial }) => serial)).size
        assert.equal(indexed.duplicates().count, entries.length - distinct)
      }),
      { numRuns: 300 },
    )
  })

  it('gives other serial numbers other fingerprints, also those that differ only in length or in one bit', () => {
    const seen = new Set<string>()
    const add = (octets: readonly number[]): void => {
      const { high, low } = fingerprint(Uint8Array.from(octets))
      seen.add(`${high}.${low}`)
    }
    for (let length = 1; length <= 41; length++) {
      add(Array.from({ length }, () => 0))
      for (let bit = 0; bit < length * 8; bit++) {
        add(Array.from({ length }, (_, i) => (i === bit >> 3 ? 1 << (bit & 7) : 0)))
      }
    }
    assert.equal(seen.size, 41 + (8 * 41 * 42) / 2)
  })

  it('counts serial numbers that are listed again, and finds their first entry', async () => {
    const crl = parseCrl(
      await issue([
        { serial: 'aaaa', at: NOW - DAY, reason: 1 },
        { serial: 'bbbb', at: NOW - DAY },
        { serial: 'aaaa', at: NOW - 2 * DAY },
        { serial: 'bbbb', at: NOW - 3 * DAY, reason: 4 },
        { serial: 'aaaa', at: NOW - DAY },
      ]),
      { index: true },
    )
    assert.equal(crl.find('aaaa')?.reason, 'keyCompromise')
    assert.equal(crl.find('bbbb')?.reason, undefined)
    const { count, first } = crl.duplicates()
    assert.equal(count, 3)
    assert.deepEqual([first?.serial, first?.revokedAt], ['aaaa', NOW - 2 * DAY])
  })

  it('sorts groups of many equal fingerprints, so that none has to be searched from its beginning', () => {
    const index = new CrlIndex()
    // All in the first group, in no order; fingerprints are what the test says here.
    const lows = Array.from({ length: 3000 }, (_, i) => (i * 7919) % 1000)
    lows.forEach((low, i) => index.add({ high: 0, low }, i, 0, 7))
    for (let low = 0; low < 1000; low++) assert.equal(index.first(0, low), lows.indexOf(low))
    assert.equal(index.first(0, 1000), -1)
    assert.deepEqual([...index.matches({ high: 0, low: 5 })].length, 3)
    assert.deepEqual(index.duplicates, { count: 2000, first: 1000 })
  })
})

describe('an indirect CRL', () => {
  const about = (issuer: typeof ca) =>
    extension('2.5.29.29', true, lab.sequence(lab.context(4, issuer.parsed.subject.der)))
  const indirect = async (index: boolean) =>
    parseCrl(
      await issue([
        { serial: 'a1', at: NOW - DAY, reason: 1 },
        { serial: 'a2', at: NOW - DAY, extensions: [about(other)] },
        { serial: 'a1', at: NOW - DAY, reason: 3 },
        { serial: 'a3', at: NOW - DAY, reason: 5 },
        { serial: 'a3', at: NOW - DAY, reason: 4, extensions: [about(ca)] },
        { serial: 'a4', at: NOW - DAY },
      ]),
      index ? { index: true } : {},
    )
  for (const index of [false, true]) {
    it(`keeps the issuer that an entry names until another does (${index ? 'with' : 'without'} index)`, async () => {
      const crl = await indirect(index)
      const [own, others] = [ca.parsed.subject, other.parsed.subject]
      assert.equal(crl.find('a1')?.reason, 'keyCompromise')
      assert.equal(crl.find('a1', own)?.certificateIssuer, undefined)
      assert.equal(crl.find('a1', others)?.reason, 'affiliationChanged')
      assert.equal(crl.find('a1', others)?.certificateIssuer?.text, 'CN=Other CA')
      assert.equal(crl.find('a2'), undefined)
      assert.equal(crl.find('a2', others)?.serial, 'a2')
      assert.equal(crl.find('a3', others)?.reason, 'cessationOfOperation')
      assert.equal(crl.find('a3')?.reason, 'superseded')
      assert.equal(crl.find('a4')?.certificateIssuer?.text, 'CN=CA')
      assert.equal(crl.find('a4', others), undefined)
      assert.deepEqual(
        [...crl.list()].map(({ certificateIssuer }) => certificateIssuer?.text),
        [undefined, 'CN=Other CA', 'CN=Other CA', 'CN=Other CA', 'CN=CA', 'CN=CA'],
      )
      if ('duplicates' in crl) assert.equal(parseCrl(crl.der, { index: true }).duplicates().count, 0)
    })
  }

  it('finds the issuer of an entry across millions of others', () => {
    const index = new CrlIndex()
    for (let i = 0; i < 5000; i++) {
      index.add({ high: i, low: i }, i, 0, 7)
      if (i === 70 || i === 4096) index.markNaming()
    }
    const upTo = [0, 69, 70, 71, 4095, 4096, 4999].map((ordinal) => index.namingUpTo(ordinal))
    assert.deepEqual(upTo, [undefined, undefined, 70, 70, 70, 4096, 4096])
  })
})

describe('a spooled CRL', () => {
  it('is looked up in the file, in at most 24 octets an entry', () => {
    const directory = mkdtempSync(join(tmpdir(), 'vigil-crl-'))
    const file = openSync(join(directory, 'spool'), 'w+')
    try {
      const stream = openCrlReader({
        index: true,
        readAt: (offset, length) => {
          const octets = Buffer.alloc(length)
          return octets.subarray(0, readSync(file, octets, 0, length, offset))
        },
      })
      for (const piece of pieces(ca, { count: 100_000, ...PLAIN })) {
        writeSync(file, piece)
        stream.push(piece)
      }
      const crl = stream.finish()
      verifyCrl(crl, ca.parsed)
      assert.equal(crl.entries, 100_000)
      const prefix = `7f${'5a'.repeat(12)}`
      assert.equal(crl.find(`${prefix}00000000`)?.revokedAt, NOW - 472_000)
      for (const i of [1, 77, 99_999]) {
        const serial = `${prefix}${i.toString(16).padStart(8, '0')}`
        assert.equal(crl.find(serial)?.serial, serial)
      }
      assert.equal(crl.find(`${prefix}000186a0`), undefined)
      assert.deepEqual(crl.duplicates(), { count: 0, first: undefined })
      assert.ok(crl.indexed.index.size <= 24 * crl.entries, `${crl.indexed.index.size / crl.entries}`)
    } finally {
      closeSync(file)
      rmSync(directory, { recursive: true })
    }
  })

  it('is not believed when the octets of an entry are other ones than before', async () => {
    const der = Buffer.from(
      await issue([
        { serial: 'c0ffee', at: NOW, reason: 1 },
        { serial: 'beef', at: NOW },
      ]),
    )
    const spool = Buffer.from(der)
    const stream = openCrlReader({
      index: true,
      readAt: (offset, length) => spool.subarray(offset, offset + length),
    })
    stream.push(der)
    const crl = stream.finish()
    const at = der.indexOf(Buffer.from('00c0ffee', 'hex'))
    const date = at + 4
    const reason = der.indexOf(Buffer.from('0a0101', 'hex')) + 2
    // Of the serial number, and with it "not listed"; of the date; of the reason; of the header.
    for (const [place, octet] of [
      [at + 3, 0],
      [date + 4, 0x30],
      [reason, 8],
      [at - 2, 0x05],
    ] as const) {
      const kept = der[place] ?? 0
      assert.notEqual(kept, octet)
      spool[place] = octet
      refused(() => crl.find('c0ffee'), 'decode', place === at - 2 ? 'unexpected_tag' : 'bad_value')
      spool[place] = kept
      assert.equal(crl.find('c0ffee')?.reason, 'keyCompromise')
    }
  })

  it('is not believed when octets are gone', async () => {
    const der = Buffer.from(await issue([{ serial: 'c0ffee', at: NOW }]))
    for (const index of [true, undefined]) {
      let size = der.length
      const readAt = (offset: number, length: number): Uint8Array =>
        der.subarray(offset, Math.min(offset + length, size))
      const stream = index === true ? openCrlReader({ readAt, index }) : openCrlReader({ readAt })
      stream.push(der)
      const crl = stream.finish()
      size = der.indexOf(Buffer.from('00c0ffee', 'hex'))
      refused(() => crl.find('c0ffee'), 'decode', 'truncated')
    }
  })
})
