// What only somebody beside vigil can see: that it is gone, or has stopped working.
import type { Severity } from '../../model/finding.ts'
import type { AlertingRule } from './rule.ts'

/** Seconds that the clock of evaluation may stand still, or differ from Prometheus's: a dozen ticks as they are by default. */
const TICK_LIMIT = 120

/** Seconds without a signed checkpoint; they are due every 60. */
const CHECKPOINT_LIMIT = 900

/** Seconds without anything that Alertmanager took; alerts and watchdog are due every 60. */
const ALERTS_LIMIT = 300

/** Entries that the store may be behind for a while: some minutes of sealing. */
const STORE_LAG_LIMIT = 300

export function selfRules(): readonly AlertingRule[] {
  return [
    alert('VigilAbsent', 'critical', '5m', 'absent(up{job="vigil"})', {
      summary: 'Prometheus scrapes no vigil',
      description:
        'The job "vigil" has no target, so nobody would notice that vigil is down. Correct the scrape configuration.',
    }),
    alert('VigilDown', 'critical', '2m', 'up{job="vigil"} == 0', {
      summary: 'vigil at {{ $labels.instance }} cannot be scraped',
      description:
        'Nothing is probed, judged or alerted there. Alerts that vigil sent end by themselves soon, without anything being repaired.',
    }),
    alert('VigilNotReady', 'critical', '5m', 'vigil_ready == 0', {
      summary: 'vigil at {{ $labels.instance }} does not take part in the work',
      description: 'Its journal or store is not open; /readyz says so too. Look at the problems on its page.',
    }),
    alert(
      'VigilTicksStopped',
      'critical',
      '1m',
      `(time() - vigil_tick_timestamp_seconds > ${TICK_LIMIT}) or (vigil_tick_timestamp_seconds != vigil_tick_timestamp_seconds)`,
      {
        summary: 'vigil at {{ $labels.instance }} evaluates nothing',
        description:
          'Its clock of evaluation stands still: the journal takes no records (disk full?) or the clock of its machine is slow. Verdicts are as old as the newest tick.',
      },
    ),
    alert('VigilClockAhead', 'warning', '5m', `vigil_tick_timestamp_seconds - time() > ${TICK_LIMIT}`, {
      summary: 'The clock of vigil at {{ $labels.instance }} is {{ $value | humanizeDuration }} ahead',
      description:
        'One of the two clocks is wrong, and ages and expiry are judged by it. Check NTP on both machines.',
    }),
    alert(
      'VigilProbeStopped',
      'warning',
      '5m',
      '(time() - vigil_probe_last_run_timestamp_seconds > 3 * vigil_probe_interval_seconds) or (vigil_probe_last_run_timestamp_seconds != vigil_probe_last_run_timestamp_seconds)',
      {
        summary: 'The probe {{ $labels.probe }} of {{ $labels.target }} does not run',
        description:
          'Three intervals passed without a run, or there was never one. Its findings become unknown. Look at the problems on the page; probes may be waiting for probes.concurrency.',
      },
    ),
    alert(
      'VigilStoreBehind',
      'warning',
      '10m',
      `min_over_time(vigil_store_lag_entries[5m]) > ${STORE_LAG_LIMIT}`,
      {
        summary: 'The store of vigil at {{ $labels.instance }} is {{ $value }} entries behind',
        description:
          'Page and API show old data; nothing is lost, the journal has it. Look for a full disk or a locked database.',
      },
    ),
    alert(
      'VigilCheckpointOld',
      'warning',
      '5m',
      `(time() - vigil_journal_last_checkpoint_timestamp_seconds > ${CHECKPOINT_LIMIT}) and (vigil_journal_unpublished_entries > 0)`,
      {
        summary: 'vigil at {{ $labels.instance }} signs no checkpoints',
        description:
          'New evidence is not covered by a signature. Check the key file and the disk of the journal.',
      },
    ),
    alert('VigilAlertsUndelivered', 'warning', '5m', 'vigil_alerts_undelivered > 0', {
      summary:
        '{{ $value }} alerts of vigil at {{ $labels.instance }} have not reached {{ $labels.receiver }}',
      description:
        'Alertmanager has not taken them for five minutes; vigil tries again with growing pauses, at least each alerts.interval. The problems on its page say why.',
    }),
    alert(
      'VigilAlertmanagerUnreachable',
      'warning',
      '2m',
      `(time() - vigil_alerts_last_success_timestamp_seconds > ${ALERTS_LIMIT}) or (vigil_alerts_last_success_timestamp_seconds != vigil_alerts_last_success_timestamp_seconds)`,
      {
        summary: 'vigil at {{ $labels.instance }} cannot reach {{ $labels.receiver }}',
        description:
          'Not even its watchdog was taken for minutes, or ever: what it finds now is told to nobody on that way. The alerts that it sent before end there by themselves.',
      },
    ),
    alert('VigilProblems', 'warning', '15m', 'vigil_problems > 0', {
      summary: 'vigil at {{ $labels.instance }} reports {{ $value }} problems of itself',
      description: 'Its page lists them.',
    }),
    watchdog(),
  ]
}

/** Told from vigil's own watchdog, which goes to Alertmanager straight, by its source: each way has a switch of its own. */
function watchdog(): AlertingRule {
  const rule = alert(
    'VigilWatchdog',
    'info',
    undefined,
    `max by (job) (vigil_tick_timestamp_seconds) > time() - ${TICK_LIMIT}`,
    {
      summary: 'vigil evaluates, and its alerts pass Prometheus and Alertmanager',
      description:
        'Fires as long as all is well. Send it to something that raises an alarm when it does not come any more.',
    },
  )
  return { ...rule, labels: { ...rule.labels, source: 'prometheus' } }
}

function alert(
  name: string,
  severity: Severity,
  wait: string | undefined,
  expr: string,
  text: { summary: string; description: string },
): AlertingRule {
  return {
    alert: name,
    expr,
    ...(wait === undefined ? {} : { for: wait }),
    labels: { severity, component: 'vigil' },
    annotations: { ...text, runbook: `docs/prometheus.md#${name.toLowerCase()}` },
  }
}
