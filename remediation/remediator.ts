import { backoff } from '../alerts/backoff.ts'
import type { RemediationStep } from '../model/action.ts'
import type { Config } from '../model/config.ts'
import type { Finding } from '../model/finding.ts'
import type { NewRecord, SealedRecord } from '../model/record.ts'
import type { RecordId } from '../model/recordId.ts'
import { fromTimestamp, toTimestamp, type Clock } from '../model/time.ts'
import type { Stored, StoredAction } from '../store/contract.ts'
import {
  canRepair,
  type RemediationAction,
  type RemediationConnector,
  type RemediationOutcome,
  type RemediationPolicy,
} from './connector.ts'
import { guardKey, idempotencyKey, refusal } from './guards.ts'
import { emptyHistory, refusedKey, type DecisionHistory, type OpenRequest } from './openRequest.ts'
import { restoreRequests } from './restore.ts'

interface RemediatorOptions {
  readonly policies: readonly RemediationPolicy[]
  readonly guards: Pick<Config['remediation'], 'dry_run' | 'cool_down' | 'deadline'>
  readonly connector: RemediationConnector
  /** The finding as it stands now, with the time of its observation in `facts.probe.at`. */
  readonly finding: (rule: string, subject: string) => Finding | undefined
  readonly record: (records: readonly NewRecord[]) => Promise<readonly SealedRecord[]>
  readonly now: Clock
  /** In [0, 1). */
  readonly random: () => number
  /** Told when an action could not be journaled. Nothing is requested then. */
  readonly onError?: (error: unknown) => void
}

/** Deliveries of one request. */
const MAX_ATTEMPTS = 6

/** Milliseconds between two deliveries at most; ticks say when they are looked at. */
const MAX_PAUSE = 60_000

export interface RemediationStatus {
  /** Requests whose repair was not seen on the wire yet. */
  readonly open: number
  /** Requests that the control plane has not taken: to be sent again, or given up while what asked for them still fails. */
  readonly undelivered: number
}

interface Failing {
  readonly finding: Finding
  readonly decision: RecordId
  readonly history: DecisionHistory
}

/**
 * Asks the control plane to repair what fails, where a policy says so and the guards allow it, and closes the loop: a
 * request is `verified` only when an observation that started after it shows the repair. `requested` is journaled before
 * anything is sent; a request without a known answer after a crash is sent again with the same idempotency key, unless the
 * configuration does not allow it any more.
 *
 * Driven by sealed records: decisions start requests, ticks check deadlines. close() waits for requests under way and closes the connector.
 */
export class Remediator {
  readonly #options: RemediatorOptions
  readonly #policies: ReadonlyMap<string, readonly RemediationPolicy[]>
  readonly #failing = new Map<string, Failing>()
  readonly #open = new Map<string, OpenRequest>()
  /** What each request that was given up was for, until one is taken. */
  readonly #givenUp = new Map<string, string>()
  readonly #lastRequest = new Map<string, number>()
  readonly #work = new Set<Promise<void>>()
  #reviewing = false
  #again = false
  #closed = false

  constructor(options: RemediatorOptions) {
    this.#options = options
    const rules = new Set(options.policies.map((policy) => policy.rule))
    this.#policies = new Map(
      [...rules].map((rule) => [rule, options.policies.filter((policy) => policy.rule === rule)]),
    )
  }

  /** Takes the state of the store, once, before the first `apply`. */
  hydrate(state: {
    readonly findings: readonly Stored<Finding>[]
    readonly actions: readonly StoredAction[]
  }): void {
    const restored = restoreRequests(state.actions)
    for (const request of restored.open) this.#open.set(guardKey(request.action, request.subject), request)
    for (const [key, at] of restored.lastRequest) this.#lastRequest.set(key, at)
    for (const finding of state.findings) this.#take(finding, finding.id, restored.histories.get(finding.id))
  }

  /** Feed it every sealed batch. */
  apply(batch: readonly SealedRecord[]): void {
    let due = false
    for (const record of batch) {
      if (record.kind === 'decision') due = this.#take(record.body, record.id) || due
      else if (record.kind === 'tick') due = true
    }
    if (due) this.#review()
  }

  status(): RemediationStatus {
    const waiting = [...this.#open].filter(([, r]) => r.status === 'requested' && r.failedAttempts > 0)
    const givenUp = [...this.#givenUp].filter(([, finding]) => this.#failing.has(finding))
    const undelivered = new Set([...waiting, ...givenUp].map(([key]) => key)).size
    return { open: this.#open.size, undelivered }
  }

  /** Resolves when nothing is being recorded or sent. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.settled()
    await this.#options.connector.close()
  }

  /** true when a policy is about it. */
  #take(finding: Finding, decision: RecordId, history = emptyHistory()): boolean {
    if (!this.#policies.has(finding.rule)) return false
    const key = `${finding.rule} ${finding.subject}`
    const known = this.#failing.get(key)
    // Somebody answers for it as it is.
    if (finding.state !== 'fail' || finding.waiver !== undefined) this.#failing.delete(key)
    // The same failure, told again because of what stands beside it: what was asked for it counts.
    else if (known?.finding.since === finding.since) this.#failing.set(key, { ...known, finding })
    else this.#failing.set(key, { finding, decision, history })
    return true
  }

  /** One review at a time; what happens during one is looked at in another. */
  #review(): void {
    if (this.#closed) return
    if (this.#reviewing) {
      this.#again = true
      return
    }
    this.#reviewing = true
    this.#track(async () => {
      try {
        await this.#closeLoops()
        await this.#openRequests()
      } finally {
        this.#reviewing = false
        if (this.#again) {
          this.#again = false
          this.#review()
        }
      }
    })
  }

  #track(work: () => Promise<void>): void {
    const promise = Promise.resolve()
      .then(work)
      .catch((error: unknown) => this.#options.onError?.(error))
      .finally(() => this.#work.delete(promise))
    this.#work.add(promise)
  }

  async #closeLoops(): Promise<void> {
    const now = this.#options.now()
    for (const [key, request] of [...this.#open]) {
      if (request.sending) continue
      const repaired = this.#repairSeen(request)
      if (repaired !== undefined) {
        const seen = `seen in the observation of ${repaired.at}: ${repaired.finding.summary}`
        await this.#record(request, 'verified', seen, repaired.finding.evidence)
        this.#open.delete(key)
      } else if (now - request.requestedAt >= this.#options.guards.deadline) {
        await this.#record(request, 'ineffective', 'no repair was seen on the wire before the deadline')
        this.#open.delete(key)
      } else if (request.status === 'requested' && isDueAgain(request, now) && this.#maySendAgain(request)) {
        this.#send(key, request)
      }
    }
  }

  /** The configuration may be another one than when it was requested. */
  #maySendAgain({ rule, action }: OpenRequest): boolean {
    if (this.#options.guards.dry_run) return false
    return this.#policies.get(rule)?.some((policy) => policy.action === action) === true
  }

  /** A pass that rests on an observation from before the request proves nothing about it. */
  #repairSeen(request: OpenRequest): { finding: Finding; at: string } | undefined {
    const finding = this.#options.finding(request.rule, request.subject)
    const at = finding?.facts.probe?.at
    if (finding?.state !== 'pass' || at === undefined) return undefined
    return fromTimestamp(at) >= request.requestedAt ? { finding, at } : undefined
  }

  async #openRequests(): Promise<void> {
    for (const failing of [...this.#failing.values()]) {
      for (const { action } of this.#policies.get(failing.finding.rule) ?? []) {
        if (canRepair(action, failing.finding.subject)) await this.#consider(action, failing)
      }
    }
  }

  async #consider(action: RemediationAction, { finding, decision, history }: Failing): Promise<void> {
    // The decision may be behind: what passes by now needs no repair.
    const current = this.#options.finding(finding.rule, finding.subject)
    if (current !== undefined && current.state !== 'fail') return
    const key = guardKey(action, finding.subject)
    const underWay = this.#open.get(key)
    if (underWay?.rule === finding.rule && underWay.subject === finding.subject) return
    const now = this.#options.now()
    const { dry_run: dryRun, cool_down: coolDown } = this.#options.guards
    const lastRequest = this.#lastRequest.get(key)
    const reason = refusal({ now, dryRun, coolDown, underWay: underWay !== undefined, lastRequest })
    const attempt = (history.attempts.get(action) ?? 0) + 1
    const { rule, subject } = finding
    const request: OpenRequest = {
      id: idempotencyKey(action, decision, attempt),
      action,
      rule,
      subject,
      evidence: [decision, ...finding.evidence],
      requestedAt: now,
      status: 'requested',
      sending: false,
      failedAttempts: 0,
      retryAt: 0,
    }
    if (reason !== undefined) {
      // Waiting for another attempt at what was tried already is not news.
      if (attempt > 1 || history.refused.has(refusedKey(request.id, reason))) return
      await this.#record(request, 'suppressed', reason)
      history.refused.add(refusedKey(request.id, reason))
      return
    }
    const sealed = await this.#record(request, 'requested', `${action}: ${finding.summary}`)
    // Nothing is requested that is not journaled.
    if (sealed === undefined) return
    const requestedAt = fromTimestamp(sealed.recorded)
    history.attempts.set(action, attempt)
    this.#lastRequest.set(key, requestedAt)
    const open = { ...request, requestedAt }
    this.#open.set(key, open)
    this.#send(key, open)
  }

  #send(key: string, request: OpenRequest): void {
    request.sending = true
    this.#track(async () => {
      const { id: idempotencyKey, action, rule, subject, evidence, requestedAt } = request
      const outcome = await this.#options.connector.request({
        idempotencyKey,
        action,
        rule,
        subject,
        evidence,
        requestedAt,
      })
      request.sending = false
      if (outcome.accepted) {
        request.status = 'accepted'
        this.#givenUp.delete(key)
        await this.#record(request, 'accepted', outcome.detail)
      } else {
        await this.#failed(key, request, outcome)
      }
      this.#review()
    })
  }

  /** The same request goes out again some times, long before the cool-down lets a new one be made. */
  async #failed(
    key: string,
    request: OpenRequest,
    { again, detail }: Extract<RemediationOutcome, { accepted: false }>,
  ): Promise<void> {
    request.failedAttempts++
    const { failedAttempts } = request
    if (!again || failedAttempts >= MAX_ATTEMPTS) {
      this.#open.delete(key)
      this.#givenUp.set(key, `${request.rule} ${request.subject}`)
      const attempts = failedAttempts === 1 ? '' : ` (${failedAttempts} attempts)`
      await this.#record(request, 'failed', `${detail}${attempts}`)
      return
    }
    const wait = backoff(failedAttempts, MAX_PAUSE, this.#options.random)
    request.retryAt = this.#options.now() + wait
    await this.#record(request, 'retried', `attempt ${failedAttempts} of ${MAX_ATTEMPTS}: ${detail}`)
  }

  async #record(
    request: OpenRequest,
    status: RemediationStep['status'],
    detail: string,
    more: readonly RecordId[] = [],
  ): Promise<SealedRecord | undefined> {
    const { id, rule, subject, evidence } = request
    const { receiver } = this.#options.connector
    const all = [...new Set([...evidence, ...more])]
    const body: RemediationStep = {
      kind: 'remediation',
      id,
      status,
      rule,
      subject,
      receiver,
      detail,
      evidence: all,
    }
    const time = toTimestamp(this.#options.now())
    const [sealed] = await this.#options.record([{ kind: 'action', time, body }])
    return sealed
  }
}

/** A clock that was set back leaves the time of the next delivery far in the future. */
function isDueAgain({ retryAt }: OpenRequest, now: number): boolean {
  return now >= retryAt || retryAt - now > MAX_PAUSE
}
