// An OCSP request as the lab's responder needs it, read with pkijs: another implementation than the one that wrote the request.
import { OctetString, fromBER } from 'asn1js'
import { OCSPRequest } from 'pkijs'
import { LabError } from './error.ts'

const NONCE = '1.3.6.1.5.5.7.48.1.2'

/** RFC 9654 section 2.1: a nonce outside 1 to 128 octets is refused. */
const MAX_NONCE_OCTETS = 128

export interface OcspQuestion {
  /** CertID, to be repeated in the answer as it stands. */
  readonly certId: Uint8Array
  /** OID. */
  readonly hashAlgorithm: string
  readonly issuerNameHash: Uint8Array
  readonly issuerKeyHash: Uint8Array
  /** Hex without leading zeros. */
  readonly serial: string
}

export interface ParsedOcspRequest {
  readonly questions: readonly OcspQuestion[]
  readonly nonce: Uint8Array | undefined
}

/** LabError `bad_request` for anything that is not an OCSP request with at least one question. */
export function parseOcspRequest(der: Uint8Array): ParsedOcspRequest {
  try {
    const { tbsRequest } = OCSPRequest.fromBER(Uint8Array.from(der))
    const nonce = tbsRequest.requestExtensions?.find((extension) => extension.extnID === NONCE)
    const questions = tbsRequest.requestList.map(({ reqCert }) => ({
      certId: new Uint8Array(reqCert.toSchema().toBER()),
      hashAlgorithm: reqCert.hashAlgorithm.algorithmId,
      issuerNameHash: reqCert.issuerNameHash.valueBlock.valueHexView,
      issuerKeyHash: reqCert.issuerKeyHash.valueBlock.valueHexView,
      serial: serialOf(reqCert.serialNumber.valueBlock.valueHexView),
    }))
    if (questions.length === 0) throw new LabError('bad_request', 'expected at least one question')
    return {
      questions,
      nonce: nonce === undefined ? undefined : nonceOf(nonce.extnValue.valueBlock.valueHexView),
    }
  } catch (cause) {
    throw new LabError('bad_request', 'expected an OCSP request', { cause })
  }
}

function serialOf(octets: Uint8Array): string {
  return Buffer.from(octets)
    .toString('hex')
    .replace(/^0+(?=.)/, '')
}

function nonceOf(extensionValue: Uint8Array): Uint8Array {
  const { result } = fromBER(Uint8Array.from(extensionValue))
  if (!(result instanceof OctetString)) throw new LabError('bad_request', 'expected an OCTET STRING as nonce')
  const nonce = result.valueBlock.valueHexView
  if (nonce.length === 0 || nonce.length > MAX_NONCE_OCTETS) {
    throw new LabError(
      'bad_request',
      `expected a nonce of 1 to ${MAX_NONCE_OCTETS} octets, got ${nonce.length}`,
    )
  }
  return nonce
}
