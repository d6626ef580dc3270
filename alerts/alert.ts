import type { Finding } from '../model/finding.ts'
import type { RecordId } from '../model/recordId.ts'
import { parseSubject, type SubjectKind } from '../model/subject.ts'
import type { Timestamp } from '../model/time.ts'
import type { Rule } from '../rules/pack.ts'
import type { AlertPlace } from './incidents.ts'

/** What alerts need to know of a rule. */
export type AlertRule = Pick<Rule, 'id' | 'title' | 'rationale' | 'remediation' | 'runbook' | 'unknownFor'>

/** An alert as it should be at every receiver. */
export interface Alert {
  /** Same for all action records of this alert. */
  readonly id: string
  readonly rule: string
  readonly subject: string
  /** Identify it at the receiver. */
  readonly labels: Labels
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: Timestamp
  readonly summary: string
  readonly decision: RecordId
}

export type Labels = Readonly<Record<string, string>>

/** How the partition keys of a subject are called as labels. */
export const KEY_LABELS: Readonly<Record<SubjectKind, readonly string[]>> = {
  ca_crl: ['authority'],
  ocsp_responder_status: ['authority'],
  intermediate_ca_cert: ['authority'],
  service_cert: ['service', 'profile'],
  deployed_service_cert: ['service', 'environment'],
  service_tls_health: ['service', 'environment'],
  audit_log: ['log'],
  ca_server: ['system'],
  control_plane: ['control_plane'],
  scheduled_job: ['log', 'job'],
  pki_sla_snapshot: [],
  pki_governance: [],
  monitor: ['monitor'],
}

/** `crl_freshness_ok` is `CrlFreshnessOk`. */
export function alertName(rule: string): string {
  return rule
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('')
}

/**
 * The labels identify the alert: they are the same while the finding goes from failing to unknown and back, so that Alertmanager does not
 * take that for a repair, and the same from two vigils that watch the same. What changes is in the annotations, and so is the incident's
 * id, which each journal has its own of.
 */
export function alertLabels(finding: Finding, place: Pick<AlertPlace, 'about' | 'role'>): Labels {
  const labels: Record<string, string> = {
    alertname: alertName(finding.rule),
    severity: finding.severity,
    rule: finding.rule,
    pack: finding.pack,
    subject: finding.subject,
    incident: place.about,
    // Only on symptoms, so that a cause is told from them by the absence of it.
    ...(place.role === 'symptom' ? { cause: place.about } : {}),
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
  place: Pick<AlertPlace, 'incident'>,
  rule: AlertRule | undefined,
  runbooks: string | undefined,
): Readonly<Record<string, string>> {
  const description = [rule?.rationale, rule?.remediation].filter((part) => part !== undefined).join(' ')
  return {
    summary: finding.summary,
    ...(description === '' ? {} : { description }),
    state: finding.state,
    decision,
    ...(place.incident === undefined ? {} : { incident_id: place.incident }),
    ...(finding.target === undefined ? {} : { target: finding.target }),
    ...runbookAnnotations(rule?.runbook, runbooks),
  }
}

/** `runbook` is a path in the repository. */
export function runbookAnnotations(
  runbook: string | undefined,
  runbooks: string | undefined,
): Readonly<Record<string, string>> {
  if (runbook === undefined) return {}
  if (runbooks === undefined) return { runbook }
  const base = runbooks.endsWith('/') ? runbooks : `${runbooks}/`
  return { runbook, runbook_url: new URL(runbook, base).href }
}
