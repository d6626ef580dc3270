import { TAG } from './der.ts'
import type { Der } from './der.ts'
import { asciiText } from './derString.ts'
import { rawExtension, readExtensions, readValue } from './extensions.ts'
import type { Extension, RawExtension } from './extensions.ts'
import { OID } from './oid.ts'

const IA5_STRING = 0x16

// Extensions of an OCSP answer and of its single responses (RFC 6960 4.4).

/** The CRL on which an answer rests (4.4.2). */
export interface CrlReference {
  readonly url: string | undefined
  readonly number: bigint | undefined
  /** When that CRL was created; milliseconds since the epoch. */
  readonly time: number | undefined
}

interface AnyExtensions {
  readonly extensions: readonly RawExtension[]
  /** OIDs of critical extensions that are not processed. */
  readonly unknownCritical: readonly string[]
}

export interface ResponseExtensions extends AnyExtensions {
  /** Value of the nonce extension (4.4.1): DER of an OCTET STRING when the responder follows RFC 9654. */
  readonly nonce: Uint8Array | undefined
  /** The responder may answer `revoked` about certificates that were never issued (4.4.8). */
  readonly extendedRevoke: boolean
}

export interface SingleExtensions extends AnyExtensions {
  /** Revocation is told for certificates that expired up to then (4.4.4); milliseconds since the epoch. */
  readonly archiveCutoff: number | undefined
  readonly crlReference: CrlReference | undefined
}

export const NO_RESPONSE_EXTENSIONS: ResponseExtensions = {
  extensions: [],
  unknownCritical: [],
  nonce: undefined,
  extendedRevoke: false,
}

export const NO_SINGLE_EXTENSIONS: SingleExtensions = {
  extensions: [],
  unknownCritical: [],
  archiveCutoff: undefined,
  crlReference: undefined,
}

/**
 * May be critical, and change nothing about what a single response says: 4.4.5 (extensions of CRL entries; not certificateIssuer, for the
 * CertID names the issuer) and 4.4.6, which belongs into requests.
 */
const HARMLESS: ReadonlySet<string> = new Set([OID.reasonCode, OID.invalidityDate, OID.ocspServiceLocator])

export function readResponseExtensions(field: Der | undefined): ResponseExtensions {
  if (field === undefined) return NO_RESPONSE_EXTENSIONS
  const list = readList(field)
  let nonce: Uint8Array | undefined
  let extendedRevoke = false
  const unknownCritical: string[] = []
  for (const extension of list) {
    const { oid, critical, value } = extension
    if (oid === OID.ocspNonce) nonce = value.value
    else if (oid === OID.ocspExtendedRevoke) {
      // The value is NULL; only the presence counts.
      if (!value.done) value.null('')
      value.finish()
      extendedRevoke = true
    } else if (critical && oid !== OID.ocspServiceLocator) unknownCritical.push(oid)
  }
  return { extensions: list.map(rawExtension), unknownCritical, nonce, extendedRevoke }
}

export function readSingleExtensions(field: Der | undefined): SingleExtensions {
  if (field === undefined) return NO_SINGLE_EXTENSIONS
  const list = readList(field)
  let archiveCutoff: number | undefined
  let crlReference: CrlReference | undefined
  const unknownCritical: string[] = []
  for (const extension of list) {
    const { oid, critical, value } = extension
    if (oid === OID.ocspArchiveCutoff) {
      archiveCutoff = value.generalizedTime('')
      value.finish()
    } else if (oid === OID.ocspCrl) crlReference = readValue(extension, TAG.sequence, readCrlReference)
    else if (critical && !HARMLESS.has(oid)) unknownCritical.push(oid)
  }
  return { extensions: list.map(rawExtension), unknownCritical, archiveCutoff, crlReference }
}

function readList(field: Der): Extension[] {
  const list = field.enter(TAG.sequence, '')
  field.finish()
  return readExtensions(list)
}

/** CrlID. */
function readCrlReference(content: Der): CrlReference {
  const urlField = content.explicit(0, 'crlUrl')
  const url = urlField === undefined ? undefined : asciiText(urlField.enter(IA5_STRING, ''))
  urlField?.finish()
  const numberField = content.explicit(1, 'crlNum')
  const number = numberField?.bigInteger('')
  numberField?.finish()
  const timeField = content.explicit(2, 'crlTime')
  const time = timeField?.generalizedTime('')
  timeField?.finish()
  return { url, number, time }
}
