import type { Facts } from '../model/facts.ts'
import type { Observation, Phase, ProbeError } from '../model/observation.ts'
import { buildOcspRequest, OCSP_RESPONSE_TYPE } from '../pki/ocspRequest.ts'
import type { Delegations } from '../pki/ocspSigner.ts'
import { ownFacts } from './ca.ts'
import { judgeCrl } from './crl/judge.ts'
import { newestOf } from './crl/newest.ts'
import { comparedWith, CONTENT } from './crl/series.ts'
import { authorityFacts, type ProbeErrorCode } from './observe.ts'
import { answerFacts } from './ocsp.ts'
import { judgeOcspAnswer, type OcspInquiry } from './ocspInquiry.ts'
import type { CaTarget, CrlTarget, Issuer, OcspTarget, Target, TlsTarget } from './probe.ts'
import { locationFacts } from './tls/history.ts'
import { judgeHandshake, lintsOf } from './tls/judge.ts'
import { serviceFacts } from './tls.ts'

// What a run had to find, made once more from what it kept: by the same functions that the probe itself asks.

/** An artifact as the observation names it. */
interface Kept {
  readonly mediaType: string
  readonly digest: string
  /** undefined: only the digest was kept, or it was taken out of the journal. */
  readonly bytes: Uint8Array | undefined
}

const CERTIFICATE_TYPE = 'application/pkix-cert'

export interface Evidence {
  readonly observation: Observation
  /** In the order in which the observation names them. */
  readonly artifacts: readonly Kept[]
  /** What earlier runs of the target established; undefined: there was none. */
  readonly before: Facts | undefined
  /** Bytes that an earlier observation names. */
  readonly earlier: (digest: string) => Promise<Uint8Array | undefined>
  readonly delegations: Delegations
  /** When it was judged, in milliseconds. */
  readonly now: number
}

export interface Derived {
  readonly facts: Facts
  /** Groups of facts that follow: what is not among `facts` was not to be found. */
  readonly groups: readonly (keyof Facts)[]
  /** Facts of these groups that do not follow from what is kept: `ocsp.nonceEchoed`. */
  readonly except: readonly string[]
  /** `unknown`: on the way, of which nothing is kept. */
  readonly error: ProbeError | 'unknown' | undefined
}

/** Facts of a run; undefined: nothing that they follow from is there any more. */
export async function derive(target: Target, evidence: Evidence): Promise<Derived | undefined> {
  switch (target.probe) {
    case 'crl':
      return await deriveCrl(target, evidence)
    case 'ocsp':
      return deriveOcsp(target, evidence)
    case 'tls':
      return deriveTls(target, evidence)
    case 'ca':
      return deriveCa(target)
    case 'crl_set':
    case 'ocsp_matrix':
    case 'mtls':
    case 'health':
    case 'reconciliation':
    case 'issuance':
    case 'issued':
    case 'ocsp_revocations':
      return undefined
  }
}

const CRL_GROUPS = ['authority', 'crl', 'lint', 'crlSeries', 'crlSchedule', 'distribution'] as const

/** They depend on what logs and other probes had shown by then. */
const CRL_EXCEPT = [
  'removedExpired',
  'removedEarly',
  'removedUnknown',
  'vanished',
  'vanishedSerials',
] as const

async function deriveCrl(target: CrlTarget, evidence: Evidence): Promise<Derived | undefined> {
  const { observation, artifacts, before, earlier, now } = evidence
  if (artifacts.some(({ bytes }) => bytes === undefined) || isTooLate(observation)) return undefined
  const { issuer, distribution } = target
  const policy = { issuer: issuer?.certificate, isDelta: distribution?.isDelta === true }
  const judged = artifacts.map(({ bytes = new Uint8Array() }) => {
    const { judge, judgement } = judgeCrl(bytes, policy, now)
    return { judge, ...judgement }
  })
  const newest = newestOf(judged)
  const authority = authorityFacts(issuer)
  if (newest?.facts === undefined) {
    const error = judged.find((one) => one.error?.code === observation.error?.code)?.error
    return { facts: authority, groups: CRL_GROUPS, except: [], error: error ?? 'unknown' }
  }
  const wanted = comparedWith(before, newest.facts.crl?.sha256 ?? '')
  const previous = wanted === undefined ? undefined : await earlier(wanted)
  const certificates = new Map(target.issued.map(({ serial, notAfter }) => [serial, notAfter]))
  const content = newest.judge.compare({ known: before, previous, certificates, distribution })
  const isGone = wanted !== undefined && previous === undefined
  return {
    facts: { ...authority, ...newest.facts, ...content },
    groups: CRL_GROUPS,
    except: (isGone ? [...CONTENT] : CRL_EXCEPT).map((name) => `crlSeries.${name}`),
    error: newest.error,
  }
}

const OCSP_GROUPS = ['authority', 'ocsp', 'lint'] as const

function deriveOcsp(target: OcspTarget, evidence: Evidence): Derived | undefined {
  const { observation, artifacts } = evidence
  const authority = authorityFacts(target.issuer)
  const [kept] = artifacts
  // Nothing came, or nothing that was worth keeping.
  if (kept === undefined) return { facts: authority, groups: OCSP_GROUPS, except: [], error: 'unknown' }
  const isReplayed = observation.error?.code === ('nonce_mismatch' satisfies ProbeErrorCode)
  if (kept.bytes === undefined || isReplayed) return undefined
  const inquiry = judgeAnswer(kept.bytes, { ...target, ...evidence })
  return {
    facts: { ...authority, ...answerFacts(target, inquiry) },
    groups: OCSP_GROUPS,
    except: NONCE,
    error: inquiry.error,
  }
}

/** Nobody knows any more which one was sent. */
const NONCE = ['ocsp.nonceEchoed'] as const

function judgeAnswer(
  bytes: Uint8Array,
  {
    issuer,
    serial,
    now,
    delegations,
  }: { issuer: Issuer; serial: string } & Pick<Evidence, 'now' | 'delegations'>,
): Omit<OcspInquiry, 'status' | 'headers'> {
  const request = buildOcspRequest({ serial, issuer: issuer.certificate, nonce: undefined, hash: 'sha1' })
  return judgeOcspAnswer(bytes, request, { issuer, now, delegations })
}

const TLS_GROUPS = [
  'service',
  'tls',
  'certificate',
  'chain',
  'path',
  'staple',
  'locations',
  'lint',
  'ocsp',
] as const

function deriveTls(target: TlsTarget, evidence: Evidence): Derived | undefined {
  const { observation, artifacts, before, now, delegations } = evidence
  const certificates = artifacts.filter(({ mediaType }) => mediaType === CERTIFICATE_TYPE)
  const answers = artifacts.filter(({ mediaType }) => mediaType === OCSP_RESPONSE_TYPE)
  const chain = certificates.flatMap(({ bytes }) => bytes ?? [])
  if (chain.length < certificates.length) return undefined
  const inquired = observation.facts.ocsp === undefined ? undefined : answers.at(-1)
  const staple = answers.length > (inquired === undefined ? 0 : 1) ? answers[0] : undefined
  const { protocol, cipher, group, clientCertificateAccepted } = observation.facts.tls ?? {}
  const handshake = { protocol, cipher, group, clientCertificateAccepted, error: undefined }
  const served = judgeHandshake(
    target,
    { ...handshake, chain, staple: staple?.bytes },
    { now, before, delegations },
  )
  const { leaf, path } = served
  const isValid = leaf !== undefined && path?.valid === true
  const locations = isValid ? locationFacts(leaf, target.locations) : undefined
  const inquiry =
    isValid && target.issuer !== undefined && inquired?.bytes !== undefined
      ? judgeAnswer(inquired.bytes, { issuer: target.issuer, serial: leaf.serial, now, delegations })
      : undefined
  const withoutAnswer = inquired !== undefined && inquired.bytes === undefined
  const withoutStaple = staple !== undefined && staple.bytes === undefined
  const unknown: ReadonlySet<string> = new Set([
    ...(withoutAnswer ? ['ocsp', 'lint'] : []),
    ...(withoutStaple ? ['staple'] : []),
  ])
  return {
    facts: {
      ...serviceFacts(target),
      ...served.facts,
      ...(locations && { locations }),
      ...(inquiry?.facts && { ocsp: inquiry.facts }),
      ...lintsOf(served, inquiry),
    },
    groups: TLS_GROUPS.filter((name) => !unknown.has(name)),
    except: NONCE,
    error: leaf === undefined ? 'unknown' : served.error,
  }
}

/** Of the certificate that the inventory names. */
function deriveCa({ issuer }: CaTarget): Derived {
  return {
    facts: ownFacts(issuer),
    groups: ['authority', 'certificate', 'lint'],
    except: [],
    error: 'unknown',
  }
}

/** Phases of which nothing is kept. */
const ON_THE_WAY: ReadonlySet<Phase> = new Set(['resolve', 'connect', 'tls', 'http', 'size'])

/** Whether what went wrong shows in what is kept. */
export function isOnTheWay({ phase, code }: ProbeError): boolean {
  return ON_THE_WAY.has(phase) || code === ('internal_error' satisfies ProbeErrorCode)
}

function isTooLate({ error }: Observation): boolean {
  return error?.code === ('parse_timeout' satisfies ProbeErrorCode)
}
