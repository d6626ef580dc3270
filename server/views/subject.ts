import { FACTS } from '../../model/facts.ts'
import type { FactGroup, FactType, Facts } from '../../model/facts.ts'
import type { Finding } from '../../model/finding.ts'
import { bucketBound, DURATION_BUCKETS, durationPercentile } from '../../model/durationBuckets.ts'
import type { Observation } from '../../model/observation.ts'
import { parseSubject } from '../../model/subject.ts'
import type { RollUp, Stored, TargetState } from '../../store/contract.ts'
import type { DeclaredTarget } from '../metrics.ts'
import {
  durationText,
  factText,
  factViews,
  isShown,
  number,
  octets,
  subjectPath,
  timeView,
  utc,
  visible,
} from './format.ts'
import { findingRow } from './state.ts'
import { TargetStates, runView } from './target.ts'
import { byUrgency, count, stateView, worst } from './verdict.ts'

/** Runs longer than this are in the last bucket. */
const LONGEST = bucketBound(DURATION_BUCKETS - 2)

const HOUR = 3_600_000
/** Hours in the strip of runs. */
export const STRIP_HOURS = 24

/**
 * Whose observations a subject is judged by: a deployed certificate is seen by the TLS probe of its service.
 * undefined: no probe observes it.
 */
export function observedSubject(subject: string): string {
  const parsed = parseSubject(subject)
  return parsed?.kind === 'deployed_service_cert' ? `service_tls_health[${parsed.keys.join(',')}]` : subject
}

interface SubjectInput {
  readonly subject: string
  readonly targets: readonly DeclaredTarget[]
  readonly latest: readonly TargetState[]
  readonly findings: readonly Stored<Finding>[]
  /** Newest first. */
  readonly observations: readonly Stored<Observation>[]
  readonly decisions: readonly Stored<Finding>[]
  /** Of the last STRIP_HOURS hours. */
  readonly rollUps: readonly RollUp[]
  readonly now: number
}

/** The page about one subject: verdicts, what was seen last, what changed, what was decided. */
export function subjectPage(input: SubjectInput) {
  const { subject, findings, now } = input
  const observed = observedSubject(subject)
  const own = findings.filter((f) => f.subject === subject).sort(byUrgency)
  const related = new Set(findings.map((f) => f.subject).filter((s) => observedSubject(s) === observed))
  related.delete(subject)
  const states = new TargetStates(input.latest)
  return {
    subject,
    verdict: stateView(worst(own)),
    judged: own.length > 0,
    findings: own.map((f) => findingRow(f, now)),
    related: [...related].sort().map((s) => ({ subject: s, path: subjectPath(s) })),
    targets: input.targets
      .filter((t) => t.subject === observed)
      .map((t) => targetView(t, states.of(t), input.rollUps, now)),
    history: input.observations.map((o, i) => historyRow(o, input.observations.slice(i + 1), now)),
    decisions: input.decisions.map((d) => findingRow(d, now)),
  }
}

function targetView(
  target: DeclaredTarget,
  state: TargetState | undefined,
  rollUps: readonly RollUp[],
  now: number,
) {
  const own = rollUps.filter((r) => r.target === target.address && r.probe === target.probe)
  const runs = own.reduce((sum, r) => sum + r.runs, 0)
  const failures = own.reduce((sum, r) => sum + r.failures, 0)
  const buckets = own.reduce<number[]>((sum, r) => r.buckets.map((n, i) => n + (sum[i] ?? 0)), [])
  const percentile = (q: number) => {
    const bound = durationPercentile(buckets, q)
    if (bound === undefined) return null
    return bound === Infinity ? `over ${durationText(LONGEST)}` : `under ${durationText(bound)}`
  }
  return {
    probe: target.probe,
    address: target.address,
    run: runView(target, state, now),
    record: state?.observation.id ?? null,
    facts: state === undefined ? [] : factViews(state.observation.facts, now),
    earlier: state === undefined ? [] : factViews(onlyEarlier(state), now),
    artifacts: (state?.observation.artifacts ?? []).map(artifactView),
    day: {
      runs: count(runs, 'run'),
      failures: number(failures),
      median: percentile(0.5),
      p99: percentile(0.99),
      hours: hoursOf(own, now),
    },
  }
}

/** Groups of facts that only an earlier run could establish. */
function onlyEarlier({ known, observation }: TargetState): Facts {
  return Object.fromEntries(
    Object.entries(known).filter(([group]) => observation.facts[group as FactGroup] === undefined),
  )
}

function artifactView({ digest, mediaType, size, kept }: Observation['artifacts'][number]) {
  return { digest, mediaType: visible(mediaType, 100), size: octets(size), kept }
}

/** One cell an hour, oldest first: how the runs of that hour went. */
function hoursOf(rollUps: readonly RollUp[], now: number) {
  const first = Math.floor(now / HOUR) * HOUR - (STRIP_HOURS - 1) * HOUR
  return Array.from({ length: STRIP_HOURS }, (_, i) => {
    const hour = first + i * HOUR
    const row = rollUps.find((r) => Date.parse(r.hour) === hour)
    const kind =
      row === undefined ? 'none' : row.failures === 0 ? 'good' : row.failures < row.runs ? 'some' : 'all'
    const text = row === undefined ? 'no runs' : `${count(row.runs, 'run')}, ${number(row.failures)} failed`
    // The mark grows with the part that failed, so that colour is not the only sign.
    const height = { none: 0, good: 5, some: 12, all: 20 }[kind]
    return { x: i * 10, y: 20 - height, height, kind, title: `${utc(hour)} UTC: ${text}` }
  })
}

function historyRow(observation: Stored<Observation>, older: readonly Stored<Observation>[], now: number) {
  const { error } = observation
  const same = older.filter((o) => o.target === observation.target && o.probe === observation.probe)
  return {
    at: timeView(observation.start, now),
    probe: observation.probe,
    target: observation.target,
    failed: observation.outcome === 'failure',
    error: error === undefined ? '' : visible(`${error.phase}: ${error.code}: ${error.message}`, 500),
    first: same.length === 0,
    changes: same.length === 0 ? [] : changes(observation.facts, same),
    record: observation.id,
  }
}

/** What a run saw differently from the newest older run that saw the same group of facts. */
function changes(facts: Facts, older: readonly Observation[]) {
  return Object.entries(FACTS).flatMap(([group, types]) => {
    const after = groupOf(facts, group)
    const before = older.map((o) => groupOf(o.facts, group)).find((g) => g !== undefined)
    if (after === undefined) return []
    return Object.entries<FactType>(types)
      .filter(([name]) => isShown(group, name))
      .filter(([name]) => JSON.stringify(before?.[name]) !== JSON.stringify(after[name]))
      .map(([name, type]) => ({
        name: `${group}.${name}`,
        before: changeText(type, before?.[name]),
        after: changeText(type, after[name]),
      }))
  })
}

function groupOf(facts: Facts, group: string): Readonly<Record<string, unknown>> | undefined {
  return facts[group as FactGroup]
}

function changeText(type: FactType, value: unknown): string | null {
  if (value === undefined) return null
  return type === 'timestamp' && typeof value === 'string' && !Number.isNaN(Date.parse(value))
    ? utc(Date.parse(value))
    : factText(type, value)
}
