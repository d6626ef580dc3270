import type { AlertReceiver, PostableAlert } from '../../alerts/alertmanager.ts'
import { AlertDispatcher } from '../../alerts/dispatcher.ts'
import type { AlertPlace } from '../../alerts/incidents.ts'
import { AlertsError } from '../../alerts/error.ts'
import type { AlertStep } from '../../model/action.ts'
import type { Finding, FindingState } from '../../model/finding.ts'
import type { NewRecord, SealedRecord } from '../../model/record.ts'
import type { Clock } from '../../model/time.ts'
import { JournalDouble, MINUTE } from '../rules/journalDouble.ts'
import { findingOf } from './findings.ts'

class ReceiverDouble implements AlertReceiver {
  readonly receiver: string
  readonly posts: PostableAlert[][] = []
  /** Watchdogs that came. */
  heartbeats = 0
  attempts = 0
  down = false
  onPost: (() => void) | undefined
  readonly #sent: string[] = []
  readonly #now: Clock

  constructor(now: Clock, receiver = 'http://am.test/') {
    this.#now = now
    this.receiver = receiver
  }

  post(posted: readonly PostableAlert[]): Promise<void> {
    this.attempts++
    this.onPost?.()
    if (this.down) return Promise.reject(new AlertsError('unreachable', 'connection refused'))
    const alerts = posted.filter((alert) => alert.labels['alertname'] !== 'VigilWatchdog')
    this.heartbeats += posted.length - alerts.length
    if (alerts.length > 0) this.posts.push([...alerts])
    for (const alert of alerts) {
      const what = Date.parse(alert.endsAt) > this.#now() ? 'firing' : 'resolved'
      this.#sent.push(`${what} ${alert.annotations['state'] ?? ''}`)
    }
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** What was sent since the last call: firing or resolved, and the annotation that says the state. */
  take(): string[] {
    this.posts.length = 0
    return this.#sent.splice(0)
  }
}

/** Where every finding belongs that no incident of the test says otherwise about. */
const OWN: AlertPlace = { about: 'authority[issuing-1]', role: 'cause', incident: 'inc-1' }

/** A dispatcher over a journal, receivers and timers that the test moves. */
export class DispatcherBench {
  readonly journal = new JournalDouble()
  readonly receiver = new ReceiverDouble(() => this.journal.now)
  readonly receivers: readonly ReceiverDouble[]
  readonly recorded: AlertStep[] = []
  readonly dispatcher: AlertDispatcher
  readonly errors: unknown[] = []
  readonly places = new Map<string, AlertPlace>()
  journalFails = false
  readonly #timers = new Set<{ at: number; work: () => void }>()

  constructor(others: readonly string[] = []) {
    const now = (): number => this.journal.now
    this.receivers = [this.receiver, ...others.map((name) => new ReceiverDouble(now, name))]
    const rule = { id: 'crl_freshness_ok', title: 'Recent', rationale: 'Because.', unknownFor: 10 * MINUTE }
    const rules = new Map([[rule.id, { ...rule, remediation: 'Issue one.', runbook: 'docs/runbooks/x.md' }]])
    this.dispatcher = new AlertDispatcher({
      receivers: this.receivers,
      rules: () => rules,
      place: (finding) => this.places.get(finding.subject) ?? OWN,
      record: (records) => this.#record(records),
      interval: MINUTE,
      origin: 'vigil.test',
      tickLimit: 2 * MINUTE,
      now,
      random: () => 1,
      schedule: (delay, work) => {
        const timer = { at: this.journal.now + delay, work }
        this.#timers.add(timer)
        return () => void this.#timers.delete(timer)
      },
      runbooks: 'https://wiki.test/vigil',
      onError: (error) => this.errors.push(error),
    })
  }

  async start(): Promise<void> {
    this.dispatcher.start()
    await this.dispatcher.settled()
  }

  /** Time passes, and timers with it; vigil evaluates meanwhile. */
  async pass(intervals = 1, ticks: 'ticks' | 'no ticks' = 'ticks'): Promise<void> {
    const end = this.journal.now + intervals * MINUTE
    for (;;) {
      const next = [...this.#timers].toSorted((a, b) => a.at - b.at).find((timer) => timer.at <= end)
      if (next === undefined) break
      this.journal.now = Math.max(this.journal.now, next.at)
      if (ticks === 'ticks') this.dispatcher.apply(this.journal.tick())
      this.#timers.delete(next)
      next.work()
      await this.dispatcher.settled()
    }
    this.journal.now = end
  }

  async decide(state: FindingState, parts: Partial<Finding> = {}): Promise<void> {
    this.dispatcher.apply(this.journal.decide(findingOf(state, this.journal.now, parts)))
    await this.dispatcher.settled()
  }

  sent(): string[] {
    return this.receiver.take()
  }

  actions(): string[] {
    return this.recorded.splice(0).map((action) => action.status)
  }

  #record(records: readonly NewRecord[]): Promise<readonly SealedRecord[]> {
    if (this.journalFails) return Promise.reject(new Error('disk full'))
    for (const { kind, body } of records)
      if (kind === 'action' && body.kind === 'alert') this.recorded.push(body)
    return Promise.resolve(this.journal.seal(...records))
  }
}
