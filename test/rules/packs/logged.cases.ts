import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { fails, isNotApplicable, isUnknown, NOW, passes, ran, type Case, type PackCases } from './harness.ts'

// Cases of the rules about what logs say beside responders, and beside the inventory.

const DAY = 86_400_000
const unread = isUnknown('the log was not read yet', { probe: ran() })

const issued = (changes: FactsOf<'issued'>): Facts => ({
  issued: {
    certificates: 100_000,
    undated: 0,
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

function cloned(clones: FactsOf<'clones'>): Facts {
  return { clones: { serialsTwice: 0, serialsOutside: 0, crlsTwice: 0, ...clones } }
}

/** What happened once, and is told of for a while. */
function contradiction(
  toldFor: number,
  name: string,
  made: (at: string, recent: readonly string[]) => FactsOf<'clones'>,
): readonly Case[] {
  const ago = (ms: number): Facts => cloned(made(toTimestamp(NOW - ms), ['2a: ca-1, ca-2']))
  return [
    passes('there is none', cloned({})),
    fails(`${name}, as long ago as is told`, ago(toldFor)),
    passes(`${name}, longer ago`, ago(toldFor + 1000)),
    unread,
  ]
}

export const INTERNAL_LOGGED: PackCases = {
  clones_serials_once: contradiction(7 * DAY, 'one was given twice', (at, recent) => ({
    serialsTwice: 1,
    serialsTwiceAt: at,
    serialsTwiceRecent: recent,
  })),
  clones_serials_in_range: contradiction(7 * DAY, 'one is outside', (at, recent) => ({
    serialsOutside: 1,
    serialsOutsideAt: at,
    serialsOutsideRecent: recent,
  })),
  clones_crl_numbers_once: contradiction(DAY, 'one was given twice', (at, recent) => ({
    crlsTwice: 1,
    crlsTwiceAt: at,
    crlsTwiceRecent: recent,
  })),
  clones_serials_left: [
    passes('a tenth is left', cloned({ serialsLeft: 10, serialsLeftOf: 'ca-2' })),
    fails('less is', cloned({ serialsLeft: 9, serialsLeftOf: 'ca-2' })),
    isNotApplicable('no range is declared', cloned({})),
    unread,
  ],
  issued_certificates_known: [
    passes('all are known', issued({})),
    passes('they may be deployed yet', unknown(NOW - DAY)),
    fails('they are older', unknown(NOW - DAY - 1000)),
    isNotApplicable('nobody knows which are in use', issued({ certificates: 0, undated: 100_000 })),
    unread,
  ],
  issued_certificates_kept: [
    passes('there is room for all', issued({ full: false })),
    fails('there is not', issued({ full: true })),
    isNotApplicable('nobody looked', issued({})),
    unread,
  ],
  inventory_certificates_logged: [
    passes('all are', issued({})),
    fails('one is not', issued({ unlogged: ['2a in a file'] })),
    isNotApplicable('the log does not name all', issued({ told: false })),
    isUnknown('it is not said', { issued: { unknown: 0, told: true } }),
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
