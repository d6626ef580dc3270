import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import * as lab from '../../lab/der.ts'
import {
  CURVES,
  DIGESTS,
  DIGEST_SIGNATURES,
  WHOLE_ALGORITHMS,
  ecStrength,
  rsaStrength,
} from '../../pki/algorithmTable.ts'
import type { SignatureScheme } from '../../pki/algorithms.ts'
import { retirementsOf } from '../../pki/retirement.ts'
import type { AlgorithmTraits } from '../../pki/retirement.ts'
import { bitLength, signatureStrength } from '../../pki/strength.ts'

describe('strengths', () => {
  it('are those of SP 800-57 part 1 table 2, the lower one between two rows', () => {
    const rsa = [1023, 1024, 2047, 2048, 3071, 3072, 4096, 7680, 15_360].map(rsaStrength)
    assert.deepEqual(rsa, [0, 80, 80, 112, 112, 128, 128, 192, 256])
    assert.deepEqual(
      [159, 160, 224, 255, 256, 384, 512, 521].map(ecStrength),
      [0, 80, 112, 112, 128, 192, 256, 256],
    )
  })

  it('of a signature show its key, also where a number in it is short by chance', () => {
    const ecdsa: SignatureScheme = {
      name: 'ECDSA-SHA512',
      verification: { unsupported: '' },
      strength: 256,
      quantumSafe: false,
      family: 'ECDSA',
    }
    const pair = (r: number, s: number) =>
      lab.sequence(lab.integer((1n << BigInt(r)) - 1n), lab.integer((1n << BigInt(s)) - 1n))
    const strength = (r: number, s: number) => signatureStrength(ecdsa, pair(r, s))
    assert.deepEqual([strength(256, 249), strength(225, 200), strength(500, 521)], [128, 128, 256])
    assert.deepEqual([strength(384, 300), strength(224, 224), strength(190, 3)], [192, 112, 80])
    for (const broken of [new Uint8Array(), Buffer.from('3003020100', 'hex'), pair(522, 522)]) {
      assert.equal(signatureStrength(ecdsa, broken), undefined)
    }
    const rsa = { ...ecdsa, name: 'RSA-SHA512', family: 'RSA' } as const
    assert.deepEqual(
      [128, 256, 384, 512].map((n) => signatureStrength(rsa, new Uint8Array(n))),
      [80, 112, 128, 128],
    )
    assert.equal(signatureStrength({ ...rsa, strength: undefined }, new Uint8Array(256)), undefined)
  })

  it('counts the bits of a number', () => {
    assert.deepEqual(
      ['', '00', '01', '0080', '010000'].map((hex) => bitLength(Buffer.from(hex, 'hex'))),
      [0, 0, 1, 8, 17],
    )
  })
})

/** Ids and dates that concern an algorithm. */
const said = (traits: Partial<AlgorithmTraits> & { readonly name: string }): string[] =>
  retirementsOf({ bits: 0, strength: 128, quantumSafe: false, ...traits }).map(
    ({ id, deprecatedAfter, allowedUntil }) => [id, deprecatedAfter ?? '-', allowedUntil ?? '-'].join(' '),
  )

describe('the end of algorithms', () => {
  it('is what the documents say of RSA-2048', () => {
    assert.deepEqual(said({ name: 'RSA', bits: 2048, strength: 112 }), [
      'NIST-57-01 - 2030-12-31',
      'NIST-8547-01 2030-12-31 2035-12-31',
      'CNSA2-01 2026-12-31 -',
      'CNSA2-01 - 2035-12-31',
      'BSI-01 - 2035-12-31',
      'BSI-02 - never',
      'SOGIS-01 - 2025-12-31',
    ])
  })

  it('comes later for P-256, and not at all for ML-DSA-87', () => {
    assert.deepEqual(said({ name: 'EC P-256', bits: 256 }), [
      'NIST-8547-01 - 2035-12-31',
      'CNSA2-01 2026-12-31 -',
      'CNSA2-01 - 2035-12-31',
      'BSI-01 - 2035-12-31',
    ])
    assert.deepEqual(said({ name: 'ML-DSA-87', strength: 256, quantumSafe: true }), ['BR-KEY-02 - never'])
  })

  it('has come for SHA-1', () => {
    const dates = said({ name: 'RSA-SHA1', strength: 63 })
    for (const date of ['NIST-57-01 - never', 'BR-SIG-02 - 2022-05-31', 'BR-SIG-02 - 2026-09-14']) {
      assert.ok(dates.includes(date), date)
    }
    assert.ok(!dates.some((date) => date.startsWith('BR-SIG-01')))
    assert.ok(said({ name: 'RSA-SHA224', strength: 112 }).includes('BR-SIG-01 - never'))
  })

  it('is not made up for what is not known', () => {
    assert.deepEqual(said({ name: '1.2.3.4', strength: undefined, quantumSafe: undefined }), [])
  })
})

/** `sha512-256` as people write it: SHA-512/256. */
const written = (digest: string): string =>
  digest
    .toUpperCase()
    .replace(/^SHA(?=\d{3})/, 'SHA-')
    .replace(/^(SHA-512)-/, '$1/')
    .replace(/^SHA1$/, 'SHA-1')

describe('docs/verification.md', () => {
  const text = readFileSync(new URL('../../docs/verification.md', import.meta.url), 'utf8')

  it('names every algorithm of the tables', () => {
    const names = [
      ...Object.values(DIGESTS).map(({ name }) => written(name)),
      ...Object.values(CURVES).map(({ name }) => name),
      ...Object.values(WHOLE_ALGORITHMS).map(({ name }) => name.replace(/^(SLH-DSA)-.*/, '$1')),
      ...Object.values(DIGEST_SIGNATURES).map(({ family }) => family),
    ]
    assert.deepEqual(
      names.filter((name) => !text.includes(name)),
      [],
    )
  })

  it('names every statement about the end of an algorithm, with its dates', () => {
    const all = ['RSA', 'EC P-256', 'RSA-SHA1', 'RSA-SHA224', 'Ed25519'].flatMap((name) =>
      [512, 2048, 4096].flatMap((bits) =>
        retirementsOf({ name, bits, strength: rsaStrength(bits), quantumSafe: false }),
      ),
    )
    const section = text.slice(text.indexOf('## How long algorithms last'))
    for (const { id, document, seen, deprecatedAfter, allowedUntil } of all) {
      for (const part of [id, document, seen, deprecatedAfter, allowedUntil]) {
        assert.ok(part === undefined || section.includes(part), `${id}: ${part}`)
      }
    }
  })
})
