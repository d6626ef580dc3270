import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
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

// Rules about responders, of all packs: by the question of each minute, and by the many of each hour.

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const network = isUnknown('nothing was received', { probe: ran({ phase: 'connect', code: 'refused' }) })

function answered(changes: FactsOf<'ocsp'>, lint = linted(['ocsp'])): Facts {
  const ocsp = {
    serial: '4711',
    responder: 'CN=OCSP 1',
    responderSerial: 'aa',
    responderDelegated: true,
    responderNotAfter: toTimestamp(NOW + 90 * DAY),
    thisUpdate: toTimestamp(NOW - HOUR),
    nextUpdate: toTimestamp(NOW + HOUR),
    signatureAlgorithm: 'ECDSA-SHA256',
    signatureStrength: 128,
    nonceEchoed: true,
    ...changes,
  }
  return { ocsp, lint }
}

function at(time: number): string {
  return toTimestamp(time)
}

const noEnd = linted(['ocsp'], { ocsp_next_update_present: 'fail' })

const NODES: readonly Case[] = [
  passes('all alike', { addresses: { all: ['192.0.2.1'], failed: [], differing: [] } }),
  fails('one without answer', {
    addresses: { all: ['192.0.2.1'], failed: ['192.0.2.1 ocsp_try_later'], differing: [] },
  }),
  fails('one with another answer', {
    addresses: { all: ['192.0.2.1'], failed: [], differing: ['192.0.2.1'] },
  }),
  isUnknown('none answers, which is another matter', {
    probe: ran({ phase: 'connect', code: 'refused' }),
    addresses: { all: ['192.0.2.1'], failed: ['192.0.2.1 refused'], differing: [] },
  }),
]

const ANSWERS: PackCases = {
  ocsp_addresses_agree: NODES,
  ocsp_response_fresh: [
    passes('24 hours old', answered({ thisUpdate: at(NOW - DAY) })),
    fails('a second older', answered({ thisUpdate: at(NOW - DAY - SECOND) })),
    network,
  ],
  ocsp_next_update_reasonable: [
    passes('7 days', answered({ thisUpdate: at(NOW), nextUpdate: at(NOW + 7 * DAY) })),
    fails('a second more', answered({ thisUpdate: at(NOW), nextUpdate: at(NOW + 7 * DAY + SECOND) })),
    fails('without end', answered({}, noEnd)),
    network,
  ],
  ocsp_signer_outlives_answer: [
    passes('both end together', answered({ responderNotAfter: at(NOW + HOUR) })),
    fails('the certificate a second earlier', answered({ responderNotAfter: at(NOW + HOUR - SECOND) })),
    isNotApplicable('an answer without end', answered({}, noEnd)),
    network,
  ],
  ocsp_signer_time_left: [
    passes('7 days', answered({ responderNotAfter: at(NOW + 7 * DAY) })),
    fails('a second less', answered({ responderNotAfter: at(NOW + 7 * DAY - SECOND) })),
    isNotApplicable('the authority itself', answered({ responderDelegated: false })),
    network,
  ],
  ocsp_signature_strong: [
    passes('112 bits', answered({ signatureStrength: 112 })),
    fails('SHA-1', answered({ signatureStrength: 80, signatureAlgorithm: 'RSA-SHA1' })),
    network,
  ],
  ocsp_nonce_echoed: [
    passes('echoed', answered({})),
    fails('left out', answered({ nonceEchoed: false })),
    network,
  ],
}

const matrix = (changes: FactsOf<'ocspMatrix'>): Facts => ({
  ocspMatrix: {
    answers: ['get sha1: good', 'post sha1: good'],
    post: 'good',
    getAgrees: true,
    getDiffering: [],
    sha256Agrees: true,
    nonce: 'echoed',
    encodedPath: 'same',
    plainPath: 'same',
    served: 1,
    servedUnanswered: [],
    neverIssued: 'unknown',
    caching: [],
    ...changes,
  },
})

const NO_GET = { getAgrees: false, getDiffering: ['get sha1: http_404'] }

/** What stands since `since`, and other facts of the comparison. */
function disagreeing(since: number, lists: FactsOf<'crossCheck'>): Facts {
  const crossCheck = { compared: 4, status: [], dates: [], reasons: [], since: at(since), ...lists }
  return { ...matrix({}), crossCheck }
}

const agreeing: Facts = {
  ...matrix({}),
  crossCheck: { compared: 4, status: [], dates: [], reasons: [] },
}

function compared(kind: 'status' | 'dates' | 'reasons', delay: number): readonly Case[] {
  const lists = { [kind]: ['4711: CRL a, OCSP b'] }
  return [
    passes('they agree', agreeing),
    passes('they differ, for not too long', disagreeing(NOW - delay + SECOND, lists)),
    fails('they differ for too long', disagreeing(NOW - delay, lists)),
    isNotApplicable('there is no CRL to compare with', matrix({})),
    network,
  ]
}

const NEVER_ISSUED: readonly Case[] = [
  passes('unknown', matrix({})),
  passes('not authorized', matrix({ neverIssued: 'ocsp_unauthorized' })),
  fails('good', matrix({ neverIssued: 'good' })),
  network,
]

const WAYS: PackCases = {
  ocsp_get_agrees: [passes('it does', matrix({})), fails('it does not', matrix(NO_GET)), network],
  ocsp_get_paths: [
    passes('the same', matrix({})),
    fails('refused', matrix({ encodedPath: 'http_404' })),
    network,
  ],
  ocsp_cache_ends: [
    passes('other deviations', matrix({ caching: ['etag_missing'] })),
    fails('kept for too long', matrix({ caching: ['etag_missing', 'max_age_after_next_update'] })),
    isNotApplicable('GET is not answered', { ocspMatrix: { post: 'good' } }),
    network,
  ],
  ocsp_served_known: [
    passes('all', matrix({})),
    fails('one is not', matrix({ servedUnanswered: ['4711: unknown'] })),
    network,
  ],
  ocsp_never_issued_not_good: NEVER_ISSUED,
  ocsp_revoked_known: [
    passes('revoked', matrix({ revoked: 'revoked' })),
    fails('good', matrix({ revoked: 'good' })),
    fails('no answer', matrix({ revoked: 'http_404' })),
    isNotApplicable('none is declared', matrix({})),
    network,
  ],
  ocsp_crl_status_agrees: compared('status', HOUR),
  ocsp_crl_details_agree: [...compared('dates', HOUR), ...compared('reasons', HOUR)],
}

/** Of the pack internal-pki. */
export const INTERNAL_OCSP: PackCases = { ...ANSWERS, ...WAYS }

/** Of the pack rfc5280-6960. */
export const RFC_OCSP_MATRIX: PackCases = {
  rfc5019_02: [
    passes('as it should be', matrix({})),
    fails('GET fails', matrix(NO_GET)),
    fails('a header is missing', matrix({ caching: ['etag_missing'] })),
    network,
  ],
  rfc6960_get_plain: [
    passes('the same', matrix({})),
    fails('refused', matrix({ plainPath: 'http_404' })),
    network,
  ],
  rfc6960_04_never_issued: [
    passes('extended revoke', matrix({ neverIssued: 'revoked', neverIssuedForm: true })),
    fails('another form', matrix({ neverIssued: 'revoked', neverIssuedForm: false })),
    isNotApplicable('unknown', matrix({})),
    network,
  ],
  rfc9654_02: [
    passes('echoed', matrix({})),
    passes('ignored', matrix({ nonce: 'ignored' })),
    fails('refused', matrix({ nonce: 'ocsp_malformed_request' })),
    network,
  ],
  rfc9919_01: [passes('the same', matrix({})), fails('refused', matrix({ sha256Agrees: false })), network],
}

const BALLOT_80 = Date.parse('2013-08-02')

/** Of the pack cabf-tls-br. */
export const BR_OCSP_MATRIX: PackCases = {
  br_ocsp_07: [
    ...NEVER_ISSUED,
    isNotApplicable('before the ballot', matrix({ neverIssued: 'good' }), BALLOT_80 - SECOND),
  ],
  br_ocsp_08: [
    passes('it does', matrix({})),
    fails('it does not', matrix(NO_GET)),
    fails('not with / and +', matrix({ encodedPath: 'http_404' })),
    network,
  ],
}

/** Of the pack etsi-en-319-411. */
export const ETSI_OCSP_MATRIX: PackCases = {
  etsi_ocsp_crl_consistent: [
    ...compared('status', DAY),
    ...compared('dates', DAY),
    ...compared('reasons', DAY),
  ],
}
