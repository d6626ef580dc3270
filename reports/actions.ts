import type { Action } from '../model/action.ts'
import type { SealedRecord } from '../model/record.ts'
import type { RecordId } from '../model/recordId.ts'
import { toTimestamp } from '../model/time.ts'
import type { FindingHistory, Spell } from './findings.ts'
import { clip, listing, Statistics } from './listing.ts'
import { instant, within } from './period.ts'
import type { Period } from './period.ts'
import type { Report } from './schema.ts'

/** Actions of each kind in one report; the counts go on. */
const MAX_ACTIONS = 500
/** Ids counted beyond that: some megabytes. */
const MAX_UNLISTED = 100_000
const MAX_STEPS = 50
const MAX_EVIDENCE = 20
const MAX_TEXT = 500

interface Step {
  readonly at: number
  readonly record: RecordId
  readonly action: Action
}

interface Remediation {
  readonly spell: Spell | undefined
  readonly steps: Step[]
  moreSteps: number
  last: Step
  verifiedAfter: number | undefined
}

interface Alert {
  sent: number
  undelivered: number
  readonly first: Step
  last: Step
  resolved: Step | undefined
}

/** Alerts and remediation in the period. */
export class ActionLog {
  readonly verified = new Statistics()
  readonly #period: Period
  readonly #findings: FindingHistory
  readonly #remediation = new Map<string, Remediation>()
  readonly #alerts = new Map<string, Alert>()
  /** Ids that found no room in the lists. */
  readonly #unlisted = { remediation: new Set<string>(), alert: new Set<string>() }
  #sent = 0
  #resolved = 0
  #undelivered = 0

  constructor(period: Period, findings: FindingHistory) {
    this.#period = period
    this.#findings = findings
  }

  add(record: SealedRecord & { kind: 'action' }): void {
    const at = instant(record.time, instant(record.recorded, 0))
    if (!within(this.#period, at)) return
    const step = { at, record: record.id, action: record.body }
    // Incidents group findings and alerts that the report lists anyway.
    if (record.body.kind === 'incident') return
    if (record.body.kind === 'alert') this.#addAlert(step)
    else this.#addRemediation(step)
  }

  report(): { remediation: Report['remediation']; alerts: Report['alerts'] } {
    const remediation = [...this.#remediation.values()].map(remediationEntry)
    const alerts = [...this.#alerts.values()].map(alertEntry)
    return {
      remediation: more(remediation, this.#unlisted.remediation.size),
      alerts: {
        sent: this.#sent,
        resolved: this.#resolved,
        undelivered: this.#undelivered,
        alerts: more(alerts, this.#unlisted.alert.size),
      },
    }
  }

  #addRemediation(step: Step): void {
    const { id, rule, subject, status } = step.action
    const known = this.#remediation.get(id)
    if (known === undefined) {
      if (this.#remediation.size >= MAX_ACTIONS) {
        this.#leaveOut(step.action)
        return
      }
      const spell = this.#findings.spell(rule, subject)
      spell?.actions.push(id)
      this.#remediation.set(id, { spell, steps: [step], moreSteps: 0, last: step, verifiedAfter: undefined })
      return
    }
    known.last = step
    if (known.steps.length < MAX_STEPS) known.steps.push(step)
    else known.moreSteps++
    const requested = known.steps.find((s) => s.action.status === 'requested')
    if (status === 'verified' && requested !== undefined && known.verifiedAfter === undefined) {
      known.verifiedAfter = Math.max(0, step.at - requested.at)
      this.verified.add(known.verifiedAfter)
    }
  }

  #leaveOut({ kind, id }: Action): void {
    if (kind === 'incident') return
    if (this.#unlisted[kind].size < MAX_UNLISTED) this.#unlisted[kind].add(id)
  }

  #addAlert(step: Step): void {
    const { id, status } = step.action
    if (status === 'sent') this.#sent++
    if (status === 'resolved') this.#resolved++
    if (status === 'undelivered') this.#undelivered++
    let alert = this.#alerts.get(id)
    if (alert === undefined) {
      if (this.#alerts.size >= MAX_ACTIONS) {
        this.#leaveOut(step.action)
        return
      }
      alert = { sent: 0, undelivered: 0, first: step, last: step, resolved: undefined }
      this.#alerts.set(id, alert)
    }
    alert.last = step
    if (status === 'sent') alert.sent++
    if (status === 'undelivered') alert.undelivered++
    // Sent again after it was resolved: it is not resolved.
    alert.resolved = status === 'resolved' ? step : status === 'sent' ? undefined : alert.resolved
  }
}

function more<T>(items: T[], count: number): { total: number; more: number; items: T[] } {
  return { total: items.length + count, more: count, items }
}

function remediationEntry(r: Remediation): Report['remediation']['items'][number] {
  const { id, rule, subject, receiver, status } = r.last.action
  return {
    id: clip(id, MAX_TEXT),
    rule,
    subject,
    receiver: clip(receiver, MAX_TEXT),
    deviation: r.spell?.number ?? null,
    outcome: status,
    steps: more(
      r.steps.map(({ action, at, record }) => ({
        status: action.status,
        time: toTimestamp(at),
        detail: clip(action.detail, MAX_TEXT),
        record,
        evidence: listing(action.evidence, MAX_EVIDENCE),
      })),
      r.moreSteps,
    ),
    verifiedAfter: r.verifiedAfter ?? null,
  }
}

function alertEntry({
  first,
  last,
  resolved,
  sent,
  undelivered,
}: Alert): Report['alerts']['alerts']['items'][number] {
  const { id, rule, subject, receiver, detail } = last.action
  const moment = (s: Step) => ({ time: toTimestamp(s.at), record: s.record })
  return {
    id: clip(id, MAX_TEXT),
    rule,
    subject,
    receiver: clip(receiver, MAX_TEXT),
    sent,
    undelivered,
    first: moment(first),
    last: moment(last),
    resolved: resolved === undefined ? null : moment(resolved),
    detail: clip(detail, MAX_TEXT),
  }
}
