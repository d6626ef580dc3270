// A second opinion: facts that PromQL can judge as well, and that vigil's verdict contradicts.
import { parseDuration } from '../../model/time.ts'
import type { Severity } from '../../model/finding.ts'
import type { Pack } from '../../rules/pack.ts'
import type { AlertingRule } from './rule.ts'

/** Longer than any interval of evaluation and scraping together. */
const WAIT = '5m'

/**
 * These fire only where vigil itself says `pass`, so nobody is told twice: when vigil sees the fault, they are silent. They need the pack's own
 * parameter where the rule has a threshold; where vigil.yaml overrides it, the alert has to be adapted or dropped.
 */
export function contradictionRules(pack: Pack): readonly AlertingRule[] {
  const maxAge = secondsOf(pack, 'crl_freshness_ok', 'max_age')
  return [
    contradiction(
      'VigilMissedExpiredCrl',
      'critical',
      `${crl('vigil_crl_next_update_timestamp_seconds')} < time()`,
      'crl_not_expired',
      'The CRL of {{ $labels.authority }} is past its nextUpdate',
    ),
    contradiction(
      'VigilMissedOldCrl',
      'warning',
      `time() - ${crl('vigil_crl_this_update_timestamp_seconds')} > ${maxAge}`,
      'crl_freshness_ok',
      'The CRL of {{ $labels.authority }} is {{ $value | humanizeDuration }} old',
    ),
    contradiction(
      'VigilMissedExpiredCertificate',
      'critical',
      `label_replace(
  label_join(vigil_certificate_not_after_timestamp_seconds, "subject", ",", "service", "environment"),
  "subject", "deployed_service_cert[$1]", "subject", "(.*)"
) < time()`,
      'cert_lifetime_threshold',
      'The certificate of {{ $labels.service }} ({{ $labels.environment }}) at {{ $labels.target }} has expired',
    ),
  ]
}

function crl(metric: string): string {
  return `label_replace(${metric}, "subject", "ca_crl[$1]", "authority", "(.*)")`
}

function contradiction(
  name: string,
  severity: Severity,
  fact: string,
  rule: string,
  what: string,
): AlertingRule {
  return {
    alert: name,
    expr: `(
${fact.replaceAll(/^/gm, '  ')}
)
and on (job, instance, subject) (vigil_finding_state{rule="${rule}", state="pass"} == 1)
`,
    for: WAIT,
    labels: { severity, component: 'vigil', rule },
    annotations: {
      summary: `${what}, but vigil's rule ${rule} passes`,
      description:
        'Prometheus and vigil disagree about a plain fact: one of the clocks is wrong, evaluation is stuck, or vigil.yaml overrides a parameter that this alert was made with.',
      runbook: `docs/prometheus.md#${name.toLowerCase()}`,
    },
  }
}

/** A parameter of the pack, as seconds. */
function secondsOf(pack: Pack, rule: string, parameter: string): number {
  const written = pack.rules.find((r) => r.id === rule)?.parameters[parameter]
  const duration = typeof written === 'string' ? parseDuration(written) : undefined
  if (duration === undefined)
    throw new Error(`expected a duration in ${rule}.${parameter} of pack ${pack.id}`)
  return duration / 1000
}
