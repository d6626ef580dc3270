import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { fails, isNotApplicable, isUnknown, NOW, passes, ran, type PackCases } from './harness.ts'

// Cases of the rules about what logs say beside responders, and beside the inventory.

const DAY = 86_400_000
const unread = isUnknown('the log was not read yet', { probe: ran() })

const issued = (changes: FactsOf<'issued'>): Facts => ({
  issued: {
    certificates: 100_000,
    unknown: 0,
    unknownCertificates: [],
    unknownProfiles: [],
    told: true,
    unlogged: [],
    ...changes,
  },
})
const unknown = (since: number): Facts =>
  issued({ unknown: 99_000, unknownProfiles: ['9 99000'], unknownSince: toTimestamp(since) })

const answered = (changes: FactsOf<'ocspRevocations'>): Facts => ({
  ocspRevocations: { behind: 0, unpublished: 0, unpublishedCertificates: [], unlogged: [], ...changes },
})
const unpublished = (since: number): Facts =>
  answered({ unpublished: 1, unpublishedCertificates: ['2a'], unpublishedSince: toTimestamp(since) })

export const INTERNAL_LOGGED: PackCases = {
  issued_certificates_known: [
    passes('all are known', issued({})),
    passes('they may be deployed yet', unknown(NOW - DAY)),
    fails('they are older', unknown(NOW - DAY - 1000)),
    unread,
  ],
  inventory_certificates_logged: [
    passes('all are', issued({})),
    fails('one is not', issued({ unlogged: ['2a in a file'] })),
    isNotApplicable('the log does not name all', issued({ told: false })),
    isUnknown('there are more certificates than vigil keeps', { issued: { unknown: 0, told: true } }),
  ],
  ocsp_revocations_published: [
    passes('all are', answered({})),
    passes('one is not, for a day', unpublished(NOW - DAY)),
    fails('for longer', unpublished(NOW - DAY - 1000)),
    unread,
  ],
  ocsp_revocations_logged: [
    passes('all are', answered({})),
    fails('one is not', answered({ unlogged: ['2a'] })),
    isNotApplicable('the log does not name all', { ocspRevocations: { unpublished: 0 } }),
    unread,
  ],
}
