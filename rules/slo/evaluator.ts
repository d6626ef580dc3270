import type { Observation, ProbeError, ProbeResult } from '../../model/observation.ts'
import type { SealedRecord, Unchanged } from '../../model/record.ts'
import { formatRecordId, parseRecordId, type RecordId } from '../../model/recordId.ts'
import type { MaintenanceConfig } from '../../model/slos.ts'
import { fromTimestamp, toTimestamp, type Timestamp } from '../../model/time.ts'
import type { RollUp, TargetState } from '../../store/contract.ts'
import { Maintenance, type Interval, type MaintenancePlan } from '../maintenance.ts'
import type { WatchedTarget } from '../subjects.ts'
import { humanDuration } from '../summary.ts'
import { objectiveFacts, parsePartial } from './budget.ts'
import { EventSeries, HOUR, type EventRun } from './eventSeries.ts'
import { LOOK_KINDS, type Objective } from './objective.ts'

interface SloEvaluatorOptions {
  readonly objectives: readonly Objective[]
  readonly maintenance: readonly MaintenanceConfig[]
  /** What is probed: the CRLs that freshness is about. */
  readonly targets: readonly WatchedTarget[]
  readonly vantage: string
  /** Milliseconds. */
  readonly started: number
}

interface Tracked {
  readonly objective: Objective
  readonly series: EventSeries
  plan: MaintenancePlan | undefined
}

/** A full observation that `unchanged` items may refer to. */
interface Reference {
  readonly source: string
  readonly failed: boolean
}

/** A CRL as it was last seen at one distribution point. */
interface KnownCrl {
  readonly target: string
  readonly thisUpdate: number
  readonly nextUpdate: number
}

/** Since when a revocation waits for its publication, in milliseconds; undefined: none does. */
type WaitingSince = number | undefined

/** What the events that are made here are called; they are counted like the runs of any target. */
const LOOKS: ReadonlySet<string> = new Set(LOOK_KINDS)

/**
 * Counts runs as the journal tells them, and says what they come to. A projection: feed it every sealed batch after the position at which it was restored. What it
 * returns are observations, to be journaled; those of looks come back as events.
 */
export class SloEvaluator {
  readonly #tracked: readonly Tracked[]
  readonly #vantage: string
  readonly #started: number
  /** By subject and probe; of looks by their kind. */
  readonly #bySource = new Map<string, Tracked[]>()
  /** By subject and kind. */
  readonly #byObjective = new Map<string, Tracked>()
  readonly #references = new Map<RecordId, Reference>()
  /** The two newest full observations of each target, oldest first: an item about the older one may come late. */
  readonly #newest = new Map<string, RecordId[]>()
  /** Distribution points that are declared, and by subject what was last seen there. */
  readonly #declared: ReadonlySet<string>
  readonly #crls = new Map<string, Map<string, KnownCrl>>()
  /** By subject, and by target. */
  readonly #waiting = new Map<string, Map<string, WaitingSince>>()
  #maintenanceSince: number
  #exclusions = new Map<MaintenancePlan, { from: number; to: number; intervals: readonly Interval[] }>()

  constructor({ objectives, maintenance, targets, vantage, started }: SloEvaluatorOptions) {
    this.#vantage = vantage
    this.#started = started
    this.#maintenanceSince = started
    this.#declared = new Set(targets.map(({ subject, probe, address }) => `${subject} ${probe} ${address}`))
    const windows = new Maintenance(maintenance)
    this.#tracked = objectives.map((objective) => ({
      objective,
      series: new EventSeries(objective),
      plan: windows.of(objective),
    }))
    for (const tracked of this.#tracked) {
      const { subject, probe, kind } = tracked.objective
      const source = sourceOf(subject, probe, kind)
      this.#bySource.set(source, [...(this.#bySource.get(source) ?? []), tracked])
      this.#byObjective.set(keyOf(subject, kind), tracked)
    }
  }

  /** What is known of every target: at the position after which `apply` gets its first batch. */
  hydrate(latest: readonly TargetState[]): void {
    for (const { observation, known, lastStart, lastDuration } of latest) {
      const { subject, probe, target, outcome } = observation
      this.#refer(observation, observation.id)
      this.#see(subject, probe, target, known)
      const run = { start: fromTimestamp(lastStart), duration: lastDuration, failed: outcome === 'failure' }
      for (const { series, plan } of this.#trackedBy(subject, probe, target))
        if (plan?.at(run.start).waiver === undefined) series.recall(run)
      if (observation.probe === 'slo') this.#recall(observation)
    }
  }

  /** Hours as the store counted them, each once, up to that position. */
  restore(rollUps: readonly RollUp[]): void {
    for (const rollUp of rollUps)
      for (const { series } of this.#trackedBy(rollUp.subject, rollUp.probe, rollUp.target))
        series.restore(rollUp)
  }

  /** Maintenance is at these times from now on. */
  reconfigure(maintenance: readonly MaintenanceConfig[], now: number): void {
    const windows = new Maintenance(maintenance)
    for (const tracked of this.#tracked) {
      tracked.plan = windows.of(tracked.objective)
      tracked.series.forgetExcluded()
    }
    this.#exclusions.clear()
    this.#maintenanceSince = now
  }

  apply(batch: readonly SealedRecord[]): void {
    for (const record of batch) {
      if (record.kind === 'observation') this.#observe(record.body, record.id)
      else if (record.kind === 'unchanged') this.#repeat(record.id, record.time, record.body)
    }
  }

  /** An observation of each objective, as of `now`. That of a look is a failure while what it looks at is not good; none as long as nothing was seen. */
  evaluate(now: number): readonly ProbeResult[] {
    return this.#tracked.flatMap((tracked) => {
      const { objective } = tracked
      const error = this.#lookAt(objective, now)
      if (error === 'unseen') return []
      const facts = this.#facts(tracked, now)
      const observation: Observation = {
        subject: objective.subject,
        probe: 'slo',
        target: objective.kind,
        vantage: this.#vantage,
        start: toTimestamp(now),
        duration: 0,
        facts: { slo: facts },
        artifacts: [],
        ...(error === undefined ? { outcome: 'success' } : { outcome: 'failure', error }),
      }
      return [{ observation, artifacts: [] }]
    })
  }

  #facts({ objective, series, plan }: Tracked, now: number) {
    const facts = objectiveFacts({
      objective,
      series,
      maintained: (interval) => (plan === undefined ? [] : this.#maintained(plan, interval)),
      countingSince: this.#started,
      maintenanceSince: this.#maintenanceSince,
      now,
    })
    for (const text of facts.maintained ?? []) {
      const partial = parsePartial(text)
      if (partial !== undefined) series.settle(partial.hour, partial)
    }
    series.prune(Math.floor((now - objective.window) / HOUR) - 26)
    return facts
  }

  /** Going through a cron expression for 30 days takes a while, so it is done once an hour, and an hour ahead. */
  #maintained(plan: MaintenancePlan, { from, to }: Interval): readonly Interval[] {
    let known = this.#exclusions.get(plan)
    if (known === undefined || known.from > from || known.to < to) {
      const ahead = to + HOUR
      known = { from, to: ahead, intervals: plan.within({ from, to: ahead }) }
      this.#exclusions.set(plan, known)
    }
    return known.intervals.flatMap((interval) => {
      const cut = { from: Math.max(from, interval.from), to: Math.min(to, interval.to) }
      return cut.from < cut.to ? [cut] : []
    })
  }

  /** Why it is not good; undefined when it is, and of objectives whose events are runs. */
  #lookAt(objective: Objective, now: number): ProbeError | 'unseen' | undefined {
    switch (objective.kind) {
      case 'freshness':
        return this.#staleness(objective, now)
      case 'publication':
        return this.#lateness(objective, now)
      case 'availability':
      case 'latency':
        return undefined
    }
  }

  /** A revocation that never comes is late from then on, so that it does not take one that comes to be counted. */
  #lateness({ subject, limit = 0 }: Objective, now: number): ProbeError | 'unseen' | undefined {
    const waiting = this.#waiting.get(subject)
    if (waiting === undefined) return 'unseen'
    for (const [target, since] of waiting) {
      if (since === undefined || now - since <= limit) continue
      const message = `expected revocations to be published within ${humanDuration(limit)}, got one of ${toTimestamp(since)} that is not, by ${target}`
      return { phase: 'time', code: 'revocation_unpublished', message }
    }
    return undefined
  }

  /** Why the CRL is not fresh; undefined when it is. */
  #staleness({ subject, limit }: Objective, now: number): ProbeError | 'unseen' | undefined {
    const crls = [...(this.#crls.get(subject)?.values() ?? [])]
    if (crls.length === 0) return 'unseen'
    for (const { target, thisUpdate, nextUpdate } of crls) {
      const error = (message: string): ProbeError => ({ phase: 'time', code: 'crl_not_fresh', message })
      if (now > nextUpdate)
        return error(
          `expected a CRL in force, got one that ended at ${toTimestamp(nextUpdate)} from ${target}`,
        )
      if (limit !== undefined && now - thisUpdate > limit)
        return error(
          `expected a CRL not older than ${humanDuration(limit)}, got one of ${toTimestamp(thisUpdate)} from ${target}`,
        )
    }
    return undefined
  }

  #observe(observation: Observation, id: RecordId): void {
    const { subject, probe, target, start, duration, outcome } = observation
    this.#refer(observation, id)
    this.#see(subject, probe, target, observation.facts)
    const run = { start: fromTimestamp(start), duration, failed: outcome === 'failure' }
    this.#count(this.#trackedBy(subject, probe, target), run)
  }

  #repeat(id: RecordId, time: Timestamp, { items }: Unchanged): void {
    const own = parseRecordId(id)
    if (own === undefined) return
    const base = fromTimestamp(time)
    for (const [entry, n, offset, duration] of items) {
      const reference = this.#references.get(formatRecordId(own.origin, own.epoch, { entry, n }))
      if (reference === undefined) continue
      const run = { start: base + offset, duration, failed: reference.failed }
      this.#count(this.#bySource.get(reference.source) ?? [], run)
    }
  }

  #count(tracked: readonly Tracked[], run: EventRun): void {
    for (const { series, plan } of tracked) series.add(run, plan?.at(run.start).waiver !== undefined)
  }

  #trackedBy(subject: string, probe: string, target: string): readonly Tracked[] {
    // Of what is derived here only looks are events.
    if (probe === 'slo' && !LOOKS.has(target)) return []
    return this.#bySource.get(sourceOf(subject, probe, target)) ?? []
  }

  #refer({ subject, probe, target, vantage, outcome }: Observation, id: RecordId): void {
    if (this.#trackedBy(subject, probe, target).length === 0) return
    const key = `${subject} ${probe} ${target} ${vantage}`
    const ids = [...(this.#newest.get(key) ?? []), id]
    const oldest = ids.length > 2 ? ids.shift() : undefined
    if (oldest !== undefined) this.#references.delete(oldest)
    this.#newest.set(key, ids)
    this.#references.set(id, { source: sourceOf(subject, probe, target), failed: outcome === 'failure' })
  }

  #see(subject: string, probe: string, target: string, facts: Observation['facts']): void {
    if (!this.#declared.has(`${subject} ${probe} ${target}`)) return
    if (probe === 'crl') this.#seeCrl(subject, target, facts)
    const { reconciliation, ocspRevocations } = facts
    if (reconciliation !== undefined) this.#seeWaiting(subject, target, reconciliation.missingSince)
    if (ocspRevocations !== undefined) this.#seeWaiting(subject, target, ocspRevocations.unpublishedSince)
  }

  #seeWaiting(subject: string, target: string, since: Timestamp | undefined): void {
    const own = this.#waiting.get(subject) ?? new Map<string, WaitingSince>()
    own.set(target, since === undefined ? undefined : fromTimestamp(since))
    this.#waiting.set(subject, own)
  }

  #seeCrl(subject: string, target: string, { crl }: Observation['facts']): void {
    if (crl?.thisUpdate === undefined) return
    const thisUpdate = fromTimestamp(crl.thisUpdate)
    // Without nextUpdate it has no end (RFC 5280 5.1.2.5 wants one; a lint says so).
    const nextUpdate = crl.nextUpdate === undefined ? Infinity : fromTimestamp(crl.nextUpdate)
    const own = this.#crls.get(subject) ?? new Map<string, KnownCrl>()
    own.set(target, { target, thisUpdate, nextUpdate })
    this.#crls.set(subject, own)
  }

  #recall({ subject, target, facts }: Observation): void {
    const tracked = this.#byObjective.get(keyOf(subject, target))
    for (const text of facts.slo?.maintained ?? []) {
      const partial = parsePartial(text)
      if (partial !== undefined) tracked?.series.settle(partial.hour, partial)
    }
  }
}

/** Looks at one subject are of several kinds; runs of one kind of probe count together. */
function sourceOf(subject: string, probe: string, kind: string): string {
  return probe === 'slo' ? `${subject} slo ${kind}` : keyOf(subject, probe)
}

function keyOf(subject: string, aspect: string): string {
  return `${subject} ${aspect}`
}
