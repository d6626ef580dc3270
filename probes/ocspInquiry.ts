import type { FactsOf } from '../model/facts.ts'
import type { Artifact, ProbeError } from '../model/observation.ts'
import type { CertIdHash } from '../pki/certId.ts'
import type { Certificate } from '../pki/certificate.ts'
import type { LintResult } from '../pki/lints/lint.ts'
import { lintOcsp } from '../pki/lints/ocsp.ts'
import { checkOcspTimes, ocspFacts, parseOcspResponse, verifyOcspResponse } from '../pki/ocsp.ts'
import type { VerifiedOcsp } from '../pki/ocsp.ts'
import { OCSP_RESPONSE_TYPE, buildOcspRequest, ocspGetUrl, ocspPost } from '../pki/ocspRequest.ts'
import type { OcspRequest } from '../pki/ocspRequest.ts'
import type { Network } from './fetch/connect.ts'
import type { Deadline } from './fetch/deadline.ts'
import { exchange } from './fetch/http.ts'
import { anchorOf, artifactOf, asProbeError, probeError } from './observe.ts'
import type { Issuer, ProbeContext } from './probe.ts'

/** Octets of a nonce: RFC 9654 section 2.1 asks clients for 32, the most that older responders (RFC 8954) accept. */
export const NONCE_SIZE = 32
/** Octets of an answer. An RSA one with a delegated certificate has 2 KB, with SLH-DSA signatures 100 KB. */
const MAX_RESPONSE = 1024 * 1024

/** How a question is put. */
export interface OcspForm {
  /** `get` encodes `/`, `+` and `=` of the base64 (RFC 6960 appendix A.1); `get_plain` leaves them as they are, as some clients do. */
  readonly transport: 'post' | 'get' | 'get_plain'
  readonly hash: CertIdHash
  readonly nonce: Uint8Array | undefined
}

export interface OcspQuestion {
  readonly url: string
  readonly issuer: Issuer
  /** Lower-case hex. */
  readonly serial: string
  /** The one address of the responder's host that is asked. Default: the first that answers. */
  readonly address?: string
  /** Default: POST, a CertID by SHA-1, a new nonce. */
  readonly form?: OcspForm
}

export interface OcspInquiry {
  /** Present when the answer verified; without status when its times are over. */
  readonly facts: FactsOf<'ocsp'> | undefined
  readonly verified: VerifiedOcsp | undefined
  /** Of the answer, when it verified. */
  readonly lints: readonly LintResult[]
  /** The delegated signer's certificate, when the answer verified. */
  readonly delegate: Certificate | undefined
  readonly error: ProbeError | undefined
  /** Status of the HTTP answer, when there was one. */
  readonly status: number | undefined
  /** Of the HTTP answer, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly artifacts: readonly Artifact[]
}

type World = Pick<ProbeContext, 'now' | 'random' | 'maxSize' | 'delegations' | keyof Network>

/**
 * One question and the verification of its answer. The usual form is POST, with a nonce, so that a cached or replayed answer is recognised, and
 * a CertID by SHA-1: every responder knows it (RFC 5019 asks for it), many refuse SHA-256, and nothing rests on it: it only names the issuer and
 * the serial; a collision would be answered by the same authority about its own certificate.
 */
export async function inquireOcsp(
  question: OcspQuestion,
  context: World,
  deadline: Deadline,
): Promise<OcspInquiry> {
  const { issuer, serial, url } = question
  const form = question.form ?? { transport: 'post', hash: 'sha1', nonce: context.random(NONCE_SIZE) }
  const request = buildOcspRequest({ serial, issuer: issuer.certificate, nonce: form.nonce, hash: form.hash })
  const answer = await exchange(
    {
      ...sent(url, request, form.transport),
      source: 'declared',
      maxBody: Math.min(MAX_RESPONSE, context.maxSize),
      maxRedirects: 0,
      anchor: anchorOf(issuer),
      ...(question.address === undefined ? {} : { address: question.address }),
    },
    deadline,
    context,
  )
  const now = context.now()
  if (!answer.ok) return { ...NOTHING, error: asProbeError(answer.error, now) }
  const { status, headers, body } = answer
  const refused = refusal(url, status, headers)
  if (refused !== undefined) return { ...NOTHING, status, headers, error: refused }
  return {
    status,
    headers,
    ...judgeOcspAnswer(body, request, { issuer, now, delegations: context.delegations }),
  }
}

const NOTHING: OcspInquiry = {
  facts: undefined,
  verified: undefined,
  lints: [],
  delegate: undefined,
  error: undefined,
  status: undefined,
  headers: {},
  artifacts: [],
}

function sent(responder: string, request: OcspRequest, transport: OcspForm['transport']) {
  const headers = { accept: OCSP_RESPONSE_TYPE }
  if (transport === 'post') {
    const { url, contentType, body } = ocspPost(responder, request)
    return { url, method: 'POST', headers: { ...headers, 'content-type': contentType }, body } as const
  }
  const url = transport === 'get' ? ocspGetUrl(responder, request).url : plainGetUrl(responder, request)
  return { url, method: 'GET', headers, body: undefined } as const
}

/** With nothing of the base64 encoded. */
export function plainGetUrl(responder: string, { der }: Pick<OcspRequest, 'der'>): string {
  return `${responder.replace(/\/$/, '')}/${Buffer.from(der).toString('base64')}`
}

/** What is no answer to an OCSP question at all. The URL of the question is left out: it is another one each time. */
function refusal(
  url: string,
  status: number,
  headers: Readonly<Record<string, string>>,
): ProbeError | undefined {
  if (status !== 200) {
    return probeError('http', 'http_status', `expected HTTP status 200 from ${url}, got ${status}`)
  }
  // RFC 6960 appendix A.1
  const mediaType = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (mediaType === OCSP_RESPONSE_TYPE) return undefined
  const got = mediaType === undefined || mediaType === '' ? 'none' : mediaType
  return probeError('http', 'bad_media_type', `expected Content-Type ${OCSP_RESPONSE_TYPE}, got ${got}`)
}

/** Verifies an answer as one to that question. `now` in milliseconds. Pure. */
export function judgeOcspAnswer(
  body: Uint8Array,
  request: OcspRequest,
  { issuer, now, delegations }: Pick<World, 'delegations'> & { issuer: Issuer; now: number },
): Omit<OcspInquiry, 'status' | 'headers'> {
  const artifacts = (isVerified: boolean): Artifact[] =>
    artifactOf(OCSP_RESPONSE_TYPE, body, { verified: isVerified })
  let found: Pick<OcspInquiry, 'facts' | 'verified' | 'lints' | 'delegate'> = NOTHING
  try {
    const response = parseOcspResponse(body)
    const verified = verifyOcspResponse(response, { request, issuer: issuer.certificate, now, delegations })
    found = {
      facts: ocspFacts(verified, { timely: false }),
      verified,
      lints: lintOcsp(response, { issuer: issuer.certificate }),
      delegate: verified.delegated ? verified.signer : undefined,
    }
    checkOcspTimes(verified, now)
    const facts = ocspFacts(verified, { timely: true })
    return { ...found, facts, error: undefined, artifacts: artifacts(true) }
  } catch (error) {
    return { ...found, error: asProbeError(error, now), artifacts: artifacts(found.facts !== undefined) }
  }
}
