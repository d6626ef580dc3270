import type { AlertStep } from '../model/action.ts'
import type { NewRecord, SealedRecord } from '../model/record.ts'
import type { RecordId } from '../model/recordId.ts'
import { errorOf } from '../model/thrown.ts'
import { fromTimestamp, toTimestamp, type Clock, type Timestamp } from '../model/time.ts'
import type { Alert, Labels } from './alert.ts'
import type { AlertReceiver, PostableAlert } from './alertmanager.ts'
import { backoff } from './backoff.ts'

/** Runs `work` once after a delay in milliseconds; the returned function calls it off. */
export type Schedule = (delay: number, work: () => void) => () => void

export interface DeliveryOptions {
  readonly record: (records: readonly NewRecord[]) => Promise<readonly SealedRecord[]>
  /** Milliseconds after which every alert is sent again. */
  readonly interval: number
  readonly now: Clock
  readonly schedule: Schedule
  /** In [0, 1). */
  readonly random: () => number
  /** Told after every attempt: undefined when the receiver took everything. */
  readonly onAttempt?: (receiver: string, error: Error | undefined) => void
  /** Told when an action could not be journaled; the alert itself is sent all the same. */
  readonly onError?: (error: unknown) => void
}

export interface DeliveryStatus {
  readonly receiver: string
  /** Alerts and resolutions that the receiver has not taken yet. */
  readonly undelivered: number
  /** Attempts that failed since the start, and since the last that did not. */
  readonly failures: number
  readonly failuresInRow: number
  readonly lastSuccess: Timestamp | undefined
  /** Why the newest attempt failed; undefined when it did not. */
  readonly lastError: string | undefined
}

/** An alert lives this many intervals without being sent again: three may be lost. */
const LIFETIME_INTERVALS = 4

/** Alerts in one POST; keeps a request under about half a megabyte. */
const MAX_ALERTS_PER_POST = 400

export interface Ending {
  /** Milliseconds. */
  readonly at: number
  /** What the receiver is told as the alert's last state. */
  readonly state: string
  readonly detail: string
  readonly decision: RecordId
}

/** What the receiver has been told, or should have been, about one set of labels. */
interface Told {
  alert: Alert
  /** What was journaled last; each step is journaled once, not each time that it is tried again. */
  recorded: 'nothing' | 'sent' | 'undelivered'
  /** Until when the receiver has the alert without being told again, in milliseconds, as far as we know; */
  knownUntil: number
  /** and until when it may have it, because a request that seemed to fail may have arrived. */
  perhapsUntil: number
  /** Set when the alert is over and the receiver has to be told. */
  ending: Ending | undefined
}

interface Item {
  readonly key: string
  readonly told: Told
  readonly end: number
  readonly ending: Ending | undefined
}

/** The text of a label set, as key of a map. */
export function labelKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * Keeps one receiver informed: sends what is wanted at once, all of it again each interval, and what failed after a pause that grows. What
 * waits is bounded by what there is to tell: one alert each for finding and labels, and an end is forgotten when the alert would have ended at
 * the receiver by itself.
 */
export class Delivery {
  readonly #receiver: AlertReceiver
  readonly #options: DeliveryOptions
  readonly #wanted: (now: number) => readonly Alert[]
  readonly #heartbeat: (now: number) => PostableAlert | undefined
  readonly #told = new Map<string, Told>()
  #running: Promise<void> | undefined
  #again = false
  #closed = false
  #cancel: (() => void) | undefined
  #failures = 0
  #failuresInRow = 0
  #lastSuccess: number | undefined
  #lastError: string | undefined

  constructor(
    receiver: AlertReceiver,
    /** `wanted`: the alerts that should be firing; `heartbeat`: what is sent along, without a record. */
    sources: {
      readonly wanted: (now: number) => readonly Alert[]
      readonly heartbeat: (now: number) => PostableAlert | undefined
    },
    options: DeliveryOptions,
  ) {
    this.#receiver = receiver
    this.#wanted = sources.wanted
    this.#heartbeat = sources.heartbeat
    this.#options = options
  }

  get receiver(): string {
    return this.#receiver.receiver
  }

  /** What the journal says that this receiver was told before a restart. */
  adopt(alert: Alert, recorded: 'sent' | 'undelivered', ending: Ending | undefined): void {
    const until = this.#options.now() + LIFETIME_INTERVALS * this.#options.interval
    const knownUntil = recorded === 'sent' ? until : 0
    this.#told.set(labelKey(alert.labels), { alert, recorded, knownUntil, perhapsUntil: until, ending })
  }

  /** The alert with these labels is over. */
  end(key: string, ending: Ending): void {
    const told = this.#told.get(key)
    if (told !== undefined) told.ending ??= ending
  }

  /** Something changed: tells the receiver now, or after the pause if it has just failed. */
  poke(): void {
    if (this.#closed) return
    if (this.#running !== undefined) this.#again = true
    else if (this.#failuresInRow === 0) this.#run()
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.settled()
    await this.#receiver.close()
  }

  status(): DeliveryStatus {
    const now = this.#options.now()
    const undelivered = [...this.#told.values()].filter(
      (told) => told.ending !== undefined || told.knownUntil <= now,
    ).length
    return {
      receiver: this.receiver,
      undelivered,
      failures: this.#failures,
      failuresInRow: this.#failuresInRow,
      lastSuccess: this.#lastSuccess === undefined ? undefined : toTimestamp(this.#lastSuccess),
      lastError: this.#lastError,
    }
  }

  /** One round at a time; a change during a round starts another one after it. */
  #run(): void {
    if (this.#closed) return
    this.#cancel?.()
    this.#again = false
    // Not before the caller is done: what it does next may belong to the same round.
    const round = Promise.resolve().then(() => this.#round())
    this.#running = round
      .catch((error: unknown) => this.#options.onError?.(error))
      .finally(() => {
        this.#running = undefined
        this.#plan()
        if (this.#again) this.poke()
      })
  }

  #plan(): void {
    if (this.#closed) return
    const { interval, random, schedule } = this.#options
    const wait = this.#failuresInRow === 0 ? interval : backoff(this.#failuresInRow, interval, random)
    this.#cancel = schedule(wait, () => {
      if (this.#running === undefined) this.#run()
    })
  }

  async #round(): Promise<void> {
    const now = this.#options.now()
    const end = now + LIFETIME_INTERVALS * this.#options.interval
    const items = [...this.#due(this.#wanted(now), now, end)]
    const heartbeat = this.#heartbeat(now)
    let error: Error | undefined
    for (let i = 0; i === 0 || i < items.length; i += MAX_ALERTS_PER_POST) {
      const part = items.slice(i, i + MAX_ALERTS_PER_POST)
      const posts = part.map((item) => this.#postable(item))
      if (i === 0 && heartbeat !== undefined) posts.unshift(heartbeat)
      if (posts.length > 0) error ??= await this.#post(posts)
      await this.#settle(part, error, now)
    }
    this.#options.onAttempt?.(this.receiver, error)
    this.#lastError = error?.message
    if (error === undefined) {
      this.#failuresInRow = 0
      this.#lastSuccess = now
    } else {
      this.#failures++
      this.#failuresInRow++
    }
  }

  /** What has to be sent now: ends first, so that an alert whose labels changed is not there twice for longer than a request. */
  *#due(wanted: readonly Alert[], now: number, end: number): Generator<Item> {
    const firing = new Set<string>()
    for (const alert of wanted) {
      const key = labelKey(alert.labels)
      firing.add(key)
      const told = this.#told.get(key)
      if (told === undefined) {
        const fresh = { recorded: 'nothing', knownUntil: 0, perhapsUntil: 0, ending: undefined } as const
        this.#told.set(key, { alert, ...fresh })
      } else {
        // Failing again before the end got through: for the receiver it never stopped.
        told.alert = { ...alert, id: told.alert.id, startsAt: told.alert.startsAt }
        told.ending = undefined
      }
    }
    const over = [...this.#told].filter(([key]) => !firing.has(key))
    // Symptoms end before their causes do, or the receiver would tell people of them in between.
    for (const [key, told] of over.toSorted(([, a], [, b]) => symptomsFirst(a.alert, b.alert))) {
      told.ending ??= {
        at: now,
        state: 'gone',
        detail: 'it is not watched any more',
        decision: told.alert.decision,
      }
      yield { key, told, end, ending: told.ending }
    }
    for (const key of firing) {
      const told = this.#told.get(key)
      if (told !== undefined) yield { key, told, end, ending: undefined }
    }
  }

  async #post(posts: readonly PostableAlert[]): Promise<Error | undefined> {
    try {
      await this.#receiver.post(posts)
      return undefined
    } catch (error) {
      return errorOf(error)
    }
  }

  /** Journals what is new about these, and remembers it once it is journaled. */
  async #settle(items: readonly Item[], error: Error | undefined, now: number): Promise<void> {
    const steps: NewRecord[] = []
    const remember: (() => void)[] = []
    for (const item of items) {
      const { key, told, end, ending } = item
      const status = this.#newStatus(item, error, now)
      if (ending === undefined) {
        told.perhapsUntil = end
        if (error === undefined) told.knownUntil = end
      }
      if (status === undefined) continue
      const detail = status === 'undelivered' ? (error?.message ?? '') : this.#detail(item, error)
      steps.push({ kind: 'action', time: toTimestamp(now), body: this.#stepOf(item, status, detail) })
      remember.push(() => {
        if (status !== 'resolved') told.recorded = status
        else if (this.#told.get(key) === told) this.#told.delete(key)
      })
    }
    if (steps.length === 0) return
    try {
      await this.#options.record(steps)
      for (const done of remember) done()
    } catch (failure) {
      // Not journaled: the step counts as not done, and is taken again in the next round.
      this.#options.onError?.(failure)
    }
  }

  #newStatus({ told, ending }: Item, error: Error | undefined, now: number): AlertStep['status'] | undefined {
    if (ending !== undefined) {
      if (error === undefined || told.perhapsUntil <= now) return 'resolved'
      return told.recorded === 'undelivered' ? undefined : 'undelivered'
    }
    if (error === undefined) return told.recorded === 'sent' ? undefined : 'sent'
    // While the receiver still has it from before, a repetition that fails is no loss.
    return told.recorded === 'undelivered' || told.knownUntil > now ? undefined : 'undelivered'
  }

  #detail({ told, ending }: Item, error: Error | undefined): string {
    if (ending === undefined) return told.alert.summary
    return error === undefined
      ? ending.detail
      : `${ending.detail} (the receiver was not told; it ended there by itself)`
  }

  #stepOf({ told: { alert }, ending }: Item, status: AlertStep['status'], detail: string): AlertStep {
    const { id, rule, subject } = alert
    const evidence = [ending?.decision ?? alert.decision]
    return { kind: 'alert', id, status, rule, subject, receiver: this.receiver, detail, evidence }
  }

  #postable({ told: { alert }, end, ending }: Item): PostableAlert {
    const { labels, startsAt } = alert
    const last =
      ending === undefined ? {} : { summary: ending.detail, state: ending.state, decision: ending.decision }
    const annotations = { ...alert.annotations, ...last }
    // A start after the end is refused, and clocks may disagree.
    const endsAt = toTimestamp(Math.max(ending?.at ?? end, fromTimestamp(startsAt)))
    return { labels, annotations, startsAt, endsAt }
  }
}

function symptomsFirst({ labels: a }: Alert, { labels: b }: Alert): number {
  return Number(a['cause'] === undefined) - Number(b['cause'] === undefined)
}
