import type { Certificate } from '../certificate.ts'
import type { Attribute } from '../name.ts'
import { EXTENSION, extensionOf } from './extensionView.ts'
import { expected, list } from './lint.ts'

// What the certificate profiles of the TLS Baseline Requirements are made of. They only bind publicly trusted CAs; whether an outcome
// matters is for rule packs.

/** Ballot SC-062: the profiles of section 7.1.2. */
export const PROFILES = '2023-09-15'

/** Key usage of a profile: bits that must and bits that may be there. */
export function keyUsageFault(
  certificate: Certificate,
  required: readonly string[],
  allowed: readonly string[],
): string | undefined {
  const { keyUsage } = certificate
  const what = `critical key usage ${required.join(', ')}${allowed.length === 0 ? ' only' : `, at most with ${allowed.join(', ')}`}`
  if (keyUsage === undefined) return expected(what, 'none')
  const held: ReadonlySet<string> = keyUsage
  const other = [...held].filter((usage) => !required.includes(usage) && !allowed.includes(usage))
  if (!required.every((usage) => held.has(usage)) || other.length > 0) return expected(what, list(held))
  return extensionOf(certificate, EXTENSION.keyUsage)?.critical === true
    ? undefined
    : expected(what, 'an extension that is not critical')
}

export function purposesFault(
  { extendedKeyUsage = [] }: Certificate,
  required: string,
  allowed: readonly string[],
): string | undefined {
  const other = extendedKeyUsage.filter((purpose) => purpose !== required && !allowed.includes(purpose))
  if (extendedKeyUsage.includes(required) && other.length === 0) return undefined
  return expected(
    `purpose ${required}${allowed.length === 0 ? ' only' : `, at most with ${allowed.join(', ')}`}`,
    list(extendedKeyUsage),
  )
}

export function absent(oid: string): (certificate: Certificate) => string | undefined {
  return (certificate) =>
    extensionOf(certificate, oid) === undefined ? undefined : expected(`no extension ${oid}`, 'one')
}

export function present(oid: string): (certificate: Certificate) => string | undefined {
  return (certificate) =>
    extensionOf(certificate, oid) === undefined ? expected(`extension ${oid}`, 'none') : undefined
}

export const attributes = ({ subject }: Certificate, type: string): readonly Attribute[] =>
  subject.rdns.flat().filter((attribute) => attribute.type === type)

export const COMMON_NAME = '2.5.4.3'
export const COUNTRY = '2.5.4.6'
export const ORGANIZATION = '2.5.4.10'
export const ORGANIZATIONAL_UNIT = '2.5.4.11'

export const dnsNames = ({ subjectAltNames }: Certificate): string[] =>
  subjectAltNames.flatMap((name) => (name.type === 'dns' ? [name.value] : []))
export const addresses = ({ subjectAltNames }: Certificate): Uint8Array[] =>
  subjectAltNames.flatMap((name) => (name.type === 'ip' ? [name.octets] : []))
