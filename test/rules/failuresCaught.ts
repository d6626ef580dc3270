/** How a failure is caught that is no row of test/failures: a vigil, under what makes the failure, finds it and sees it end. */
export interface Caught {
  /** Of the shipped packs. */
  readonly rules: readonly string[]
  /** Alerts that others than the rules raise. */
  readonly alerts?: readonly string[]
  /** A fault of the lab, or what a test does. */
  readonly by: string
  readonly tests: readonly { readonly file: string; readonly name: string }[]
}

const MONITOR = 'test/cli/monitorItself.test.ts'
const MONITOR_IN_LAB = 'test/cli/monitorFailures.test.ts'

/** By the id of the failure mode. */
export const CAUGHT: Readonly<Record<string, Caught>> = {
  L02: {
    rules: ['log_not_altered'],
    by: 'a document that is deleted or changed in Elasticsearch',
    tests: named(
      ['test/collectors/elasticsearchAnswers.test.ts', 'L02: that lack a document which was there'],
      ['test/collectors/elasticsearch.test.ts', 'L02: a document that is changed later is a finding'],
    ),
  },
  L10: {
    rules: ['clones_serials_left', 'crl_copies_agree', 'crl_addresses_agree', 'ocsp_addresses_agree'],
    by: 'a range of which little is left; for what nodes serve, the switches of D02, D08 and O16',
    tests: named(
      ['test/probes/reconciliation/clones.test.ts', 'say how much of its range the one has left'],
      ['test/rules/packs/logged.cases.ts', 'clones_serials_left'],
    ),
  },
  M01: {
    rules: ['cert_lifetime_threshold', 'tls_path_ok'],
    by: 'lab: cert-near-expiry, left to expire',
    tests: named(
      [MONITOR_IN_LAB, 'M01: the series and the alert'],
      ['test/server/metrics.test.ts', 'M01: keeps times and counts of a target that fails or has expired'],
    ),
  },
  M02: {
    rules: ['ocsp_status_good'],
    by: 'lab: ocsp-down before the start',
    tests: named(
      [MONITOR_IN_LAB, 'M02, M03: what was never seen is not good until it was'],
      ['test/server/metrics.test.ts', 'M02: a judgement does not outlive the run that made it'],
    ),
  },
  M03: {
    rules: ['monitor_alerts_delivered', 'monitor_repairs_delivered'],
    alerts: ['VigilAlertsUndelivered', 'VigilAlertmanagerUnreachable'],
    by: 'nobody listens at the port',
    tests: named(
      [MONITOR, 'M03: that Alertmanager takes no alerts, until it does'],
      [MONITOR, 'M03: that the control plane takes no requests for repairs, until it does'],
      [MONITOR_IN_LAB, 'M02, M03: what was never seen is not good until it was'],
    ),
  },
  M04: {
    rules: ['monitor_clock_steady', 'monitor_clock_right'],
    alerts: ['VigilClockAhead'],
    by: 'a clock that the test sets; servers that say another time',
    tests: named(
      [MONITOR, 'M04: that its clock was set forward and back, for a while'],
      [MONITOR, 'M04: the monitor says that the clocks of others contradict its own, until they do not'],
    ),
  },
  M05: {
    rules: [
      'monitor_journal_written',
      'monitor_store_current',
      'monitor_elasticsearch_current',
      'monitor_disk_space',
      'monitor_disk_full',
    ],
    alerts: ['VigilTicksStopped', 'VigilNotReady', 'VigilStoreBehind'],
    by: 'a journal that refuses, a lock, a killed server; the disk itself in parts',
    tests: named(
      [MONITOR, 'M05: that the journal took nothing, afterwards, for a while'],
      [MONITOR, 'M05: that the store is behind while its database is locked, until it is not'],
      ['test/store/elasticsearchOutage.test.ts', 'M05: goes on watching while Elasticsearch is killed'],
      [
        'test/store/elasticsearch.test.ts',
        'says that an index is read-only, and writes when it is not any more',
      ],
      ['test/journal/fullDisk.test.ts', 'append rejects, nothing acknowledged is lost'],
      ['test/probes/self.test.ts', 'follows a disk that fills up, of two the fuller one'],
    ),
  },
  M06: {
    rules: ['monitor_probes_scheduled'],
    alerts: ['VigilProbeStopped'],
    by: 'a slow host with many targets',
    tests: named(
      [MONITOR, 'M06: that targets are not probed, because one host is slow with many of them'],
      [
        'test/rules/engine.test.ts',
        'becomes unknown when its evidence grows old, and recovers with the next run',
      ],
    ),
  },
  M07: {
    rules: [],
    alerts: ['VigilWatchdog'],
    by: 'evaluation that stands still',
    tests: named(['test/alerts/deadMansSwitch.test.ts', "M07: the dead man's switch hears nothing any more"]),
  },
}

type Test = readonly [file: string, name: string]

/** A name may be cut after some words. */
function named(...tests: readonly Test[]): Caught['tests'] {
  return tests.map(([file, name]) => ({ file, name }))
}
