import type { Certificate } from '../certificate.ts'
import { Der, TAG, explicit, implicit } from '../der.ts'
import { isStringTag } from '../derString.ts'
import type { RawExtension } from '../extensions.ts'
import { readGeneralName, readGeneralNames } from '../generalName.ts'
import type { GeneralName } from '../generalName.ts'
import { namesMatch } from '../name.ts'
import { OID } from '../oid.ts'

// What lints look at beside the fields that verification needs: how extensions are written, and which kind of certificate it is.

/** Purposes of extended key usage (RFC 5280 4.2.1.12, RFC 6960 4.2.2.2). */
export const PURPOSE = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: OID.ocspSigning,
} as const

/** Extensions that vigil's verification does not read. */
export const EXTENSION = {
  ...OID,
  subjectDirectoryAttributes: '2.5.29.9',
  issuerAltName: '2.5.29.18',
  subjectInfoAccess: '1.3.6.1.5.5.7.1.11',
} as const

interface Extended {
  readonly extensions: readonly RawExtension[]
}

export function extensionOf({ extensions }: Extended, oid: string): RawExtension | undefined {
  return extensions.find((extension) => extension.oid === oid)
}

export function has(oid: string): (object: Extended) => boolean {
  return (object) => extensionOf(object, oid) !== undefined
}

/** A cursor on the SEQUENCE that an extension's value is. The object was read already, so BER may be in it only by permission. */
export function openValue({ oid, value }: RawExtension): Der {
  return Der.open(value, `extension ${oid}`, value.length, { ber: true })
}

export const isCa = ({ isCa }: Certificate): boolean => isCa
export const isEndEntity = ({ isCa }: Certificate): boolean => !isCa
export const isSelfIssued = ({ subject, issuer }: Certificate): boolean => namesMatch(subject, issuer)
export const isRoot = (certificate: Certificate): boolean => certificate.isCa && isSelfIssued(certificate)
export const isSubCa = (certificate: Certificate): boolean => certificate.isCa && !isSelfIssued(certificate)

/** An end entity that may only sign OCSP answers, or says so among others. */
export function isResponder({ isCa, extendedKeyUsage }: Certificate): boolean {
  return !isCa && extendedKeyUsage?.includes(PURPOSE.ocspSigning) === true
}

/** An end entity that clients would take for a TLS server: those without extended key usage too. */
export function isTlsServer(certificate: Certificate): boolean {
  const { isCa, extendedKeyUsage: purposes } = certificate
  if (isCa || isResponder(certificate)) return false
  return purposes === undefined || purposes.includes(PURPOSE.serverAuth) || purposes.includes(PURPOSE.any)
}

/** An end entity that lists what it may be used for, TLS servers among it. */
export function isDeclaredTlsServer(certificate: Certificate): boolean {
  return isTlsServer(certificate) && certificate.extendedKeyUsage !== undefined
}

interface AuthorityKeyIdentifier {
  readonly hasKeyId: boolean
  readonly hasIssuer: boolean
  readonly hasSerial: boolean
}

/** RFC 5280 4.2.1.1. */
export function authorityKeyIdentifierOf(object: Extended): AuthorityKeyIdentifier | undefined {
  const extension = extensionOf(object, OID.authorityKeyIdentifier)
  if (extension === undefined) return undefined
  const content = openValue(extension)
  const hasKeyId = content.optional(implicit(0), 'keyIdentifier') !== undefined
  const issuer = content.explicit(1, 'authorityCertIssuer')
  if (issuer !== undefined) readGeneralNames(issuer)
  const serial = content.optional(implicit(2), 'authorityCertSerialNumber')
  return { hasKeyId, hasIssuer: issuer !== undefined, hasSerial: serial !== undefined }
}

export interface AccessDescription {
  readonly method: string
  readonly location: GeneralName
}

/** AuthorityInfoAccessSyntax (RFC 5280 4.2.2.1), of a certificate or a CRL. */
export function accessDescriptionsOf(object: Extended): readonly AccessDescription[] {
  const extension = extensionOf(object, OID.authorityInfoAccess)
  if (extension === undefined) return []
  const content = openValue(extension)
  const accesses: AccessDescription[] = []
  while (!content.done) {
    const description = content.enter(TAG.sequence, accesses.length)
    const method = description.oid('accessMethod')
    accesses.push({ method, location: readGeneralName(description, 'accessLocation', [4, 16]) })
  }
  return accesses
}

interface UserNotice {
  readonly hasReference: boolean
  /** Of explicitText. */
  readonly tag: number | undefined
  /** Characters: of two or four octets where the type has such. */
  readonly length: number
}

const USER_NOTICE = '1.3.6.1.5.5.7.2.2'
/** Octets of a character: UniversalString, BMPString. */
const WIDTHS: Readonly<Record<number, number>> = { 0x1c: 4, 0x1e: 2 }
const UTF8_STRING = 0x0c

/** The user notices in certificatePolicies (RFC 5280 4.2.1.4). */
export function userNoticesOf(object: Extended): readonly UserNotice[] {
  const extension = extensionOf(object, OID.certificatePolicies)
  if (extension === undefined) return []
  const notices: UserNotice[] = []
  const content = openValue(extension)
  for (let i = 0; !content.done; i++) {
    const policy = content.enter(TAG.sequence, i)
    policy.oid('policyIdentifier')
    const qualifiers = policy.optional(TAG.sequence, 'policyQualifiers')
    for (let n = 0; qualifiers?.done === false; n++) {
      const info = qualifiers.enter(TAG.sequence, n)
      if (info.oid('policyQualifierId') === USER_NOTICE) notices.push(readNotice(info))
    }
  }
  return notices
}

function readNotice(info: Der): UserNotice {
  const notice = info.enter(TAG.sequence, 'qualifier')
  const hasReference = notice.optional(TAG.sequence, 'noticeRef') !== undefined
  if (notice.done) return { hasReference, tag: undefined, length: 0 }
  const { tag, value } = notice.any('explicitText')
  const length =
    tag === UTF8_STRING ? Array.from(Buffer.from(value).toString()).length : value.length / (WIDTHS[tag] ?? 1)
  return { hasReference, tag: isStringTag(tag) ? tag : undefined, length }
}

/** issuerUniqueID or subjectUniqueID (RFC 5280 4.1.2.8) is there. */
export function hasUniqueIdentifier({ tbs }: Certificate): boolean {
  const content = Der.open(tbs, 'tbsCertificate', tbs.length, { ber: true })
  for (let i = 0; !content.done; i++) {
    const { tag } = content.any(i)
    if (tag === implicit(1) || tag === implicit(2)) return true
    if (tag === explicit(3)) return false
  }
  return false
}
