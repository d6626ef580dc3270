import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { retirementsOf, type AlgorithmTraits } from '../../../pki/retirement.ts'
import { loadPack } from '../../../rules/loadPack.ts'
import { CRYPTO_AGILITY } from './crypto-agility.cases.ts'
import { testPack } from './harness.ts'

testPack('crypto-agility', CRYPTO_AGILITY)

const RSA_2048: AlgorithmTraits = { name: 'RSA', bits: 2048, strength: 112, quantumSafe: false }
const P256: AlgorithmTraits = { name: 'EC P-256', bits: 256, strength: 128, quantumSafe: false }

/** `vigil inspect` shows what pki/retirement.ts says; the rules must not say something else. */
describe('dates of the pack are those of the table of retirements', () => {
  const rules = new Map(loadPack('crypto-agility').rules.map((rule) => [rule.id, rule]))

  /** The last day before a parameter of a rule changes. */
  function lastDay(rule: string, parameter: string): string | undefined {
    const from = rules.get(rule)?.parameters[parameter]?.at(-1)?.from
    return from === undefined ? undefined : new Date(from - 1).toISOString().slice(0, 10)
  }

  for (const [id, algorithm, rule, parameter] of [
    ['NIST-57-01', RSA_2048, 'nist57_certificate_strength', 'min_strength'],
    ['NIST-57-01', RSA_2048, 'nist57_crl_strength', 'min_strength'],
    ['NIST-57-01', RSA_2048, 'nist57_ocsp_strength', 'min_strength'],
    ['NIST-8547-01', P256, 'nist8547_certificate_class', 'classical'],
    ['NIST-8547-01', P256, 'nist8547_crl_class', 'classical'],
    ['NIST-8547-01', P256, 'nist8547_ocsp_class', 'classical'],
    ['BSI-01', P256, 'bsi_certificate_class', 'classical'],
    ['BSI-01', P256, 'bsi_crl_class', 'classical'],
    ['BSI-01', P256, 'bsi_ocsp_class', 'classical'],
    ['SOGIS-01', RSA_2048, 'sogis_rsa_size', 'min_bits'],
  ] as const) {
    it(`${id}: ${rule}`, () => {
      const stated = retirementsOf(algorithm).find((retirement) => retirement.id === id)
      assert.ok(stated?.allowedUntil !== undefined)
      assert.equal(lastDay(rule, parameter), stated.allowedUntil)
      assert.equal(rules.get(rule)?.source.advisory, stated.seen !== 'primary')
    })
  }

  it('CNSA2-01: cnsa2_certificate_new', () => {
    const stated = retirementsOf(P256).find((r) => r.id === 'CNSA2-01' && r.deprecatedAfter !== undefined)
    const from = rules.get('cnsa2_certificate_new')?.effective.from
    assert.equal(new Date((from ?? NaN) - 1).toISOString().slice(0, 10), stated?.deprecatedAfter)
  })
})
