import { hash } from 'node:crypto'
import * as der from '../../../lab/der.ts'
import { extension, generateKey } from '../../../lab/issue.ts'
import { keyIdentifier, spkiOf } from '../../../lab/signing.ts'
import { parseCertificate } from '../../../pki/certificate.ts'
import type { Certificate } from '../../../pki/certificate.ts'
import { parseCrl } from '../../../pki/crl.ts'
import type { LintableCrl } from '../../../pki/lints/crlView.ts'
import { parseOcspResponse } from '../../../pki/ocsp.ts'
import type { OcspResponse } from '../../../pki/ocspResponse.ts'

// Objects for lints, field by field. Lints look at no signature, so there is none that verifies.

export const MADE = Date.UTC(2026, 9, 1)
const YEAR = 365 * 86_400_000
export const DAY = 86_400_000

export const OIDS = {
  aki: '2.5.29.35',
  ski: '2.5.29.14',
  keyUsage: '2.5.29.15',
  san: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  delta: '2.5.29.27',
  idp: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
  nameConstraints: '2.5.29.30',
  cdp: '2.5.29.31',
  policies: '2.5.29.32',
  anyPolicy: '2.5.29.32.0',
  policyMappings: '2.5.29.33',
  policyConstraints: '2.5.29.36',
  eku: '2.5.29.37',
  freshestCrl: '2.5.29.46',
  inhibitAnyPolicy: '2.5.29.54',
  directoryAttributes: '2.5.29.9',
  aia: '1.3.6.1.5.5.7.1.1',
  sia: '1.3.6.1.5.5.7.1.11',
  ocsp: '1.3.6.1.5.5.7.48.1',
  caIssuers: '1.3.6.1.5.5.7.48.2',
  noCheck: '1.3.6.1.5.5.7.48.1.5',
  nonce: '1.3.6.1.5.5.7.48.1.2',
  archiveCutoff: '1.3.6.1.5.5.7.48.1.6',
  serviceLocator: '1.3.6.1.5.5.7.48.1.7',
  extendedRevoke: '1.3.6.1.5.5.7.48.1.9',
  sctList: '1.3.6.1.4.1.11129.2.4.2',
  poison: '1.3.6.1.4.1.11129.2.4.3',
  private: '1.3.6.1.4.1.99999.1',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  anyPurpose: '2.5.29.37.0',
} as const

/** The value of an extension, or the whole of it; null leaves out what the base has. */
type Value = Uint8Array | { readonly critical: boolean; readonly value: Uint8Array }
export type Extensions = Readonly<Record<string, Value | null>>

export const critical = (value: Uint8Array): Value => ({ critical: true, value })

function extensionsOf(base: Extensions, changes: Extensions): Uint8Array[] {
  return Object.entries({ ...base, ...changes }).flatMap(([oid, value]) => {
    if (value === null) return []
    return value instanceof Uint8Array
      ? [extension(oid, false, value)]
      : [extension(oid, value.critical, value.value)]
  })
}

// Pieces

export const uri = (text: string): Uint8Array => der.contextPrimitive(6, Buffer.from(text))
export const dns = (...names: readonly string[]): Uint8Array =>
  der.sequence(...names.map((name) => der.contextPrimitive(2, Buffer.from(name))))
export const email = (text: string): Uint8Array => der.sequence(der.contextPrimitive(1, Buffer.from(text)))
export const ip = (...octets: readonly number[]): Uint8Array =>
  der.contextPrimitive(7, Uint8Array.from(octets))
export const directory = (name: Uint8Array): Uint8Array => der.context(4, name)
export const keyUsage = (...bits: readonly number[]): Value => critical(der.namedBits(bits))
export const purposes = (...oids: readonly string[]): Uint8Array => der.sequence(...oids.map(der.oid))
export const policies = (...oids: readonly string[]): Uint8Array =>
  der.sequence(...oids.map((policy) => der.sequence(der.oid(policy))))
/** certificatePolicies with one policy and one qualifier. */
export const qualified = (policy: string, qualifier: string, ...value: readonly Uint8Array[]): Uint8Array =>
  der.sequence(der.sequence(der.oid(policy), der.sequence(der.sequence(der.oid(qualifier), ...value))))
export const access = (...pairs: readonly (readonly [method: string, location: Uint8Array])[]): Uint8Array =>
  der.sequence(...pairs.map(([method, location]) => der.sequence(der.oid(method), location)))
export const point = (...names: readonly Uint8Array[]): Uint8Array =>
  der.sequence(der.context(0, der.context(0, ...names)))
export const keyId = (octets: Uint8Array): Uint8Array => der.sequence(der.contextPrimitive(0, octets))

type AttributeValue = string | Uint8Array
const ATTRIBUTE_OIDS: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  C: '2.5.4.6',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  L: '2.5.4.7',
  DC: '0.9.2342.19200300.100.1.25',
  title: '2.5.4.12',
}

/** RDNs in the given order; a text is a PrintableString for C and a UTF8String otherwise. */
export function name(...attributes: readonly (readonly [type: string, value: AttributeValue])[]): Uint8Array {
  return der.sequence(...attributes.map((attribute) => der.set(attributeOf(attribute))))
}

export function attributeOf([type, value]: readonly [string, AttributeValue]): Uint8Array {
  const text = (s: string) => (type === 'C' ? der.printableString(s) : der.utf8String(s))
  return der.sequence(der.oid(ATTRIBUTE_OIDS[type] ?? type), typeof value === 'string' ? text(value) : value)
}

const SIGNATURES = {
  ecdsa: der.sequence(der.oid('1.2.840.10045.4.3.2')),
  rsa: der.sequence(der.oid('1.2.840.113549.1.1.11'), der.nullValue()),
  rsaWithoutNull: der.sequence(der.oid('1.2.840.113549.1.1.11')),
  ed25519: der.sequence(der.oid('1.3.101.112')),
}
export type SignatureName = keyof typeof SIGNATURES

const caKey = generateKey('p256').publicKey
const leafKey = generateKey('p256').publicKey
export const CA_KEY_ID = keyIdentifier(caKey)
const LEAF_KEY_ID = keyIdentifier(leafKey)
/** A key in form: its modulus is no product of primes. */
const RSA_SPKI = der.sequence(
  der.sequence(der.oid('1.2.840.113549.1.1.1'), der.nullValue()),
  der.bitString(der.sequence(der.integer((1n << 2047n) + 12345n), der.integer(65537n))),
)
const ED25519_SPKI = spkiOf(generateKey('ed25519').publicKey)
const KEYS = { ec: spkiOf(leafKey), ca: spkiOf(caKey), rsa: RSA_SPKI, ed25519: ED25519_SPKI }

export const CA_NAME = name(['C', 'SE'], ['O', 'Example PKI'], ['CN', 'Issuing CA 1'])
const ROOT_NAME = name(['C', 'SE'], ['O', 'Example PKI'], ['CN', 'Root CA'])

interface CertificateSpec {
  /** Content of the INTEGER; null: version 1. */
  readonly version?: Uint8Array | null
  readonly serial?: Uint8Array
  readonly signature?: SignatureName
  readonly issuer?: Uint8Array
  readonly notBefore?: Uint8Array
  readonly notAfter?: Uint8Array
  readonly subject?: Uint8Array
  readonly key?: keyof typeof KEYS
  /** issuerUniqueID and the like, behind the key. */
  readonly more?: readonly Uint8Array[]
  readonly extensions?: Extensions
  /** Whole Extension elements, behind the others. */
  readonly raw?: readonly Uint8Array[]
}

/** Made with the switch for BER: some cases need it, and to the others it makes no difference. */
function certificate(base: CertificateSpec, changes: CertificateSpec): Certificate {
  const spec = { ...base, ...changes }
  const algorithm = SIGNATURES[spec.signature ?? 'ecdsa']
  const extensions = [...extensionsOf(base.extensions ?? {}, changes.extensions ?? {}), ...(spec.raw ?? [])]
  const version = spec.version === undefined ? der.integer(2n) : spec.version
  const tbs = der.sequence(
    ...(version === null ? [] : [der.context(0, version)]),
    spec.serial ?? der.integer(0x4711n),
    algorithm,
    spec.issuer ?? CA_NAME,
    der.sequence(spec.notBefore ?? der.time(MADE), spec.notAfter ?? der.time(MADE + 90 * DAY)),
    spec.subject ?? name(['CN', 'www.example.com']),
    KEYS[spec.key ?? 'ec'],
    ...(spec.more ?? []),
    ...(version === null ? [] : [der.context(3, der.sequence(...extensions))]),
  )
  const bytes = der.sequence(tbs, algorithm, der.bitString(Uint8Array.of(1, 2, 3)))
  return parseCertificate(bytes, { ber: true })
}

const SCT = Buffer.concat([
  Uint8Array.of(0),
  Buffer.alloc(32, 7),
  Buffer.alloc(8),
  Uint8Array.of(0, 0, 4, 3, 0, 2, 1, 1),
])
const uint16 = (n: number): Uint8Array => Uint8Array.of(n >> 8, n & 0xff)
const SCT_LIST = der.octetString(Buffer.concat([uint16(SCT.length + 2), uint16(SCT.length), SCT]))

/** Each fails no lint. `leaf` has no subject key identifier: for a subscriber it is NOT RECOMMENDED, for RFC 5280 it SHOULD be there. */
const LEAF: CertificateSpec = {
  extensions: {
    [OIDS.aki]: keyId(CA_KEY_ID),
    [OIDS.keyUsage]: keyUsage(0),
    [OIDS.eku]: purposes(OIDS.serverAuth),
    [OIDS.san]: dns('www.example.com'),
    [OIDS.policies]: policies('2.23.140.1.2.1'),
    [OIDS.aia]: access(
      [OIDS.ocsp, uri('http://ocsp.example.com')],
      [OIDS.caIssuers, uri('http://pki.example.com/ca.cer')],
    ),
    [OIDS.cdp]: der.sequence(point(uri('http://crl.example.com/1.crl'))),
    [OIDS.sctList]: SCT_LIST,
  },
}

const SUB_CA: CertificateSpec = {
  issuer: ROOT_NAME,
  subject: CA_NAME,
  key: 'ca',
  notAfter: der.time(MADE + 3 * YEAR),
  extensions: {
    [OIDS.aki]: keyId(Buffer.alloc(20, 1)),
    [OIDS.ski]: der.octetString(CA_KEY_ID),
    [OIDS.basicConstraints]: critical(der.sequence(der.boolean(true), der.integer(0n))),
    [OIDS.keyUsage]: keyUsage(5, 6),
    [OIDS.eku]: purposes(OIDS.serverAuth),
    [OIDS.policies]: policies('2.23.140.1.2.1'),
    [OIDS.aia]: access([OIDS.caIssuers, uri('http://pki.example.com/root.cer')]),
    [OIDS.cdp]: der.sequence(point(uri('http://crl.example.com/root.crl'))),
  },
}

const ROOT: CertificateSpec = {
  issuer: ROOT_NAME,
  subject: ROOT_NAME,
  notAfter: der.time(MADE + 10 * YEAR),
  extensions: {
    [OIDS.aki]: keyId(LEAF_KEY_ID),
    [OIDS.ski]: der.octetString(LEAF_KEY_ID),
    [OIDS.basicConstraints]: critical(der.sequence(der.boolean(true))),
    [OIDS.keyUsage]: keyUsage(5, 6),
  },
}

const RESPONDER: CertificateSpec = {
  subject: name(['C', 'SE'], ['O', 'Example PKI'], ['CN', 'OCSP 1']),
  extensions: {
    [OIDS.aki]: keyId(CA_KEY_ID),
    [OIDS.ski]: der.octetString(LEAF_KEY_ID),
    [OIDS.keyUsage]: keyUsage(0),
    [OIDS.eku]: purposes(OIDS.ocspSigning),
    [OIDS.noCheck]: der.nullValue(),
  },
}

export const leaf = (changes: CertificateSpec = {}): Certificate => certificate(LEAF, changes)
export const subCa = (changes: CertificateSpec = {}): Certificate => certificate(SUB_CA, changes)
export const root = (changes: CertificateSpec = {}): Certificate => certificate(ROOT, changes)
export const responder = (changes: CertificateSpec = {}): Certificate => certificate(RESPONDER, changes)
/** The issuer of `leaf`, `responder`, and of the CRLs and OCSP answers below. */
export const ISSUER = subCa()

// CRLs

interface CrlSpec {
  readonly version?: 1 | 2
  readonly signature?: SignatureName
  readonly issuer?: Uint8Array
  readonly thisUpdate?: Uint8Array
  readonly nextUpdate?: Uint8Array | null
  /** null: no list. */
  readonly entries?: readonly Uint8Array[] | null
  readonly extensions?: Extensions
  readonly raw?: readonly Uint8Array[]
}

export const CRL_MADE = MADE

/** An entry: serial number, date, and whole extensions. */
export function entry(
  serial: bigint,
  date: Uint8Array = der.time(CRL_MADE - DAY),
  ...extensions: readonly Uint8Array[]
): Uint8Array {
  return der.sequence(
    der.integer(serial),
    date,
    ...(extensions.length === 0 ? [] : [der.sequence(...extensions)]),
  )
}

export const reason = (code: number, isCritical = false): Uint8Array =>
  extension(OIDS.reasonCode, isCritical, der.enumerated(code))

const CRL: CrlSpec = {
  entries: [entry(0x1234n, undefined, reason(1)), entry(0x1235n)],
  extensions: {
    [OIDS.aki]: keyId(CA_KEY_ID),
    [OIDS.crlNumber]: der.integer(7n),
    [OIDS.idp]: critical(
      der.sequence(
        der.context(0, der.context(0, uri('http://crl.example.com/1.crl'))),
        der.contextPrimitive(1, Uint8Array.of(0xff)),
      ),
    ),
  },
}

export function crl(changes: CrlSpec = {}): LintableCrl {
  const spec = { ...CRL, ...changes }
  const algorithm = SIGNATURES[spec.signature ?? 'ecdsa']
  const extensions = [...extensionsOf(CRL.extensions ?? {}, changes.extensions ?? {}), ...(spec.raw ?? [])]
  const isV2 = spec.version !== 1
  const tbs = der.sequence(
    ...(isV2 ? [der.integer(1n)] : []),
    algorithm,
    spec.issuer ?? CA_NAME,
    spec.thisUpdate ?? der.time(CRL_MADE),
    ...(spec.nextUpdate === null ? [] : [spec.nextUpdate ?? der.time(CRL_MADE + 7 * DAY)]),
    ...(spec.entries === null || spec.entries === undefined ? [] : [der.sequence(...spec.entries)]),
    ...(isV2 ? [der.context(0, der.sequence(...extensions))] : []),
  )
  const bytes = der.sequence(tbs, algorithm, der.bitString(Uint8Array.of(1, 2, 3)))
  return parseCrl(bytes, { ber: true, index: true })
}

// OCSP answers

interface SingleSpec {
  readonly certId?: Uint8Array
  readonly status?: Uint8Array
  readonly thisUpdate?: Uint8Array
  readonly nextUpdate?: Uint8Array | null
  readonly extensions?: readonly Uint8Array[]
}

interface OcspSpec {
  readonly version?: Uint8Array
  readonly signature?: SignatureName
  readonly responder?: Uint8Array
  readonly producedAt?: Uint8Array
  readonly singles?: readonly SingleSpec[]
  readonly extensions?: readonly Uint8Array[]
  /** A list of extensions without any. */
  readonly emptyExtensions?: true
}

const SHA1 = '1.3.14.3.2.26'

/** A CertID of the issuer above unless told otherwise. */
export function certId(
  changes: { hash?: string; nameHash?: Uint8Array; keyHash?: Uint8Array; serial?: bigint } = {},
): Uint8Array {
  return der.sequence(
    der.sequence(der.oid(changes.hash ?? SHA1), der.nullValue()),
    der.octetString(changes.nameHash ?? hash('sha1', CA_NAME, 'buffer')),
    der.octetString(changes.keyHash ?? CA_KEY_ID),
    der.integer(changes.serial ?? 0x4711n),
  )
}

export const good = (): Uint8Array => der.contextPrimitive(0, new Uint8Array())
export const revoked = (at: number, code?: number): Uint8Array =>
  der.context(
    1,
    der.generalizedTime(at),
    ...(code === undefined ? [] : [der.context(0, der.enumerated(code))]),
  )

function single(spec: SingleSpec): Uint8Array {
  const { nextUpdate = der.generalizedTime(MADE + DAY), extensions = [] } = spec
  return der.sequence(
    spec.certId ?? certId(),
    spec.status ?? good(),
    spec.thisUpdate ?? der.generalizedTime(MADE),
    ...(nextUpdate === null ? [] : [der.context(0, nextUpdate)]),
    ...(extensions.length === 0 ? [] : [der.context(1, der.sequence(...extensions))]),
  )
}

export const nonce = (octets: Uint8Array): Uint8Array => extension(OIDS.nonce, false, octets)

export function ocsp(spec: OcspSpec = {}): OcspResponse {
  const { singles = [{}], extensions = [nonce(der.octetString(Buffer.alloc(32, 9)))] } = spec
  const tbs = der.sequence(
    ...(spec.version === undefined ? [] : [der.context(0, spec.version)]),
    spec.responder ?? der.context(2, der.octetString(CA_KEY_ID)),
    spec.producedAt ?? der.generalizedTime(MADE),
    der.sequence(...singles.map(single)),
    ...(spec.emptyExtensions === true ? [der.context(1, der.sequence())] : []),
    ...(extensions.length === 0 || spec.emptyExtensions === true
      ? []
      : [der.context(1, der.sequence(...extensions))]),
  )
  const basic = der.sequence(
    tbs,
    SIGNATURES[spec.signature ?? 'ecdsa'],
    der.bitString(Uint8Array.of(1, 2, 3)),
  )
  const bytes = der.sequence(
    der.enumerated(0),
    der.context(0, der.sequence(der.oid('1.3.6.1.5.5.7.48.1.1'), der.octetString(basic))),
  )
  return parseOcspResponse(bytes, { ber: true })
}
