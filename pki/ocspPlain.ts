import { readSignatureScheme } from './algorithms.ts'
import type { SignatureScheme } from './algorithms.ts'
import { CertId } from './certId.ts'
import { Der, TAG, explicit, implicit } from './der.ts'
import { isMinimalInteger } from './derValue.ts'
import { PRINTABLE, PRINTABLE_STRING, UTF8_STRING } from './derString.ts'
import { oidContent, tlv } from './derWriter.ts'
import { NO_RESPONSE_EXTENSIONS, NO_SINGLE_EXTENSIONS } from './ocspExtensions.ts'
import type { ResponseExtensions } from './ocspExtensions.ts'
import { MAX_CERTIFICATES } from './ocspResponse.ts'
import type { CertStatus, OcspResponse } from './ocspResponse.ts'
import { OID } from './oid.ts'
import { ResponderKey, ResponderName } from './responderId.ts'
import type { ResponderId } from './responderId.ts'
import { generalizedTimeAt } from './time.ts'

// The shape that nearly every OCSP answer has: one certificate that is good, no extension but a nonce, a usual algorithm. It is read in
// one pass over the octets, without an object for each element. What is accepted here `readOcspResponse` accepts with the same result;
// everything else, and every error, is left to it.

const STATUS_SUCCESSFUL = tlv(TAG.enumerated, Uint8Array.of(0))
const BASIC = tlv(TAG.oid, oidContent(OID.ocspBasic))
const NONCE = tlv(TAG.oid, oidContent(OID.ocspNonce))
const GOOD = tlv(implicit(0))
const NULL = tlv(TAG.null)
/** Hash algorithms of a CertID, with the size of their digests in octets. */
const CERT_ID_HASHES = [
  { identifier: algorithm('1.3.14.3.2.26', NULL), size: 20 },
  { identifier: algorithm('2.16.840.1.101.3.4.2.1', NULL), size: 32 },
] as const
/** RSA and ECDSA with SHA-256, 384, 512. */
const SCHEMES = [
  algorithm('1.2.840.113549.1.1.11', NULL),
  algorithm('1.2.840.10045.4.3.2'),
  algorithm('1.2.840.10045.4.3.3'),
  algorithm('1.2.840.113549.1.1.12', NULL),
  algorithm('1.2.840.113549.1.1.13', NULL),
  algorithm('1.2.840.10045.4.3.4'),
].map((identifier) => ({
  identifier,
  scheme: readSignatureScheme(Der.open(tlv(TAG.sequence, identifier), '', 64), '').scheme,
}))
/** The beginning of an OID of three octets under 2.5.4. */
const ATTRIBUTE_TYPES = Uint8Array.of(TAG.oid, 3, 0x55, 0x04)
/** Octets of a serial number: RFC 5280 4.1.2.2. */
const MAX_SERIAL = 20
/** Octets of a responder's name; elements and levels of one certificate. Usual ones have far fewer, and `Der` allows more. */
const MAX_NAME = 1024
const MAX_ELEMENTS = 1000
const MAX_DEPTH = 16

const GOOD_STATUS: CertStatus = { status: 'good' }

/** undefined: not of that shape. */
export function readPlainOcspResponse(der: Uint8Array): OcspResponse | undefined {
  const size = der.length
  const scan = new Scan(der)
  if (!scan.fills(TAG.sequence, size) || !scan.skip(STATUS_SUCCESSFUL, size)) return undefined
  if (!scan.fills(explicit(0), size) || !scan.fills(TAG.sequence, size)) return undefined
  if (!scan.skip(BASIC, size) || !scan.fills(TAG.octetString, size)) return undefined
  if (!scan.fills(TAG.sequence, size)) return undefined

  const tbsStart = scan.at
  const tbsEnd = scan.enter(TAG.sequence, size)
  const responderId = readResponderId(scan, tbsEnd)
  const producedAt = scan.time(tbsEnd)
  const singleEnd = scan.enter(TAG.sequence, tbsEnd)
  if (responderId === undefined || !scan.fills(TAG.sequence, singleEnd)) return undefined
  const certId = readCertId(scan, singleEnd)
  if (certId === undefined || !scan.skip(GOOD, singleEnd)) return undefined
  const thisUpdate = scan.time(singleEnd)
  let nextUpdate: number | undefined
  if (scan.at < singleEnd) {
    if (!scan.fills(explicit(0), singleEnd)) return undefined
    nextUpdate = scan.time(singleEnd)
  }
  if (scan.at !== singleEnd) return undefined
  const extensions = scan.at === tbsEnd ? NO_RESPONSE_EXTENSIONS : readNonce(scan, tbsEnd)
  if (
    extensions === undefined ||
    scan.at !== tbsEnd ||
    Number.isNaN(producedAt + thisUpdate + (nextUpdate ?? 0))
  )
    return undefined

  const scheme = readScheme(scan, size)
  const signatureEnd = scan.enter(TAG.bitString, size)
  const signatureStart = scan.at + 1
  if (scheme === undefined || signatureStart >= signatureEnd || der[scan.at] !== 0) return undefined
  scan.at = signatureEnd
  const certificates = readCertificates(scan, size)
  if (certificates === undefined) return undefined
  return {
    der,
    tbs: der.subarray(tbsStart, tbsEnd),
    responderId,
    producedAt,
    responses: [
      {
        certId,
        certStatus: GOOD_STATUS,
        thisUpdate,
        nextUpdate,
        extensions: NO_SINGLE_EXTENSIONS.extensions,
        unknownCritical: NO_SINGLE_EXTENSIONS.unknownCritical,
        archiveCutoff: undefined,
        crlReference: undefined,
      },
    ],
    extensions: extensions.extensions,
    unknownCritical: extensions.unknownCritical,
    nonce: extensions.nonce,
    extendedRevoke: false,
    signatureAlgorithm: scheme.name,
    scheme,
    signature: der.subarray(signatureStart, signatureEnd),
    certificates,
    notes: NO_NOTES,
  }
}

const NO_NOTES = [] as const

/** A place in the octets. Where something else stands than was expected, it stays there. */
class Scan {
  readonly bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /**
   * Steps onto the content of the next element, when it has that tag and ends before `limit`; returns where it ends, or -1. Lengths of more than
   * two octets are left to the general reader, and with them everything that is too large.
   */
  enter(tag: number, limit: number): number {
    const { bytes, at } = this
    if (at + 2 > limit || bytes[at] !== tag) return -1
    let length = bytes[at + 1] ?? 0
    let content = at + 2
    if (length === 0x81) {
      length = bytes[content] ?? 0
      content += 1
      if (length < 0x80) return -1
    } else if (length === 0x82) {
      length = (bytes[content] ?? 0) * 256 + (bytes[content + 1] ?? 0)
      content += 2
      if (length < 0x100) return -1
    } else if (length >= 0x80) return -1
    if (content + length > limit) return -1
    this.at = content
    return content + length
  }

  /** The same for an element that ends at `end` exactly. */
  fills(tag: number, end: number): boolean {
    return end >= 0 && this.enter(tag, end) === end
  }

  /** Steps over exactly these octets. */
  skip(octets: Uint8Array, limit: number): boolean {
    const { bytes, at } = this
    if (at + octets.length > limit) return false
    for (let i = 0; i < octets.length; i++) if (bytes[at + i] !== octets[i]) return false
    this.at = at + octets.length
    return true
  }

  /** A GeneralizedTime; NaN when there is none. */
  time(limit: number): number {
    const end = this.enter(TAG.generalizedTime, limit)
    if (end - this.at !== 15) return NaN
    const time = generalizedTimeAt(this.bytes, this.at)
    this.at = end
    return time
  }
}

function readResponderId(scan: Scan, limit: number): ResponderId | undefined {
  const start = scan.at
  if (scan.bytes[start] === explicit(2)) {
    const end = scan.enter(explicit(2), limit)
    if (!scan.fills(TAG.octetString, end)) return undefined
    const keyStart = scan.at
    scan.at = end
    return new ResponderKey(scan.bytes, keyStart, end)
  }
  const end = scan.enter(explicit(1), limit)
  const nameStart = scan.at
  if (end - nameStart > MAX_NAME || !scan.fills(TAG.sequence, end) || !skipName(scan, end)) return undefined
  // An empty name says nothing about who it is.
  return scan.at === end && end - nameStart > 2 ? new ResponderName(scan.bytes, nameStart, end) : undefined
}

/** The content of a Name: one attribute in each RDN, under 2.5.4 and ASCII in UTF8String or PrintableString. */
function skipName(scan: Scan, end: number): boolean {
  const { bytes } = scan
  while (scan.at < end) {
    const rdnEnd = scan.enter(TAG.set, end)
    if (!scan.fills(TAG.sequence, rdnEnd) || !scan.skip(ATTRIBUTE_TYPES, rdnEnd)) return false
    if ((bytes[scan.at++] ?? 0x80) >= 0x80) return false
    const printable = bytes[scan.at] === PRINTABLE_STRING
    if (!scan.fills(printable ? PRINTABLE_STRING : UTF8_STRING, rdnEnd)) return false
    for (; scan.at < rdnEnd; scan.at++) {
      const octet = bytes[scan.at] ?? 0x80
      if (octet >= 0x80 || (printable && PRINTABLE[octet] !== 1)) return false
    }
  }
  return true
}

function readCertId(scan: Scan, limit: number): CertId | undefined {
  const start = scan.at
  const end = scan.enter(TAG.sequence, limit)
  for (const { identifier, size } of CERT_ID_HASHES) {
    if (!scan.skip(identifier, end)) continue
    for (let i = 0; i < 2; i++) {
      const hashEnd = scan.enter(TAG.octetString, end)
      if (hashEnd - scan.at !== size) return undefined
      scan.at = hashEnd
    }
    if (!scan.fills(TAG.integer, end)) return undefined
    const length = end - scan.at
    const isNegative = (scan.bytes[scan.at] ?? 0) >= 0x80
    if (length < 1 || length > MAX_SERIAL || isNegative || !isMinimalInteger(scan.bytes, scan.at, length))
      return undefined
    scan.at = end
    return new CertId(scan.bytes, start, end)
  }
  return undefined
}

/** responseExtensions with the nonce alone, not critical. */
function readNonce(scan: Scan, end: number): ResponseExtensions | undefined {
  if (!scan.fills(explicit(1), end) || !scan.fills(TAG.sequence, end)) return undefined
  const offset = scan.at
  if (!scan.fills(TAG.sequence, end) || !scan.skip(NONCE, end)) return undefined
  if (!scan.fills(TAG.octetString, end)) return undefined
  const nonce = scan.bytes.subarray(scan.at, end)
  scan.at = end
  return {
    extensions: [
      { oid: OID.ocspNonce, critical: false, value: nonce, der: scan.bytes.subarray(offset, end), offset },
    ],
    unknownCritical: NO_RESPONSE_EXTENSIONS.unknownCritical,
    nonce,
    extendedRevoke: false,
  }
}

function readScheme(scan: Scan, limit: number): SignatureScheme | undefined {
  for (const { identifier, scheme } of SCHEMES) if (scan.skip(identifier, limit)) return scheme
  return undefined
}

function readCertificates(scan: Scan, limit: number): readonly Uint8Array[] | undefined {
  const certificates: Uint8Array[] = []
  if (scan.at === limit) return certificates
  if (!scan.fills(explicit(0), limit) || !scan.fills(TAG.sequence, limit)) return undefined
  while (scan.at < limit) {
    if (certificates.length === MAX_CERTIFICATES) return undefined
    const start = scan.at
    const end = scan.enter(TAG.sequence, limit)
    if (end < 0 || countElements(scan, end, 0) > MAX_ELEMENTS) return undefined
    certificates.push(scan.bytes.subarray(start, end))
  }
  return certificates
}

/** Steps over all elements up to `end`. Returns how many there are, or infinity when something is not as usual. */
function countElements(scan: Scan, end: number, depth: number): number {
  if (depth > MAX_DEPTH) return Infinity
  let count = 0
  while (scan.at < end) {
    const tag = scan.bytes[scan.at] ?? 0
    const elementEnd = scan.enter(tag, end)
    if (elementEnd < 0 || tag === 0 || (tag & 0x1f) === 0x1f) return Infinity
    if ((tag & 0x20) === 0) scan.at = elementEnd
    else count += countElements(scan, elementEnd, depth + 1)
    count++
  }
  return count
}

function algorithm(oid: string, ...parameters: readonly Uint8Array[]): Uint8Array {
  return tlv(TAG.sequence, tlv(TAG.oid, oidContent(oid)), ...parameters)
}
