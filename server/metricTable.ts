import { FACTS } from '../model/facts.ts'
import type { FactGroup, FactType, FactsOf } from '../model/facts.ts'
import type { Action } from '../model/action.ts'
import type { ProbeKind } from '../model/observation.ts'

/** A metric as it is exposed and documented. */
export interface Metric {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}

/**
 * What a fact's series shows when the newest run did not establish the fact.
 * `last established`: the value of the run that did; a time or a count stays true of the object that was seen, and goes on ageing.
 * `newest run`: NaN; a judgement such as "good" must never outlive the run that made it.
 */
export type Memory = 'last established' | 'newest run'

/** A fact as a metric. Labels are those of its probe, and one more for the states of a state set. */
export interface FactMetric extends Metric {
  readonly type: 'gauge'
  readonly probe: ProbeKind
  readonly group: FactGroup
  readonly fact: string
  readonly factType: FactType
  /** Closed vocabulary of a string fact: a series each, 1 for the current one and 0 for the others. */
  readonly states: { readonly label: string; readonly values: readonly string[] } | undefined
  readonly memory: Memory
}

/** Which inventory ids name a target of each probe, beside its URL or host:port. */
export const TARGET_LABELS = {
  crl: ['authority', 'target'],
  crl_set: ['authority', 'target'],
  ocsp: ['authority', 'target'],
  ocsp_matrix: ['authority', 'target'],
  tls: ['service', 'environment', 'target'],
  mtls: ['service', 'environment', 'target'],
  ca: ['authority', 'target'],
  health: ['system', 'target'],
  attestation: ['target'],
  slo: ['target'],
  self: ['monitor', 'target'],
} as const satisfies Record<ProbeKind, readonly string[]>

const OCSP_STATUS = { label: 'status', values: ['good', 'revoked', 'unknown'] }
/** As OpenSSL names them. */
const TLS_PROTOCOL = { label: 'protocol', values: ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] }

/** Every fact that is a metric. docs/metrics.md is generated from this table and the next. */
export const FACT_METRICS: readonly FactMetric[] = [
  fact('crl', 'crl', 'thisUpdate', 'vigil_crl_this_update_timestamp_seconds', 'thisUpdate of the CRL'),
  fact('crl', 'crl', 'nextUpdate', 'vigil_crl_next_update_timestamp_seconds', 'nextUpdate of the CRL'),
  fact('crl', 'crl', 'entries', 'vigil_crl_entries', 'Revoked certificates that the CRL lists'),
  fact('crl', 'crl', 'number', 'vigil_crl_number', 'CRL number; exact up to 2^53'),
  fact('crl', 'crl', 'size', 'vigil_crl_size_bytes', 'Size of the CRL'),
  fact('crl', 'lint', 'failures', 'vigil_crl_lint_failures', 'Lints that the CRL fails'),

  fact(
    'ocsp',
    'ocsp',
    'status',
    'vigil_ocsp_status',
    'Status in a verified, timely OCSP answer',
    OCSP_STATUS,
  ),
  fact(
    'ocsp',
    'ocsp',
    'thisUpdate',
    'vigil_ocsp_this_update_timestamp_seconds',
    'thisUpdate of the OCSP answer',
  ),
  fact(
    'ocsp',
    'ocsp',
    'nextUpdate',
    'vigil_ocsp_next_update_timestamp_seconds',
    'nextUpdate of the OCSP answer',
  ),
  fact(
    'ocsp',
    'ocsp',
    'producedAt',
    'vigil_ocsp_produced_at_timestamp_seconds',
    'When the responder signed the answer',
  ),
  fact(
    'ocsp',
    'ocsp',
    'responderNotAfter',
    'vigil_ocsp_responder_not_after_timestamp_seconds',
    'notAfter of the certificate that signed the OCSP answer',
  ),
  fact('ocsp', 'ocsp', 'nonceEchoed', 'vigil_ocsp_nonce_echoed', 'The answer repeats the nonce'),
  fact(
    'ocsp',
    'lint',
    'failures',
    'vigil_ocsp_lint_failures',
    "Lints that the OCSP answer and a delegated signer's certificate fail",
  ),

  fact(
    'tls',
    'certificate',
    'notBefore',
    'vigil_certificate_not_before_timestamp_seconds',
    'notBefore of the served certificate',
  ),
  fact(
    'tls',
    'certificate',
    'notAfter',
    'vigil_certificate_not_after_timestamp_seconds',
    'notAfter of the served certificate',
  ),
  fact(
    'tls',
    'certificate',
    'keyBits',
    'vigil_certificate_key_size',
    'Key size of the served certificate, in bits',
  ),
  fact(
    'tls',
    'ocsp',
    'status',
    'vigil_certificate_ocsp_status',
    'OCSP status of the served certificate',
    OCSP_STATUS,
  ),
  fact(
    'tls',
    'ocsp',
    'nextUpdate',
    'vigil_certificate_ocsp_next_update_timestamp_seconds',
    'nextUpdate of the OCSP answer about the served certificate',
  ),
  fact(
    'tls',
    'tls',
    'pathValid',
    'vigil_tls_path_valid',
    'The served chain leads to the declared issuer and verifies',
  ),
  fact(
    'tls',
    'tls',
    'identityMatches',
    'vigil_tls_identity_matches',
    'The served certificate names the expected host',
  ),
  fact(
    'tls',
    'tls',
    'clientCertificateAccepted',
    'vigil_tls_client_certificate_accepted',
    "The service accepted the prober's certificate",
  ),
  fact('tls', 'tls', 'chainLength', 'vigil_tls_chain_length', 'Certificates that the service sent'),
  fact('tls', 'tls', 'protocol', 'vigil_tls_protocol', 'Negotiated TLS version', TLS_PROTOCOL),
  fact(
    'tls',
    'lint',
    'failures',
    'vigil_tls_lint_failures',
    'Lints that the served certificate and the OCSP answer about it fail',
  ),
]

/** Which statuses each kind of action can have: a counter each, from the start. */
export const ACTION_STATUSES = {
  alert: ['sent', 'resolved', 'undelivered'],
  incident: ['opened', 'joined', 'left', 'acknowledged', 'owned', 'commented', 'closed'],
  remediation: ['requested', 'retried', 'accepted', 'failed', 'suppressed', 'verified', 'ineffective'],
} as const satisfies Record<Action['kind'], readonly Action['status'][]>

const TARGET = ['probe', 'subject', 'target'] as const
const OBJECTIVE = ['subject', 'objective'] as const

/** Windows of burn rates, as label values, and the facts that hold them. */
export const SLO_WINDOWS = [
  { window: '5m', fact: 'burn5m' },
  { window: '30m', fact: 'burn30m' },
  { window: '1h', fact: 'burn1h' },
  { window: '2h', fact: 'burn2h' },
  { window: '6h', fact: 'burn6h' },
  { window: '1d', fact: 'burn1d' },
  { window: '3d', fact: 'burn3d' },
] as const satisfies readonly { readonly window: string; readonly fact: keyof FactsOf<'slo'> }[]

/** Every metric that is not a fact. */
export const METRICS = {
  probeSuccess: gauge(
    'vigil_probe_success',
    '1 if the newest run succeeded, 0 if it failed, NaN before the first',
    TARGET,
  ),
  probeDuration: gauge('vigil_probe_duration_seconds', 'How long the newest run took', TARGET),
  probeLastRun: gauge('vigil_probe_last_run_timestamp_seconds', 'When the newest run started', TARGET),
  probeLastSuccess: gauge(
    'vigil_probe_last_success_timestamp_seconds',
    'When the newest run that succeeded started; NaN when none is known',
    TARGET,
  ),
  probeInterval: gauge('vigil_probe_interval_seconds', 'Time between runs, as configured', TARGET),
  probeRuns: counter('vigil_probe_runs_total', 'Runs', [...TARGET, 'outcome']),
  probeFailures: counter('vigil_probe_failures_total', 'Failed runs by the phase in which they failed', [
    'probe',
    'phase',
  ]),
  probeRunDuration: {
    name: 'vigil_probe_run_duration_seconds',
    type: 'histogram',
    help: 'Runs by how long they took',
    labels: ['probe'],
  },

  findingState: gauge('vigil_finding_state', '1 for the state that a finding is in, 0 for the other states', [
    'rule',
    'subject',
    'severity',
    'state',
    'waived',
  ]),
  findingSince: gauge('vigil_finding_since_timestamp_seconds', 'When the state of a finding began', [
    'rule',
    'subject',
  ]),

  sloTarget: gauge('vigil_slo_target_ratio', 'Wanted share of good events', OBJECTIVE),
  sloWindow: gauge('vigil_slo_window_seconds', 'Time over which it is wanted', OBJECTIVE),
  sloGood: gauge(
    'vigil_slo_good_events',
    'Good events in whole days (UTC), as many as the window has',
    OBJECTIVE,
  ),
  sloEvents: gauge('vigil_slo_events', 'Events in these days', OBJECTIVE),
  sloObserved: gauge('vigil_slo_observed_seconds', 'Hours of these days that have events', OBJECTIVE),
  sloExcluded: gauge('vigil_slo_excluded_seconds', 'Time of the window that maintenance excludes', OBJECTIVE),
  sloBudget: gauge('vigil_slo_budget_seconds', 'For how long it may be bad in the window', OBJECTIVE),
  sloRemaining: gauge(
    'vigil_slo_budget_remaining_ratio',
    'Share of the error budget that is left; below 0 when it is overspent',
    OBJECTIVE,
  ),
  sloBurnRate: gauge(
    'vigil_slo_burn_rate',
    'Share of bad events as a multiple of what the target allows; 1 spends exactly the budget in its window',
    [...OBJECTIVE, 'window'],
  ),

  auditEvents: counter('vigil_audit_events_total', 'Audit events taken in', ['source', 'action', 'outcome']),
  auditLastEvent: gauge(
    'vigil_audit_last_event_timestamp_seconds',
    'When the newest audit event happened, as its source says',
    ['source'],
  ),
  actions: counter('vigil_actions_total', 'Alerts and remediation steps by what became of them', [
    'kind',
    'status',
  ]),

  alertsActive: gauge('vigil_alerts_active', 'Alerts that should be firing', []),
  alertsUndelivered: gauge(
    'vigil_alerts_undelivered',
    'Alerts and resolutions that the receiver has not taken yet',
    ['receiver'],
  ),
  alertsLastSuccess: gauge(
    'vigil_alerts_last_success_timestamp_seconds',
    'When the receiver last took everything; NaN when it has not yet',
    ['receiver'],
  ),
  incidents: gauge('vigil_incidents', 'Incidents that are not closed', ['state']),

  tick: gauge(
    'vigil_tick_timestamp_seconds',
    'Newest tick of the clock by which rules are judged; stands still when evaluation does',
    [],
  ),
  journalEntries: gauge('vigil_journal_entries', 'Entries sealed in the journal', []),
  journalUnpublished: gauge(
    'vigil_journal_unpublished_entries',
    'Sealed entries that no signed checkpoint covers yet',
    [],
  ),
  journalLastSeal: gauge('vigil_journal_last_seal_timestamp_seconds', 'When the newest entry was sealed', []),
  journalCheckpoint: gauge(
    'vigil_journal_last_checkpoint_timestamp_seconds',
    'When the newest checkpoint was signed',
    [],
  ),
  storeLag: gauge('vigil_store_lag_entries', 'Sealed entries that the store has not applied yet', []),
  reloadSuccessful: gauge(
    'vigil_config_last_reload_successful',
    '1 if the newest reload of rules and waivers succeeded; 0 if the files hold something else than what is in force',
    [],
  ),
  reloadTime: gauge(
    'vigil_config_last_reload_success_timestamp_seconds',
    'When the configuration in force was taken over',
    [],
  ),
  ready: gauge('vigil_ready', '1 when /readyz answers 200', []),
  problems: gauge('vigil_problems', 'Problems that the process reports of itself; the page lists them', []),
  buildInfo: gauge('vigil_build_info', 'Always 1; the version is a label', ['version']),
} as const satisfies Record<string, Metric>

function gauge<const L extends readonly string[]>(name: string, help: string, labels: L) {
  return { name, type: 'gauge', help, labels } as const
}

function counter<const L extends readonly string[]>(name: string, help: string, labels: L) {
  return { name, type: 'counter', help, labels } as const
}

function fact<G extends FactGroup>(
  probe: ProbeKind,
  group: G,
  name: keyof (typeof FACTS)[G] & string,
  metric: string,
  help: string,
  states?: FactMetric['states'],
): FactMetric {
  const types: Readonly<Record<string, FactType>> = FACTS[group]
  const factType = types[name]
  if (factType === undefined) throw new Error(`expected a fact, got ${group}.${name}`)
  return {
    name: metric,
    type: 'gauge',
    help,
    labels: [...TARGET_LABELS[probe], ...(states === undefined ? [] : [states.label])],
    probe,
    group,
    fact: name,
    factType,
    states,
    memory: factType === 'bool' || states !== undefined ? 'newest run' : 'last established',
  }
}
