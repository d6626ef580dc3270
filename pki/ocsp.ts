import type { FactsOf } from '../model/facts.ts'
import type { Certificate } from './certificate.ts'
import type { RevocationReason } from './crl.ts'
import type { Name } from './name.ts'

export type CertIdHash = 'sha1' | 'sha256'

export interface CertId {
  /** Digest name, or the OID of one that is not known. */
  readonly hash: string
  /** Lower-case hex. */
  readonly issuerNameHash: string
  readonly issuerKeyHash: string
  readonly serial: string
}

/** A request for one certificate, without signature (RFC 6960 4.1). */
export interface OcspRequest {
  readonly der: Uint8Array
  readonly certId: CertId
  /** Octets of the nonce, without the OCTET STRING around them. */
  readonly nonce: Uint8Array | undefined
}

export type CertStatus =
  | { readonly status: 'good' | 'unknown' }
  | { readonly status: 'revoked'; readonly revokedAt: number; readonly reason: RevocationReason | undefined }

export interface SingleResponse {
  readonly certId: CertId
  readonly certStatus: CertStatus
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
}

export type ResponderId =
  { readonly by: 'name'; readonly name: Name } | { readonly by: 'key'; readonly keyHash: string }

/** A successful BasicOCSPResponse (RFC 6960 4.2.1), parsed but not verified. */
export interface OcspResponse {
  readonly der: Uint8Array
  /** The signed bytes. */
  readonly tbs: Uint8Array
  readonly responderId: ResponderId
  /** Milliseconds since the epoch. */
  readonly producedAt: number
  readonly responses: readonly SingleResponse[]
  /** Value of the nonce extension: DER of an OCTET STRING when the responder follows RFC 9654. */
  readonly nonce: Uint8Array | undefined
  readonly signatureAlgorithm: string
  readonly signature: Uint8Array
  /** Certificates that came along, DER, not looked at. */
  readonly certificates: readonly Uint8Array[]
  /** OIDs of critical extensions that this code does not process. */
  readonly unknownCritical: readonly string[]
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

/** RFC 6960 4.1. `serial` is lower-case hex; a nonce has 1 to 128 octets (RFC 9654). */
export function buildOcspRequest(question: {
  readonly serial: string
  readonly issuer: Certificate
  readonly nonce: Uint8Array | undefined
  readonly hash: CertIdHash
}): OcspRequest {
  throw new Error(`not built yet: ${question.serial}`)
}

/**
 * Parses a DER OCSPResponse. Throws PkiError: decode, or profile for an answer that is not `successful`
 * (`ocsp_try_later`, `ocsp_unauthorized`, …) or not a basic response.
 */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  throw new Error(`not built yet: ${der.length}`)
}

/**
 * RFC 6960 3.2 steps 1 to 4 and 4.2.2.2. `now` in milliseconds judges the signer's certificate only.
 * Throws PkiError: consistency (certID, nonce), signature, path (responder), profile (unknown critical extension).
 */
export function verifyOcspResponse(
  response: OcspResponse,
  question: { readonly request: OcspRequest; readonly issuer: Certificate; readonly now: number },
): VerifiedOcsp {
  throw new Error(`not built yet: ${response.producedAt} ${question.now}`)
}

/** RFC 6960 3.2 steps 5 and 6. `now` in milliseconds. Throws PkiError(time). */
export function checkOcspTimes(verified: VerifiedOcsp, now: number): void {
  throw new Error(`not built yet: ${verified.delegated} ${now}`)
}

/** The facts of the group `ocsp`. Status, its date and reason are left out unless the answer was timely too. */
export function ocspFacts(verified: VerifiedOcsp, judged: { readonly timely: boolean }): FactsOf<'ocsp'> {
  throw new Error(`not built yet: ${verified.delegated} ${judged.timely}`)
}
