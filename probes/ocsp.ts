import type { FactsOf } from '../model/facts.ts'
import type { Artifact, ProbeError } from '../model/observation.ts'
import { checkOcspTimes, ocspFacts, parseOcspResponse, verifyOcspResponse } from '../pki/ocsp.ts'
import { OCSP_REQUEST_TYPE, OCSP_RESPONSE_TYPE, buildOcspRequest } from '../pki/ocspRequest.ts'
import type { Certificate } from '../pki/certificate.ts'
import { lintCertificate } from '../pki/lints/certificate.ts'
import { lintFacts } from '../pki/lints/facts.ts'
import type { LintResult } from '../pki/lints/lint.ts'
import { lintOcsp } from '../pki/lints/ocsp.ts'
import type { Deadline } from './fetch/deadline.ts'
import { exchange } from './fetch/http.ts'
import { anchorOf, artifactOf, asProbeError, authorityFacts, observe, probeError } from './observe.ts'
import type { Issuer, OcspTarget, Probe, ProbeContext } from './probe.ts'

/** Octets of a nonce: RFC 9654 section 2.1 asks clients for 32, the most that older responders (RFC 8954) accept. */
const NONCE_SIZE = 32
/** Octets of an answer. An RSA one with a delegated certificate has 2 KB, with SLH-DSA signatures 100 KB. */
const MAX_RESPONSE = 1024 * 1024

/** Asks an OCSP responder (RFC 6960) about the known-good certificate of an authority and verifies the answer. */
export const probeOcsp: Probe<OcspTarget> = (target, context) =>
  observe(target, context, async ({ deadline }) => {
    const { facts: ocsp, lints, delegate, error, artifacts } = await inquireOcsp(target, context, deadline)
    const facts = authorityFacts(target.issuer)
    if (ocsp === undefined) return { facts, error, artifacts }
    const ofDelegate =
      delegate === undefined ? [] : lintCertificate(delegate, { issuer: target.issuer.certificate })
    return { facts: { ...facts, ocsp, lint: lintFacts([...lints, ...ofDelegate]) }, error, artifacts }
  })

export interface OcspQuestion {
  readonly url: string
  readonly issuer: Issuer
  /** Lower-case hex. */
  readonly serial: string
}

export interface OcspInquiry {
  /** Present when the answer verified; without status when its times are over. */
  readonly facts: FactsOf<'ocsp'> | undefined
  /** Of the answer, when it verified. */
  readonly lints: readonly LintResult[]
  /** The delegated signer's certificate, when the answer verified. */
  readonly delegate: Certificate | undefined
  readonly error: ProbeError | undefined
  readonly artifacts: readonly Artifact[]
}

const NOTHING = { facts: undefined, lints: [], delegate: undefined } as const

/**
 * One question by POST, with a nonce, so that a cached or replayed answer is recognised, and its verification.
 * The CertID is hashed with SHA-1: every responder knows it (RFC 5019 asks for it), many refuse SHA-256, and nothing rests on it: it only
 * names the issuer and the serial; a collision would be answered by the same authority about its own certificate.
 */
export async function inquireOcsp(
  { url, issuer, serial }: OcspQuestion,
  context: Pick<ProbeContext, 'now' | 'random' | 'maxSize' | 'delegations' | 'names'>,
  deadline: Deadline,
): Promise<OcspInquiry> {
  const { delegations } = context
  const nonce = context.random(NONCE_SIZE)
  const request = buildOcspRequest({ serial, issuer: issuer.certificate, nonce, hash: 'sha1' })
  const answer = await exchange(
    {
      url,
      method: 'POST',
      headers: { 'content-type': OCSP_REQUEST_TYPE, accept: OCSP_RESPONSE_TYPE },
      body: request.der,
      maxBody: Math.min(MAX_RESPONSE, context.maxSize),
      maxRedirects: 0,
      anchor: anchorOf(issuer),
    },
    deadline,
    context,
  )
  const now = context.now()
  if (!answer.ok) return { ...NOTHING, error: asProbeError(answer.error, now), artifacts: [] }
  if (answer.status !== 200) {
    const message = `expected HTTP status 200 from ${url}, got ${answer.status}`
    return { ...NOTHING, error: probeError('http', 'http_status', message), artifacts: [] }
  }
  // RFC 6960 appendix A.1
  const mediaType = (answer.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (mediaType !== OCSP_RESPONSE_TYPE) {
    const got = mediaType === undefined || mediaType === '' ? 'none' : mediaType
    const message = `expected Content-Type ${OCSP_RESPONSE_TYPE}, got ${got}`
    return { ...NOTHING, error: probeError('http', 'bad_media_type', message), artifacts: [] }
  }

  const artifacts = (verified: boolean): Artifact[] =>
    artifactOf(OCSP_RESPONSE_TYPE, answer.body, { verified })
  let facts: FactsOf<'ocsp'> | undefined
  let lints: readonly LintResult[] = []
  let delegate: Certificate | undefined
  try {
    const response = parseOcspResponse(answer.body)
    const verified = verifyOcspResponse(response, { request, issuer: issuer.certificate, now, delegations })
    facts = ocspFacts(verified, { timely: false })
    lints = lintOcsp(response, { issuer: issuer.certificate })
    delegate = verified.delegated ? verified.signer : undefined
    checkOcspTimes(verified, now)
    facts = ocspFacts(verified, { timely: true })
    return { facts, lints, delegate, error: undefined, artifacts: artifacts(true) }
  } catch (error) {
    const refused = asProbeError(error, now)
    return { facts, lints, delegate, error: refused, artifacts: artifacts(facts !== undefined) }
  }
}
