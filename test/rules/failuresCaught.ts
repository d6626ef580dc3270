/**
 * How a failure is caught. `comes and goes`: a whole vigil, under a switch that makes the failure, finds it and sees it end.
 * `in parts`: a probe says it of a real object, and the cases of the rule judge what it says.
 */
export interface Caught {
  readonly shown: 'comes and goes' | 'in parts'
  /** Of the shipped packs. */
  readonly rules: readonly string[]
  /** Alerts that others than the rules raise. */
  readonly alerts?: readonly string[]
  /** A fault of the lab, or what a test does. */
  readonly by: string
  readonly tests: readonly { readonly file: string; readonly name: string }[]
}

const CRL = 'test/probes/crl.test.ts'
const HTTP = 'test/probes/hostileHttp.test.ts'
const OCSP = 'test/probes/ocsp.test.ts'
const TLS = 'test/probes/tls.test.ts'
const LAB = 'test/cli/stack.test.ts'
const MONITOR = 'test/cli/monitorItself.test.ts'
const MONITOR_IN_LAB = 'test/cli/monitorFailures.test.ts'

/** By the id of the failure mode. Those that are missing are not shown to be caught yet. */
export const CAUGHT: Readonly<Record<string, Caught>> = {
  C01: inParts('crl_not_expired', 'an expired CRL', [CRL, 'an expired CRL fails in time, keeps its facts']),
  C03: whole('crl_freshness_ok', 'lab: crl-stale', [
    'test/cli/demo.test.ts',
    'the demo tells its story to the end in under 90 seconds and leaves evidence that verifies',
  ]),
  C10: inParts('crl_valid', "another CA's CRL", [CRL, 'the CRL of another CA fails in path']),
  C12: inParts('crl_valid', 'a flipped bit', [CRL, 'a CRL with one flipped bit fails in signature']),

  D01: inParts('crl_available', 'HTTP 404 and 500', [CRL, 'a status other than 200 fails in http']),
  D06: inParts('crl_valid', 'PEM, base64', [CRL, 'PEM and base64 are named']),
  D09: inParts(
    'crl_available',
    'a server for each',
    [HTTP, 'a redirect loop ends after three redirects'],
    [HTTP, 'a body shorter than its Content-Length is truncated'],
    [HTTP, 'a gzip bomb is not decompressed'],
    [HTTP, 'an endless body ends at the size limit'],
    [HTTP, 'a slow drip ends at the deadline'],
  ),

  O01: whole('ocsp_responder_available', 'lab: ocsp-down; slowness in parts', [
    LAB,
    'every fault of the lab is found',
  ]),
  O03: inParts('ocsp_response_valid', 'tryLater, unauthorized', [
    OCSP,
    'tryLater and unauthorized are named',
  ]),
  O05: inParts('ocsp_response_valid', 'one octet', [OCSP, 'a one-octet body fails in decode']),
  O06: inParts('ocsp_responder_available', 'HTTP 404', [OCSP, 'another media type or status fails in http']),
  O14: inParts('ocsp_response_valid', 'another serial', [OCSP, 'an answer for another serial fails']),
  O17: inParts('ocsp_response_valid', 'an answer from before', [
    OCSP,
    'a replayed answer fails in consistency',
  ]),
  O18: inParts('ocsp_response_valid', 'a foreign signer', [
    OCSP,
    'a delegated responder is accepted, a foreign one is not',
  ]),
  O20: inParts('ocsp_response_valid', 'an expired answer', [
    OCSP,
    'an expired answer keeps its dates and loses its status',
  ]),

  T09: whole('cert_lifetime_threshold', 'lab: cert-near-expiry', [
    MONITOR_IN_LAB,
    'M01: the series and the alert',
  ]),
  T11: whole('tls_identity_ok', 'lab: wrong-certificate; wildcards in parts (zone_no_wildcard)', [
    LAB,
    'every fault of the lab is found',
  ]),
  T13: inParts('tls_path_ok', 'a missing intermediate', [TLS, 'a missing intermediate fails in path']),
  T15: whole('ocsp_status_good', 'lab: revoked-served', [LAB, 'every fault of the lab is found']),

  M01: {
    shown: 'comes and goes',
    rules: ['cert_lifetime_threshold', 'tls_path_ok'],
    by: 'lab: cert-near-expiry, left to expire',
    tests: named(
      [MONITOR_IN_LAB, 'M01: the series and the alert'],
      ['test/server/metrics.test.ts', 'M01: keeps times and counts of a target that fails or has expired'],
    ),
  },
  M02: {
    shown: 'comes and goes',
    rules: ['ocsp_status_good'],
    by: 'lab: ocsp-down before the start',
    tests: named(
      [MONITOR_IN_LAB, 'M02, M03: what was never seen is not good until it was'],
      ['test/server/metrics.test.ts', 'M02: a judgement does not outlive the run that made it'],
    ),
  },
  M03: {
    shown: 'comes and goes',
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
    shown: 'comes and goes',
    rules: ['monitor_clock_steady', 'monitor_clock_right'],
    alerts: ['VigilClockAhead'],
    by: 'a clock that the test sets; servers that say another time',
    tests: named(
      [MONITOR, 'M04: that its clock was set forward and back, for a while'],
      [MONITOR, 'M04: the monitor says that the clocks of others contradict its own, until they do not'],
    ),
  },
  M05: {
    shown: 'comes and goes',
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
    shown: 'comes and goes',
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
    shown: 'comes and goes',
    rules: [],
    alerts: ['VigilWatchdog'],
    by: 'evaluation that stands still',
    tests: named(['test/alerts/deadMansSwitch.test.ts', "M07: the dead man's switch hears nothing any more"]),
  },
}

type Test = readonly [file: string, name: string]

function whole(rule: string, by: string, ...tests: readonly Test[]): Caught {
  return { shown: 'comes and goes', rules: [rule], by, tests: named(...tests) }
}

function inParts(rule: string, by: string, ...tests: readonly Test[]): Caught {
  return { shown: 'in parts', rules: [rule], by, tests: named(...tests) }
}

/** A name may be cut after some words. */
function named(...tests: readonly Test[]): Caught['tests'] {
  return tests.map(([file, name]) => ({ file, name }))
}
