import type { Facts } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { CERTIFICATE_CASES } from './cabf-tls-br.certificate.cases.ts'
import { CRL_CASES } from './cabf-tls-br.crl.cases.ts'
import { OCSP_CASES } from './cabf-tls-br.ocsp.cases.ts'
import { BR_CRL_SERIES } from './crlSeries.cases.ts'
import { fails, isNotApplicable, isUnknown, NOW, passes, type Case, type PackCases } from './harness.ts'

const SECOND = 1000
const DAY = 86_400 * SECOND

/** Signed then, and good until long after. */
const signed = (at: number, expires = NOW + 999 * DAY): Facts => ({
  attestation: { at: toTimestamp(at), expires: toTimestamp(expires) },
})

/** What every rule has that rests on a statement. */
const statement: readonly Case[] = [
  passes('signed today', signed(NOW)),
  passes('in its last second', signed(NOW - DAY, NOW + SECOND)),
  fails('expired', signed(NOW - DAY, NOW)),
  fails('signed in the future', signed(NOW + 999 * DAY)),
  isUnknown('nobody signed', {}),
]
/** Expired long ago, which fails once the ballot is in force. */
const from = (date: string): Case[] => [
  fails('from the first second of the ballot', signed(0, DAY), Date.parse(date)),
  isNotApplicable('a second before', signed(0, DAY), Date.parse(date) - SECOND),
]

const GOVERNANCE_CASES: PackCases = {
  br_avail_03: statement,
  br_gov_01: [
    ...statement,
    passes('366 days ago', signed(NOW - 366 * DAY)),
    fails('a second longer ago', signed(NOW - 366 * DAY - SECOND)),
  ],
  br_gov_02: [...statement, ...from('2025-03-15')],
  br_gov_03: [...statement, ...from('2025-12-01')],
  br_gov_04: [
    ...statement,
    passes('twelve calendar months ago', signed(Date.parse('2025-11-22T08:00:00Z'))),
    fails('a second longer ago', signed(Date.parse('2025-11-22T07:59:59Z'))),
  ],
}

export const CABF_TLS_BR: PackCases = {
  ...CRL_CASES,
  ...BR_CRL_SERIES,
  ...OCSP_CASES,
  ...CERTIFICATE_CASES,
  ...GOVERNANCE_CASES,
}
