import { Counter, Gauge, Histogram, collectDefaultMetrics } from 'prom-client'
import type { Registry } from 'prom-client'
import { FINDING_STATES } from '../model/finding.ts'
import type { Finding } from '../model/finding.ts'
import { PHASES, PROBE_KINDS } from '../model/observation.ts'
import type { Observation, Phase, ProbeKind } from '../model/observation.ts'
import { parseRecordId } from '../model/recordId.ts'
import type { SealedRecord, Unchanged } from '../model/record.ts'
import type { Position } from '../model/recordId.ts'
import type { AuditEvent } from '../model/auditEvent.ts'
import { parseSubject } from '../model/subject.ts'
import { fromTimestamp } from '../model/time.ts'
import type { Timestamp } from '../model/time.ts'
import type { TargetState } from '../store/contract.ts'
import { FactSeries } from './factSeries.ts'
import type { Labels } from './factSeries.ts'
import { TARGET_LABELS } from './factMetrics.ts'
import { ACTION_STATUSES, METRICS } from './metricTable.ts'
import { PublicationSeries } from './publicationSeries.ts'
import { SloSeries } from './sloSeries.ts'
import { storeLag, unpublishedEntries } from './status.ts'
import type { Status } from './status.ts'

/** A target as the configuration declares it; a Target of the probes is one. */
export interface DeclaredTarget {
  readonly probe: ProbeKind
  readonly subject: string
  /** URL or host:port, as observations name it. */
  readonly address: string
  /** Milliseconds between runs. */
  readonly interval: number
}

/** Seconds: from a local cache's answer to the longest time-out that makes sense. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60]

/** Event names come from logs. Those beyond this many, and those that don't look like one, are counted as `other`. */
const MAX_AUDIT_ACTIONS = 200
const AUDIT_ACTION = /^[A-Za-z0-9_.-]{1,64}$/

/** A full observation, as an `unchanged` item repeats it. */
interface Run {
  readonly position: string
  readonly outcome: Observation['outcome']
  readonly phase: Phase | undefined
}

interface Known {
  readonly probe: ProbeKind
  /** Labels of the run metrics, and those of the fact metrics. */
  readonly labels: { probe: string; subject: string; target: string }
  readonly factLabels: Labels
  newest: Run | undefined
  /** Its predecessor: an item that repeats it may come late. */
  previous: Run | undefined
}

/**
 * The Prometheus registry as a projection of the journal. Every declared target has its series from the start, NaN until a run
 * established a value, and keeps them when its certificate or CRL has expired. Label values come from the inventory, from configured
 * URLs and from closed vocabularies.
 *
 * Gauges, and the histogram of publications, are restored by `hydrate`; counters and the histogram of runs count what this process has applied.
 */
export class MetricsProjection {
  readonly #registry: Registry
  readonly #metrics: ReturnType<typeof createMetrics>
  readonly #facts: FactSeries
  readonly #slos: SloSeries
  readonly #publications = new PublicationSeries()
  readonly #targets = new Map<string, Known>()
  /** By position of a full observation. */
  readonly #runs = new Map<string, Known>()
  /** Labels of each finding, by rule and subject. */
  readonly #findings = new Map<string, { rule: string; subject: string; severity: string; waived: string }>()
  readonly #sources = new Set<string>()
  readonly #auditActions = new Set(['unparsed', 'other'])

  constructor(registry: Registry) {
    this.#registry = registry
    collectDefaultMetrics({ register: registry })
    this.#metrics = createMetrics(registry)
    this.#facts = new FactSeries(registry)
    this.#slos = new SloSeries(registry)
    this.#metrics.tick.set(NaN)
    for (const probe of PROBE_KINDS) {
      this.#metrics.probeRunDuration.zero({ probe })
      for (const phase of PHASES) this.#metrics.probeFailures.inc({ probe, phase }, 0)
    }
    for (const [kind, statuses] of Object.entries(ACTION_STATUSES))
      for (const status of statuses) this.#metrics.actions.inc({ kind, status }, 0)
  }

  /** What is configured now: makes the series of new targets and log sources, and removes those of targets that are gone. */
  declare(declared: {
    targets: readonly DeclaredTarget[]
    sources: readonly string[]
    /** By subject and kind. Default: none. */
    objectives?: readonly Pick<DeclaredTarget, 'subject' | 'address'>[]
  }): void {
    this.#slos.declare(declared.objectives ?? [])
    const keep = new Set(declared.targets.map((t) => keyOf(t.subject, t.probe, t.address)))
    for (const [key, known] of this.#targets) if (!keep.has(key)) this.#remove(key, known)
    for (const target of declared.targets) this.#declare(target)
    for (const source of declared.sources) this.#declareSource(source)
  }

  /** Sets the gauges to what the store knows. Then apply the records after the store's position. */
  hydrate(from: { latest: readonly TargetState[]; findings: readonly Finding[] }): void {
    for (const { observation, known: facts, lastStart, lastDuration } of from.latest) {
      this.#objective(observation)
      const known = this.#targets.get(keyOf(observation.subject, observation.probe, observation.target))
      const position = parseRecordId(observation.id)
      if (known === undefined || position === undefined) continue
      this.#facts.establish(known.probe, known.factLabels, facts, 'last established')
      this.#facts.establish(known.probe, known.factLabels, observation.facts, 'newest run')
      this.#publications.establish(known.probe, known.factLabels, facts)
      this.#refer(known, position, observation)
      this.#show(known, observation.outcome, fromTimestamp(lastStart), lastDuration)
    }
    for (const finding of from.findings) this.#finding(finding)
  }

  /** Applies sealed records in journal order. */
  apply(batch: readonly SealedRecord[]): void {
    for (const record of batch) this.#apply(record)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The exposition text, a metric at a time: with thousands of targets the whole is some megabytes. */
  async *expose(status: Status): AsyncGenerator<string> {
    this.#status(status)
    for (const { name } of this.#registry.getMetricsAsArray()) {
      const text = await this.#registry.getSingleMetricAsString(name)
      // prom-client writes "Nan"; the format says "NaN", and not every reader folds case.
      yield `${text.replaceAll(/ Nan$/gm, ' NaN')}\n\n`
    }
    yield `${this.#publications.expose()}\n`
  }

  #apply(record: SealedRecord): void {
    switch (record.kind) {
      case 'observation':
        this.#observation(record.body, record.position)
        return
      case 'unchanged':
        this.#unchanged(record.body, record.time)
        return
      case 'decision':
        this.#finding(record.body)
        return
      case 'audit':
        this.#audit(record.body)
        return
      case 'action':
        this.#metrics.actions.inc({ kind: record.body.kind, status: record.body.status })
        return
      case 'tick':
        this.#metrics.tick.set(fromTimestamp(record.time) / 1000)
        return
      case 'epoch':
      case 'configuration':
      case 'key':
      case 'retention':
        return
    }
  }

  #objective({ subject, probe, target, facts }: Observation): void {
    if (probe === 'slo') this.#slos.establish(subject, target, facts.slo ?? {})
  }

  #observation(observation: Observation, position: Position): void {
    this.#objective(observation)
    const known = this.#targets.get(keyOf(observation.subject, observation.probe, observation.target))
    if (known === undefined) return
    this.#facts.establish(known.probe, known.factLabels, observation.facts, 'last established')
    this.#facts.establish(known.probe, known.factLabels, observation.facts, 'newest run')
    this.#publications.establish(known.probe, known.factLabels, observation.facts)
    const run = this.#refer(known, position, observation)
    this.#show(known, run.outcome, fromTimestamp(observation.start), observation.duration)
    this.#count(known, run, observation.duration)
  }

  #unchanged({ items }: Unchanged, time: Timestamp): void {
    for (const [entry, n, offset, duration] of items) {
      const position = positionKey({ entry, n })
      const known = this.#runs.get(position)
      const run = known?.newest?.position === position ? known.newest : known?.previous
      if (known === undefined || run === undefined) continue
      this.#count(known, run, duration)
      if (run === known.newest) this.#show(known, run.outcome, fromTimestamp(time) + offset, duration)
    }
  }

  /** Start and duration in milliseconds. */
  #show({ labels }: Known, outcome: Observation['outcome'], start: number, duration: number): void {
    this.#metrics.probeSuccess.set(labels, outcome === 'success' ? 1 : 0)
    this.#metrics.probeDuration.set(labels, duration / 1000)
    this.#metrics.probeLastRun.set(labels, start / 1000)
    if (outcome === 'success') this.#metrics.probeLastSuccess.set(labels, start / 1000)
  }

  #count({ labels, probe }: Known, { outcome, phase }: Run, duration: number): void {
    this.#metrics.probeRuns.inc({ ...labels, outcome })
    this.#metrics.probeRunDuration.observe({ probe }, duration / 1000)
    if (phase !== undefined) this.#metrics.probeFailures.inc({ probe, phase })
  }

  #refer(known: Known, position: Position, { outcome, error }: Observation): Run {
    if (known.previous !== undefined) this.#runs.delete(known.previous.position)
    known.previous = known.newest
    known.newest = { position: positionKey(position), outcome, phase: error?.phase }
    this.#runs.set(known.newest.position, known)
    return known.newest
  }

  #finding({ rule, subject, state, severity, since, waiver }: Finding): void {
    const key = `${rule}\n${subject}`
    const labels = { rule, subject, severity, waived: waiver === undefined ? 'false' : 'true' }
    const before = this.#findings.get(key)
    const isRelabelled =
      before !== undefined && (before.severity !== severity || before.waived !== labels.waived)
    for (const s of FINDING_STATES) {
      if (isRelabelled) this.#metrics.findingState.remove({ ...before, state: s })
      this.#metrics.findingState.set({ ...labels, state: s }, s === state ? 1 : 0)
    }
    this.#findings.set(key, labels)
    this.#metrics.findingSince.set({ rule, subject }, fromTimestamp(since) / 1000)
  }

  #audit({ event, position: { source }, '@timestamp': time }: AuditEvent): void {
    const known = this.#auditActions.has(event.action)
    if (!known && this.#auditActions.size < MAX_AUDIT_ACTIONS && AUDIT_ACTION.test(event.action))
      this.#auditActions.add(event.action)
    const action = this.#auditActions.has(event.action) ? event.action : 'other'
    this.#metrics.auditEvents.inc({ source, action, outcome: event.outcome })
    this.#metrics.auditLastEvent.set({ source }, fromTimestamp(time) / 1000)
  }

  #status(status: Status): void {
    const { journal } = status
    const seconds = (time: Timestamp | undefined) => (time === undefined ? NaN : fromTimestamp(time) / 1000)
    this.#metrics.journalEntries.set(journal.size)
    this.#metrics.journalUnpublished.set(unpublishedEntries(status))
    this.#metrics.journalLastSeal.set(seconds(journal.lastSeal))
    this.#metrics.journalCheckpoint.set(seconds(journal.checkpoint?.time))
    const { retention } = status
    this.#metrics.retentionTime.set(seconds(retention?.time))
    if (retention !== undefined)
      for (const what of ['segments', 'records', 'artifacts'] as const)
        this.#metrics.retentionRemoved.set({ what }, retention[what])
    this.#metrics.storeLag.set(storeLag(status))
    this.#metrics.reloadSuccessful.set(status.configuration.successful ? 1 : 0)
    this.#metrics.reloadTime.set(seconds(status.configuration.time))
    this.#metrics.incidents.set({ state: 'open' }, status.incidents.open)
    this.#metrics.incidents.set({ state: 'acknowledged' }, status.incidents.acknowledged)
    this.#metrics.alertsActive.set(status.alerts?.active ?? NaN)
    for (const { receiver, undelivered, lastSuccess } of status.alerts?.receivers ?? []) {
      this.#metrics.alertsUndelivered.set({ receiver }, undelivered)
      this.#metrics.alertsLastSuccess.set({ receiver }, seconds(lastSuccess))
    }
    this.#metrics.ready.set(status.ready ? 1 : 0)
    this.#metrics.problems.set(status.problems.length)
    this.#metrics.buildInfo.set({ version: status.version }, 1)
  }

  #declare({ subject, probe, address, interval }: DeclaredTarget): void {
    const key = keyOf(subject, probe, address)
    const labels = { probe, subject, target: address }
    this.#metrics.probeInterval.set(labels, interval / 1000)
    if (this.#targets.has(key)) return
    const keys = [...(parseSubject(subject)?.keys ?? []), address]
    const factLabels = Object.fromEntries(TARGET_LABELS[probe].map((label, i) => [label, keys[i] ?? '']))
    this.#targets.set(key, { probe, labels, factLabels, newest: undefined, previous: undefined })
    for (const gauge of this.#runGauges()) gauge.set(labels, NaN)
    for (const outcome of OUTCOMES) this.#metrics.probeRuns.inc({ ...labels, outcome }, 0)
    this.#facts.declare(probe, factLabels)
    this.#publications.declare(probe, factLabels)
  }

  #remove(key: string, known: Known): void {
    this.#targets.delete(key)
    for (const run of [known.newest, known.previous]) if (run !== undefined) this.#runs.delete(run.position)
    for (const gauge of [...this.#runGauges(), this.#metrics.probeInterval]) gauge.remove(known.labels)
    for (const outcome of OUTCOMES) this.#metrics.probeRuns.remove({ ...known.labels, outcome })
    this.#facts.remove(known.probe, known.factLabels)
    this.#publications.remove(known.probe, known.factLabels)
  }

  #declareSource(source: string): void {
    if (this.#sources.has(source)) return
    this.#sources.add(source)
    // A line that was not understood must be seen from the first on, so its counter starts before it.
    this.#metrics.auditEvents.inc({ source, action: 'unparsed', outcome: 'unknown' }, 0)
    this.#metrics.auditLastEvent.set({ source }, NaN)
  }

  #runGauges() {
    const { probeSuccess, probeDuration, probeLastRun, probeLastSuccess } = this.#metrics
    return [probeSuccess, probeDuration, probeLastRun, probeLastSuccess]
  }
}

const OUTCOMES = ['success', 'failure'] as const

function keyOf(subject: string, probe: string, address: string): string {
  return `${subject}\n${probe}\n${address}`
}

function positionKey({ entry, n }: Position): string {
  return `${entry}/${n}`
}

function createMetrics(registry: Registry) {
  const options = <L extends string>({
    name,
    help,
    labels,
  }: {
    name: string
    help: string
    labels: readonly L[]
  }) => ({
    name,
    help,
    labelNames: labels,
    registers: [registry],
  })
  const gauge = <L extends string>(metric: { name: string; help: string; labels: readonly L[] }) =>
    new Gauge(options(metric))
  const counter = <L extends string>(metric: { name: string; help: string; labels: readonly L[] }) =>
    new Counter(options(metric))
  return {
    probeSuccess: gauge(METRICS.probeSuccess),
    probeDuration: gauge(METRICS.probeDuration),
    probeLastRun: gauge(METRICS.probeLastRun),
    probeLastSuccess: gauge(METRICS.probeLastSuccess),
    probeInterval: gauge(METRICS.probeInterval),
    probeRuns: counter(METRICS.probeRuns),
    probeFailures: counter(METRICS.probeFailures),
    probeRunDuration: new Histogram({ ...options(METRICS.probeRunDuration), buckets: DURATION_BUCKETS }),
    findingState: gauge(METRICS.findingState),
    findingSince: gauge(METRICS.findingSince),
    auditEvents: counter(METRICS.auditEvents),
    auditLastEvent: gauge(METRICS.auditLastEvent),
    actions: counter(METRICS.actions),
    alertsActive: gauge(METRICS.alertsActive),
    alertsUndelivered: gauge(METRICS.alertsUndelivered),
    alertsLastSuccess: gauge(METRICS.alertsLastSuccess),
    incidents: gauge(METRICS.incidents),
    tick: gauge(METRICS.tick),
    journalEntries: gauge(METRICS.journalEntries),
    journalUnpublished: gauge(METRICS.journalUnpublished),
    journalLastSeal: gauge(METRICS.journalLastSeal),
    journalCheckpoint: gauge(METRICS.journalCheckpoint),
    retentionTime: gauge(METRICS.retentionTime),
    retentionRemoved: gauge(METRICS.retentionRemoved),
    storeLag: gauge(METRICS.storeLag),
    reloadSuccessful: gauge(METRICS.reloadSuccessful),
    reloadTime: gauge(METRICS.reloadTime),
    ready: gauge(METRICS.ready),
    problems: gauge(METRICS.problems),
    buildInfo: gauge(METRICS.buildInfo),
  }
}
