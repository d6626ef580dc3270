import { parseOrigin, type Checkpoint } from '../journal/checkpoint.ts'
import type { Anchor } from '../journal/verify/anchors.ts'
import type { SealedRecord } from '../model/record.ts'
import { parseRecordId } from '../model/recordId.ts'
import { toTimestamp } from '../model/time.ts'
import type { Clock, Timestamp } from '../model/time.ts'
import { ActionLog } from './actions.ts'
import { AuditTrail } from './auditTrail.ts'
import { MonitorConfiguration } from './configuration.ts'
import { Coverage, DEFAULT_SILENCE_MS } from './coverage.ts'
import { CustodyLog } from './custody.ts'
import { ReportError } from './error.ts'
import { FindingHistory } from './findings.ts'
import { ObjectiveLog } from './objectives.ts'
import { ObservationTally } from './observations.ts'
import { instant, parsePeriod, within } from './period.ts'
import type { Period } from './period.ts'
import type { Report } from './schema.ts'
import { subjectEntries, summarize } from './summary.ts'

export interface ReportRequest {
  /** [from, to) in UTC; `monthPeriod` makes one. */
  readonly period: { readonly from: Timestamp; readonly to: Timestamp }
  /** The journal counts up to here, whatever was written after it. */
  readonly checkpoint: Checkpoint
  /** Who else vouches for how much of it, as whoever makes the report believes them. Default: nobody. */
  readonly anchors?: readonly Anchor[]
  /** Version of PKI Vigil. */
  readonly version: string
  /** When given, the report says when it was made; without it the same journal and period give the same bytes. */
  readonly now?: Clock
  /** Without a sign of life for longer than this many ms, vigil was not watching. */
  readonly silence?: number
}

/** A period of which charts show everything must hold runs over at least this share; else they show only that part. */
const WHOLE_PERIOD_SHARE = 1 / 8

/**
 * What the journal up to a checkpoint says about a period: a pure function of both. Reads the batches once, in order;
 * memory grows with the number of targets, rules and listed events, not with the number of records.
 * Throws ReportError (bad_period, foreign_record).
 */
export async function buildReport(
  batches: AsyncIterable<readonly SealedRecord[]>,
  request: ReportRequest,
): Promise<Report> {
  const period = parsePeriod(request.period)
  const parts = new ReportParts(period, request)
  const prefix = `${request.checkpoint.origin}/`
  reading: for await (const batch of batches) {
    for (const record of batch) {
      if (!record.id.startsWith(prefix)) requireEarlierEpoch(record, request.checkpoint)
      else if (record.position.entry >= request.checkpoint.size) break reading
      parts.add(record)
    }
  }
  return parts.report(request)
}

/** Before a restore the log had another epoch. */
function requireEarlierEpoch({ id }: SealedRecord, { origin }: Checkpoint): void {
  const [own, other] = [parseOrigin(origin), parseRecordId(id)]
  if (own === undefined || other?.origin !== own.origin || other.epoch >= own.epoch)
    throw new ReportError('foreign_record', `expected a record of ${origin}/…, got ${id}`)
}

class ReportParts {
  readonly #period: Period
  readonly #coverage: Coverage
  readonly #runs: ObservationTally
  readonly #findings: FindingHistory
  readonly #actions: ActionLog
  readonly #audit: AuditTrail
  readonly #configuration: MonitorConfiguration
  readonly #objectives: ObjectiveLog
  readonly #custody: CustodyLog
  readonly #log: string
  readonly #inPeriod = new Map<string, number>()
  #total = 0

  constructor(
    period: Period,
    {
      silence = DEFAULT_SILENCE_MS,
      anchors = [],
      checkpoint,
    }: Pick<ReportRequest, 'silence' | 'anchors' | 'checkpoint'>,
  ) {
    this.#period = period
    this.#coverage = new Coverage(period, silence)
    this.#runs = new ObservationTally(period)
    this.#findings = new FindingHistory(period, {
      evidence: (id) => this.#runs.evidence(id),
      ticksUpTo: (at) => this.#coverage.ticksUpTo(at),
    })
    this.#actions = new ActionLog(period, this.#findings)
    this.#audit = new AuditTrail(period)
    this.#configuration = new MonitorConfiguration(period)
    this.#objectives = new ObjectiveLog(period)
    this.#custody = new CustodyLog(period, anchors)
    this.#log = `${checkpoint.origin}/`
  }

  add(record: SealedRecord): void {
    this.#coverage.addRecord(record)
    this.#custody.addRecord(record, this.#log)
    this.#total++
    if (within(this.#period, instant(record.recorded, 0)))
      this.#inPeriod.set(record.kind, (this.#inPeriod.get(record.kind) ?? 0) + 1)
    switch (record.kind) {
      case 'observation': {
        const run = this.#runs.addObservation(record)
        this.#objectives.add(record)
        this.#custody.addObservation(record)
        this.#coverage.addActivity(run.end, run.record)
        break
      }
      case 'unchanged': {
        const unresolved = () => this.#coverage.addUnresolved(record.id)
        for (const run of this.#runs.addUnchanged(record, unresolved))
          this.#coverage.addActivity(run.end, run.record)
        break
      }
      case 'tick':
        this.#coverage.addTick(record)
        break
      case 'decision':
        this.#findings.add(record)
        break
      case 'action':
        this.#actions.add(record)
        break
      case 'audit':
        this.#audit.add(record)
        break
      case 'configuration':
        this.#configuration.add(record)
        break
      case 'epoch':
        this.#coverage.addEpoch(record)
        this.#runs.startEpoch()
        break
      case 'key':
        this.#custody.addKey(record)
        break
      case 'retention':
        this.#custody.addRetention(record)
        break
    }
  }

  report({ checkpoint, anchors = [], version, now }: ReportRequest): Report {
    const { from } = this.#period
    const covered = this.#coverage.covered()
    const chart = this.#chart()
    const targets = this.#runs.subjects()
    if (covered !== undefined) for (const list of targets.values()) for (const t of list) t.close(covered)
    // Spells get their numbers and statistics here, which what follows refers to.
    const found = this.#findings.report(covered ?? { from, to: from })
    const actions = this.#actions.report()
    const audit = this.#audit.report()
    const completeness = this.#coverage.report()
    const subjects = subjectEntries(targets, this.#findings, chart.from / chart.slot)
    return {
      format: 'pki-vigil-report/1',
      title: 'PKI monitoring report',
      product: version,
      origin: checkpoint.origin,
      period: range(this.#period),
      covered: covered === undefined ? null : range(covered),
      generated: now === undefined ? null : toTimestamp(now()),
      checkpoint: {
        origin: checkpoint.origin,
        size: checkpoint.size,
        root: checkpoint.root,
        text: checkpoint.text,
      },
      records: { total: this.#total, inPeriod: Object.fromEntries(this.#inPeriod) },
      summary: summarize({
        subjects,
        findings: this.#findings,
        audit: this.#audit,
        auditEvents: audit.events,
        completeness,
        covered: covered !== undefined,
        verified: this.#actions.verified.result(),
      }),
      chart: { ...range(chart), slot: chart.slot },
      subjects,
      ...found,
      ...actions,
      audit,
      configuration: this.#configuration.report(),
      objectives: this.#objectives.report(),
      custody: this.#custody.report(anchors, checkpoint.size),
      completeness,
    }
  }

  /** Whole slots around the period, or around the part of it that holds runs when that is small. */
  #chart(): Period & { slot: number } {
    const { from, to } = this.#period
    const slot = this.#runs.axis.width
    const extent = this.#runs.axis.extent()
    if (extent !== undefined && extent.to - extent.from < (to - from) * WHOLE_PERIOD_SHARE)
      return { ...extent, slot }
    return { from: Math.floor(from / slot) * slot, to: Math.ceil(to / slot) * slot, slot }
  }
}

function range({ from, to }: Period): { from: Timestamp; to: Timestamp } {
  return { from: toTimestamp(from), to: toTimestamp(to) }
}
