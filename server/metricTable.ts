import type { FactsOf } from '../model/facts.ts'
import type { Action } from '../model/action.ts'

/** A metric as it is exposed and documented. */
export interface Metric {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}

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

  publicationLatency: {
    name: 'vigil_revocation_publication_seconds',
    type: 'histogram',
    help: 'Revocations in logs of authorities by how long they took to be published: on a CRL (reconciliation), by OCSP (ocsp_revocations)',
    labels: ['probe', 'authority', 'target'],
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
  retentionTime: gauge(
    'vigil_retention_timestamp_seconds',
    'When what journal.retention names was last taken out of the journal; NaN when it has not been yet',
    [],
  ),
  retentionRemoved: gauge(
    'vigil_retention_removed',
    'What journal.retention has taken out of the journal since the start',
    ['what'],
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
