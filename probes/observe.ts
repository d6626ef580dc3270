import type { Facts } from '../model/facts.ts'
import type { Artifact, Phase, ProbeError, ProbeResult } from '../model/observation.ts'
import { toTimestamp } from '../model/time.ts'
import { PkiError, type PkiErrorCode } from '../pki/error.ts'
import { Deadline } from './fetch/deadline.ts'
import { FetchError, type FetchCode } from './fetch/error.ts'
import type { Issuer, ProbeContext, Target } from './probe.ts'

/** What a run found out. Facts established before the failing phase stay. */
export interface Verdict {
  readonly facts: Facts
  /** undefined: success. */
  readonly error: ProbeError | undefined
  readonly artifacts: readonly Artifact[]
  readonly kept?: ProbeResult['kept']
}

/** Failures that a probe finds itself, beside those of the way (FetchCode) and of the verification (PkiErrorCode). */
export type ProbeOwnCode =
  // http
  | 'http_status'
  | 'bad_media_type'
  // decode
  | 'pem_instead_of_der'
  | 'base64_instead_of_der'
  | 'parse_timeout'
  | 'not_a_health_answer'
  // profile
  | 'not_delta'
  | 'server_auth_missing'
  // of what an authority publishes
  | 'not_a_certificate'
  | 'certificate_mismatch'
  // attestations
  | 'attestations_unreadable'
  | 'attestation_refused'
  // consistency, of a journal that is followed
  | 'journal_forked'
  | 'journal_rolled_back'
  | 'journal_replaced'
  | 'journal_pruned'
  | 'journal_invalid'
  // consistency
  | 'unhealthy'
  | 'identity_mismatch'
  | 'internal_error'

export type ProbeErrorCode = FetchCode | PkiErrorCode | ProbeOwnCode

/** Characters of an error's message in an observation. */
const MAX_MESSAGE = 500
/**
 * Octets of a body that did not verify, kept as evidence. Whoever can alter plain HTTP could otherwise fill the journal's disk with
 * 64 MiB a minute.
 */
const MAX_UNVERIFIED_ARTIFACT = 256 * 1024

/**
 * Runs a probe's judgement under the target's deadline and makes the observation of it. Rejects only when `context.signal` aborts
 * (a run that was cut short says nothing about its target) and for our own mistakes.
 * Refs of artifacts are left to the recorder, who knows what was kept.
 */
export async function observe(
  target: Target,
  context: ProbeContext,
  judge: (run: Run) => Promise<Verdict>,
): Promise<ProbeResult> {
  const start = context.now()
  const began = performance.now()
  using deadline = new Deadline(target.timeout, context.signal)
  let duration: number | undefined
  const stopClock = (after = performance.now() - began): void => {
    duration ??= after
  }
  const verdict = await judge({ deadline, stopClock })
  stopClock()
  return resultOf(target, context.vantage, { start, duration: duration ?? 0 }, verdict)
}

export interface Run {
  readonly deadline: Deadline
  /** The observation's duration ends here, or after so many milliseconds; what follows is a side question that must not count. */
  readonly stopClock: (after?: number) => void
}

/** The result for a run that ended with an exception: a mistake of ours, which must not look like silence. */
export function internalErrorResult(
  target: Target,
  vantage: string,
  times: { readonly start: number; readonly duration: number },
  error: unknown,
): ProbeResult {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return resultOf(target, vantage, times, {
    facts: {},
    error: probeError('consistency', 'internal_error', `unexpected failure of the probe itself: ${message}`),
    artifacts: [],
  })
}

function resultOf(
  target: Target,
  vantage: string,
  times: { readonly start: number; readonly duration: number },
  { facts, error, artifacts, kept }: Verdict,
): ProbeResult {
  return {
    observation: {
      subject: target.subject,
      probe: target.probe,
      target: target.address,
      vantage,
      start: toTimestamp(times.start),
      duration: Math.round(times.duration),
      outcome: error === undefined ? 'success' : 'failure',
      facts,
      ...(error === undefined ? {} : { error }),
      artifacts: [],
    },
    artifacts,
    ...(kept === undefined ? {} : { kept }),
  }
}

export function probeError(phase: Phase, code: ProbeErrorCode, message: string): ProbeError {
  return { phase, code, message: oneLine(message) }
}

/**
 * The error of a verification or of the way; anything else is thrown again. `now` (as given to the verification) is taken out of the message,
 * so that the same failure reads the same in every run and is recorded as unchanged.
 */
export function asProbeError(error: unknown, now: number): ProbeError {
  if (error instanceof FetchError) return probeError(error.phase, error.code, error.message)
  if (error instanceof PkiError) {
    return probeError(error.phase, error.code, error.message.replaceAll(toTimestamp(now), 'now'))
  }
  throw error
}

/** Messages quote servers: whatever could end a line, move a cursor or turn the direction of writing is escaped. */
function oneLine(text: string): string {
  const escaped = text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
  return escaped.length <= MAX_MESSAGE ? escaped : `${escaped.slice(0, MAX_MESSAGE - 1)}…`
}

/** The bytes as evidence. Without verification only small ones. */
export function artifactOf(
  mediaType: string,
  bytes: Uint8Array,
  { verified, digest }: { readonly verified: boolean; readonly digest?: string | undefined },
): Artifact[] {
  if (!verified && bytes.length > MAX_UNVERIFIED_ARTIFACT) return []
  return [{ mediaType, bytes, ...(digest === undefined ? {} : { digest }) }]
}

export function authorityFacts(issuer: Issuer | undefined): Pick<Facts, 'authority'> {
  return issuer === undefined ? {} : { authority: { id: issuer.id, class: issuer.class } }
}

/** The certificate at the top of the declared chain. */
export function anchorOf(issuer: Issuer): Issuer['certificate'] {
  return issuer.ancestors.at(-1) ?? issuer.certificate
}
