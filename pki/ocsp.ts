import type { FactsOf } from '../model/facts.ts'
import { toTimestamp } from '../model/time.ts'
import type { CertId } from './certId.ts'
import type { Certificate } from './certificate.ts'
import { TAG } from './der.ts'
import type { DerOptions } from './der.ts'
import { tlv } from './derWriter.ts'
import { PkiError } from './error.ts'
import { sameOctets } from './name.ts'
import { readPlainOcspResponse } from './ocspPlain.ts'
import type { OcspRequest } from './ocspRequest.ts'
import { readOcspResponse } from './ocspResponse.ts'
import type { OcspResponse, SingleResponse } from './ocspResponse.ts'
import { findSigner } from './ocspSigner.ts'
import type { SignerQuestion } from './ocspSigner.ts'
import { strengthFacts } from './strength.ts'
import { CLOCK_TOLERANCE } from './tolerance.ts'

/** An answer that is signed by an authorised responder and is about certificates of that CA. Times are not judged. */
export interface VerifiedOcsp {
  readonly response: OcspResponse
  /** The answer to the request: exactly one. Without a request all there are, at least one. */
  readonly answers: readonly SingleResponse[]
  /** The first of `answers`. */
  readonly single: SingleResponse
  /** The CA itself, or the responder it delegated to. Whether the latter was revoked is not judged here: see `ocspNoCheck` of it. */
  readonly signer: Certificate
  readonly delegated: boolean
  /** undefined when no nonce was sent. */
  readonly nonceEchoed: boolean | undefined
}

interface OcspQuestion extends SignerQuestion {
  /** Absent for an answer that was not asked for, as in a TLS handshake: then it may be about any certificates of `issuer`. */
  readonly request?: OcspRequest | undefined
}

/**
 * Milliseconds since producedAt after which an answer with neither an end nor our nonce is no longer believed. Such a responder answers
 * afresh (RFC 6960 4.2.2.1: newer information is available all the time); without the limit, one from before a revocation could be replayed for ever.
 */
const MAX_OPEN_ENDED_AGE = 86_400_000

/**
 * Parses a DER OCSPResponse. Throws PkiError: decode, or profile for an answer that is not `successful`
 * (`ocsp_try_later`, `ocsp_unauthorized`, …) or not a basic response.
 */
export function parseOcspResponse(der: Uint8Array, options?: DerOptions): OcspResponse {
  return readPlainOcspResponse(der) ?? readOcspResponse(der, options)
}

/**
 * RFC 6960 3.2 steps 1 to 4 and 4.2.2.2. `now` judges the certificates of the CA and of the signer only.
 * Throws PkiError: consistency (certID, nonce), signature, path (responder), profile (unknown critical extension).
 */
export function verifyOcspResponse(response: OcspResponse, question: OcspQuestion): VerifiedOcsp {
  const { request, issuer } = question
  const single = request === undefined ? firstAnswer(response, issuer) : findAnswer(response, request, issuer) // 3.2 (1)
  const answers = request === undefined ? response.responses : [single]
  const nonceEchoed = checkNonce(response, request) // 4.4.1
  const signer = findSigner(response, question) // 3.2 (2), (3), (4); 4.2.2.2
  checkCriticalExtensions(response, answers) // 4.4
  return { response, answers, single, signer, delegated: signer !== issuer, nonceEchoed }
}

/** 3.2 (1): the certificate in the answer is the one in the request, and that is one of the CA's. */
function findAnswer(
  { responses }: OcspResponse,
  { certId, issuer: asked }: OcspRequest,
  issuer: Certificate,
): SingleResponse {
  if (asked !== issuer && !certId.isIssuedBy(issuer)) throw otherIssuer(certId, issuer)
  let answer: SingleResponse | undefined
  for (const single of responses) {
    if (!single.certId.equals(certId)) continue
    // Two answers about one certificate would let us choose what we like to hear.
    if (answer !== undefined) throw mismatch(`one answer for ${String(certId)}`, 'several')
    answer = single
  }
  if (answer !== undefined) {
    if (responses.length > 1) checkAgreement(answer, responses, issuer)
    return answer
  }
  const [other] = responses
  const got = other === undefined ? 'none' : `one for ${String(other.certId)}`
  throw mismatch(`one answer for ${String(certId)}`, got)
}

/** Nor may another hash algorithm be a way to say two things about one certificate. */
function checkAgreement(
  answer: SingleResponse,
  responses: readonly SingleResponse[],
  issuer: Certificate,
): void {
  const { certId, certStatus } = answer
  for (const other of responses) {
    if (other.certId.serial !== certId.serial || other.certStatus.status === certStatus.status) continue
    if (!other.certId.isIssuedBy(issuer)) continue
    throw mismatch(`one status of ${String(certId)}`, `${certStatus.status} and ${other.certStatus.status}`)
  }
}

/** Without a request, every answer is about a certificate of that CA (4.2.2.2: what it signs counts for no other), and no two about the same. */
function firstAnswer({ responses }: OcspResponse, issuer: Certificate): SingleResponse {
  const seen = new Set<string>()
  for (const single of responses) {
    const { certId } = single
    if (!certId.isIssuedBy(issuer)) throw otherIssuer(certId, issuer)
    const name = `${certId.hash} ${certId.serial}`
    if (seen.has(name)) throw mismatch(`one answer for ${String(certId)}`, 'several')
    seen.add(name)
    checkAgreement(single, responses, issuer)
  }
  const [first] = responses
  if (first === undefined) throw mismatch('an answer', 'none')
  return first
}

function otherIssuer(certId: CertId, issuer: Certificate): PkiError {
  return mismatch(`a certificate issued by ${issuer.subject.text} with its key`, String(certId))
}

function mismatch(expected: string, got: string): PkiError {
  return new PkiError('consistency', 'cert_id_mismatch', `expected ${expected}, got ${got}`)
}

/**
 * 4.4.1: a responder may leave the nonce out (pre-produced answers), but another one means a replayed answer. One that was not asked for is
 * ignored (RFC 9919 5).
 */
function checkNonce({ nonce }: OcspResponse, request: OcspRequest | undefined): boolean | undefined {
  if (request?.nonce === undefined) return undefined
  if (nonce === undefined) return false
  if (sameOctets(nonce, tlv(TAG.octetString, request.nonce))) return true
  throw new PkiError('consistency', 'nonce_mismatch', 'expected the nonce that was sent, got another one')
}

/** 4.4: of the response, and of the answers that are used. */
function checkCriticalExtensions(response: OcspResponse, answers: readonly SingleResponse[]): void {
  checkUnderstood(response)
  answers.forEach(checkUnderstood)
}

function checkUnderstood({ unknownCritical }: { readonly unknownCritical: readonly string[] }): void {
  if (unknownCritical.length === 0) return
  throw new PkiError(
    'profile',
    'unknown_critical_extension',
    `expected only critical extensions that are understood, got ${unknownCritical.join(', ')}`,
  )
}

/**
 * RFC 6960 3.2 steps 5 and 6, 4.2.2.1: thisUpdate and producedAt are not in the future (but for `CLOCK_TOLERANCE`), nextUpdate,
 * when there is one, not in the past; without it, and without our nonce, the answer is at most `MAX_OPEN_ENDED_AGE` old.
 * `now` in milliseconds. Throws PkiError(time).
 */
export function checkOcspTimes(
  { response, answers, nonceEchoed }: Pick<VerifiedOcsp, 'response' | 'answers' | 'nonceEchoed'>,
  now: number,
): void {
  checkStart('producedAt', response.producedAt, now)
  for (const single of answers) {
    checkStart('thisUpdate', single.thisUpdate, now)
    checkEnd(single, { producedAt: response.producedAt, fresh: nonceEchoed === true, now })
  }
}

function checkStart(field: string, time: number, now: number): void {
  if (time <= now + CLOCK_TOLERANCE) return
  throw new PkiError(
    'time',
    'ocsp_not_yet_valid',
    `expected ${field} before ${toTimestamp(now)}, got ${toTimestamp(time)}`,
  )
}

function checkEnd(
  { nextUpdate }: SingleResponse,
  { producedAt, fresh, now }: { producedAt: number; fresh: boolean; now: number },
): void {
  if (nextUpdate !== undefined && nextUpdate < now) {
    throw new PkiError(
      'time',
      'ocsp_expired',
      `expected nextUpdate after ${toTimestamp(now)}, got ${toTimestamp(nextUpdate)}`,
    )
  }
  if (nextUpdate === undefined && !fresh && now - producedAt > MAX_OPEN_ENDED_AGE) {
    throw new PkiError(
      'time',
      'ocsp_expired',
      `expected an answer without nextUpdate and nonce to be at most a day old, got producedAt ${toTimestamp(producedAt)}`,
    )
  }
}

/** The facts of the group `ocsp`, about `single`. Status, its date and reason are left out unless the answer was timely too. */
export function ocspFacts(verified: VerifiedOcsp, judged: { readonly timely: boolean }): FactsOf<'ocsp'> {
  const { response, single, signer, delegated, nonceEchoed } = verified
  const { nextUpdate, archiveCutoff } = single
  return {
    serial: single.certId.serial,
    ...(judged.timely ? statusFacts(single) : {}),
    thisUpdate: toTimestamp(single.thisUpdate),
    ...(nextUpdate === undefined ? {} : { nextUpdate: toTimestamp(nextUpdate) }),
    producedAt: toTimestamp(response.producedAt),
    responder: signer.subject.text,
    responderDelegated: delegated,
    responderSerial: signer.serial,
    responderNotBefore: toTimestamp(signer.notBefore),
    responderNotAfter: toTimestamp(signer.notAfter),
    // Only of a delegate: nobody asks a CA to say this about itself.
    ...(delegated ? { responderNoCheck: signer.ocspNoCheck } : {}),
    responses: response.responses.length,
    certIdHash: single.certId.hash,
    signatureAlgorithm: response.signatureAlgorithm,
    ...strengthFacts(response.scheme, response.signature),
    ...(nonceEchoed === undefined ? {} : { nonceEchoed }),
    ...(archiveCutoff === undefined ? {} : { archiveCutoff: toTimestamp(archiveCutoff) }),
    extendedRevoke: response.extendedRevoke,
  }
}

function statusFacts({ certStatus }: SingleResponse): FactsOf<'ocsp'> {
  if (certStatus.status !== 'revoked') return { status: certStatus.status }
  const { status, revokedAt, reason } = certStatus
  return { status, revokedAt: toTimestamp(revokedAt), ...(reason === undefined ? {} : { reason }) }
}
