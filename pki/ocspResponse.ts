import { readSignatureScheme } from './algorithms.ts'
import type { SignatureScheme } from './algorithms.ts'
import { readCertId } from './certId.ts'
import type { CertId } from './certId.ts'
import { readReasonCode } from './crlEntries.ts'
import type { RevocationReason } from './crlEntries.ts'
import { Der, TAG, explicit, implicit } from './der.ts'
import type { DerOptions } from './der.ts'
import { PkiError } from './error.ts'
import type { PkiErrorCode } from './error.ts'
import type { Note } from './note.ts'
import { readResponseExtensions, readSingleExtensions } from './ocspExtensions.ts'
import type { ResponseExtensions, SingleExtensions } from './ocspExtensions.ts'
import { readName } from './name.ts'
import { OID } from './oid.ts'
import { ResponderKey, ResponderName } from './responderId.ts'
import type { ResponderId } from './responderId.ts'

export type CertStatus =
  | { readonly status: 'good' | 'unknown' }
  | { readonly status: 'revoked'; readonly revokedAt: number; readonly reason: RevocationReason | undefined }

export interface SingleResponse extends SingleExtensions {
  readonly certId: CertId
  readonly certStatus: CertStatus
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
}

/** What a successful answer says (RFC 6960 4.2.1 ResponseData). */
interface ResponseData extends ResponseExtensions {
  readonly responderId: ResponderId
  /** Milliseconds since the epoch. */
  readonly producedAt: number
  readonly responses: readonly SingleResponse[]
}

/** A successful BasicOCSPResponse, parsed but not verified. */
export interface OcspResponse extends ResponseData {
  readonly der: Uint8Array
  /** The signed bytes. */
  readonly tbs: Uint8Array
  readonly signatureAlgorithm: string
  readonly scheme: SignatureScheme
  readonly signature: Uint8Array
  /** Certificates that came along, DER, not looked at. */
  readonly certificates: readonly Uint8Array[]
  /** What was accepted although it should not be written so. */
  readonly notes: readonly Note[]
}

/** Octets of one answer. A delegated signer with ML-DSA-87 keys and its chain need 30 KB. */
const MAX_RESPONSE = 1024 * 1024
/** SingleResponses in one answer. vigil asks about one certificate; responders that pre-produce add a few. */
const MAX_SINGLE_RESPONSES = 256
/** Certificates in one answer: the signer and its chain. */
export const MAX_CERTIFICATES = 16

/** RFC 6960 4.2.1 OCSPResponseStatus, beside successful (0). */
const STATUS_CODES: Readonly<Record<number, { code: PkiErrorCode; name: string }>> = {
  1: { code: 'ocsp_malformed_request', name: 'malformedRequest' },
  2: { code: 'ocsp_internal_error', name: 'internalError' },
  3: { code: 'ocsp_try_later', name: 'tryLater' },
  5: { code: 'ocsp_sig_required', name: 'sigRequired' },
  6: { code: 'ocsp_unauthorized', name: 'unauthorized' },
}

/** Reads any OCSPResponse strictly; see `parseOcspResponse`. */
export function readOcspResponse(der: Uint8Array, options: DerOptions = {}): OcspResponse {
  const root = Der.open(der, 'OCSP response', MAX_RESPONSE, options)
  const status = root.smallInteger('responseStatus', TAG.enumerated)
  if (status !== 0) throw statusError(root, status)
  const field = root.enter(explicit(0), 'responseBytes')
  root.finish()
  const responseBytes = field.enter(TAG.sequence, '')
  field.finish()
  const type = responseBytes.oid('responseType')
  const wrapped = responseBytes.enter(TAG.octetString, 'response')
  responseBytes.finish()
  if (type !== OID.ocspBasic) {
    throw new PkiError('profile', 'ocsp_response_type', `expected a basic OCSP response, got type ${type}`)
  }
  const basic = wrapped.enter(TAG.sequence, '')
  wrapped.finish()

  const tbs = basic.enter(TAG.sequence, 'tbsResponseData')
  const { scheme } = readSignatureScheme(basic, 'signatureAlgorithm')
  const signature = basic.wholeBits('signature')
  const certificates = readCertificates(basic)
  basic.finish()
  return {
    der,
    tbs: tbs.der,
    ...readResponseData(tbs),
    signatureAlgorithm: scheme.name,
    scheme,
    signature,
    certificates,
    notes: root.notes,
  }
}

/** An answer without responseBytes; the status is the responder's, unsigned word. */
function statusError(root: Der, status: number): PkiError {
  const known = STATUS_CODES[status]
  if (known === undefined) {
    return root.fail('bad_value', `expected an OCSP response status from 0 to 6 but 4, got ${status}`)
  }
  // RFC 6960 4.2.1: no responseBytes then. What follows is not believed either way, but has to be DER.
  if (!root.done) root.any('responseBytes')
  root.finish()
  return new PkiError('profile', known.code, `expected OCSP status successful, got ${known.name} (${status})`)
}

function readCertificates(basic: Der): Uint8Array[] {
  const field = basic.explicit(0, 'certs')
  if (field === undefined) return []
  const list = field.enter(TAG.sequence, '')
  field.finish()
  const certificates: Uint8Array[] = []
  while (!list.done) {
    if (certificates.length >= MAX_CERTIFICATES) {
      list.fail('too_many', `expected at most ${MAX_CERTIFICATES} certificates`)
    }
    certificates.push(list.any(certificates.length).der)
  }
  return certificates
}

function readResponseData(tbs: Der): ResponseData {
  const version = tbs.explicit(0, 'version')
  if (version !== undefined) {
    const number = version.smallInteger('')
    version.finish()
    // v1 written out, which DER forbids in a DEFAULT, is accepted.
    if (number !== 0) version.fail('bad_version', `expected version 1 (0), got ${number}`)
    version.note('default_written')
  }
  const responderId = readResponderId(tbs)
  const producedAt = tbs.generalizedTime('producedAt')
  const list = tbs.enter(TAG.sequence, 'responses')
  const responses: SingleResponse[] = []
  while (!list.done) {
    if (responses.length >= MAX_SINGLE_RESPONSES) {
      list.fail('too_many', `expected at most ${MAX_SINGLE_RESPONSES} single responses`)
    }
    responses.push(readSingleResponse(list.enter(TAG.sequence, responses.length)))
  }
  const extensions = readResponseExtensions(tbs.explicit(1, 'responseExtensions'))
  tbs.finish()
  return { responderId, producedAt, responses, ...extensions }
}

/** 4.2.2.3. The next element of `tbs`. */
function readResponderId(tbs: Der): ResponderId {
  if (tbs.next === explicit(1)) {
    const choice = tbs.enter(explicit(1), 'responderID')
    const name = readName(choice, 'byName')
    choice.finish()
    return new ResponderName(name.der, 0, name.der.length, name)
  }
  const choice = tbs.enter(explicit(2), 'responderID')
  const { bytes, content, end } = choice.enter(TAG.octetString, 'byKey')
  choice.finish()
  return new ResponderKey(bytes, content, end)
}

function readSingleResponse(single: Der): SingleResponse {
  const certId = readCertId(single)
  const certStatus = readCertStatus(single)
  const thisUpdate = single.generalizedTime('thisUpdate')
  const field = single.explicit(0, 'nextUpdate')
  const nextUpdate = field?.generalizedTime('')
  field?.finish()
  const extensions = readSingleExtensions(single.explicit(1, 'singleExtensions'))
  single.finish()
  return { certId, certStatus, thisUpdate, nextUpdate, ...extensions }
}

function readCertStatus(single: Der): CertStatus {
  for (const [n, status] of [
    [0, 'good'],
    [2, 'unknown'],
  ] as const) {
    const choice = single.optional(implicit(n), 'certStatus')
    if (choice === undefined) continue
    if (!choice.done) choice.fail('bad_value', 'expected NULL without content')
    return { status }
  }
  const revoked = single.enter(explicit(1), 'certStatus')
  const revokedAt = revoked.generalizedTime('revocationTime')
  const field = revoked.explicit(0, 'revocationReason')
  const reason = field === undefined ? undefined : readReasonCode(field)
  field?.finish()
  revoked.finish()
  return { status: 'revoked', revokedAt, reason }
}
