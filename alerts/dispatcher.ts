import type { AlertStep } from '../model/action.ts'
import type { Finding } from '../model/finding.ts'
import type { SealedRecord } from '../model/record.ts'
import type { Timestamp } from '../model/time.ts'
import type { Stored, StoredAction } from '../store/contract.ts'
import { alertAnnotations, alertLabels, type Alert, type AlertRule } from './alert.ts'
import type { AlertReceiver, PostableAlert } from './alertmanager.ts'
import { Delivery, labelKey, type DeliveryOptions, type DeliveryStatus, type Ending } from './delivery.ts'
import type { AlertPlace } from './incidents.ts'
import { inJournalOrder } from './journalOrder.ts'
import { begunBy, findingKey, isDue, isOver, isWaived, troubleOf, type Trouble } from './trouble.ts'
import { Watchdog } from './watchdog.ts'

interface AlertDispatcherOptions extends DeliveryOptions {
  readonly receivers: readonly AlertReceiver[]
  /** Those in force now, with the settings of the configuration. */
  readonly rules: () => ReadonlyMap<string, AlertRule>
  /** Where a finding belongs; asked at every sending. */
  readonly place: (finding: Finding) => AlertPlace
  /** Name of this vigil, for its watchdog. */
  readonly origin: string
  /** Milliseconds for which the clock of evaluation may stand still before the watchdog ends. */
  readonly tickLimit: number
  /** Address under which docs/ is published, for runbook_url. */
  readonly runbooks?: string
}

export interface AlertStatus {
  /** Alerts that should be firing. */
  readonly active: number
  /** Alerts and resolutions that some receiver has not taken yet: the most at any one. */
  readonly undelivered: number
  readonly receivers: readonly DeliveryStatus[]
}

/** A finding in trouble, and its alert once somebody must be told. */
interface Entry {
  trouble: Trouble
  alert: { readonly id: string; readonly startsAt: Timestamp } | undefined
  /** Labels under which it was wanted last. */
  key: string | undefined
}

/**
 * Tells every receiver about findings. Alerts are sent at once when a decision was journaled, and all again each interval,
 * so that a receiver which lost them has them back. Resolved is sent only when the finding passes, does not apply
 * any more or is waived, never because evidence is missing. Along goes a watchdog while vigil evaluates.
 *
 * close() ends the repetition, waits for the requests under way and closes the receivers; the alerts they hold then end by themselves.
 */
export class AlertDispatcher {
  readonly #options: AlertDispatcherOptions
  readonly #entries = new Map<string, Entry>()
  readonly #deliveries: readonly Delivery[]
  readonly #watchdog: Watchdog

  constructor(options: AlertDispatcherOptions) {
    this.#options = options
    const { origin, tickLimit, interval, runbooks } = options
    this.#watchdog = new Watchdog({ origin, tickLimit, interval, runbooks, started: options.now() })
    const sources = {
      wanted: (now: number): readonly Alert[] => this.#wanted(now),
      heartbeat: (now: number): PostableAlert | undefined => this.#watchdog.alert(now),
    }
    this.#deliveries = options.receivers.map((receiver) => new Delivery(receiver, sources, options))
  }

  /** Takes the state of the store, once, before `start`. Incidents have theirs already. */
  hydrate(state: {
    readonly findings: readonly Stored<Finding>[]
    readonly actions: readonly StoredAction[]
  }): void {
    const last = newestSteps(state.actions)
    for (const finding of state.findings) {
      this.#take(finding, finding.id)
      for (const delivery of this.#deliveries) {
        const step = last.get(stepKey(delivery.receiver, finding))
        if (step !== undefined) this.#adopt(delivery, finding, step)
      }
    }
  }

  /** Sends what is due, and again each interval. */
  start(): void {
    for (const delivery of this.#deliveries) delivery.poke()
  }

  /** Feed it every sealed batch: it acts on decisions, which are evidence only once they are sealed. */
  apply(batch: readonly SealedRecord[]): void {
    let decided = false
    for (const record of batch) {
      if (record.kind === 'tick') this.#watchdog.ticked(record.recorded)
      if (record.kind !== 'decision') continue
      this.#take(record.body, record.id)
      decided = true
    }
    if (decided) for (const delivery of this.#deliveries) delivery.poke()
  }

  status(): AlertStatus {
    const receivers = this.#deliveries.map((delivery) => delivery.status())
    return {
      active: [...this.#entries.values()].filter((entry) => entry.alert !== undefined).length,
      undelivered: Math.max(0, ...receivers.map((r) => r.undelivered)),
      receivers,
    }
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#deliveries.map((delivery) => delivery.settled()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#deliveries.map((delivery) => delivery.close()))
  }

  #take(finding: Finding, decision: string): void {
    const key = findingKey(finding)
    const known = this.#entries.get(key)
    const now = this.#options.now()
    if (isOver(finding)) {
      this.#end(known, endOf(finding, decision, now))
      this.#entries.delete(key)
      return
    }
    const trouble = troubleOf(finding, decision, known?.trouble, now)
    this.#entries.set(key, { trouble, alert: known?.alert, key: known?.key })
  }

  /** The alert that was firing at a receiver before a restart, as its last step tells. */
  #adopt(delivery: Delivery, finding: Stored<Finding>, step: AlertStep): void {
    const startsAt = step.id.split(' ').at(-1) ?? ''
    if (step.status === 'resolved' || Number.isNaN(Date.parse(startsAt))) return
    const alert = this.#alertOf(finding, finding.id, { id: step.id, startsAt })
    const entry = this.#entries.get(findingKey(finding))
    if (entry !== undefined) {
      entry.alert ??= { id: step.id, startsAt }
      entry.key ??= labelKey(alert.labels)
    }
    const over = entry === undefined
    const ending = endOf(finding, finding.id, this.#options.now())
    delivery.adopt(alert, step.status, over ? ending : undefined)
  }

  /** The alerts that should be firing now. Causes come first, so that a receiver knows them before it is told of their symptoms. */
  #wanted(now: number): readonly Alert[] {
    const causes: Alert[] = []
    const symptoms: Alert[] = []
    const rules = this.#options.rules()
    for (const entry of this.#entries.values()) {
      entry.trouble = begunBy(entry.trouble, now)
      const { finding, decision } = entry.trouble
      if (isWaived(finding, now)) {
        const { owner = '', expires = '' } = finding.waiver ?? {}
        this.#end(entry, {
          at: now,
          state: 'waived',
          detail: `waived by ${owner} until ${expires}`,
          decision,
        })
        entry.alert = undefined
        continue
      }
      const unknownFor = rules.get(finding.rule)?.unknownFor
      if (entry.alert === undefined && isDue(entry.trouble, unknownFor, now)) entry.alert = newAlert(finding)
      if (entry.alert === undefined) continue
      const alert = this.#alertOf(finding, decision, entry.alert)
      const key = labelKey(alert.labels)
      if (entry.key !== key)
        this.#end(entry, { at: now, state: finding.state, detail: 'goes on with other labels', decision })
      entry.key = key
      if (alert.labels['cause'] === undefined) causes.push(alert)
      else symptoms.push(alert)
    }
    return [...causes, ...symptoms]
  }

  #end(entry: Entry | undefined, ending: Ending): void {
    if (entry?.key === undefined) return
    for (const delivery of this.#deliveries) delivery.end(entry.key, ending)
    entry.key = undefined
  }

  #alertOf(finding: Finding, decision: string, { id, startsAt }: { id: string; startsAt: Timestamp }): Alert {
    const place = this.#options.place(finding)
    const { rules, runbooks } = this.#options
    const { rule, subject, summary } = finding
    const annotations = alertAnnotations(finding, decision, place, rules().get(rule), runbooks)
    return {
      id,
      rule,
      subject,
      labels: alertLabels(finding, place),
      annotations,
      startsAt,
      summary,
      decision,
    }
  }
}

function newAlert({ rule, subject, since }: Finding): { id: string; startsAt: Timestamp } {
  return { id: `alert ${rule} ${subject} ${since}`, startsAt: since }
}

function endOf({ summary, state }: Finding, decision: string, at: number): Ending {
  return { at, state, detail: summary, decision }
}

function stepKey(receiver: string, finding: Pick<Finding, 'rule' | 'subject'>): string {
  return `${receiver} ${findingKey(finding)}`
}

/** The newest step about each finding at each receiver. */
function newestSteps(actions: readonly StoredAction[]): ReadonlyMap<string, AlertStep> {
  const last = new Map<string, AlertStep>()
  for (const action of actions.toSorted(inJournalOrder))
    if (action.kind === 'alert') last.set(stepKey(action.receiver, action), action)
  return last
}
