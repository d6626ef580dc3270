import type { Certificate } from '../../../pki/certificate.ts'
import type { HeldCrl } from '../../../pki/crl.ts'
import type { GeneralName } from '../../../pki/generalName.ts'
import type { Name } from '../../../pki/name.ts'

// What several implementations say about the same object, in one form. Dates are milliseconds, octets hex, serial numbers as vigil writes them.

export interface CertificateView {
  readonly serial: string
  /** `oid=text` for each attribute, in order. */
  readonly subject: readonly string[]
  readonly issuer: readonly string[]
  /** RFC 4514, normalised. */
  readonly subjectText: string
  readonly issuerText: string
  readonly notBefore: number
  readonly notAfter: number
  readonly isCa: boolean
  readonly pathLength: number | undefined
  /** Bit numbers. */
  readonly keyUsage: readonly number[]
  readonly extendedKeyUsage: readonly string[]
  /** Alternative names of every form. */
  readonly names: readonly string[]
  /** Those of the forms that every implementation prints. */
  readonly plainNames: readonly string[]
  readonly ocspUrls: readonly string[]
  readonly caIssuerUrls: readonly string[]
  readonly crlUrls: readonly string[]
  readonly policies: readonly string[]
  readonly subjectKeyId: string | undefined
  readonly authorityKeyId: string | undefined
  readonly extensions: readonly string[]
  readonly sha256: string
  readonly tbs: string
  readonly spki: string
  readonly signature: string
  /** As OpenSSL names it. */
  readonly signatureAlgorithm: string
  /** As node names it. */
  readonly keyType: string
  /** Of RSA, DSA and named curves. */
  readonly keyBits: number | undefined
}

export interface CrlView {
  readonly issuer: readonly string[]
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  readonly number: bigint | undefined
  /** `serial date reason`. */
  readonly entries: readonly string[]
  readonly tbs: string
  readonly signature: string
}

export const hex = (bytes: Uint8Array | ArrayBuffer): string =>
  Buffer.from(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes).toString('hex')

const OPENSSL_NAMES: Readonly<Record<string, string>> = {
  'RSA-SHA256': 'sha256WithRSAEncryption',
  'RSA-PSS-SHA256': 'rsassaPss',
  'ECDSA-SHA256': 'ecdsa-with-SHA256',
  'ECDSA-SHA384': 'ecdsa-with-SHA384',
  'ECDSA-SHA512': 'ecdsa-with-SHA512',
  Ed25519: 'ED25519',
  Ed448: 'ED448',
}

const BITS = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

export function viewOf(certificate: Certificate): CertificateView {
  const { keyAlgorithm, keyUsage } = certificate
  const names = certificate.subjectAltNames.map(nameView)
  const hasSize = /^(RSA|EC |DSA$)/.test(keyAlgorithm) && certificate.keyBits > 0
  return {
    serial: certificate.serial,
    subject: attributes(certificate.subject),
    issuer: attributes(certificate.issuer),
    subjectText: normalName(certificate.subject.text),
    issuerText: normalName(certificate.issuer.text),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    isCa: certificate.isCa,
    pathLength: certificate.pathLength,
    keyUsage: BITS.flatMap((usage, bit) => (keyUsage?.has(usage) === true ? [bit] : [])),
    extendedKeyUsage: certificate.extendedKeyUsage ?? [],
    names,
    plainNames: names.filter(isPlain),
    ocspUrls: certificate.ocspUrls,
    caIssuerUrls: certificate.caIssuerUrls,
    crlUrls: certificate.crlUrls,
    policies: (certificate.certificatePolicies ?? []).map(({ policy }) => policy),
    subjectKeyId: certificate.subjectKeyId,
    authorityKeyId: certificate.authorityKeyId,
    extensions: certificate.extensions.map(({ oid, critical, value }) => `${oid} ${critical} ${hex(value)}`),
    sha256: certificate.sha256,
    tbs: hex(certificate.tbs),
    spki: hex(certificate.spki),
    signature: hex(certificate.signature),
    signatureAlgorithm: OPENSSL_NAMES[certificate.signatureAlgorithm] ?? certificate.signatureAlgorithm,
    keyType: keyAlgorithm.startsWith('EC ') ? 'ec' : keyAlgorithm.toLowerCase(),
    keyBits: hasSize ? certificate.keyBits : undefined,
  }
}

/** `serials`: of the entries, which vigil does not list but finds. */
export function crlViewOf(crl: HeldCrl, serials: readonly string[]): CrlView & { readonly count: number } {
  return {
    issuer: attributes(crl.issuer),
    thisUpdate: crl.thisUpdate,
    nextUpdate: crl.nextUpdate,
    number: crl.number,
    entries: serials.map((serial) => {
      const entry = crl.find(serial)
      return entryView(serial, entry?.revokedAt ?? NaN, entry?.reason)
    }),
    tbs: crl.tbs instanceof Uint8Array ? hex(crl.tbs) : '',
    signature: hex(crl.signature),
    count: crl.entries,
  }
}

export function entryView(serial: string, at: number, reason: string | undefined): string {
  return [serial, at, reason ?? '-'].join(' ')
}

function attributes({ rdns }: Name): string[] {
  return rdns.flat().map(({ type, text }) => `${type}=${text ?? ''}`)
}

function nameView(name: GeneralName): string {
  if (name.type === 'ip') return `ip:${hex(name.octets)}`
  if (name.type === 'directory') return `directory:${attributes(name.name).join(' / ')}`
  if (name.type !== 'other') return `${name.type}:${name.value}`
  if (name.form === 'otherName') return `other:${name.oid}:${hex(name.value)}`
  return name.form === 'registeredID' ? `id:${name.oid}` : `${name.form}:${hex(name.der)}`
}

export function isPlain(name: string): boolean {
  return /^(dns|email|uri|ip|id):/.test(name)
}

/** An address as OpenSSL and others print it, in octets. */
export function addressView(text: string): string {
  if (!text.includes(':')) return `ip:${hex(Uint8Array.from(text.split('.').map(Number)))}`
  const [head = '', tail] = text.split('::')
  const groups = (part: string): string[] => part.split(':').filter((group) => group !== '')
  const front = groups(head)
  const back = groups(tail ?? '')
  const middle = new Array<string>(8 - front.length - back.length).fill('0')
  return `ip:${[...front, ...middle, ...back].map((group) => group.padStart(4, '0').toLowerCase()).join('')}`
}

/** `-00FF` as vigil writes it: `-ff`. */
export function serialView(text: string): string {
  return text.toLowerCase().replace(/^(-?)0+(?=.)/, '$1')
}

/**
 * RFC 4514 text in which what implementations may write as they like is written one way: the order in an RDN of several attributes, letter case of hex digits,
 * and escapes where none are needed.
 */
export function normalName(text: string): string {
  const escaped = text
    .replace(/\\[0-9A-Fa-f]{2}/g, (octet) => octet.toLowerCase())
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
      hex(Buffer.from(character)).replace(/../g, '\\$&'),
    )
    // OpenSSL does not escape a # that is the whole value, as RFC 4514 2.4 wants.
    .replace(/=\\#(?=[,+]|$)/g, '=#')
  return split(escaped, ',')
    .map((rdn) => split(rdn, '+').sort().join('+'))
    .join(',')
}

function split(text: string, separator: string): string[] {
  const parts = ['']
  for (const token of text.match(/\\[^]|[^\\]/gu) ?? []) {
    if (token === separator) parts.push('')
    else parts.push((parts.pop() ?? '') + token)
  }
  return parts
}
