import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { fails, isNotApplicable, isUnknown, NOW, passes, ran, type Case, type PackCases } from './harness.ts'
import { CONTROL_PLANES } from './controlPlane.cases.ts'
import { LOGS } from './logs.cases.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const GIB = 1024 ** 3

/** A monitor that is well, with everything configured, but for what a case changes. */
function monitor(changes: FactsOf<'monitor'> = {}): Facts {
  return {
    monitor: {
      alertReceivers: 1,
      alertsFailing: [],
      alertsUndelivered: 0,
      controlPlanes: 1,
      repairsUndelivered: 0,
      journalRefused: 0,
      storeLag: 0,
      usesElasticsearch: true,
      elasticsearchLag: 0,
      diskPath: '/var/lib/vigil',
      diskFree: 50 * GIB,
      diskFreeShare: 50,
      targets: 12,
      targetsOverdue: 0,
      overdue: [],
      clockStep: 0,
      clockStepDirection: '',
      clockSources: 3,
      clockOffset: 0,
      clockOffsetDirection: '',
      configurationCurrent: true,
      sourcesFailing: [],
      problems: [],
      memory: GIB / 8,
      memoryLimit: GIB,
      ...changes,
    },
  }
}

function follow(changes: FactsOf<'follow'> = {}): Facts {
  return {
    follow: {
      log: 'vigil.test/other/1',
      size: 9,
      grown: ago(MINUTE),
      forked: false,
      rolledBack: false,
      ...changes,
    },
  }
}

function backup(changes: FactsOf<'backup'> = {}, drill: FactsOf<'drill'> = {}): Facts {
  const made = { made: ago(HOUR), due: ago(0), failing: false, problem: '' }
  return {
    backup: { ...made, place: '/mnt/backup', entries: 9, octets: 9, duration: SECOND, ...changes },
    drill: { enabled: true, ...made, ...drill },
  }
}

const well = passes('all is well', monitor())
const unseen = isUnknown('nobody has looked', {})

const ago = (ms: number): string => toTimestamp(NOW - ms)
const refused = (seconds: number, ended: number): Facts =>
  monitor({ journalRefused: seconds * SECOND, journalRefusedUntil: ago(ended) })
const stepped = (clockStep: number, at: number): Facts =>
  monitor({ clockStep, clockStepDirection: 'back', clockSteppedAt: ago(at) })

/** `share` in percent and `free` in GiB that just suffice. */
const disk = (share: number, free: number): Case[] => [
  well,
  unseen,
  passes('little of a large disk', monitor({ diskFreeShare: share - 1, diskFree: free * GIB })),
  passes('much of a small disk', monitor({ diskFreeShare: share, diskFree: free * GIB - 1 })),
  fails('little in both', monitor({ diskFreeShare: share - 1, diskFree: free * GIB - 1 })),
]

function repair(status: string, inVain: number): Facts {
  const asked = { rule: 'crl_freshness_ok', requested: toTimestamp(NOW - MINUTE) }
  const since =
    inVain === 0 ? {} : { inVainSince: toTimestamp(NOW - HOUR), requestsInVain: ['reissue_crl-1'] }
  return { repair: { status, ...asked, inVain, ...since } }
}

export const OPERATIONS: PackCases = {
  ...LOGS,
  ...CONTROL_PLANES,
  monitor_alerts_delivered: [
    well,
    unseen,
    fails('one of two does not take them', monitor({ alertReceivers: 2, alertsFailing: ['http://am2/'] })),
    passes('one is on its way', monitor({ alertsUndelivered: 1 })),
    isNotApplicable('nobody is to be told', monitor({ alertReceivers: 0 })),
  ],
  monitor_repairs_delivered: [
    well,
    unseen,
    fails('one was not taken', monitor({ repairsUndelivered: 1 })),
    isNotApplicable('there is no control plane', monitor({ controlPlanes: 0 })),
  ],
  repair_effective: [
    unseen,
    passes('nothing was ever asked for', { repair: { status: 'none', inVain: 0 } }),
    passes('a repair is under way', repair('accepted', 0)),
    fails('a repair was in vain', repair('ineffective', 1)),
    fails('another one is under way', repair('accepted', 1)),
    passes('the other one was seen', repair('verified', 0)),
  ],
  monitor_journal_written: [
    well,
    unseen,
    fails('refused for a minute, just now', refused(60, 0)),
    fails('refused an hour ago', refused(60, HOUR)),
    passes('refused more than an hour ago', refused(60, HOUR + 1)),
    passes('a moment', refused(30, 0)),
  ],
  monitor_disk_space: disk(10, 10),
  monitor_disk_full: disk(2, 1),
  monitor_store_current: [
    well,
    unseen,
    passes('for five minutes', monitor({ storeLag: 5 * MINUTE })),
    fails('for longer', monitor({ storeLag: 5 * MINUTE + SECOND })),
  ],
  monitor_elasticsearch_current: [
    well,
    unseen,
    fails('for longer than five minutes', monitor({ elasticsearchLag: 6 * MINUTE })),
    isNotApplicable('it is not configured', monitor({ usesElasticsearch: false })),
  ],
  monitor_probes_scheduled: [
    well,
    unseen,
    fails('one waits', monitor({ targetsOverdue: 1, overdue: ['crl http://crl.example.org/a.crl'] })),
  ],
  monitor_clock_steady: [
    well,
    unseen,
    fails('set back by a minute, an hour ago', stepped(MINUTE, HOUR)),
    passes('before that', stepped(MINUTE, HOUR + 1)),
    passes('by five seconds', stepped(5 * SECOND, 0)),
  ],
  monitor_clock_right: [
    well,
    unseen,
    passes('within a minute', monitor({ clockOffset: MINUTE, clockOffsetDirection: 'ahead' })),
    fails(
      'behind two others',
      monitor({ clockSources: 2, clockOffset: HOUR, clockOffsetDirection: 'behind' }),
    ),
    isNotApplicable(
      'one other alone is no witness',
      monitor({ clockSources: 1, clockOffset: HOUR, clockOffsetDirection: 'behind' }),
    ),
  ],
  monitor_configuration_current: [
    well,
    unseen,
    fails('a reload was refused', monitor({ configurationCurrent: false })),
  ],
  monitor_logs_readable: [well, unseen, fails('one cannot', monitor({ sourcesFailing: ['ejbca-1'] }))],
  monitor_free_of_problems: [well, unseen, fails('reports', monitor({ problems: ['reports'] }))],
  monitor_memory_sufficient: [
    well,
    unseen,
    passes('90 %', monitor({ memory: 0.9 * 1000, memoryLimit: 1000 })),
    fails('91 %', monitor({ memory: 901, memoryLimit: 1000 })),
    isNotApplicable('nothing limits it', monitor({ memoryLimit: 0 })),
  ],
  attestations_authentic: [
    passes('all are taken', { attestation: { files: 3, refused: 0 } }),
    fails('one is refused', {
      probe: ran({ phase: 'signature', code: 'attestation_refused' }),
      attestation: { files: 3, refused: 1 },
    }),
    fails('the directory is gone', { probe: ran({ phase: 'resolve', code: 'attestations_unreadable' }) }),
    isUnknown('nobody has looked', { probe: {} }),
  ],
  monitor_backup_current: [
    passes('one is due just now', backup()),
    passes('one has failed, and there is time', backup({ failing: true, problem: 'full' })),
    fails('none was made since it was due', backup({ due: ago(3 * HOUR + 1) })),
    unseen,
  ],
  monitor_backup_restorable: [
    passes('the newest drill held', backup()),
    fails('it did not', backup({}, { failing: true, problem: 'epoch 1 is broken' })),
    isNotApplicable('nobody wants drills', { ...backup(), drill: { enabled: false } }),
    unseen,
  ],
  monitor_restore_drilled: [
    passes('one is due just now', backup()),
    fails('none was made since it was due', backup({}, { due: ago(7 * 24 * HOUR + 1) })),
    isNotApplicable('nobody wants drills', { ...backup(), drill: { enabled: false } }),
    unseen,
  ],
  followed_journal_not_forked: [
    passes('it is consistent', follow()),
    passes('it is silent', { probe: ran({ phase: 'connect', code: 'refused' }), ...follow() }),
    fails('it is not', {
      probe: ran({ phase: 'consistency', code: 'journal_forked' }),
      ...follow({ forked: true }),
    }),
    unseen,
  ],
  followed_journal_not_rolled_back: [
    passes('it grows', follow()),
    fails('it has less than it had', {
      probe: ran({ phase: 'consistency', code: 'journal_rolled_back' }),
      ...follow({ rolledBack: true }),
    }),
    unseen,
  ],
  followed_journal_heard: [
    passes('it has grown just now', follow()),
    passes('it is silent, not for long', follow({ grown: ago(15 * MINUTE) })),
    fails('it is silent', follow({ grown: ago(15 * MINUTE + 1) })),
    isUnknown('it was never heard', {
      follow: { log: 'vigil.test/other/1', forked: false, rolledBack: false },
    }),
  ],
}
