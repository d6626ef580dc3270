import { hash } from 'node:crypto'
import type { FactsOf } from '../model/facts.ts'
import { toTimestamp } from '../model/time.ts'
import { certIdOf, certIdText, certIdsEqual, encodeCertId } from './certId.ts'
import type { CertId, CertIdHash } from './certId.ts'
import { parseCertificate } from './certificate.ts'
import type { Certificate } from './certificate.ts'
import { TAG, explicit } from './der.ts'
import { oidContent, tlv } from './derWriter.ts'
import { PkiError } from './error.ts'
import { namesMatch, sameOctets } from './name.ts'
import { readOcspResponse } from './ocspResponse.ts'
import type { OcspResponse, ResponderId, SingleResponse } from './ocspResponse.ts'
import { OID } from './oid.ts'
import { verifySignature } from './signature.ts'
import { CLOCK_TOLERANCE } from './tolerance.ts'

/** A request for one certificate, without signature (RFC 6960 4.1). */
export interface OcspRequest {
  readonly der: Uint8Array
  readonly certId: CertId
  /** Octets of the nonce, without the OCTET STRING around them. */
  readonly nonce: Uint8Array | undefined
}

/** An answer that is signed by an authorised responder and is about the certificate asked for. Times are not judged. */
export interface VerifiedOcsp {
  readonly response: OcspResponse
  readonly single: SingleResponse
  /** The CA itself, or the responder it delegated to. */
  readonly signer: Certificate
  readonly delegated: boolean
  /** undefined when no nonce was sent. */
  readonly nonceEchoed: boolean | undefined
}

interface OcspQuestion {
  readonly request: OcspRequest
  readonly issuer: Certificate
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** RFC 9654 2.1: octets of a nonce. */
const MAX_NONCE = 128
/**
 * Milliseconds since producedAt after which an answer with neither an end nor our nonce is no longer believed. Such a responder answers
 * afresh (RFC 6960 4.2.2.1: newer information is available all the time); without the limit, one from before a revocation could be replayed for ever.
 */
const MAX_OPEN_ENDED_AGE = 86_400_000

/**
 * RFC 6960 4.1. `serial` is lower-case hex; a nonce has 1 to 128 octets, 32 are best (RFC 9654).
 * Throws RangeError for a serial or nonce that is not: both come from the caller, not from the network.
 */
export function buildOcspRequest(question: {
  readonly serial: string
  readonly issuer: Certificate
  readonly nonce: Uint8Array | undefined
  readonly hash: CertIdHash
}): OcspRequest {
  const { serial, issuer, nonce } = question
  if (nonce !== undefined && (nonce.length === 0 || nonce.length > MAX_NONCE)) {
    throw new RangeError(`expected a nonce of 1 to ${MAX_NONCE} octets, got ${nonce.length}`)
  }
  const certId = certIdOf(serial, issuer, question.hash)
  const request = tlv(TAG.sequence, encodeCertId(certId, question.hash))
  const requestList = tlv(TAG.sequence, request)
  const extensions = nonce === undefined ? [] : [tlv(explicit(2), tlv(TAG.sequence, nonceExtension(nonce)))]
  return { der: tlv(TAG.sequence, tlv(TAG.sequence, requestList, ...extensions)), certId, nonce }
}

function nonceExtension(nonce: Uint8Array): Uint8Array {
  return tlv(
    TAG.sequence,
    tlv(TAG.oid, oidContent(OID.ocspNonce)),
    tlv(TAG.octetString, tlv(TAG.octetString, nonce)),
  )
}

/**
 * Parses a DER OCSPResponse. Throws PkiError: decode, or profile for an answer that is not `successful`
 * (`ocsp_try_later`, `ocsp_unauthorized`, …) or not a basic response.
 */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  return readOcspResponse(der)
}

/**
 * RFC 6960 3.2 steps 1 to 4 and 4.2.2.2. `now` judges the signer's certificate only.
 * Throws PkiError: consistency (certID, nonce), signature, path (responder), profile (unknown critical extension).
 */
export function verifyOcspResponse(response: OcspResponse, question: OcspQuestion): VerifiedOcsp {
  const { request, issuer, now } = question
  const single = findAnswer(response, request.certId) // 3.2 (1)
  const nonceEchoed = checkNonce(response, request) // 4.4.1
  const signer = findSigner(response, issuer, now) // 3.2 (2), (3), (4); 4.2.2.2
  checkCriticalExtensions(response) // 4.4
  return { response, single, signer, delegated: signer !== issuer, nonceEchoed }
}

/** 3.2 (1): the certificate in the answer is the one in the request. */
function findAnswer(response: OcspResponse, certId: CertId): SingleResponse {
  const answers = response.responses.filter((single) => certIdsEqual(single.certId, certId))
  const [answer] = answers
  // Two answers about one certificate would let us choose what we like to hear.
  if (answer !== undefined && answers.length === 1) return answer
  const [other] = response.responses
  const got =
    answers.length > 1
      ? `${answers.length}`
      : other === undefined
        ? 'none'
        : `one for ${certIdText(other.certId)}`
  throw new PkiError(
    'consistency',
    'cert_id_mismatch',
    `expected one answer for ${certIdText(certId)}, got ${got}`,
  )
}

/** 4.4.1: a responder may leave the nonce out (pre-produced answers), but another one means a replayed answer. */
function checkNonce({ nonce }: OcspResponse, request: OcspRequest): boolean | undefined {
  if (request.nonce === undefined) return undefined
  if (nonce === undefined) return false
  if (sameOctets(nonce, tlv(TAG.octetString, request.nonce))) return true
  throw new PkiError('consistency', 'nonce_mismatch', 'expected the nonce that was sent, got another one')
}

/** 3.2 (2) to (4): who signed, and may they? The CA itself (4.2.2.2 item 2), or a responder it delegated to (item 3). */
function findSigner(response: OcspResponse, issuer: Certificate, now: number): Certificate {
  const failures: PkiError[] = []
  const attempt = (check: () => Certificate): Certificate | undefined => {
    try {
      return check()
    } catch (error) {
      if (!(error instanceof PkiError)) throw error
      failures.push(error)
      return undefined
    }
  }
  if (isResponder(response.responderId, issuer)) {
    const signer = attempt(() => {
      verifySignature(response, issuer, 'OCSP answer')
      checkValidity(issuer, now)
      return issuer
    })
    if (signer !== undefined) return signer
  }
  for (const der of response.certificates) {
    // The CA's own certificate often comes along.
    if (sameOctets(der, issuer.der)) continue
    const candidate = attempt(() => parseCertificate(der))
    if (candidate === undefined || !isResponder(response.responderId, candidate)) continue
    const signer = attempt(() => {
      checkDelegation(candidate, issuer, now)
      verifySignature(response, candidate, 'OCSP answer')
      return candidate
    })
    if (signer !== undefined) return signer
  }
  const { responderId } = response
  const wanted = responderId.by === 'name' ? responderId.name.text : `key ${responderId.keyHash}`
  throw (
    failures[0] ??
    new PkiError(
      'path',
      'responder_not_found',
      `expected the certificate of responder ${wanted}, got neither it nor the CA ${issuer.subject.text}`,
    )
  )
}

/** 4.2.2.3: the responder's name, or SHA-1 over its public key. */
function isResponder(id: ResponderId, certificate: Certificate): boolean {
  return id.by === 'name'
    ? namesMatch(id.name, certificate.subject)
    : id.keyHash === hash('sha1', certificate.keyBytes)
}

/** 4.2.2.2 item 3: issued directly by the CA, with the key in question, for OCSP signing. */
function checkDelegation(candidate: Certificate, issuer: Certificate, now: number): void {
  if (!namesMatch(candidate.issuer, issuer.subject)) {
    throw notAuthorized(candidate, `one issued by ${issuer.subject.text}`, `issuer ${candidate.issuer.text}`)
  }
  verifySignature(candidate, issuer, `certificate of responder ${candidate.subject.text}`)
  if (candidate.extendedKeyUsage?.includes(OID.ocspSigning) !== true) {
    const got = candidate.extendedKeyUsage?.join(', ') ?? 'no extended key usage'
    throw notAuthorized(candidate, 'extended key usage OCSPSigning', got)
  }
  if (candidate.keyUsage?.has('digitalSignature') === false) {
    throw notAuthorized(candidate, 'key usage digitalSignature', [...candidate.keyUsage].join(', '))
  }
  if (candidate.unknownCritical.length > 0) {
    throw notAuthorized(
      candidate,
      'only critical extensions that are understood',
      candidate.unknownCritical.join(', '),
    )
  }
  checkValidity(candidate, now)
}

function notAuthorized({ subject }: Certificate, expected: string, got: string): PkiError {
  return new PkiError(
    'path',
    'responder_not_authorized',
    `responder ${subject.text}: expected ${expected}, got ${got}`,
  )
}

function checkValidity({ subject, notBefore, notAfter }: Certificate, now: number): void {
  if (now < notBefore) {
    throw new PkiError(
      'path',
      'certificate_not_yet_valid',
      `signer ${subject.text}: expected notBefore before ${toTimestamp(now)}, got ${toTimestamp(notBefore)}`,
    )
  }
  if (now > notAfter) {
    throw new PkiError(
      'path',
      'certificate_expired',
      `signer ${subject.text}: expected notAfter after ${toTimestamp(now)}, got ${toTimestamp(notAfter)}`,
    )
  }
}

function checkCriticalExtensions({ unknownCritical }: OcspResponse): void {
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
export function checkOcspTimes({ response, single, nonceEchoed }: VerifiedOcsp, now: number): void {
  const starts = [
    ['thisUpdate', single.thisUpdate],
    ['producedAt', response.producedAt],
  ] as const
  for (const [field, time] of starts) {
    if (time <= now + CLOCK_TOLERANCE) continue
    throw new PkiError(
      'time',
      'ocsp_not_yet_valid',
      `expected ${field} before ${toTimestamp(now)}, got ${toTimestamp(time)}`,
    )
  }
  if (single.nextUpdate !== undefined && single.nextUpdate < now) {
    throw new PkiError(
      'time',
      'ocsp_expired',
      `expected nextUpdate after ${toTimestamp(now)}, got ${toTimestamp(single.nextUpdate)}`,
    )
  }
  const isOpenEnded = single.nextUpdate === undefined && nonceEchoed !== true
  if (isOpenEnded && now - response.producedAt > MAX_OPEN_ENDED_AGE) {
    throw new PkiError(
      'time',
      'ocsp_expired',
      `expected an answer without nextUpdate and nonce to be at most a day old, got producedAt ${toTimestamp(response.producedAt)}`,
    )
  }
}

/** The facts of the group `ocsp`. Status, its date and reason are left out unless the answer was timely too. */
export function ocspFacts(verified: VerifiedOcsp, judged: { readonly timely: boolean }): FactsOf<'ocsp'> {
  const { response, single, signer, nonceEchoed } = verified
  return {
    serial: single.certId.serial,
    ...(judged.timely ? statusFacts(single) : {}),
    thisUpdate: toTimestamp(single.thisUpdate),
    ...(single.nextUpdate === undefined ? {} : { nextUpdate: toTimestamp(single.nextUpdate) }),
    producedAt: toTimestamp(response.producedAt),
    responder: signer.subject.text,
    signatureAlgorithm: response.signatureAlgorithm,
    ...(nonceEchoed === undefined ? {} : { nonceEchoed }),
  }
}

function statusFacts({ certStatus }: SingleResponse): FactsOf<'ocsp'> {
  if (certStatus.status !== 'revoked') return { status: certStatus.status }
  const { status, revokedAt, reason } = certStatus
  return { status, revokedAt: toTimestamp(revokedAt), ...(reason === undefined ? {} : { reason }) }
}
