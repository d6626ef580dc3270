// The overview board for Grafana. Runs at development time only; what it makes is committed as overview.json.
// The SDK prefers its model for Grafana 12 and later, which the older ones cannot import.
/* eslint-disable @typescript-eslint/no-deprecated */
import { PanelBuilder as BarGauge } from '@grafana/grafana-foundation-sdk/bargauge'
import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  BarGaugeDisplayMode,
  BigValueColorMode,
  GraphDrawStyle,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  VizOrientation,
} from '@grafana/grafana-foundation-sdk/common'
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  MappingType,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard'
import type { Dashboard, Panel, ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries'
import * as units from '@grafana/grafana-foundation-sdk/units'
import type { FindingState } from '../../model/finding.ts'

/** Chosen on the board, so that the file fits every Grafana. */
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }

const STATE_COLORS: Readonly<Record<FindingState, string>> = {
  pass: 'green',
  pending: 'yellow',
  fail: 'red',
  unknown: 'purple',
  not_applicable: 'text',
}

/** Grafana's grid is 24 columns wide. */
const FULL = 24
const HALF = 12
const QUARTER = 6
const HEIGHT = 8

/** The series that a panel shows now; with the range it would show how they came about. */
type When = 'now' | 'over time'

/** The board. Figures are facts; which of them are too high or too low is said by the rules, whose verdicts stand at the top. */
export function overview(): Dashboard {
  const board = layout().build()
  return { ...board, panels: board.panels?.map((panel, i) => ({ ...panel, id: i + 1 })) ?? [] }
}

function layout(): DashboardBuilder {
  return new DashboardBuilder('PKI Vigil: overview')
    .uid('pki-vigil-overview')
    .description(
      'What vigil watches, and how it is. Generated: changes go to dashboards/grafana/overview.ts.',
    )
    .tags(['pki', 'vigil'])
    .readonly()
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .withRow(new RowBuilder('Findings'))
    .withPanel(findingsByState())
    .withPanel(readiness())
    .withPanel(problems())
    .withPanel(failing())
    .withRow(new RowBuilder('CRLs'))
    .withPanel(
      lines('Age of the CRL', 'Since thisUpdate.', units.Seconds, {
        '{{authority}} {{target}}':
          'time() - max by (authority, target) (vigil_crl_this_update_timestamp_seconds)',
      }),
    )
    .withPanel(
      lines('Time until nextUpdate', 'Below zero the CRL has expired.', units.Seconds, {
        '{{authority}} {{target}}':
          'min by (authority, target) (vigil_crl_next_update_timestamp_seconds) - time()',
      }),
    )
    .withRow(new RowBuilder('OCSP'))
    .withPanel(
      lines(
        'OCSP latency',
        'The newest run of each responder if it succeeded, and the 95th percentile of all runs.',
        units.Seconds,
        {
          '{{subject}} {{target}}':
            'max by (subject, target) (vigil_probe_duration_seconds{probe="ocsp"} and (vigil_probe_success{probe="ocsp"} == 1))',
          'p95, all':
            'histogram_quantile(0.95, sum by (le) (rate(vigil_probe_run_duration_seconds_bucket{probe="ocsp"}[$__rate_interval])))',
        },
      ),
    )
    .withPanel(ocspSuccess())
    .withRow(new RowBuilder('Services and probes'))
    .withPanel(certificateLife())
    .withPanel(
      bars('Probe failures by phase', 'Failed runs of all probes: how far they came.', {
        '{{phase}}': 'sum by (phase) (increase(vigil_probe_failures_total[$__rate_interval]))',
      }),
    )
    .withRow(new RowBuilder('Audit log and actions'))
    .withPanel(
      bars('Audit events by outcome', 'What administrators and the authority did, as its log says.', {
        '{{source}} {{outcome}}':
          'sum by (source, outcome) (increase(vigil_audit_events_total[$__rate_interval]))',
      }),
    )
    .withPanel(
      lines(
        'Logs: since the newest event',
        'By the time in the log. Since a restart of vigil, as far as anything came.',
        units.Seconds,
        {
          '{{source}}': 'time() - max by (source) (vigil_audit_last_event_timestamp_seconds)',
        },
      ),
    )
    .withPanel(
      lines(
        'Logs: what they cannot account for',
        'Since each log is watched: records that were not understood or are missing, times that step back, signatures that do not fit, documents that were altered.',
        units.Short,
        {
          'unparsed {{log}}': 'max by (log) (vigil_log_unparsed_records)',
          'gaps {{log}}': 'max by (log) (vigil_log_gaps)',
          'losses {{log}}': 'max by (log) (vigil_log_losses)',
          'setbacks {{log}}': 'max by (log) (vigil_log_time_setbacks)',
          'bad signatures {{log}}': 'max by (log) (vigil_log_signatures_bad)',
          'alterations {{log}}': 'max by (log) (vigil_log_alterations)',
        },
      ),
    )
    .withPanel(
      lines(
        'Logs: security',
        'Failed authentications in 10 minutes; the others since each log is watched.',
        units.Short,
        {
          'failed authentications {{log}}': 'max by (log) (vigil_log_failed_authentications_all)',
          'denials {{log}}': 'max by (log) (vigil_log_denials)',
          'unplanned changes {{log}}': 'max by (log) (vigil_log_unplanned_changes)',
          'key exports {{log}}': 'max by (log) (vigil_log_key_exports)',
          'policy violations {{log}}': 'max by (log) (vigil_log_policy_violations)',
        },
      ),
    )
    .withPanel(
      lines(
        'Revocations beside the log',
        'What the log of an authority says is revoked, and where it is.',
        units.Short,
        {
          'in the log {{authority}}': 'max by (authority) (vigil_reconciliation_revocations)',
          'on a CRL {{authority}}': 'max by (authority) (vigil_reconciliation_revocations_published)',
          'missing {{authority}}': 'max by (authority) (vigil_reconciliation_revocations_missing)',
          'entries that the log does not know {{authority}}':
            'max by (authority) (vigil_reconciliation_entries_unlogged)',
        },
      ),
    )
    .withPanel(
      bars('Alerts and remediation', 'Alerts sent and resolved; steps of remediation.', {
        '{{kind}} {{status}}': 'sum by (kind, status) (increase(vigil_actions_total[$__rate_interval]))',
      }),
    )
    .withRow(new RowBuilder('Journal'))
    .withPanel(
      lines('Age of the newest tick, seal and checkpoint', 'A line that climbs has stopped.', units.Seconds, {
        'tick {{instance}}': 'time() - vigil_tick_timestamp_seconds',
        'seal {{instance}}': 'time() - vigil_journal_last_seal_timestamp_seconds',
        'checkpoint {{instance}}': 'time() - vigil_journal_last_checkpoint_timestamp_seconds',
      }),
    )
    .withPanel(
      lines('Entries waiting', 'Not covered by a checkpoint yet; not in the store yet.', units.Short, {
        'unpublished {{instance}}': 'vigil_journal_unpublished_entries',
        'not in the store {{instance}}': 'vigil_store_lag_entries',
      }),
    )
}

function findingsByState(): Builder<Panel> {
  const panel = new Stat()
    .title('Findings by state')
    .description(
      'One finding for each rule and what it is about. Unknown is not good: its evidence is missing.',
    )
    .datasource(DATASOURCE)
    .height(HEIGHT)
    .span(HALF)
    .unit(units.Short)
    .colorMode(BigValueColorMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .withTarget(
      query(
        'now',
        '{{state}}',
        'sum by (state) (max by (rule, subject, severity, state) (vigil_finding_state))',
      ),
    )
  for (const [state, color] of Object.entries(STATE_COLORS))
    panel.overrideByName(state, [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }])
  return panel
}

function readiness(): Builder<Panel> {
  const mapping: ValueMapping = {
    type: MappingType.ValueToText,
    options: {
      '0': { text: 'not ready', color: 'red', index: 0 },
      '1': { text: 'ready', color: 'green', index: 1 },
    },
  }
  return new Stat()
    .title('Vigil')
    .description('Takes part in the work: journal and store are open.')
    .datasource(DATASOURCE)
    .height(HEIGHT)
    .span(QUARTER)
    .mappings([mapping])
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .withTarget(query('now', '{{instance}}', 'vigil_ready'))
}

function problems(): Builder<Panel> {
  return new Stat()
    .title('Problems of vigil')
    .description('What the process reports of itself; its page lists them.')
    .datasource(DATASOURCE)
    .height(HEIGHT)
    .span(QUARTER)
    .unit(units.Short)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .withTarget(query('now', '{{instance}}', 'vigil_problems'))
}

function failing(): Builder<Panel> {
  const hidden = ['Time', 'instance', 'job', '__name__']
  return new Table()
    .title('What fails or is not known')
    .description('Empty when every rule that applies passes.')
    .datasource(DATASOURCE)
    .height(HEIGHT)
    .span(FULL)
    .unit(units.Seconds)
    .noValue('nothing')
    .withTarget(
      query(
        'now',
        '',
        `(vigil_finding_state{state=~"fail|unknown"} == 1) * on (job, instance, rule, subject) group_left () (time() - vigil_finding_since_timestamp_seconds)`,
      ).format(PromQueryFormat.Table),
    )
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: Object.fromEntries(hidden.map((name) => [name, true])),
        indexByName: Object.fromEntries(
          ['state', 'severity', 'subject', 'rule', 'Value'].map((name, i) => [name, i]),
        ),
        renameByName: { Value: 'for' },
      },
    })
}

function ocspSuccess(): Builder<Panel> {
  const runs = (matchers: string) =>
    `sum by (subject, target) (increase(vigil_probe_runs_total{probe="ocsp"${matchers}}[$__range]))`
  return new BarGauge()
    .title('OCSP success')
    .description('Part of the runs, over the time shown, that got a verified, timely answer.')
    .datasource(DATASOURCE)
    .height(HEIGHT)
    .span(HALF)
    .unit(units.PercentUnit)
    .min(0)
    .max(1)
    .displayMode(BarGaugeDisplayMode.Basic)
    .orientation(VizOrientation.Horizontal)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .withTarget(query('now', '{{subject}} {{target}}', `${runs(', outcome="success"')} / ${runs('')}`))
}

function certificateLife(): Builder<Panel> {
  return new BarGauge()
    .title('Certificate life left')
    .description('Until notAfter of the certificate that each service serves, shortest first.')
    .datasource(DATASOURCE)
    .height(HEIGHT)
    .span(HALF)
    .unit(units.Seconds)
    .displayMode(BarGaugeDisplayMode.Basic)
    .orientation(VizOrientation.Horizontal)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .withTarget(
      query(
        'now',
        '{{service}} {{environment}} {{target}}',
        'sort(min by (service, environment, target) (vigil_certificate_not_after_timestamp_seconds) - time())',
      ),
    )
}

/** Legend to query. */
type Queries = Readonly<Record<string, string>>

function lines(title: string, description: string, unit: string, queries: Queries): TimeSeries {
  const panel = new TimeSeries()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .height(HEIGHT)
    .span(HALF)
    .unit(unit)
  for (const [i, [legend, expr]] of Object.entries(queries).entries())
    panel.withTarget(query('over time', legend, expr).refId(String.fromCharCode(65 + i)))
  return panel
}

/** Counts, stacked. */
function bars(title: string, description: string, queries: Queries): TimeSeries {
  return lines(title, description, units.Short, queries)
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(80)
    .min(0)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal))
}

function query(when: When, legend: string, expr: string): DataqueryBuilder {
  const made = new DataqueryBuilder().datasource(DATASOURCE).expr(expr).legendFormat(legend).refId('A')
  return when === 'now' ? made.instant() : made.range()
}
