import { Der, TAG, explicit } from './der.ts'
import type { DerOptions } from './der.ts'

const SIGNED_DATA = '1.2.840.113549.1.7.2'
const DATA = '1.2.840.113549.1.7.1'
/** Octets of a bag. A CA with its cross-certificates has some 10 KB. */
const MAX_BAG = 1024 * 1024
/** Certificates in it. */
const MAX_CERTIFICATES = 64

/**
 * The certificates of a "certs-only" CMS message (RFC 5652 section 5, RFC 8551 section 3.8), as DER: how an authority publishes several of its own (RFC 5280
 * section 4.2.2.1). Nothing in it is signed, so nothing in it is believed. Throws PkiError(decode).
 */
export function readCertificateBag(bytes: Uint8Array, options: DerOptions = {}): Uint8Array[] {
  const message = Der.open(bytes, 'ContentInfo', MAX_BAG, options)
  const type = message.oid('contentType')
  if (type !== SIGNED_DATA) message.fail('bad_value', `expected signed data (${SIGNED_DATA}), got ${type}`)
  const content = message.enter(explicit(0), 'content')
  message.finish()
  const signed = content.enter(TAG.sequence, 'signedData')
  content.finish()
  signed.smallInteger('version')
  signed.enter(TAG.set, 'digestAlgorithms').skipAll()
  const inner = signed.enter(TAG.sequence, 'encapContentInfo')
  const innerType = inner.oid('eContentType')
  if (innerType !== DATA) inner.fail('bad_value', `expected no content (${DATA}), got ${innerType}`)
  inner.finish()
  const certificates: Uint8Array[] = []
  const list = signed.optional(explicit(0), 'certificates')
  while (list !== undefined && !list.done) {
    if (certificates.length >= MAX_CERTIFICATES) {
      list.fail('too_many', `expected at most ${MAX_CERTIFICATES} certificates`)
    }
    certificates.push(list.any(certificates.length).der)
  }
  signed.optional(explicit(1), 'crls')?.skipAll()
  signed.enter(TAG.set, 'signerInfos').skipAll()
  signed.finish()
  return certificates
}
