import { FINDING_STATES } from '../model/finding.ts'
import type { FindingState } from '../model/finding.ts'
import { SUBJECT_KINDS, parseSubject } from '../model/subject.ts'
import type { SubjectKind } from '../model/subject.ts'
import type { FindingHistory } from './findings.ts'
import type { AuditTrail } from './auditTrail.ts'
import { listing, clip } from './listing.ts'
import { percent } from './period.ts'
import { figures, milliseconds, targetEntry } from './runs.ts'
import type { TargetRuns } from './runs.ts'
import { AREAS } from './schema.ts'
import type { Report, ReportArea, ReportSubject, ReportVerdict } from './schema.ts'
import type { Slot } from './slots.ts'

/** Targets listed for one subject: the addresses of one service, the distribution points of one CA. */
const MAX_TARGETS = 100
const MAX_TEXT = 200

const AREA_OF: Record<SubjectKind, ReportArea> = {
  ca_crl: 'revocation_lists',
  ocsp_responder_status: 'ocsp',
  intermediate_ca_cert: 'certificates',
  service_cert: 'certificates',
  deployed_service_cert: 'certificates',
  service_tls_health: 'tls',
  audit_log: 'audit',
  ca_server: 'systems',
  control_plane: 'systems',
  scheduled_job: 'systems',
  pki_sla_snapshot: 'monitoring',
  pki_governance: 'monitoring',
  monitor: 'monitoring',
}

/** Kinds of subject that probes look at; the others are judged by what was seen elsewhere. */
export const PROBED: ReadonlySet<string> = new Set<SubjectKind>([
  'ca_crl',
  'ocsp_responder_status',
  'intermediate_ca_cert',
  'service_tls_health',
  'ca_server',
  'control_plane',
])

/** From the worst to the best; what was not assessed says nothing about the whole. */
const ORDER: readonly ReportVerdict[] = ['failing', 'unknown', 'deviations', 'met', 'not_assessed']

/** Subjects with runs in the period, and those with findings that still matter, in order of area and name. */
export function subjectEntries(
  targets: Map<string, TargetRuns[]>,
  findings: FindingHistory,
  slotOffset: number,
): ReportSubject[] {
  const states = new Map<string, Record<FindingState, number>>()
  for (const { subject, state } of findings.current()) {
    const counts = states.get(subject) ?? noStates()
    states.set(subject, counts)
    counts[state]++
  }
  const names = new Set(targets.keys())
  for (const [subject, counts] of states)
    if (FINDING_STATES.some((s) => s !== 'not_applicable' && counts[s] > 0)) names.add(subject)
  const entries = [...names].map((name): ReportSubject => {
    const runs = targets.get(name) ?? []
    const kind = parseSubject(name)?.kind
    const spells = findings.spells.get(name)
    const owner = runs.find((t) => t.owner !== undefined && t.owner !== '')?.owner
    const authorityClass = runs.find((t) => t.authorityClass !== undefined)?.authorityClass
    return {
      ...figures(runs),
      subject: clip(name, MAX_TEXT),
      kind: kind ?? 'other',
      area: kind === undefined ? 'monitoring' : AREA_OF[kind],
      owner: owner === undefined ? null : clip(owner, MAX_TEXT),
      class: authorityClass === undefined ? null : clip(authorityClass, MAX_TEXT),
      targets: listing(runs.map(targetEntry), MAX_TARGETS),
      slots: slots(runs, slotOffset),
      findings: states.get(name) ?? noStates(),
      deviations: (spells?.failing ?? 0) + (spells?.unknown ?? 0),
    }
  })
  const rank = (s: ReportSubject) => SUBJECT_KINDS.findIndex((kind) => kind === s.kind)
  return entries.sort((a, b) => rank(a) - rank(b) || (a.subject < b.subject ? -1 : 1))
}

interface SummaryInput {
  readonly subjects: readonly ReportSubject[]
  /** In the period, of all subjects. */
  readonly runs: number
  readonly findings: FindingHistory
  readonly audit: AuditTrail
  readonly auditEvents: number
  readonly completeness: Report['completeness']
  readonly covered: boolean
  readonly verified: Report['summary']['verifiedAfter']
}

export function summarize(facts: Omit<SummaryInput, 'runs'>): Report['summary'] {
  const { subjects, findings } = facts
  const runs = subjects.reduce((n, s) => n + s.runs, 0)
  const input = { ...facts, runs }
  // Many a PKI has no server that can be asked; nothing is missing then.
  const areas = AREAS.filter((area) => area !== 'systems' || subjects.some((s) => s.area === area)).map(
    (area) => areaSummary(area, input),
  )
  const failures = subjects.reduce((n, s) => n + s.failures, 0)
  const deviations = { fail: 0, unknown: 0 }
  for (const spells of findings.spells.values()) {
    deviations.fail += spells.failing
    deviations.unknown += spells.unknown
  }
  return {
    verdict: ORDER.find((v) => areas.some((a) => a.verdict === v)) ?? 'not_assessed',
    areas,
    subjects: subjects.length,
    runs,
    failures,
    availability: runs === 0 ? null : percent(runs - failures, runs),
    deviations,
    failingAtEnd: areas.reduce((n, a) => n + a.failingAtEnd, 0),
    unknownAtEnd: areas.reduce((n, a) => n + a.unknownAtEnd, 0),
    detectedWithin: findings.detected.result(),
    repairedAfter: findings.repaired.result(),
    verifiedAfter: input.verified,
  }
}

type AreaSummary = Report['summary']['areas'][number]

function areaSummary(area: ReportArea, input: SummaryInput): AreaSummary {
  const subjects = input.subjects.filter((s) => s.area === area)
  const sum = (value: (s: ReportSubject) => number) => subjects.reduce((n, s) => n + value(s), 0)
  const [runs, failures] = [sum((s) => s.runs), sum((s) => s.failures)]
  const counts = {
    area,
    subjects: subjects.length,
    unobserved: subjects.filter((s) => s.runs === 0 && PROBED.has(s.kind)).length,
    runs,
    failures,
    availability: runs === 0 ? null : percent(runs - failures, runs),
    deviations: sum((s) => s.deviations),
    failingAtEnd: sum((s) => s.findings.fail),
    unknownAtEnd: sum((s) => s.findings.unknown),
  }
  // Nothing was looked at: what passed before the period says nothing about it.
  const assessed = input.covered && (area === 'audit' || area === 'monitoring' || input.runs > 0)
  const judged = sum((s) => s.findings.pass + s.findings.pending)
  return { ...counts, verdict: assessed ? verdict(area, counts, judged, input) : 'not_assessed' }
}

function verdict(
  area: ReportArea,
  counts: Omit<AreaSummary, 'verdict'>,
  judged: number,
  { audit, auditEvents, completeness }: SummaryInput,
): ReportVerdict {
  if (counts.failingAtEnd > 0) return 'failing'
  if (counts.unknownAtEnd + counts.unobserved > 0) return 'unknown'
  if (counts.deviations > 0 || counts.failures > 0) return 'deviations'
  // The monitor judges itself: did it watch all the time, and understand all that it was told?
  if (area === 'monitoring') {
    const { gaps, unresolved, clockSteps } = completeness
    return gaps.total + unresolved.total + clockSteps.records.total > 0 ? 'deviations' : 'met'
  }
  if (area === 'audit' && auditEvents > 0) return audit.failures > 0 ? 'deviations' : 'met'
  return judged > 0 ? 'met' : 'not_assessed'
}

function slots(targets: readonly TargetRuns[], offset: number): ReportSubject['slots'] {
  const merged = new Map<number, Slot>()
  for (const target of targets) target.series.mergeInto(merged)
  return [...merged]
    .sort(([a], [b]) => a - b)
    .map(([index, { runs, failures, sum, longest }]) => [
      index - offset,
      runs,
      failures,
      milliseconds(sum / runs),
      milliseconds(longest),
    ])
}

function noStates(): Record<FindingState, number> {
  return { not_applicable: 0, pass: 0, pending: 0, fail: 0, unknown: 0 }
}
