import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateKey } from '../../lab/issue.ts'
import { verifyCrl } from '../../pki/crl.ts'
import { openCrlReader } from '../../pki/crlStream.ts'
import { PLAIN, headOf, pieces, signedList } from './crlSupport.ts'
import * as lab from '../../lab/der.ts'
import { NOW, entity, refused } from './support.ts'

// CRLs of 5 million entries, made while they are read. What they cost, bench/crl.ts says; here they are bounded.

const MILLIONS = 5_000_000
const ca = await entity({ subject: 'CA', key: generateKey('rsa2048') })

/** Octets that the process has gained at most while `run` calls `look`. */
function gained(run: (look: () => void) => void): number {
  const start = process.memoryUsage.rss()
  let most = start
  run(() => (most = Math.max(most, process.memoryUsage.rss())))
  return most - start
}

describe('a CRL of 5 million entries', () => {
  it('is read and verified in at most 64 MB', () => {
    const stream = openCrlReader()
    const memory = gained((look) => {
      let count = 0
      for (const piece of pieces(ca, { count: MILLIONS, ...PLAIN })) {
        stream.push(piece)
        if (++count % 64 === 0) look()
      }
    })
    const crl = stream.finish()
    verifyCrl(crl, ca.parsed)
    assert.equal(crl.entries, MILLIONS)
    assert.equal(crl.size > 180_000_000, true)
    assert.ok(memory < 64 * 1024 * 1024, `${memory}`)
  })

  it('of one serial number is indexed, searched and counted as quickly as any', () => {
    const write = (to: Buffer, at: number): void => PLAIN.write(to, at, 1)
    const octets = new Map<number, Uint8Array>()
    const stream = openCrlReader({
      index: true,
      readAt: (offset, length) => {
        for (const [at, piece] of octets)
          if (offset >= at && offset + length <= at + piece.length)
            return piece.subarray(offset - at, offset - at + length)
        return assert.fail(`expected only the first entries to be read, not ${offset}`)
      },
    })
    let at = 0
    for (const piece of pieces(ca, { count: MILLIONS, size: PLAIN.size, write })) {
      stream.push(piece)
      if (at < 100_000) octets.set(at, Uint8Array.from(piece))
      at += piece.length
    }
    const crl = stream.finish()
    const serial = `7f${'5a'.repeat(12)}00000001`
    assert.equal(crl.find(serial)?.serial, serial)
    assert.equal(crl.find(`7f${'5a'.repeat(12)}00000002`), undefined)
    const { count, first } = crl.duplicates()
    assert.equal(count, MILLIONS - 1)
    assert.equal(first?.serial, serial)
    assert.ok(crl.indexed.index.size <= 24 * MILLIONS)
  })

  it('names the entry that is wrong, beyond all others', () => {
    const last = MILLIONS - 1
    const write = (to: Buffer, at: number, i: number): void => {
      PLAIN.write(to, at, i)
      // The month.
      if (i === last) to.write('13', at + 25, 'latin1')
    }
    const error = refused(
      () => {
        const stream = openCrlReader()
        for (const piece of pieces(ca, { count: MILLIONS, size: PLAIN.size, write })) stream.push(piece)
      },
      'decode',
      'bad_time',
    )
    assert.equal(error.path, `tbsCertList.revokedCertificates[${last}].revocationDate`)
  })
})

describe('a CRL of no entries', () => {
  it('is read with and without the list, which is noted', () => {
    for (const list of [[], [lab.sequence()]]) {
      const stream = openCrlReader({ index: true, readAt: () => assert.fail('expected nothing to be read') })
      stream.push(signedList(ca, [...headOf(ca), ...list]))
      const crl = stream.finish()
      verifyCrl(crl, ca.parsed)
      assert.deepEqual([crl.entries, crl.latestRevocation, crl.find('1')], [0, undefined, undefined])
      assert.deepEqual(
        crl.notes.map(({ code, path }) => [code, path]),
        list.map(() => ['empty_list', 'tbsCertList.revokedCertificates']),
      )
      assert.ok(crl.thisUpdate === NOW)
    }
  })
})
