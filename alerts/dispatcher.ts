import type { Action } from '../model/action.ts'
import type { Finding } from '../model/finding.ts'
import type { NewRecord, SealedRecord } from '../model/record.ts'
import type { RecordId } from '../model/recordId.ts'
import { fromTimestamp, toTimestamp, type Clock, type Timestamp } from '../model/time.ts'
import type { Stored, StoredAction } from '../store/contract.ts'
import { alertAnnotations, alertLabels, type AlertRule } from './alert.ts'
import type { AlertReceiver, PostableAlert } from './alertmanager.ts'
import { inJournalOrder } from './journalOrder.ts'

/** Runs `work` once after a delay in milliseconds; the returned function calls it off. */
type Schedule = (delay: number, work: () => void) => () => void

interface AlertDispatcherOptions {
  readonly receiver: AlertReceiver
  readonly rules: ReadonlyMap<string, AlertRule>
  readonly record: (records: readonly NewRecord[]) => Promise<readonly SealedRecord[]>
  /** Milliseconds after which every alert is sent again. */
  readonly interval: number
  readonly now: Clock
  readonly schedule: Schedule
  /** Address under which docs/ is published, for runbook_url. */
  readonly runbooks?: string
  /** Told when an action could not be journaled; the alert itself is sent all the same. */
  readonly onError?: (error: unknown) => void
}

interface AlertStatus {
  /** Alerts that should be firing at the receiver. */
  readonly active: number
  /** Alerts and resolutions that the receiver has not taken yet. */
  readonly undelivered: number
  /** Posts that failed since the start. */
  readonly failures: number
  readonly lastSuccess: Timestamp | undefined
}

/** An alert lives this many intervals without being sent again: three may be lost. */
const LIFETIME_INTERVALS = 4

/** Alerts in one POST; keeps a request under about half a megabyte. */
const MAX_ALERTS_PER_POST = 400

/** For a finding whose rule is not in any pack any more. */
const DEFAULT_UNKNOWN_FOR = 3_600_000

/** How far an alert got. Each step is journaled once, not each time that it is sent again. */
type Delivery = 'new' | 'sent' | 'undelivered'

interface Alert {
  /** Same for all action records of this alert. */
  readonly id: string
  readonly labels: Readonly<Record<string, string>>
  readonly startsAt: Timestamp
  delivery: Delivery
}

/** A finding that is not passing, or whose alert is not yet resolved at the receiver. */
interface Entry {
  finding: Finding
  decision: RecordId
  /** When it stopped passing, in milliseconds: `unknown_for` counts from there, whatever happened since. */
  readonly badSince: number
  alert: Alert | undefined
  /** Set when the alert is over and the receiver has to be told. */
  resolvedAt: number | undefined
}

/**
 * Tells the receiver about findings. Alerts are sent at once when a decision was journaled, and all again each interval,
 * so that a receiver which lost them has them back. Resolved is sent only when the finding passes or does not apply
 * any more, never because evidence is missing.
 *
 * close() ends the repetition, waits for the request under way and closes the receiver; the alerts it holds then end by themselves.
 */
export class AlertDispatcher {
  readonly #options: AlertDispatcherOptions
  readonly #entries = new Map<string, Entry>()
  #running: Promise<void> | undefined
  #again = false
  #closed = false
  #cancel: (() => void) | undefined
  #failures = 0
  #lastSuccess: number | undefined

  constructor(options: AlertDispatcherOptions) {
    this.#options = options
  }

  /** Takes the state of the store, once, before `start`. */
  hydrate(state: {
    readonly findings: readonly Stored<Finding>[]
    readonly actions: readonly StoredAction[]
  }): void {
    const last = new Map<string, StoredAction>()
    for (const action of state.actions) {
      if (action.kind !== 'alert') continue
      const key = keyOf(action.rule, action.subject)
      const known = last.get(key)
      if (known === undefined || inJournalOrder(known, action) < 0) last.set(key, action)
    }
    for (const finding of state.findings) {
      this.#take(finding, finding.id, last.get(keyOf(finding.rule, finding.subject)))
    }
  }

  /** Sends what is due, and again each interval. */
  start(): void {
    this.#plan()
    this.#send()
  }

  /** Feed it every sealed batch: it acts on decisions, which are evidence only once they are sealed. */
  apply(batch: readonly SealedRecord[]): void {
    let decided = false
    for (const record of batch) {
      if (record.kind !== 'decision') continue
      this.#take(record.body, record.id, undefined)
      decided = true
    }
    if (decided) this.#send()
  }

  status(): AlertStatus {
    const alerts = [...this.#entries.values()].filter((entry) => entry.alert !== undefined)
    return {
      active: alerts.filter((entry) => entry.resolvedAt === undefined).length,
      undelivered: alerts.filter(
        (entry) => entry.resolvedAt !== undefined || entry.alert?.delivery !== 'sent',
      ).length,
      failures: this.#failures,
      lastSuccess: this.#lastSuccess === undefined ? undefined : toTimestamp(this.#lastSuccess),
    }
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.settled()
    await this.#options.receiver.close()
  }

  #take(finding: Finding, decision: RecordId, lastAction: Action | undefined): void {
    const key = keyOf(finding.rule, finding.subject)
    const known = this.#entries.get(key)
    const alert = known?.alert ?? restoredAlert(finding, lastAction)
    const over = finding.state === 'pass' || finding.state === 'not_applicable'
    if (over && alert === undefined) {
      this.#entries.delete(key)
      return
    }
    // Failing again before the resolution got through: it is the same alert, and never stopped for the receiver.
    this.#entries.set(key, {
      finding,
      decision,
      badSince:
        known?.resolvedAt === undefined && known !== undefined
          ? known.badSince
          : fromTimestamp(finding.since),
      alert,
      resolvedAt: over ? (known?.resolvedAt ?? this.#options.now()) : undefined,
    })
  }

  #plan(): void {
    if (this.#closed) return
    this.#cancel = this.#options.schedule(this.#options.interval, () => {
      this.#plan()
      this.#send()
    })
  }

  /** One round at a time; a change during a round starts another one after it. */
  #send(): void {
    if (this.#closed) return
    if (this.#running !== undefined) {
      this.#again = true
      return
    }
    // Not before the caller is done: what it does next may belong to the same round.
    const round = Promise.resolve().then(() => this.#round())
    this.#running = round.finally(() => {
      this.#running = undefined
      if (!this.#again) return
      this.#again = false
      this.#send()
    })
  }

  async #round(): Promise<void> {
    const now = this.#options.now()
    for (const entry of this.#entries.values()) {
      if (entry.alert === undefined && this.#isDue(entry, now)) entry.alert = newAlert(entry.finding)
    }
    const due = [...this.#entries.entries()].flatMap(([key, entry]) =>
      entry.alert === undefined ? [] : [{ key, entry, alert: entry.alert, resolvedAt: entry.resolvedAt }],
    )
    for (let i = 0; i < due.length; i += MAX_ALERTS_PER_POST) {
      await this.#deliver(due.slice(i, i + MAX_ALERTS_PER_POST), now)
    }
  }

  #isDue({ finding, badSince }: Entry, now: number): boolean {
    if (finding.state === 'fail') return true
    const unknownFor = this.#options.rules.get(finding.rule)?.unknownFor ?? DEFAULT_UNKNOWN_FOR
    return finding.state === 'unknown' && now - badSince >= unknownFor
  }

  async #deliver(
    due: readonly { key: string; entry: Entry; alert: Alert; resolvedAt: number | undefined }[],
    now: number,
  ): Promise<void> {
    const { receiver } = this.#options
    let failure: string | undefined
    try {
      await receiver.post(
        due.map(({ entry, alert, resolvedAt }) => this.#postable(entry, alert, resolvedAt, now)),
      )
      this.#lastSuccess = now
    } catch (error) {
      this.#failures++
      failure = error instanceof Error ? error.message : String(error)
    }
    const actions: NewRecord[] = []
    const settle: (() => void)[] = []
    for (const { key, entry, alert, resolvedAt } of due) {
      const status =
        failure !== undefined ? 'undelivered' : resolvedAt !== undefined ? 'resolved' : ('sent' as const)
      if (status === alert.delivery) continue
      const detail = failure ?? entry.finding.summary
      const body = actionOf(entry, alert, status, receiver.receiver, detail)
      actions.push({ kind: 'action', time: toTimestamp(now), body })
      settle.push(() => {
        if (status === 'resolved') this.#forget(key, resolvedAt)
        else alert.delivery = status
      })
    }
    if (actions.length === 0) return
    try {
      await this.#options.record(actions)
      for (const done of settle) done()
    } catch (error) {
      // Not journaled: the step counts as not done, and is taken again in the next round.
      this.#options.onError?.(error)
    }
  }

  /** The receiver knows that it is over; unless it failed again meanwhile, which is a new alert. */
  #forget(key: string, resolvedAt: number | undefined): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    if (entry.resolvedAt === resolvedAt) this.#entries.delete(key)
    else if (entry.resolvedAt === undefined) entry.alert = undefined
  }

  #postable(entry: Entry, alert: Alert, resolvedAt: number | undefined, now: number): PostableAlert {
    const end = resolvedAt ?? now + LIFETIME_INTERVALS * this.#options.interval
    const { rules, runbooks } = this.#options
    const { finding, decision } = entry
    return {
      labels: alert.labels,
      annotations: alertAnnotations(finding, decision, rules.get(finding.rule), runbooks),
      startsAt: alert.startsAt,
      // A start after the end is refused, and clocks may disagree.
      endsAt: toTimestamp(Math.max(end, fromTimestamp(alert.startsAt))),
    }
  }
}

function keyOf(rule: string, subject: string): string {
  return `${rule} ${subject}`
}

function newAlert(finding: Finding): Alert {
  return {
    id: `alert ${finding.rule} ${finding.subject} ${finding.since}`,
    labels: alertLabels(finding),
    startsAt: finding.since,
    delivery: 'new',
  }
}

/** The alert that was firing before a restart, as its last action tells. */
function restoredAlert(finding: Finding, last: Action | undefined): Alert | undefined {
  if (last === undefined || last.status === 'resolved') return undefined
  const startsAt = last.id.split(' ').at(-1) ?? ''
  if (Number.isNaN(Date.parse(startsAt))) return undefined
  const delivery = last.status === 'undelivered' ? 'undelivered' : 'sent'
  return { id: last.id, labels: alertLabels(finding), startsAt, delivery }
}

function actionOf(
  entry: Entry,
  alert: Alert,
  status: 'sent' | 'resolved' | 'undelivered',
  receiver: string,
  detail: string,
): Action {
  const { rule, subject } = entry.finding
  return { kind: 'alert', id: alert.id, status, rule, subject, receiver, detail, evidence: [entry.decision] }
}
