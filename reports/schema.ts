import { z } from 'zod'
import { FINDING_STATES, SEVERITIES } from '../model/finding.ts'
import { PHASES, PROBE_KINDS } from '../model/observation.ts'

// The report as JSON. Times are RFC 3339 in UTC, durations and ages milliseconds, `record` and `records` are record ids:
// the evidence for what stands beside them. null means "there was none". Described for readers in docs/reports.md.

const time = z.iso.datetime({ precision: 3 })
const ms = z.number().nonnegative()
const count = z.int().nonnegative()
const recordId = z.string()
const severity = z.enum(SEVERITIES)
const state = z.enum(FINDING_STATES)

/** The first items, and how many more there were. */
const listOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({ total: count, more: count, items: z.array(item) })

const moment = z.strictObject({ time, record: recordId })
const evidence = listOf(recordId)
const facts = z.record(
  z.string(),
  z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
)

/** How an area, or everything, stood in the period. */
const VERDICTS = ['met', 'deviations', 'unknown', 'failing', 'not_assessed'] as const
const verdict = z.enum(VERDICTS)

export const AREAS = [
  'revocation_lists',
  'ocsp',
  'certificates',
  'tls',
  'systems',
  'audit',
  'monitoring',
] as const

const runs = z.strictObject({
  runs: count,
  failures: count,
  /** Percent of runs that succeeded, rounded down to three decimals; null without runs. */
  availability: z.number().min(0).max(100).nullable(),
  /** Duration that 50, 95, 99 % of the runs did not exceed, from logarithmic buckets; and the longest one, exactly. */
  duration: z.strictObject({ p50: ms, p95: ms, p99: ms, longest: ms }).nullable(),
  first: moment.nullable(),
  last: moment.nullable(),
  /** Longest time without the start of a run, within the covered part of the period. */
  longestUnobserved: z.strictObject({ from: time, to: time, duration: ms }).nullable(),
})

const failures = z.strictObject({
  phase: z.enum(PHASES),
  code: z.string(),
  message: z.string(),
  runs: count,
  first: moment,
  last: moment,
})

const target = z.strictObject({
  ...runs.shape,
  probe: z.enum(PROBE_KINDS),
  target: z.string(),
  vantage: z.string(),
  failed: listOf(failures),
})

const subject = z.strictObject({
  ...runs.shape,
  subject: z.string(),
  kind: z.string(),
  area: z.enum(AREAS),
  /** Of the service, or null. */
  owner: z.string().nullable(),
  /** Class of the certification authority (online, offline), or null. */
  class: z.string().nullable(),
  targets: listOf(target),
  /** For each slot of `chart` that holds runs: [index, runs, failures, mean duration, longest duration]. */
  slots: z.array(z.tuple([count, count, count, ms, ms])),
  /** Findings at the end of the period, by state. */
  findings: z.record(state, count),
  deviations: count,
})

/** Who answered for it that a finding alerted nobody, up to when. */
const waiver = z.strictObject({ owner: z.string(), reason: z.string(), expires: time })

const findingAt = z.strictObject({
  state,
  since: time,
  summary: z.string(),
  record: recordId,
  waiver: waiver.nullable(),
})

const standing = z.strictObject({
  rule: z.string(),
  pack: z.string(),
  subject: z.string(),
  severity,
  atStart: findingAt.nullable(),
  atEnd: findingAt.nullable(),
})

const ruleSummary = z.strictObject({
  rule: z.string(),
  pack: z.string(),
  severity,
  subjects: count,
  failing: z.strictObject({ spells: count, duration: ms }),
  unknown: z.strictObject({ spells: count, duration: ms }),
  atStart: z.record(state, count),
  atEnd: z.record(state, count),
})

const deviation = z.strictObject({
  /** Number in this report, from 1, in order of the start. */
  number: count,
  state: z.enum(['fail', 'unknown']),
  rule: z.string(),
  pack: z.string(),
  subject: z.string(),
  severity,
  target: z.string().nullable(),
  summary: z.string(),
  start: moment,
  /** null: still so at the end of the covered part of the period. */
  end: moment.nullable(),
  /** The state that followed, with its reason; null while it lasts. */
  ended: z.strictObject({ state, summary: z.string(), evidence }).nullable(),
  /** From start to end, or to the end of the covered part. */
  duration: ms,
  /** The part of it that lies in the period. */
  inPeriod: ms,
  startedBefore: z.boolean(),
  /** Facts and parameters that decided, as they were. */
  facts,
  parameters: z.record(z.string(), z.union([z.string(), z.number()])),
  evidence,
  /** From the last moment at which it was seen good to the verdict: the fault was detected within this time. */
  detectedWithin: ms.nullable(),
  /** From the start to a verdict of pass. */
  repairedAfter: ms.nullable(),
  /** Ids of the remediation actions that were taken. */
  remediation: z.array(z.string()),
  /** In the order in which they came into force while it lasted, each with the decision that says so. */
  waivers: z.array(waiver.extend({ record: recordId })),
})

const statistics = z.strictObject({ count, mean: ms, longest: ms }).nullable()

const remediation = z.strictObject({
  id: z.string(),
  rule: z.string(),
  subject: z.string(),
  receiver: z.string(),
  /** Number of the deviation that it answers; null when that is not in the period. */
  deviation: count.nullable(),
  outcome: z.string(),
  steps: listOf(z.strictObject({ status: z.string(), time, detail: z.string(), record: recordId, evidence })),
  /** From the request to the observation that shows the repair on the wire. */
  verifiedAfter: ms.nullable(),
})

const alert = z.strictObject({
  id: z.string(),
  rule: z.string(),
  subject: z.string(),
  receiver: z.string(),
  sent: count,
  undelivered: count,
  first: moment,
  last: moment,
  resolved: moment.nullable(),
  detail: z.string(),
})

const auditItem = z.strictObject({
  time,
  recorded: time,
  record: recordId,
  source: z.string(),
  action: z.string(),
  outcome: z.enum(['success', 'failure', 'unknown']),
  user: z.string().nullable(),
  address: z.string().nullable(),
  authority: z.string().nullable(),
  profile: z.string().nullable(),
  subject: z.string().nullable(),
  serial: z.string().nullable(),
  username: z.string().nullable(),
  key: z.string().nullable(),
  detail: z.string().nullable(),
})

const auditClass = z.strictObject({ failures: count, events: listOf(auditItem) })

const auditCount = z.strictObject({
  name: z.string().nullable(),
  success: count,
  failure: count,
  unknown: count,
  first: moment,
  last: moment,
})

const configurationChange = z.strictObject({
  time,
  record: recordId,
  by: z.string(),
  product: z.string(),
  artifacts: z.array(z.strictObject({ name: z.string(), digest: z.string(), size: count })),
})

const GAP_KINDS = ['before_start', 'stopped', 'crashed', 'silent', 'after_end'] as const

const gap = z.strictObject({
  /**
   * before_start: the journal begins later; stopped: vigil was stopped and started again; crashed: it ended without a
   * stop record; silent: it ran, and observed nothing; after_end: the journal ends earlier.
   */
  kind: z.enum(GAP_KINDS),
  from: time,
  to: time,
  duration: ms,
  /** The last record before it and the first one after it. */
  records: z.array(recordId),
})

const objective = z.strictObject({
  subject: z.string(),
  /** availability, freshness or latency. */
  objective: z.string(),
  /** Wanted share of good events. */
  target: z.number(),
  /** Longest good run, or greatest age of a good CRL. */
  threshold: ms.nullable(),
  window: ms,
  /** Share of good events in the whole days of the window, rounded down to six decimals. */
  achieved: z.number().nullable(),
  good: count.nullable(),
  total: count.nullable(),
  /** Of the budget of the window, as a share (below 0 when overspent) and as time. */
  remaining: z.number().nullable(),
  left: z.number().nullable(),
  /** The least that was left at any time in the period. */
  lowest: z.strictObject({ remaining: z.number(), ...moment.shape }).nullable(),
  /** The highest rate in the period at which the budget was spent, as a multiple of what lasts for the window, and over which time. */
  worstBurn: z.strictObject({ rate: z.number(), window: ms, ...moment.shape }).nullable(),
  /** When it was computed last in the period, or before it. */
  at: moment,
})

const retentionBasis = { ...moment.shape, by: z.string(), reason: z.string() }

const custody = z.strictObject({
  /** Somebody else who has seen the journal as it was: of each the newest. `kept`: a checkpoint that was brought. */
  anchors: listOf(
    z.strictObject({
      kind: z.enum(['timestamp', 'cosignature', 'kept']),
      by: z.string(),
      /** Entries that it covers. */
      size: count,
      time: time.nullable(),
    }),
  ),
  /** Entries that an anchor covers, and those after them up to the checkpoint, with the time of the first of them. */
  anchored: count,
  tail: z.strictObject({ entries: count, since: time.nullable() }),
  /** Keys of the journal that handed over to others in the period: ids of both. */
  keys: listOf(
    z.strictObject({ ...moment.shape, by: z.string(), from: z.string(), to: z.string(), type: z.string() }),
  ),
  /** What was taken out or held in the period, or later where it may be of the period: entries below an index, single records, artifacts. */
  retention: listOf(
    z.strictObject({
      ...retentionBasis,
      action: z.enum(['prune', 'erase', 'hold', 'release']),
      entries: count,
      records: count,
      artifacts: count,
    }),
  ),
  /** Of the period, and therefore missing from the figures: all of its entries below an index, and single records. */
  gone: z.strictObject({ entries: count, records: count }),
  /** Legal holds in force at the end of the period. */
  holds: listOf(z.strictObject({ ...retentionBasis, from: time, to: time })),
  /** As observed last up to the end of the period; null where vigil makes none. `made`: the newest, `inPeriod`: how many. `problem`: the newest attempt failed. */
  backup: z
    .strictObject({
      ...moment.shape,
      place: z.string(),
      made: time.nullable(),
      inPeriod: count,
      entries: count.nullable(),
      problem: z.string().nullable(),
    })
    .nullable(),
  /** The newest restore drill that succeeded. */
  drill: z
    .strictObject({
      ...moment.shape,
      made: time.nullable(),
      due: time.nullable(),
      inPeriod: count,
      epochs: count.nullable(),
      entries: count.nullable(),
      records: count.nullable(),
      artifacts: count.nullable(),
      documents: count.nullable(),
      duration: ms.nullable(),
      problem: z.string().nullable(),
    })
    .nullable(),
})

export const reportSchema = z.strictObject({
  format: z.literal('pki-vigil-report/1'),
  title: z.string(),
  /** Version of PKI Vigil that made the report. */
  product: z.string(),
  origin: z.string(),
  /** [from, to) */
  period: z.strictObject({ from: time, to: time }),
  /** What of the period the journal covers; null: nothing. */
  covered: z.strictObject({ from: time, to: time }).nullable(),
  generated: time.nullable(),
  checkpoint: z.strictObject({ origin: z.string(), size: count, root: z.string(), text: z.string() }),
  /** All records up to the checkpoint, and those journaled within the period by kind. */
  records: z.strictObject({ total: count, inPeriod: z.record(z.string(), count) }),
  summary: z.strictObject({
    verdict,
    areas: z.array(
      z.strictObject({
        area: z.enum(AREAS),
        verdict,
        subjects: count,
        /** Subjects that are looked at themselves, and were not once in the period. */
        unobserved: count,
        runs: count,
        failures: count,
        availability: z.number().nullable(),
        deviations: count,
        failingAtEnd: count,
        unknownAtEnd: count,
      }),
    ),
    subjects: count,
    runs: count,
    failures: count,
    availability: z.number().nullable(),
    deviations: z.strictObject({ fail: count, unknown: count }),
    failingAtEnd: count,
    unknownAtEnd: count,
    detectedWithin: statistics,
    repairedAfter: statistics,
    /** Repairs that a remediation action asked for, from the request to the proof on the wire. */
    verifiedAfter: statistics,
  }),
  /** The part of the period that charts show, and the width of their slots. */
  chart: z.strictObject({ from: time, to: time, slot: ms }),
  subjects: z.array(subject),
  rules: z.array(ruleSummary),
  /** Findings that did not pass at the start or at the end of the period, or changed between them. */
  standing: listOf(standing),
  deviations: listOf(deviation),
  /** Service level objectives, the one with the least budget left first. */
  objectives: listOf(objective),
  remediation: listOf(remediation),
  alerts: z.strictObject({ sent: count, resolved: count, undelivered: count, alerts: listOf(alert) }),
  audit: z.strictObject({
    events: count,
    outcomes: z.strictObject({ success: count, failure: count, unknown: count }),
    /** By action, user and authority: the most frequent ones. */
    actions: listOf(auditCount),
    users: listOf(auditCount),
    authorities: listOf(auditCount),
    failedAuthentications: auditClass,
    revocations: auditClass,
    issuance: auditClass,
    crlCreations: auditClass,
    configuration: auditClass,
    keys: auditClass,
    log: auditClass,
    /** Lines that were kept and not understood. */
    unparsed: evidence,
    /** Events that were journaled long after the time that they claim, or claim a time to come. */
    late: z.strictObject({ records: evidence, longest: ms }),
    ahead: z.strictObject({ records: evidence, longest: ms }),
  }),
  configuration: z.strictObject({
    /** In force when the period began. */
    atStart: configurationChange.nullable(),
    changes: listOf(configurationChange),
  }),
  /** How the journal itself was kept. */
  custody,
  completeness: z.strictObject({
    /** Milliseconds of the period, of that in which vigil observed, and of the gaps. */
    period: ms,
    observed: ms,
    /** observed of period in percent, rounded down to three decimals. */
    percent: z.number(),
    gaps: listOf(gap),
    epochs: listOf(
      z.strictObject({ time, record: recordId, reason: z.string(), previous: z.string().nullable() }),
    ),
    /** Times at which the monitor's clock went back, and by how much at most. */
    clockSteps: z.strictObject({ records: evidence, longest: ms }),
    /** Items of unchanged records whose observation is not in the journal: not counted anywhere. */
    unresolved: evidence,
  }),
})

export type Report = z.output<typeof reportSchema>
export type ReportSubject = Report['subjects'][number]
export type ReportDeviation = Report['deviations']['items'][number]
export type ReportAuditItem = z.output<typeof auditItem>
export type ReportAuditClass = z.output<typeof auditClass>
export type ReportGap = z.output<typeof gap>
export type ReportVerdict = (typeof VERDICTS)[number]
export type ReportArea = (typeof AREAS)[number]
