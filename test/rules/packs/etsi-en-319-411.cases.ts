import type { Facts } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { ETSI_CRL_SERIES } from './crlSeries.cases.ts'
import {
  fails,
  isNotApplicable,
  isUnknown,
  linted,
  NOW,
  passes,
  ran,
  type Case,
  type PackCases,
} from './harness.ts'
import { ETSI_OCSP_MATRIX } from './ocspMatrix.cases.ts'
import { everyDays, whileItHolds } from './statements.ts'

const SECOND = 1000
const HOUR = 3_600_000
const DAY = 24 * HOUR

const FOR_EVER = Date.parse('9999-12-31T23:59:59Z')

const NOT_FETCHED: Facts = { probe: ran({ phase: 'http' }) }
const NOT_VERIFIED: Facts = { probe: ran({ phase: 'signature' }) }

function crl(thisUpdate: number, nextUpdate = thisUpdate + DAY): Facts {
  return {
    crl: { issuer: 'CN=Issuing', thisUpdate: toTimestamp(thisUpdate), nextUpdate: toTimestamp(nextUpdate) },
  }
}

const CRL_UNKNOWN: readonly Case[] = [
  isUnknown('nothing was fetched', NOT_FETCHED),
  isUnknown('it did not verify', NOT_VERIFIED),
]

/** A certificate with these URLs, of a length in milliseconds, both ends counted. */
function certificate(length: number, urls: { ocsp?: string; crl?: string } = {}): Facts {
  return {
    certificate: {
      serial: 'abcd',
      notBefore: toTimestamp(NOW),
      notAfter: toTimestamp(NOW + length - SECOND),
      ocspUrls: urls.ocsp === undefined ? [] : [urls.ocsp],
      crlUrls: urls.crl === undefined ? [] : [urls.crl],
    },
  }
}

function answer(archiveCutoff?: number): Facts {
  const ocsp = { serial: 'abcd', producedAt: toTimestamp(NOW) }
  return {
    ocsp: { ...ocsp, ...(archiveCutoff === undefined ? {} : { archiveCutoff: toTimestamp(archiveCutoff) }) },
  }
}

export const ETSI_EN_319_411: PackCases = {
  ...ETSI_CRL_SERIES,
  etsi_crl_daily: [
    passes('24 hours old', crl(NOW - 24 * HOUR)),
    fails('a second older', crl(NOW - 24 * HOUR - SECOND)),
    fails('the last one, of an authority that is not tagged as ceased', crl(NOW - 2 * DAY, FOR_EVER)),
    ...CRL_UNKNOWN,
  ],
  etsi_crl_next_update: [
    passes('it is there', { ...crl(NOW), lint: linted(['crl']) }),
    fails('it is not', { ...crl(NOW), lint: linted(['crl'], { crl_next_update_present: 'fail' }) }),
    ...CRL_UNKNOWN,
  ],
  etsi_last_crl: [
    passes('nextUpdate is 99991231235959Z', crl(NOW - 365 * DAY, FOR_EVER)),
    fails('a second earlier', crl(NOW - DAY, FOR_EVER - SECOND)),
    fails('another one is announced', crl(NOW - DAY, NOW + DAY)),
    isUnknown('it does not say', { crl: { issuer: 'CN=Issuing', thisUpdate: toTimestamp(NOW) } }),
    ...CRL_UNKNOWN,
  ],
  etsi_last_crl_scope: whileItHolds(),
  etsi_carl_yearly: [
    passes('a year to the second', crl(Date.parse('2025-11-22T08:00:00Z'))),
    fails('a second older', crl(Date.parse('2025-11-22T07:59:59Z'))),
    passes(
      'a leap year is a year',
      crl(Date.parse('2027-11-22T08:00:00Z')),
      Date.parse('2028-11-22T08:00:00Z'),
    ),
    ...CRL_UNKNOWN,
  ],
  etsi_carl_next_update: [
    passes('a year', crl(Date.parse('2026-01-31T00:00:00Z'), Date.parse('2027-01-31T00:00:00Z'))),
    fails('a second longer', crl(Date.parse('2026-01-31T00:00:00Z'), Date.parse('2027-01-31T00:00:01Z'))),
    passes('366 days over a leap day', crl(Date.parse('2027-11-22'), Date.parse('2028-11-22'))),
    isUnknown('it does not say', { crl: { issuer: 'CN=Root', thisUpdate: toTimestamp(NOW) } }),
    ...CRL_UNKNOWN,
  ],
  etsi_carl_cross_certified: [
    passes('31 days old', crl(NOW - 31 * DAY)),
    fails('a second older', crl(NOW - 31 * DAY - SECOND)),
    ...CRL_UNKNOWN,
  ],
  etsi_status_outage: [
    passes('fetched', {}),
    passes('fetched, whatever it is', NOT_VERIFIED),
    ...(['resolve', 'connect', 'tls', 'http', 'size'] as const).map((phase) =>
      fails(`not fetched, in ${phase}`, { probe: ran({ phase }) }),
    ),
    isUnknown('nobody has tried', { probe: {} }),
  ],
  etsi_certificate_status_named: [
    passes('by a responder', certificate(90 * DAY, { ocsp: 'http://ocsp.test/' })),
    passes('by a CRL', certificate(90 * DAY, { crl: 'http://crl.test/' })),
    passes('short-term: 24 hours', certificate(24 * HOUR)),
    fails('a second longer', certificate(24 * HOUR + SECOND)),
    isUnknown('nothing was received', NOT_FETCHED),
  ],
  etsi_ocsp_named: [
    passes('a responder', certificate(90 * DAY, { ocsp: 'http://ocsp.test/' })),
    passes('short-term: 24 hours', certificate(24 * HOUR)),
    fails('a second longer, with a CRL only', certificate(24 * HOUR + SECOND, { crl: 'http://crl.test/' })),
    isUnknown('nothing was received', NOT_FETCHED),
  ],
  etsi_archive_cutoff: [
    passes('it is there', answer(NOW - 3650 * DAY)),
    fails('it is not', answer()),
    isUnknown('no answer', NOT_FETCHED),
    isUnknown('no answer verified', NOT_VERIFIED),
  ],
  etsi_archive_cutoff_ahead: [
    passes('366 days before the answer', answer(NOW - 366 * DAY)),
    fails('a second less', answer(NOW - 366 * DAY + SECOND)),
    isNotApplicable('there is none', answer()),
    isUnknown('no answer verified', NOT_VERIFIED),
  ],
  ...ETSI_OCSP_MATRIX,
  etsi_status_beyond_expiry: everyDays(366),
  etsi_revocation_delay: everyDays(92),
  eidas_revocation_delay: everyDays(92, { from: '2016-07-01' }),
  etsi_revocation_clock: everyDays(366),
  etsi_log_clock: everyDays(366),
  etsi_log_retention: everyDays(366),
  etsi_key_records: everyDays(366),
  nis2_incident_reporting: everyDays(366, { from: '2024-10-18' }),
  nis2_security_policies: everyDays(366, { from: '2024-11-07' }),
}
