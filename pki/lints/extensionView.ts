import { Der, TAG } from '../der.ts'
import { isStringTag } from '../derString.ts'
import type { RawExtension } from '../extensions.ts'
import { readGeneralName } from '../generalName.ts'
import type { GeneralName } from '../generalName.ts'
import { OID } from '../oid.ts'

// How extensions are written, beyond what verification reads of them.

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
  const fields = new Set<number>()
  // By number: issuers are seen that are tagged as if they were no list of names.
  while (!content.done) fields.add(content.any('field').tag & 0x1f)
  return { hasKeyId: fields.has(0), hasIssuer: fields.has(1), hasSerial: fields.has(2) }
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
