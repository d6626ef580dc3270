// The one maker of certificates, CRLs and OCSP answers, for the lab and for everybody's tests.
// Keys are node KeyObjects; everything else is bytes. Nothing is checked: it issues what it is told, wrong things too.
import { createHash, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { isIPv4 } from 'node:net'
import * as der from './der.ts'
import { keyIdentifier, publicKeyBits, signatureAlgorithm, signed, spkiOf } from './signing.ts'

export type KeyKind = 'rsa2048' | 'p256' | 'p384' | 'ed25519'

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export interface Issuer {
  /** DER. */
  readonly certificate: Uint8Array
  readonly key: KeyPair
}

/** RSA takes 0.1 to 1 s and blocks; tests rather use p256. */
export function generateKey(kind: KeyKind): KeyPair {
  switch (kind) {
    case 'rsa2048':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
    case 'p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' })
    case 'ed25519':
      return generateKeyPairSync('ed25519')
  }
}

type CertificateProfile = 'ca' | 'tls_server' | 'tls_client' | 'ocsp_signer'

/** Of the signature; what the key asks for when absent. SHA-1 is what must no longer be seen. */
type Digest = 'sha1'

export interface CertificateRequest {
  /** Common name. */
  readonly subject: string
  /** O and C, after CN as EJBCA writes them. */
  readonly organization?: string
  readonly country?: string
  /** A whole Name to write in place of the three. */
  readonly name?: Uint8Array
  readonly key: KeyPair
  /** Absent: self-signed. */
  readonly issuer?: Issuer
  /** Hex; 16 random octets, positive, when absent. */
  readonly serial?: string
  /** Milliseconds; whole seconds are written. */
  readonly notBefore: number
  readonly notAfter: number
  readonly profile: CertificateProfile
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
  readonly ocspUrl?: string
  readonly caIssuersUrl?: string
  readonly crlUrl?: string
  readonly pathLength?: number
  /** Whole Extension elements made by `extension()`; one with the same OID replaces what the profile would write. */
  readonly extensions?: readonly Uint8Array[]
  /** OIDs of extensions of the profile that are left out. */
  readonly without?: readonly string[]
  readonly digest?: Digest
}

export interface RevokedEntry {
  /** Hex. */
  readonly serial: string
  /** Milliseconds. */
  readonly at: number
  /** CRLReason (RFC 5280 section 5.3.1); no reason extension when absent. */
  readonly reason?: number
  /** Whole Extension elements made by `extension()`, after the reason. */
  readonly extensions?: readonly Uint8Array[]
}

export interface CrlRequest {
  readonly issuer: Issuer
  /** No CRL number extension when undefined. */
  readonly number: bigint | undefined
  /** Milliseconds. */
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  readonly revoked: readonly RevokedEntry[]
  /** Makes it a delta CRL to the CRL of this number. */
  readonly deltaBase?: bigint
  /** As in CertificateRequest; one OID given twice stands there twice. */
  readonly extensions?: readonly Uint8Array[]
  /** OIDs of extensions that are left out. */
  readonly without?: readonly string[]
  /** A whole Name to write as issuer, in place of the issuing certificate's subject. */
  readonly issuerName?: Uint8Array
  /** 1: without version, extensions and extensions of entries. */
  readonly version?: 1 | 2
  /** What stands there when nothing is revoked; an empty list is forbidden (RFC 5280 section 5.1.2.6). */
  readonly emptyList?: 'absent' | 'present'
  readonly digest?: Digest
  /** AlgorithmIdentifier to write outside, in place of the one that is signed. */
  readonly outerAlgorithm?: Uint8Array
}

export type OcspStatus =
  | { readonly status: 'good' }
  | { readonly status: 'revoked'; readonly at: number; readonly reason?: number }
  | { readonly status: 'unknown' }

export interface OcspAnswer {
  /** The certificate's issuer. It signs as well, unless there is a signer. */
  readonly issuer: Issuer
  /** Delegated responder; its certificate goes into the answer. */
  readonly signer?: Issuer
  readonly answers: readonly (OcspStatus & {
    /** Hex. */
    readonly serial: string
    /** Of the CertID; sha1 when absent. */
    readonly hash?: 'sha1' | 'sha256'
    /** CertID element to repeat as it stands, in place of serial and hash. */
    readonly certId?: Uint8Array
    readonly thisUpdate: number
    readonly nextUpdate?: number
  })[]
  readonly producedAt: number
  /** Echoed when present: the nonce's octets, without OCTET STRING around them. */
  readonly nonce?: Uint8Array
  /** byKey when absent. */
  readonly responderId?: 'key' | 'name'
  /** Certificates to include, in place of the delegated signer's own. */
  readonly certificates?: readonly Uint8Array[]
  readonly digest?: Digest
}

/** OCSPResponseStatus other than successful (RFC 6960 section 4.2.1). */
export const OCSP_ERRORS = {
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  sigRequired: 5,
  unauthorized: 6,
} as const
export type OcspError = keyof typeof OCSP_ERRORS

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  country: '2.5.4.6',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  crlDistributionPoints: '2.5.29.31',
  authorityKeyIdentifier: '2.5.29.35',
  freshestCrl: '2.5.29.46',
  extendedKeyUsage: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  ocsp: '1.3.6.1.5.5.7.48.1',
  ocspBasic: '1.3.6.1.5.5.7.48.1.1',
  ocspNonce: '1.3.6.1.5.5.7.48.1.2',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',
  caIssuers: '1.3.6.1.5.5.7.48.2',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const

/** KeyUsage bits and extended key usage of each profile. keyEncipherment (2) is added to RSA server keys. */
const PROFILES = {
  ca: { usage: [0, 5, 6], extended: undefined },
  tls_server: { usage: [0], extended: '1.3.6.1.5.5.7.3.1' },
  tls_client: { usage: [0], extended: '1.3.6.1.5.5.7.3.2' },
  ocsp_signer: { usage: [0], extended: '1.3.6.1.5.5.7.3.9' },
} as const satisfies Record<CertificateProfile, unknown>

/** A certificate, DER (RFC 5280 section 4.1). */
export async function issueCertificate(request: CertificateRequest): Promise<Uint8Array> {
  const signingKey = request.issuer?.key ?? request.key
  const subject = request.name ?? encodeName(request)
  const algorithm = signatureAlgorithm(signingKey.privateKey, request.digest)
  const tbs = der.sequence(
    der.context(0, der.integer(2n)),
    der.integer(serialNumber(request.serial ?? randomSerial())),
    algorithm.identifier,
    request.issuer === undefined ? subject : subjectOf(request.issuer.certificate),
    der.sequence(der.time(request.notBefore), der.time(request.notAfter)),
    subject,
    spkiOf(request.key.publicKey),
    der.context(3, der.sequence(...extensionsOf(certificateExtensions(request), request))),
  )
  return signed(tbs, algorithm, signingKey.privateKey)
}

/** A CRL, DER (RFC 5280 section 5.1). */
export async function issueCrl(request: CrlRequest): Promise<Uint8Array> {
  const algorithm = signatureAlgorithm(request.issuer.key.privateKey, request.digest)
  const { version = 2, emptyList = 'absent' } = request
  const entries = request.revoked.map(({ serial, at, reason, extensions: more = [] }) => {
    const own = reason === undefined ? [] : [extension(OID.reasonCode, false, der.enumerated(reason))]
    const all = [...own, ...more]
    return der.sequence(
      der.integer(serialNumber(serial)),
      der.time(at),
      ...(all.length === 0 || version === 1 ? [] : [der.sequence(...all)]),
    )
  })
  const extensions = [
    extension(OID.authorityKeyIdentifier, false, authorityKeyIdentifier(request.issuer.key)),
    ...(request.number === undefined ? [] : [extension(OID.crlNumber, false, der.integer(request.number))]),
    ...(request.deltaBase === undefined
      ? []
      : [extension(OID.deltaCrlIndicator, true, der.integer(request.deltaBase))]),
  ]
  const tbs = der.sequence(
    ...(version === 1 ? [] : [der.integer(1n)]),
    algorithm.identifier,
    request.issuerName ?? subjectOf(request.issuer.certificate),
    der.time(request.thisUpdate),
    ...(request.nextUpdate === undefined ? [] : [der.time(request.nextUpdate)]),
    ...(entries.length === 0 && emptyList === 'absent' ? [] : [der.sequence(...entries)]),
    ...(version === 1 ? [] : [der.context(0, der.sequence(...extensionsOf(extensions, request)))]),
  )
  return signed(tbs, algorithm, request.issuer.key.privateKey, { outerAlgorithm: request.outerAlgorithm })
}

/** A successful OCSP answer, DER (RFC 6960 section 4.2.1). */
export async function answerOcsp(request: OcspAnswer): Promise<Uint8Array> {
  const signer = request.signer ?? request.issuer
  const algorithm = signatureAlgorithm(signer.key.privateKey, request.digest)
  const singles = request.answers.map((answer) =>
    der.sequence(
      answer.certId ?? certId(request.issuer, answer.serial, answer.hash ?? 'sha1'),
      encodeStatus(answer),
      der.generalizedTime(answer.thisUpdate),
      ...(answer.nextUpdate === undefined ? [] : [der.context(0, der.generalizedTime(answer.nextUpdate))]),
    ),
  )
  const tbs = der.sequence(
    request.responderId === 'name'
      ? der.context(1, subjectOf(signer.certificate))
      : der.context(2, der.octetString(keyIdentifier(signer.key.publicKey))),
    der.generalizedTime(request.producedAt),
    der.sequence(...singles),
    ...(request.nonce === undefined
      ? []
      : [der.context(1, der.sequence(extension(OID.ocspNonce, false, der.octetString(request.nonce))))]),
  )
  const certificates =
    request.certificates ?? (request.signer === undefined ? [] : [request.signer.certificate])
  const basic = await signed(tbs, algorithm, signer.key.privateKey, {
    more: certificates.length === 0 ? [] : [der.context(0, der.sequence(...certificates))],
  })
  return der.sequence(
    der.enumerated(0),
    der.context(0, der.sequence(der.oid(OID.ocspBasic), der.octetString(basic))),
  )
}

/** An unsigned OCSP error answer: five octets. */
export function ocspError(error: OcspError): Uint8Array {
  return der.sequence(der.enumerated(OCSP_ERRORS[error]))
}

/** An Extension element: `contents` is the DER that goes into extnValue. */
export function extension(oid: string, critical: boolean, contents: Uint8Array): Uint8Array {
  return der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octetString(contents))
}

/** issuingDistributionPoint (RFC 5280 section 5.2.5) of a partition: its URLs, and whose certificates it may list. */
export function issuingDistributionPoint(
  urls: readonly string[],
  scope: 'all' | 'user' | 'ca' = 'all',
): Uint8Array {
  const flag = { all: [], user: [1], ca: [2] }[scope]
  return extension(
    OID.issuingDistributionPoint,
    true,
    der.sequence(
      ...(urls.length === 0 ? [] : [der.context(0, der.context(0, ...urls.map(uri)))]),
      ...flag.map((number) => der.contextPrimitive(number, Uint8Array.of(0xff))),
    ),
  )
}

/** freshestCRL (RFC 5280 section 5.2.6): where the delta CRL is. */
export function freshestCrl(url: string): Uint8Array {
  return extension(OID.freshestCrl, false, der.sequence(distributionPoint(url)))
}

/** PEM with 64 columns; label `CERTIFICATE`, `X509 CRL`, ... */
export function toPem(bytes: Uint8Array, label: string): string {
  const base64 = Buffer.from(bytes).toString('base64')
  return `-----BEGIN ${label}-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`
}

/** 16 random octets as hex, positive, without leading zero octet (RFC 5280 section 4.1.2.2). */
export function randomSerial(random: (size: number) => Uint8Array = randomBytes): string {
  const octets = Uint8Array.from(random(16))
  octets[0] = ((octets[0] ?? 0) & 0x7f) | 0x40
  return Buffer.from(octets).toString('hex')
}

function serialNumber(hex: string): bigint {
  return hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`)
}

/** CN, O and C as UTF8String, but the country, in this order. */
function encodeName(name: Pick<CertificateRequest, 'subject' | 'organization' | 'country'>): Uint8Array {
  const attribute = (oid: string, value: Uint8Array) => der.set(der.sequence(der.oid(oid), value))
  return der.sequence(
    attribute(OID.commonName, der.utf8String(name.subject)),
    ...(name.organization === undefined
      ? []
      : [attribute(OID.organization, der.utf8String(name.organization))]),
    // RFC 5280 appendix A: countryName is a PrintableString.
    ...(name.country === undefined ? [] : [attribute(OID.country, der.printableString(name.country))]),
  )
}

/** The subject Name of a certificate made here, as it stands in it. */
export function subjectOf(certificate: Uint8Array): Uint8Array {
  const subject = der.elementsOf(der.elementsOf(certificate)[0] ?? new Uint8Array())[5]
  if (subject === undefined) throw new RangeError('expected a version 3 certificate as issuer')
  return subject
}

function authorityKeyIdentifier(key: KeyPair): Uint8Array {
  return der.sequence(der.contextPrimitive(0, keyIdentifier(key.publicKey)))
}

function certificateExtensions(request: CertificateRequest): Uint8Array[] {
  const profile = PROFILES[request.profile]
  const isCa = request.profile === 'ca'
  const usage: readonly number[] =
    request.profile === 'tls_server' && request.key.publicKey.asymmetricKeyType === 'rsa'
      ? [...profile.usage, 2]
      : profile.usage
  const access = [
    ...(request.ocspUrl === undefined ? [] : [accessDescription(OID.ocsp, request.ocspUrl)]),
    ...(request.caIssuersUrl === undefined ? [] : [accessDescription(OID.caIssuers, request.caIssuersUrl)]),
  ]
  const names = [
    ...(request.dns ?? []).map((name) => der.contextPrimitive(2, Buffer.from(name, 'latin1'))),
    ...(request.ip ?? []).map((address) => der.contextPrimitive(7, addressOctets(address))),
  ]
  const constraints = isCa
    ? der.sequence(
        der.boolean(true),
        ...(request.pathLength === undefined ? [] : [der.integer(BigInt(request.pathLength))]),
      )
    : der.sequence()
  return [
    extension(OID.basicConstraints, true, constraints),
    extension(OID.keyUsage, true, der.namedBits(usage)),
    extension(OID.subjectKeyIdentifier, false, der.octetString(keyIdentifier(request.key.publicKey))),
    extension(OID.authorityKeyIdentifier, false, authorityKeyIdentifier(request.issuer?.key ?? request.key)),
    ...(profile.extended === undefined
      ? []
      : [extension(OID.extendedKeyUsage, false, der.sequence(der.oid(profile.extended)))]),
    ...(names.length === 0 ? [] : [extension(OID.subjectAltName, false, der.sequence(...names))]),
    ...(access.length === 0 ? [] : [extension(OID.authorityInfoAccess, false, der.sequence(...access))]),
    ...(request.crlUrl === undefined
      ? []
      : [extension(OID.crlDistributionPoints, false, der.sequence(distributionPoint(request.crlUrl)))]),
    ...(request.profile === 'ocsp_signer' ? [extension(OID.ocspNoCheck, false, der.nullValue())] : []),
  ]
}

function accessDescription(method: string, url: string): Uint8Array {
  return der.sequence(der.oid(method), uri(url))
}

function distributionPoint(url: string): Uint8Array {
  return der.sequence(der.context(0, der.context(0, uri(url))))
}

function uri(url: string): Uint8Array {
  return der.contextPrimitive(6, Buffer.from(url, 'latin1'))
}

function addressOctets(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.').map(Number))
  const [head = '', tail] = address.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)))
  const front = groups(head)
  const back = groups(tail ?? '')
  const all = [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}

/** Standard extensions but those left out, each replaced by the given ones with the same OID; other given ones follow. */
function extensionsOf(
  standard: readonly Uint8Array[],
  { extensions: given = [], without = [] }: Pick<CrlRequest, 'extensions' | 'without'>,
): readonly Uint8Array[] {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  const oidOf = (element: Uint8Array) => hex(der.elementsOf(element)[0] ?? new Uint8Array())
  const left = new Set([...given.map(oidOf), ...without.map((oid) => hex(der.oid(oid)))])
  return [...standard.filter((element) => !left.has(oidOf(element))), ...given]
}

function certId(issuer: Issuer, serial: string, hash: 'sha1' | 'sha256'): Uint8Array {
  const { name, key } = certIdHashes(issuer, hash)
  return der.sequence(
    der.sequence(der.oid(OID[hash]), der.nullValue()),
    der.octetString(name),
    der.octetString(key),
    der.integer(serialNumber(serial)),
  )
}

/** issuerNameHash and issuerKeyHash of a CertID (RFC 6960 section 4.1.1). */
export function certIdHashes(issuer: Issuer, hash: 'sha1' | 'sha256'): { name: Buffer; key: Buffer } {
  const digest = (bytes: Uint8Array) => createHash(hash).update(bytes).digest()
  return { name: digest(subjectOf(issuer.certificate)), key: digest(publicKeyBits(issuer.key.publicKey)) }
}

function encodeStatus(status: OcspStatus): Uint8Array {
  switch (status.status) {
    case 'good':
      return der.contextPrimitive(0, new Uint8Array())
    case 'revoked':
      return der.context(
        1,
        der.generalizedTime(status.at),
        ...(status.reason === undefined ? [] : [der.context(0, der.enumerated(status.reason))]),
      )
    case 'unknown':
      return der.contextPrimitive(2, new Uint8Array())
  }
}
