import type { Finding } from '../model/finding.ts'
import type { RecordId } from '../model/recordId.ts'
import { parseSubject, type SubjectKind } from '../model/subject.ts'
import type { Rule } from '../rules/pack.ts'

/** What alerts need to know of a rule. */
export type AlertRule = Pick<Rule, 'id' | 'title' | 'rationale' | 'remediation' | 'runbook' | 'unknownFor'>

/** How the partition keys of a subject are called as labels. */
export const KEY_LABELS: Readonly<Record<SubjectKind, readonly string[]>> = {
  ca_crl: ['ca'],
  ocsp_responder_status: ['ca'],
  intermediate_ca_cert: ['ca'],
  service_cert: ['service', 'profile'],
  deployed_service_cert: ['service', 'environment'],
  service_tls_health: ['service', 'environment'],
  audit_log: ['log'],
  control_plane: ['control_plane'],
  pki_sla_snapshot: [],
  pki_governance: [],
}

/** `crl_freshness_ok` is `CrlFreshnessOk`. */
export function alertName(rule: string): string {
  return rule
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('')
}

/**
 * The labels identify the alert: they are the same while the finding goes from failing to unknown and back, so that
 * Alertmanager does not take that for a repair. What changes is in the annotations.
 */
export function alertLabels(finding: Finding): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {
    alertname: alertName(finding.rule),
    severity: finding.severity,
    rule: finding.rule,
    pack: finding.pack,
    subject: finding.subject,
  }
  const subject = parseSubject(finding.subject)
  if (subject === undefined) return labels
  labels['subject_kind'] = subject.kind
  KEY_LABELS[subject.kind].forEach((name, i) => {
    const key = subject.keys[i]
    if (key !== undefined) labels[name] = key
  })
  return labels
}

/** `runbooks` is the address under which the pages of docs/ are published. */
export function alertAnnotations(
  finding: Finding,
  decision: RecordId,
  rule: AlertRule | undefined,
  runbooks: string | undefined,
): Readonly<Record<string, string>> {
  const description = [rule?.rationale, rule?.remediation].filter((part) => part !== undefined).join(' ')
  return {
    summary: finding.summary,
    ...(description === '' ? {} : { description }),
    state: finding.state,
    decision,
    ...(finding.target === undefined ? {} : { target: finding.target }),
    ...(rule?.runbook === undefined ? {} : { runbook: rule.runbook }),
    ...(rule?.runbook === undefined || runbooks === undefined
      ? {}
      : { runbook_url: new URL(rule.runbook, runbooks.endsWith('/') ? runbooks : `${runbooks}/`).href }),
  }
}
