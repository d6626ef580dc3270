import type { Inventory } from '../../model/config.ts'
import { bucketBound, durationBucket } from '../../model/durationBuckets.ts'
import type { ProbeKind } from '../../model/observation.ts'
import type { Problem } from '../../model/problem.ts'
import { OBJECTIVE_KEYS, type ObjectiveKey, type SlosConfig } from '../../model/slos.ts'
import { parseSubject } from '../../model/subject.ts'
import { matchesPattern } from '../../model/textPattern.ts'
import { listed } from '../listed.ts'
import { watchedSubjects, type WatchedTarget } from '../subjects.ts'

/**
 * What an objective counts as good: a run that succeeds, a run that is quick; when it is looked at, a CRL that is fresh, and that no revocation has waited
 * for its publication for too long.
 */
export type ObjectiveKind = 'availability' | 'latency' | LookKind

/** Those whose events are not runs of a probe: the evaluation looks at what probes saw last, and makes them itself. */
export const LOOK_KINDS = ['freshness', 'publication'] as const
type LookKind = (typeof LOOK_KINDS)[number]

/** A wanted share of good events, for one subject. */
export interface Objective {
  readonly key: ObjectiveKey
  readonly kind: ObjectiveKind
  readonly subject: string
  /** Those of its authority or service, by which maintenance selects. */
  readonly tags: ReadonlySet<string>
  /** Whose runs are the events; `slo`: the looks of the evaluation itself. */
  readonly probe: Exclude<ProbeKind, 'attestation'>
  /** Share of good events, below 1. */
  readonly target: number
  /** Milliseconds, whole days. */
  readonly window: number
  /** Milliseconds. Of latency, the upper bound of the bucket in which the wanted threshold lies. */
  readonly limit: number | undefined
  /** Longest time between two events, in milliseconds. */
  readonly spacing: number
}

interface Definition {
  readonly kind: ObjectiveKind
  readonly subjects: 'ca_crl' | 'ocsp_responder_status' | 'service_tls_health'
  readonly probe: Objective['probe']
  /** What it rests on beside that; a subject that is not probed so has no such objective. */
  readonly needs?: 'reconciliation' | 'ocsp_revocations'
}

const DEFINITIONS: Readonly<Record<ObjectiveKey, Definition>> = {
  crl_availability: { kind: 'availability', subjects: 'ca_crl', probe: 'crl' },
  crl_freshness: { kind: 'freshness', subjects: 'ca_crl', probe: 'slo' },
  crl_publication: { kind: 'publication', subjects: 'ca_crl', probe: 'slo', needs: 'reconciliation' },
  ocsp_availability: { kind: 'availability', subjects: 'ocsp_responder_status', probe: 'ocsp' },
  ocsp_latency: { kind: 'latency', subjects: 'ocsp_responder_status', probe: 'ocsp' },
  ocsp_publication: {
    kind: 'publication',
    subjects: 'ocsp_responder_status',
    probe: 'slo',
    needs: 'ocsp_revocations',
  },
  tls_availability: { kind: 'availability', subjects: 'service_tls_health', probe: 'tls' },
  tls_latency: { kind: 'latency', subjects: 'service_tls_health', probe: 'tls' },
}

/** The objectives of every subject, in the order of the targets. */
export function objectivesOf(
  slos: SlosConfig,
  inventory: Inventory,
  probed: readonly WatchedTarget[],
): readonly Objective[] {
  return watchedSubjects(inventory, probed).flatMap(({ subject, kind, class: authority, tags, targets }) =>
    OBJECTIVE_KEYS.flatMap((key): Objective[] => {
      const definition = DEFINITIONS[key]
      const { needs } = definition
      if (definition.subjects !== kind) return []
      if (needs !== undefined && !targets.some(({ probe }) => probe === needs)) return []
      const own = slos[key]
      const override = slos.overrides.find((o) => o.objective === key && matchesPattern(o.subject, subject))
      if (!(override?.enabled ?? own.enabled)) return []
      const spacing = Math.max(...targets.map(({ interval }) => interval))
      return [
        {
          key,
          kind: definition.kind,
          subject,
          tags,
          probe: definition.probe,
          target: ratio(override?.target ?? own.target),
          window: override?.window ?? own.window ?? slos.window,
          limit: limitOf(key, slos, override, authority),
          spacing: definition.probe === 'slo' ? slos.interval : spacing,
        },
      ]
    }),
  )
}

/** 99.9 as 0.999, and not as 0.9990000000000001. */
function ratio(percent: number): number {
  return Math.round(percent * 10_000) / 1_000_000
}

function limitOf(
  key: ObjectiveKey,
  slos: SlosConfig,
  override: SlosConfig['overrides'][number] | undefined,
  authority: 'online' | 'offline' | undefined,
): number | undefined {
  switch (key) {
    case 'ocsp_latency':
    case 'tls_latency':
      return bucketBound(durationBucket((override?.threshold ?? slos[key].threshold) - 1))
    case 'crl_freshness':
      // How old the CRL of an offline authority may be is what its nextUpdate says, unless somebody says otherwise.
      return override?.max_age ?? (authority === 'offline' ? undefined : slos.crl_freshness.max_age)
    case 'crl_publication':
    case 'ocsp_publication':
      return override?.within ?? slos[key].within
    case 'crl_availability':
    case 'ocsp_availability':
    case 'tls_availability':
      return undefined
  }
}

/** What the rules judge objectives by: one target each. */
export function objectiveTargets(
  objectives: readonly Objective[],
  interval: number,
): readonly WatchedTarget[] {
  return objectives.map(({ subject, kind }) => ({ probe: 'slo', subject, address: kind, interval }))
}

/** Overrides that are about nothing, or about the same. */
export function checkOverrides(slos: SlosConfig, probed: readonly WatchedTarget[]): readonly Problem[] {
  const taken = new Map<string, number>()
  return slos.overrides.flatMap(({ objective, subject }, i) => {
    const problem = (message: string): Problem => ({
      file: '',
      line: undefined,
      path: ['slos', 'overrides', i, 'subject'],
      message,
    })
    const { subjects: kind, needs } = DEFINITIONS[objective]
    const own = probed.filter(({ probe }) => needs === undefined || probe === needs)
    const known = [...new Set(own.map((target) => target.subject))].filter(
      (name) => parseSubject(name)?.kind === kind,
    )
    const covered = known.filter((name) => matchesPattern(subject, name))
    if (covered.length === 0)
      return [
        problem(`${objective} is about no subject "${subject}"; it is about ${listed(known) || 'none here'}`),
      ]
    const twice = covered.find((name) => taken.has(`${objective} ${name}`))
    const first = taken.get(`${objective} ${twice ?? ''}`)
    for (const name of covered) if (!taken.has(`${objective} ${name}`)) taken.set(`${objective} ${name}`, i)
    return first === undefined
      ? []
      : [
          problem(
            `slos.overrides[${first}] is about ${objective} and ${twice ?? ''} already: keep one of the two`,
          ),
        ]
  })
}
