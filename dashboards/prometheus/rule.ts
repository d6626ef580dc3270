import type { Severity } from '../../model/finding.ts'

interface RecordingRule {
  readonly record: string
  readonly expr: string
}

export interface AlertingRule {
  readonly alert: string
  readonly expr: string
  /** As Prometheus writes durations: 5m. */
  readonly for?: string
  readonly labels: Readonly<Record<string, string>> & { readonly severity?: Severity }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook?: string }
}

/** As it stands in a rule file. */
export type PrometheusRule = RecordingRule | AlertingRule
