import { CertId, issuerHashes } from './certId.ts'
import type { CertIdHash } from './certId.ts'
import type { Certificate } from './certificate.ts'
import { TAG, explicit } from './der.ts'
import { oidContent, tlv } from './derWriter.ts'
import { OID } from './oid.ts'
import { serialContent } from './serial.ts'

/** A request for one certificate, without signature (RFC 6960 4.1). */
export interface OcspRequest {
  readonly der: Uint8Array
  readonly certId: CertId
  readonly issuer: Certificate
  /** Octets of the nonce, without the OCTET STRING around them. */
  readonly nonce: Uint8Array | undefined
}

/** RFC 6960 appendix A. */
const OCSP_REQUEST_TYPE = 'application/ocsp-request'
export const OCSP_RESPONSE_TYPE = 'application/ocsp-response'

/** RFC 9654 2.1: octets of a nonce. */
const MAX_NONCE = 128
/** RFC 5019 5 and 9919 6: octets of a GET, the whole URL, that every responder and cache between takes. RFC 6960 A.1 says one less. */
export const MAX_GET = 255

const NONCE_OID = tlv(TAG.oid, oidContent(OID.ocspNonce))

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
  const number = serialContent(serial)
  if (number === undefined) {
    throw new RangeError(`expected a serial number in hex, got ${JSON.stringify(serial)}`)
  }
  if (nonce !== undefined && (nonce.length === 0 || nonce.length > MAX_NONCE)) {
    throw new RangeError(`expected a nonce of 1 to ${MAX_NONCE} octets, got ${nonce.length}`)
  }
  const { prefix } = issuerHashes(issuer, question.hash)
  const extensions = nonce === undefined ? NOTHING : nonceExtensions(nonce)

  // One buffer, filled from the outside in: OCSPRequest, tbsRequest, requestList, Request, reqCert.
  const certIdContent = prefix.length + 2 + number.length
  const request = sized(certIdContent)
  const requestList = sized(request)
  const tbsContent = sized(requestList) + extensions.length
  const tbs = sized(tbsContent)
  const der = Buffer.allocUnsafe(sized(tbs))
  let at = header(der, 0, tbs)
  at = header(der, at, tbsContent)
  at = header(der, at, requestList)
  at = header(der, at, request)
  const certIdStart = at
  at = header(der, at, certIdContent)
  der.set(prefix, at)
  at += prefix.length
  der[at++] = TAG.integer
  der[at++] = number.length
  der.set(number, at)
  at += number.length
  der.set(extensions, at)
  return { der, certId: new CertId(der, certIdStart, at), issuer, nonce }
}

const NOTHING = new Uint8Array(0)

/** requestExtensions with the nonce alone (RFC 9654 2.1). */
function nonceExtensions(nonce: Uint8Array): Uint8Array {
  const extension = tlv(TAG.sequence, NONCE_OID, tlv(TAG.octetString, tlv(TAG.octetString, nonce)))
  return tlv(explicit(2), tlv(TAG.sequence, extension))
}

/** Octets of a SEQUENCE with that much content: a request stays below 65,536. */
function sized(content: number): number {
  return content + (content < 0x80 ? 2 : content < 0x100 ? 3 : 4)
}

/** Writes the header of a SEQUENCE; returns the offset behind it. */
function header(out: Uint8Array, at: number, length: number): number {
  out[at++] = TAG.sequence
  if (length >= 0x100) {
    out[at++] = 0x82
    out[at++] = length >> 8
  } else if (length >= 0x80) out[at++] = 0x81
  out[at++] = length & 0xff
  return at
}

/**
 * RFC 6960 A.1: the URL of a GET, base64 with `/`, `+` and `=` percent-encoded, since they mean something else in a path.
 * `fits`: the profile for high volumes (RFC 5019 5, RFC 9919 6) wants GET then, and POST for anything longer.
 */
export function ocspGetUrl(
  responder: string,
  { der }: OcspRequest,
): { readonly url: string; readonly fits: boolean } {
  const base64 = Buffer.from(der).toString('base64')
  const url = `${responder.replace(/\/$/, '')}/${encodeURIComponent(base64)}`
  return { url, fits: url.length <= MAX_GET }
}

/** RFC 6960 A.1: the same question by POST. */
export function ocspPost(
  responder: string,
  { der }: OcspRequest,
): { readonly url: string; readonly contentType: string; readonly body: Uint8Array } {
  return { url: responder, contentType: OCSP_REQUEST_TYPE, body: der }
}
