// Vigil's verdicts as Prometheus alerts, for those who don't let vigil talk to Alertmanager itself.
import { alertName, KEY_LABELS } from '../../alerts/alert.ts'
import { entityOf } from '../../alerts/topology.ts'
import type { SubjectKind } from '../../model/subject.ts'
import type { Pack, Rule } from '../../rules/pack.ts'
import type { AlertingRule, PrometheusRule } from './rule.ts'

/**
 * Tells these alerts from the ones that vigil sends itself, which have the same labels otherwise. Equal labels would not do: the
 * two resolve some seconds apart, and in between Prometheus can set the alert off anew.
 */
const SOURCE = 'prometheus'

/** The state that each finding is in, with the labels that vigil's own alerts have. */
const FINDING = 'vigil:finding'

/** How long a verdict stands when vigil cannot be scraped: a restart must not resolve alerts. */
const MEMORY = '5m'

/** A group for each pack; the first one also records what all of them read. */
export function findingGroups(
  packs: readonly Pack[],
): readonly { readonly name: string; readonly rules: readonly PrometheusRule[] }[] {
  const kinds = new Set(packs.flatMap((pack) => pack.rules.flatMap((rule) => rule.appliesTo.subjects)))
  const recording = { record: FINDING, expr: labelled(current(), kinds) }
  return packs.map((pack, i) => ({
    name: pack.id,
    rules: [...(i === 0 ? [recording] : []), ...pack.rules.map((rule) => alertOf(rule))],
  }))
}

function current(): string {
  return `max by (rule, subject, severity, state) (last_over_time(vigil_finding_state{waived!="true"}[${MEMORY}])) == 1`
}

/**
 * Adds subject_kind, the partition keys of the subject, and the incident that it is about by itself. Which finding is a symptom of which,
 * PromQL does not know: these alerts have no label `cause`.
 */
function labelled(expr: string, kinds: ReadonlySet<SubjectKind>): string {
  const byLabels = Map.groupBy(kinds, (kind) => KEY_LABELS[kind].join(','))
  let result = labelReplace(expr, 'subject_kind', '$1', '([a-z_]+).*')
  result = labelReplace(result, 'incident', '$1', '(.*)')
  for (const { entity, of, key } of entities(kinds))
    result = labelReplace(result, 'incident', `${entity}[$1]`, `(?:${of.join('|')})\\[${key}\\]`)
  for (const [names, of] of byLabels) {
    const labels = names.split(',').filter((name) => name !== '')
    const pattern = `(?:${of.join('|')})\\[${labels.map(() => '([^,\\]]+)').join(',')}\\]`
    labels.forEach((label, i) => (result = labelReplace(result, label, `$${i + 1}`, pattern)))
  }
  return `${result}\n`
}

/** What kinds of subjects are parts of: `authority` of `authority[issuing-1]`, and which of their keys name it. */
function* entities(
  kinds: ReadonlySet<SubjectKind>,
): Generator<{ readonly entity: string; readonly of: readonly SubjectKind[]; readonly key: string }> {
  const nameOf = (kind: SubjectKind): string => /^[a-z_]+/.exec(entityOf(`${kind}[x]`))?.[0] ?? kind
  // The entity of a certificate that is not deployed has no environment.
  const first = [...kinds].filter((kind) => kind === 'service_cert')
  const rest = [...kinds].filter((kind) => kind !== 'service_cert' && nameOf(kind) !== kind)
  for (const [entity, of] of Map.groupBy(rest, nameOf)) yield { entity, of, key: '(.+)' }
  if (first.length > 0) yield { entity: 'service', of: first, key: '([^,\\]]+),.*' }
}

function labelReplace(expr: string, label: string, replacement: string, pattern: string): string {
  return `label_replace(\n${indent(expr)},\n  ${JSON.stringify(label)}, ${JSON.stringify(replacement)}, "subject", ${JSON.stringify(pattern)}\n)`
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}

/**
 * Fires like vigil's own alert: at once on fail, on unknown after `unknown_for`; and once it fires, a finding whose evidence is
 * missing, or that fails anew after that, does not end it.
 */
function alertOf(rule: Rule): AlertingRule {
  const name = alertName(rule.id)
  const inState = (states: string) => `${FINDING}{rule="${rule.id}", state${states}}`
  const age = `time() - max by (rule, subject) (last_over_time(vigil_finding_since_timestamp_seconds{rule="${rule.id}"}[${MEMORY}]))`
  const firing = `ALERTS{alertname="${name}", alertstate="firing", source="${SOURCE}"}`
  return {
    alert: name,
    expr: `max without (state) (
  ${inState('="fail"')}
  or (${inState('="unknown"')} and on (rule, subject) (${age} >= ${rule.unknownFor / 1000}))
  or (${inState('=~"unknown|pending"')} and on (rule, subject) ${firing})
) == 1
`,
    labels: { pack: rule.pack, source: SOURCE },
    annotations: {
      summary: `{{ $labels.subject }}: the rule "${rule.title}" does not hold, or could not be judged for too long`,
      description: [rule.rationale, rule.remediation].filter((part) => part !== undefined).join(' '),
      ...(rule.runbook === undefined ? {} : { runbook: rule.runbook }),
    },
  }
}
