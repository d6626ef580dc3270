import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { fails, isNotApplicable, isUnknown, NOW, passes, type Case, type PackCases } from './harness.ts'

// Rules of the pack `operations` about logs.

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const ago = (ms: number): string => toTimestamp(NOW - ms)

const LOG: FactsOf<'log'> = {
  heard: true,
  silent: false,
  pauses: [],
  unparsed: 0,
  gaps: 0,
  setbacks: 0,
  setback: 0,
  losses: 0,
  alterations: 0,
  signable: true,
  badSignatures: 0,
}

const SECURITY: FactsOf<'security'> = {
  failedLogins: 0,
  failedLoginsAll: 0,
  failedLoginsBy: [],
  denials: 0,
  administratorIssuers: ['CN=Management CA'],
  newIssuers: 0,
  violations: 0,
  changeWindows: true,
  unplannedChanges: 0,
  logChanges: 0,
  keyExports: 0,
  errors: 0,
  publishesQueued: 0,
}

/** A log that is well, with everything that can be judged, but for what a case changes. */
function heard(log: FactsOf<'log'> = {}, security: FactsOf<'security'> = {}): Facts {
  return { log: { ...LOG, ...log }, security: { ...SECURITY, ...security } }
}

const well = passes('all is well', heard())
const unseen = isUnknown('nobody has looked', {})

/** What happened once, and is told of for a while. */
function toldFor(ms: number, name: string, made: (at: string, recent: readonly string[]) => Facts): Case[] {
  return [
    well,
    unseen,
    fails(`${name}, just now`, made(ago(0), ['2026-11-22T08:00:00Z it'])),
    fails(`${name}, as long ago as is told`, made(ago(ms), ['2026-11-22T08:00:00Z it'])),
    passes(`${name}, longer ago`, made(ago(ms + 1), ['2026-11-22T08:00:00Z it'])),
  ]
}

const silent = (ms: number, usualPause?: number): Facts =>
  heard({ silent: true, silentSince: ago(ms), ...(usualPause === undefined ? {} : { usualPause }) })

const unsigned = isNotApplicable('logs of this format are not signed', heard({ signable: false }))

const told = (unmatched: readonly string[]): Facts => ({ deployments: { told: true, unmatched } })

export const LOGS: PackCases = {
  log_not_silent: [
    well,
    unseen,
    passes('a day, of a log of which nothing is known', silent(26 * HOUR)),
    fails('longer', silent(26 * HOUR + 1)),
    passes('an hour longer than usual', silent(3 * HOUR, 2 * HOUR)),
    fails('more than that', silent(3 * HOUR + 1, 2 * HOUR)),
    passes('over a weekend, as always', silent(60 * HOUR, 62 * HOUR)),
  ],
  log_without_gaps: toldFor(DAY, 'a number is missing', (gapsAt, gapsRecent) =>
    heard({ gaps: 1, gapsAt, gapsRecent }),
  ),
  log_time_forward: [
    ...toldFor(DAY, 'an hour back', (setbacksAt, setbacksRecent) =>
      heard({ setbacks: 1, setback: HOUR, setbacksAt, setbacksRecent }),
    ),
    passes('by a minute', heard({ setbacks: 1, setback: MINUTE, setbacksAt: ago(0), setbacksRecent: [] })),
  ],
  log_not_cut: toldFor(DAY, 'cut', (lossesAt, lossesRecent) => heard({ losses: 1, lossesAt, lossesRecent })),
  log_not_altered: toldFor(DAY, 'a document was deleted', (alterationsAt, alterationsRecent) =>
    heard({ alterations: 1, alterationsAt, alterationsRecent }),
  ),
  log_signatures_valid: [
    ...toldFor(DAY, 'a bad signature', (badSignaturesAt, badSignaturesRecent) =>
      heard({ badSignatures: 1, badSignaturesAt, badSignaturesRecent }),
    ),
    unsigned,
  ],
  log_signed: [
    well,
    unseen,
    unsigned,
    passes('the next signature is to come', heard({ unsignedSince: ago(HOUR) })),
    fails('it does not come', heard({ unsignedSince: ago(HOUR + 1) })),
  ],
  log_understood: toldFor(HOUR, 'one is not understood', (unparsedAt, unparsedRecent) =>
    heard({ unparsed: 1, unparsedAt, unparsedRecent }),
  ),
  log_no_authentication_burst: [
    well,
    unseen,
    passes('ten of one', heard({}, { failedLogins: 10, failedLoginsAll: 100, failedLoginsBy: ['a 10'] })),
    fails('eleven of one', heard({}, { failedLogins: 11, failedLoginsAll: 11, failedLoginsBy: ['a 11'] })),
    fails('one each of many', heard({}, { failedLogins: 1, failedLoginsAll: 101, failedLoginsBy: ['a 1'] })),
  ],
  log_no_denials: toldFor(HOUR, 'denied', (denialsAt, denialsRecent) =>
    heard({}, { denials: 1, denialsAt, denialsRecent }),
  ),
  log_administrator_issuers: toldFor(DAY, 'another issuer', (newIssuersAt, newIssuersRecent) =>
    heard({}, { newIssuers: 1, newIssuersAt, newIssuersRecent }),
  ),
  log_no_violations: toldFor(HOUR, 'refused', (violationsAt, violationsRecent) =>
    heard({}, { violations: 1, violationsAt, violationsRecent }),
  ),
  log_changes_planned: [
    ...toldFor(DAY, 'a profile was edited', (unplannedChangesAt, unplannedChangesRecent) =>
      heard({}, { unplannedChanges: 1, unplannedChangesAt, unplannedChangesRecent }),
    ),
    isNotApplicable('no window is declared', heard({}, { changeWindows: false })),
  ],
  log_not_handled: toldFor(DAY, 'exported', (logChangesAt, logChangesRecent) =>
    heard({}, { logChanges: 1, logChangesAt, logChangesRecent }),
  ),
  log_keys_stay: toldFor(DAY, 'a key was exported', (keyExportsAt, keyExportsRecent) =>
    heard({}, { keyExports: 1, keyExportsAt, keyExportsRecent }),
  ),
  log_authority_works: toldFor(HOUR, 'no CRL was made', (errorsAt, errorsRecent) =>
    heard({}, { errors: 1, errorsAt, errorsRecent }),
  ),
  log_deployments_known: [
    passes('each names one', told([])),
    fails('one names nothing that is declared', told(['2026-11-22T07:00:00.000Z edge vigil.test/0/1/0'])),
    isNotApplicable('the log of a CA', { deployments: { told: false } }),
    isUnknown('nobody has looked', {}),
  ],
  log_publishers_keep_up: [
    well,
    unseen,
    passes('a hundred', heard({}, { publishesQueued: 100 })),
    fails('more', heard({}, { publishesQueued: 101 })),
  ],
}
