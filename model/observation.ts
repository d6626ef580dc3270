import type { Facts } from './facts.ts'
import type { Timestamp } from './time.ts'

/** Where observations come from: probes of targets, what logs say beside what these saw, statements that people have signed, objectives computed from runs, what became of repairs, the monitor itself. */
export const PROBE_KINDS = [
  'crl',
  'crl_set',
  'ocsp',
  'ocsp_matrix',
  'tls',
  'mtls',
  'ca',
  'health',
  'reconciliation',
  'issuance',
  'deployment',
  'job',
  'issued',
  'ocsp_revocations',
  'attestation',
  'follow',
  'backup',
  'slo',
  'log',
  'repair',
  'self',
] as const
export type ProbeKind = (typeof PROBE_KINDS)[number]

/** Where in a run a probe failed, in the order in which a run goes through them. */
export const PHASES = [
  'resolve',
  'connect',
  'tls',
  'http',
  'size',
  'decode',
  'signature',
  'path',
  'profile',
  'time',
  'consistency',
] as const
export type Phase = (typeof PHASES)[number]

export interface ProbeError {
  readonly phase: Phase
  /** Closed vocabulary of the probe kind, lower_snake_case; safe as a metric label. */
  readonly code: string
  /** One line for people: expected what, got what, where. At most 500 characters. */
  readonly message: string
}

export interface ArtifactRef {
  /** SHA-256, lower-case hex. */
  readonly digest: string
  readonly mediaType: string
  /** Octets. */
  readonly size: number
  /** false: a sampled answer, of which only the digest was kept. */
  readonly kept: boolean
}

/** Bytes that a probe saw, before the journal stored them. */
export interface Artifact {
  readonly mediaType: string
  readonly bytes: Uint8Array
  /** SHA-256, lower-case hex, where it is known already: of a large one it is not worth a second time. */
  readonly digest?: string
}

/** One run of a probe against one target. */
export interface Observation {
  readonly subject: string
  readonly probe: ProbeKind
  /** What was contacted: URL or host:port. */
  readonly target: string
  readonly vantage: string
  readonly start: Timestamp
  /** Milliseconds. */
  readonly duration: number
  readonly outcome: 'success' | 'failure'
  readonly facts: Facts
  /** Present exactly when the outcome is failure. Facts established before the failing phase stay. */
  readonly error?: ProbeError
  readonly artifacts: readonly ArtifactRef[]
}

/** What `probe()` returns: an observation whose artifacts still carry their bytes. */
export interface ProbeResult {
  readonly observation: Observation
  readonly artifacts: readonly Artifact[]
  /** Evidence of this run that an earlier one has brought: the server said that nothing changed. */
  readonly kept?: readonly ArtifactRef[]
}
