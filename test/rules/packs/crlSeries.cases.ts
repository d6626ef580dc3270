import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import {
  byLints,
  fails,
  isNotApplicable,
  isUnknown,
  NOW,
  passes,
  ran,
  type Case,
  type PackCases,
} from './harness.ts'

// Cases of the rules about CRLs over time and beside each other, of several packs.

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const URL = 'http://crl.test/1.crl'
const OTHER = 'http://crl.test/2.crl'
/** Ballot SC-063: the CRL profile. */
const PROFILE = Date.parse('2024-03-15')

const refused = { probe: ran({ phase: 'signature', code: 'signature_invalid' }) }

const base: FactsOf<'crl'> = {
  issuer: 'CN=Issuing 1',
  number: '8',
  hasNumber: true,
  thisUpdate: toTimestamp(NOW - HOUR),
  entries: 100,
  isDelta: false,
  hasIssuingDistributionPoint: false,
  scope: '',
  distributionPoints: [],
  deltaUrls: [],
  entriesWithoutReason: 0,
}
const declared: FactsOf<'distribution'> = {
  url: URL,
  urls: [URL],
  deltaUrls: [],
  scheduled: false,
  partitioned: false,
  isDelta: false,
}
const unchanged: FactsOf<'crlSeries'> = {
  compared: true,
  newestNumber: '8',
  previousNumber: '7',
  numberIncreased: true,
  numbersMissing: 0,
  countsByOne: true,
  scopeChanged: false,
  previousScope: '',
  previousEntries: 100,
  added: 0,
  removed: 0,
  removedExpired: 0,
  removedEarly: 0,
  removedFromHold: 0,
  removedUnknown: 0,
  vanished: 0,
  vanishedSerials: [],
  reasonsLost: 0,
  reasonsChanged: 0,
  datesChanged: 0,
  changed: [],
}

interface Parts {
  readonly crl?: FactsOf<'crl'>
  readonly crlSeries?: FactsOf<'crlSeries'>
  readonly distribution?: FactsOf<'distribution'>
}

function series({ crl = {}, crlSeries = {}, distribution = {} }: Parts = {}): Facts {
  return {
    crl: { ...base, ...crl },
    crlSeries: { ...unchanged, ...crlSeries },
    distribution: { ...declared, ...distribution },
  }
}

const changed = (crlSeries: FactsOf<'crlSeries'>): Facts => series({ crlSeries })
const first: Facts = { crl: base, crlSeries: { compared: false }, distribution: declared }
const delta = series({ crl: { isDelta: true } })
/** Its octets, and those of the one before, are not at hand. */
const uncompared: Facts = {
  crl: base,
  crlSeries: { compared: true, numberIncreased: true, previousEntries: 100 },
  distribution: declared,
}

/** What holds for every rule that compares entries. */
const ofEntries: readonly Case[] = [
  passes('nothing changed', series()),
  isNotApplicable('the first CRL', first),
  isNotApplicable('a delta CRL', delta),
  isUnknown('the signature is wrong', refused),
]

const increasing: readonly Case[] = [
  passes('a higher number', series()),
  passes('the first one with a number', changed({ newestNumber: '8' })),
  fails('an old CRL', changed({ numberIncreased: false, newestNumber: '9' })),
  fails('the same number again', changed({ numberIncreased: false, newestNumber: '8' })),
  isNotApplicable('the first CRL', first),
  isNotApplicable('without a number', series({ crl: { hasNumber: false } })),
  isUnknown('the signature is wrong', refused),
]

const kept: readonly Case[] = [
  ...ofEntries,
  passes(
    'what left had expired, or was on hold',
    changed({ removed: 3, removedExpired: 2, removedFromHold: 1 }),
  ),
  fails('one vanished', changed({ removed: 1, vanished: 1, vanishedSerials: ['2a'] })),
  fails('one vanished among others that nobody knows', changed({ removedUnknown: 5, vanished: 1 })),
  isUnknown('nobody knows what left', {
    ...uncompared,
    crlSeries: { compared: true, removed: 1, removedUnknown: 1, removedEarly: 0 },
  }),
]

const keptAfterExpiry: readonly Case[] = [
  ...kept,
  fails('one left with the first CRL after it had expired', changed({ removed: 1, removedEarly: 1 })),
]

const scheduled = (nextDue: number): Facts => ({
  ...series({ distribution: { scheduled: true } }),
  crlSchedule: { nextDue: toTimestamp(nextDue), schedule: 'every 1d' },
})

const set = (changes: FactsOf<'crlSet'>): Facts => ({
  crlSet: {
    addresses: 4,
    partitions: 2,
    deltas: 1,
    missing: [],
    numberingGaps: [],
    undeclared: [],
    differing: [],
    deltasUnusable: [],
    listedTwice: 0,
    twice: [],
    ...changes,
  },
})

const reconciled = (changes: FactsOf<'reconciliation'>): Facts => ({
  reconciliation: {
    told: ['issued', 'revoked', 'crls'],
    revocations: 1,
    missing: 0,
    missingCertificates: [],
    unlogged: 0,
    unloggedEntries: [],
    crlsUnlogged: [],
    ...changes,
  },
})
const missing = (since: number): Facts =>
  reconciled({ missing: 1, missingCertificates: ['2a'], missingSince: toTimestamp(since) })
const issued = (status: string): Facts => ({ issuance: { serial: '2a', status } })

export const INTERNAL_CRL_SERIES: PackCases = {
  crl_revocations_published: [
    passes('all are there', reconciled({})),
    passes('one is missing for a day', missing(NOW - 24 * HOUR)),
    fails('one is missing for longer', missing(NOW - 24 * HOUR - 1000)),
    fails('one of those that are known is', {
      reconciliation: { ...missing(NOW - 48 * HOUR).reconciliation, told: [] },
    }),
    isNotApplicable('the log tells of none', reconciled({ told: ['issued'], revocations: 0 })),
    isUnknown('the log was not read yet', { probe: ran() }),
  ],
  crl_entries_logged: [
    passes('every entry', reconciled({})),
    fails('all but one', reconciled({ unlogged: 1, unloggedEntries: ['2a'] })),
    isNotApplicable('the log does not tell of all of them', reconciled({ told: ['issued'] })),
    isUnknown('there are more certificates than vigil keeps', {
      reconciliation: { told: ['revoked'], revocations: 1 },
    }),
  ],
  crl_issuance_logged: [
    passes('every CRL', reconciled({})),
    fails('all but one', reconciled({ crlsUnlogged: [`${OTHER} 8`] })),
    isNotApplicable('the log does not tell of CRLs', reconciled({ told: ['issued', 'revoked'] })),
    isUnknown('the log was not read yet', { probe: ran() }),
  ],
  cert_issuance_logged: [
    passes('it was', issued('logged')),
    fails('it was not', issued('not_logged')),
    fails('another has its serial number', issued('other_logged')),
    isNotApplicable('it is from before the log', issued('not_judged')),
    isUnknown('the log was not read yet', { probe: ran() }),
  ],
  crl_on_schedule: [
    passes('within the grace', scheduled(NOW - 15 * MINUTE)),
    fails('a second later', scheduled(NOW - 15 * MINUTE - 1000)),
    isNotApplicable('without a schedule', series()),
    isUnknown('the signature is wrong', refused),
  ],
  crl_number_increases: increasing,
  crl_numbers_complete: [
    passes('the next number', series()),
    fails('a number is missing', changed({ numbersMissing: 1 })),
    passes('an old CRL, which is another matter', changed({ numberIncreased: false })),
    isNotApplicable('numbers that are times', changed({ numbersMissing: 3600, countsByOne: false })),
    isNotApplicable(
      'a delta has the number',
      series({ crl: { deltaUrls: [OTHER] }, crlSeries: { numbersMissing: 1 } }),
    ),
    isNotApplicable('a delta is declared', series({ distribution: { deltaUrls: [OTHER] } })),
    isNotApplicable('the first CRL', first),
    isUnknown('the signature is wrong', refused),
  ],
  crl_entries_kept: kept,
  crl_not_shrunk: [
    ...ofEntries,
    passes('half is left', series({ crl: { entries: 50 } })),
    fails('less than half is left', series({ crl: { entries: 49 } })),
    fails('empty', series({ crl: { entries: 0 }, crlSeries: { removedUnknown: 100 } })),
    passes(
      'what is gone had expired',
      series({
        crl: { entries: 10 },
        crlSeries: { removedExpired: 80, removedEarly: 5, removedFromHold: 5 },
      }),
    ),
    fails('empty, and nobody can say what was there', { ...uncompared, crl: { ...base, entries: 0 } }),
    isNotApplicable('there were few', changed({ previousEntries: 4 })),
  ],
  crl_no_mass_revocation: [
    ...ofEntries,
    passes('fifty', changed({ added: 50, previousEntries: 0 })),
    fails('fifty-one, more than a twentieth', changed({ added: 51 })),
    passes('a twentieth of many', changed({ added: 500, previousEntries: 10_000 })),
    isUnknown('what was there is not at hand', uncompared),
  ],
  crl_reasons_kept: [
    ...ofEntries,
    fails('one is gone', changed({ reasonsLost: 1, changed: ['2a superseded -> none'] })),
    isUnknown('what was there is not at hand', uncompared),
  ],
  crl_entries_unchanged: [
    ...ofEntries,
    fails('another reason', changed({ reasonsChanged: 1 })),
    fails('another date', changed({ datesChanged: 1 })),
    isUnknown('what was there is not at hand', uncompared),
  ],
  crl_no_holds: [
    passes('other reasons', series({ crl: { reasons: ['keyCompromise 1', 'superseded 3'] } })),
    passes('no entries', series({ crl: { reasons: [] } })),
    fails('one on hold', series({ crl: { reasons: ['certificateHold 1', 'superseded 3'] } })),
    isUnknown('the signature is wrong', refused),
  ],
  crl_scope_matches: [
    passes('without a distribution point', series()),
    passes('its own address', series({ crl: { distributionPoints: [OTHER, URL] } })),
    passes('a copy', series({ crl: { distributionPoints: [OTHER] }, distribution: { urls: [URL, OTHER] } })),
    fails('another address', series({ crl: { distributionPoints: [OTHER], scope: OTHER } })),
    fails('a partition without a distribution point', series({ distribution: { partitioned: true } })),
    isUnknown('the signature is wrong', refused),
  ],
  crl_scope_unchanged: [
    passes('the same', series()),
    fails('another', changed({ scopeChanged: true })),
    isNotApplicable('the first CRL', first),
    isUnknown('the signature is wrong', refused),
  ],
  crl_issuer_encoded_as_subject: byLints({
    kinds: ['crl'],
    lints: ['crl_issuer_encoded_as_subject'],
    none: 'pass',
    facts: series(),
  }),
  crl_delta_declared: [
    passes('declared', series({ crl: { deltaUrls: [OTHER] }, distribution: { deltaUrls: [OTHER] } })),
    fails('not declared', series({ crl: { deltaUrls: [OTHER] } })),
    isNotApplicable('none is named', series()),
    isUnknown('the signature is wrong', refused),
  ],
  crl_copies_agree: [
    passes('the same', set({})),
    fails('one is behind', set({ differing: [`${OTHER} number 7`] })),
    isUnknown('not all were looked at yet', { probe: ran() }),
  ],
  crl_partitions_complete: [
    passes('all are there', set({})),
    fails('one is missing', set({ missing: ['2'] })),
    fails('one was left out', set({ numberingGaps: ['2'] })),
    fails('one is not declared', set({ undeclared: [OTHER] })),
    isUnknown('not all were looked at yet', { probe: ran() }),
  ],
  crl_partitions_disjoint: [
    passes('each on one', set({})),
    fails('one on two', set({ listedTwice: 1, twice: ['2a on 1, 2'] })),
    isNotApplicable('no partitions', set({ partitions: 0 })),
    isUnknown('they were not compared', { crlSet: { partitions: 2 } }),
  ],
  crl_delta_usable: [
    passes('it fits', set({})),
    fails(
      'its base is not published',
      set({ deltasUnusable: [`${OTHER} is based on CRL 9, published is 8`] }),
    ),
    isNotApplicable('no delta', set({ deltas: 0 })),
    isUnknown('not all were looked at yet', { probe: ran() }),
  ],
}

/** The same, made at the first moment of the profile, and a second before it. */
const dated = (facts: Facts, from: number): Case[] => {
  const at = (thisUpdate: number): Facts => ({
    ...facts,
    crl: { ...facts.crl, thisUpdate: toTimestamp(thisUpdate) },
  })
  return [
    fails('from the first second of the ballot', at(from)),
    isNotApplicable('a second before', at(from - 1000)),
  ]
}

export const BR_CRL_SERIES: PackCases = {
  br_crl_11_increasing: [...increasing, ...dated(changed({ numberIncreased: false }), PROFILE)],
  br_crl_12_partition: [
    passes(
      'its own URL',
      series({ crl: { distributionPoints: [URL] }, distribution: { partitioned: true } }),
    ),
    fails(
      'that of a copy',
      series({
        crl: { distributionPoints: [OTHER] },
        distribution: { partitioned: true, urls: [URL, OTHER] },
      }),
    ),
    isNotApplicable('no partition', series()),
    isUnknown('the signature is wrong', refused),
    ...dated(series({ distribution: { partitioned: true } }), Date.parse('2022-12-11')),
  ],
  br_crl_14: [
    passes('none', series()),
    fails(
      'one that says nothing new',
      series({ crl: { hasIssuingDistributionPoint: true, scope: `${URL} #0` } }),
    ),
    isNotApplicable(
      'it is for some certificates',
      series({ crl: { hasIssuingDistributionPoint: true, scope: 'CAs only #0' } }),
    ),
    isNotApplicable('a partition', series({ distribution: { partitioned: true } })),
    isUnknown('the signature is wrong', refused),
    ...dated(series({ crl: { hasIssuingDistributionPoint: true } }), PROFILE),
  ],
  br_crl_17: [
    passes('all have one', series()),
    fails('one has none', series({ crl: { entriesWithoutReason: 1 } })),
    isUnknown('the signature is wrong', refused),
    ...dated(series({ crl: { entriesWithoutReason: 1 } }), Date.parse('2023-07-15')),
  ],
  br_crl_19: keptAfterExpiry,
}

export const RFC_CRL_SERIES: PackCases = {
  rfc5280_05_increasing: increasing,
  rfc5280_crl_entries_kept: keptAfterExpiry,
}

export const ETSI_CRL_SERIES: PackCases = { etsi_not_reinstated: kept }
