import assert from 'node:assert/strict'
import type { Facts } from '../../../model/facts.ts'
import { judgeCrl, type CrlPolicy } from '../../../probes/crl/judge.ts'

const URL = 'http://crl.test/ca.crl'
const DISTRIBUTION = {
  url: URL,
  series: URL,
  urls: [URL],
  deltaUrls: [],
  partition: undefined,
  isDelta: false,
  schedule: undefined,
}

/** Facts of a CRL that is the first one at an address of which nothing special is declared. */
export function firstCrlFacts(octets: Uint8Array, issuer: CrlPolicy['issuer'], now: number): Facts {
  const { judge, judgement } = judgeCrl(octets, { issuer, isDelta: false }, now)
  assert.ok(judgement.facts !== undefined, judgement.error?.message)
  const past = { known: undefined, previous: undefined, certificates: new Map<string, number>() }
  return { ...judgement.facts, ...judge.compare({ ...past, distribution: DISTRIBUTION }) }
}
