import { TAG } from './der.ts'
import type { Der } from './der.ts'

export interface Extension {
  readonly oid: string
  readonly critical: boolean
  /** On the content of extnValue. */
  readonly value: Der
  /** The whole Extension. */
  readonly element: Der
}

/** An extension as it stands, whether it is understood or not. */
export interface RawExtension {
  readonly oid: string
  readonly critical: boolean
  /** The content of extnValue: nearly always one DER element. */
  readonly value: Uint8Array
  /** The whole Extension. */
  readonly der: Uint8Array
  /** Octets from the start of the object to the Extension. */
  readonly offset: number
}

/** Extensions of one object. Real certificates carry up to 20. */
const MAX_EXTENSIONS = 64

/** RFC 5280 4.1 Extensions, none twice (4.2); with BER the first of several is read. An empty list says nothing wrong and is noted. */
export function readExtensions(list: Der): Extension[] {
  const extensions: Extension[] = []
  const seen = new Set<string>()
  while (!list.done) {
    if (extensions.length >= MAX_EXTENSIONS) {
      list.fail('too_many', `expected at most ${MAX_EXTENSIONS} extensions`)
    }
    const extension = list.enter(TAG.sequence, extensions.length)
    const oid = extension.oid('extnID')
    const critical = extension.optional(TAG.boolean, 'critical')?.asFlag() ?? false
    const value = extension.enter(TAG.octetString, 'extnValue')
    extension.finish()
    if (seen.has(oid)) {
      if (!list.isBer) extension.fail('duplicate_extension', `expected extension ${oid} once`)
      extension.note('duplicate_extension')
      continue
    }
    seen.add(oid)
    extensions.push({ oid, critical, value, element: extension })
  }
  if (extensions.length === 0) list.note('empty_list')
  return extensions
}

export function rawExtension({ oid, critical, value, element }: Extension): RawExtension {
  return { oid, critical, value: value.value, der: element.der, offset: element.place }
}

/** Reads the value of an extension that is one element of the given type, and nothing behind it. */
export function readValue<T>({ value }: Extension, tag: number, read: (content: Der) => T): T {
  const content = value.enter(tag, '')
  value.finish()
  const result = read(content)
  content.finish()
  return result
}

/** authorityKeyIdentifier (RFC 5280 4.2.1.1): keyIdentifier in hex; issuer and serial number are walked, not used. */
export function readAuthorityKeyId(extension: Extension): string | undefined {
  return readValue(extension, TAG.sequence, (content) => {
    const keyId = content.optional(0x80, 'keyIdentifier')?.value
    while (!content.done) content.any('authorityCert')
    return keyId === undefined ? undefined : Buffer.from(keyId).toString('hex')
  })
}
