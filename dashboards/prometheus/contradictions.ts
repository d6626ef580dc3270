// A second opinion: facts that PromQL can judge as well, and that vigil's verdict contradicts.
import type { Severity } from '../../model/finding.ts'
import { parseDuration } from '../../model/time.ts'
import type { Pack, Rule } from '../../rules/pack.ts'
import type { AlertingRule } from './rule.ts'

/** Longer than any interval of evaluation and scraping together. */
const WAIT = '5m'

/**
 * The `promql` twins of rules. These fire only where vigil itself says `pass`, so nobody is told twice: when vigil sees the fault, they are silent.
 * They have the pack's own parameters; where vigil.yaml overrides one, the alert has to be adapted or dropped.
 */
export function contradictionRules(packs: readonly Pack[]): readonly AlertingRule[] {
  return packs.flatMap((pack) => pack.rules.flatMap(contradiction))
}

function contradiction(rule: Rule): readonly AlertingRule[] {
  if (rule.promql === undefined) return []
  const { alert, expr, severity, summary } = rule.promql
  return [
    {
      alert,
      expr: `(
${withParameters(rule, expr).replaceAll(/^/gm, '  ')}
)
and on (job, instance, subject) (vigil_finding_state{rule="${rule.id}", state="pass"} == 1)
`,
      for: WAIT,
      labels: { severity: atMostWarning(severity), component: 'vigil', rule: rule.id },
      annotations: {
        summary: `${summary}, but vigil's rule ${rule.id} passes`,
        description:
          'Prometheus and vigil disagree about a plain fact: one of the clocks is wrong, evaluation is stuck, or vigil.yaml overrides a parameter that this alert was made with.',
        runbook: `docs/prometheus.md#${alert.toLowerCase()}`,
      },
    },
  ]
}

/** Somebody should look at a contradiction, but it wakes nobody: from Prometheus only the absence of vigil and vigil's own verdicts do. */
function atMostWarning(severity: Severity): Severity {
  return severity === 'critical' ? 'warning' : severity
}

/** `${max_age}` is the parameter of the rule, as a number; a duration in seconds. */
function withParameters(rule: Rule, expr: string): string {
  return expr.replaceAll(/\$\{([a-z0-9_]+)\}/g, (_, name: string) => {
    const schedule = rule.parameters[name] ?? []
    const value = schedule[0]?.value
    if (schedule.length !== 1 || value === undefined || typeof value === 'object')
      throw new Error(`expected ${name} of ${rule.id} to be a parameter with one value, for PromQL`)
    const duration = parseDuration(String(value))
    return String(duration === undefined ? value : duration / 1000)
  })
}
