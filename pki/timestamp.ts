import { createHash } from 'node:crypto'
import { digestName, readSignatureScheme } from './algorithms.ts'
import type { SignatureScheme } from './algorithms.ts'
import { parseCertificate } from './certificate.ts'
import type { Certificate } from './certificate.ts'
import { Der, TAG, explicit } from './der.ts'
import { oidContent, tlv } from './derWriter.ts'
import { PkiError } from './error.ts'
import { namesMatch, readName, sameOctets } from './name.ts'
import type { Name } from './name.ts'
import { buildPath } from './path.ts'
import type { TrustedChain } from './path.ts'
import { serialText } from './serial.ts'
import { verifySignature } from './signature.ts'

// Timestamps (RFC 3161, RFC 5816): a token is CMS signed data (RFC 5652) over a TSTInfo.

export const TIMESTAMP_QUERY_TYPE = 'application/timestamp-query'
export const TIMESTAMP_REPLY_TYPE = 'application/timestamp-reply'

const SIGNED_DATA = '1.2.840.113549.1.7.2'
const TST_INFO = '1.2.840.113549.1.9.16.1.4'
const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4'
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47'
const SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12'
const SHA256 = '2.16.840.1.101.3.4.2.1'
const SHA1 = '1.3.14.3.2.26'
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'

/** Octets of an answer: a token with the chain of its signer has some 5 KB, with ML-DSA 30 KB. */
export const MAX_TIMESTAMP = 256 * 1024
const MAX_CERTIFICATES = 16
const MAX_ATTRIBUTES = 32

/** RFC 3161 section 2.4.2 PKIStatus, and what went wrong. */
const STATUS = [
  'granted',
  'grantedWithMods',
  'rejection',
  'waiting',
  'revocationWarning',
  'revocationNotification',
]
const FAILURES: ReadonlyMap<number, string> = new Map([
  [0, 'badAlg'],
  [2, 'badRequest'],
  [5, 'badDataFormat'],
  [14, 'timeNotAvailable'],
  [15, 'unacceptedPolicy'],
  [16, 'unacceptedExtension'],
  [17, 'addInfoNotAvailable'],
  [25, 'systemFailure'],
])

/** A request for a timestamp over a SHA-256 digest, with the signer's certificate in the answer (RFC 3161 section 2.4.1). `nonce`: 1 to 20 octets. */
export function buildTimestampRequest(digest: Uint8Array, nonce: Uint8Array): Uint8Array {
  return tlv(
    TAG.sequence,
    tlv(TAG.integer, Uint8Array.of(1)),
    tlv(
      TAG.sequence,
      tlv(TAG.sequence, tlv(TAG.oid, oidContent(SHA256)), tlv(TAG.null)),
      tlv(TAG.octetString, digest),
    ),
    tlv(TAG.integer, integerContent(nonce)),
    tlv(TAG.boolean, Uint8Array.of(0xff)),
  )
}

/** The nonce as a positive INTEGER. */
function integerContent(nonce: Uint8Array): Uint8Array {
  // A first octet that is neither zero nor negative, so that any octets are a minimal number.
  return Buffer.concat([Uint8Array.of(1), nonce])
}

/** A token, parsed and not verified. */
export interface Timestamp {
  /** SHA-256, or another digest, of what was stamped. */
  readonly imprint: { readonly algorithm: string; readonly digest: Uint8Array }
  /** Milliseconds since the epoch; fractions of one are cut off. */
  readonly time: number
  readonly policy: string
  /** Lower-case hex. */
  readonly serial: string
  readonly nonce: Uint8Array | undefined
  readonly content: Uint8Array
  readonly signer: SignerInfo
  /** DER. */
  readonly certificates: readonly Uint8Array[]
}

interface SignerInfo {
  readonly id: { readonly issuer: Name; readonly serial: string } | { readonly keyId: string }
  readonly digest: string
  /** The signed attributes as they are hashed: a SET OF (RFC 5652 section 5.4). */
  readonly signedAttributes: Uint8Array
  readonly contentType: string | undefined
  readonly messageDigest: Uint8Array | undefined
  /** Digest of the signer's certificate, which the signature covers (RFC 5035). */
  readonly certificateHash: { readonly algorithm: string; readonly digest: Uint8Array } | undefined
  readonly scheme: SignatureScheme
  readonly signature: Uint8Array
}

/** A token that verified. */
export interface VerifiedTimestamp {
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly policy: string
  readonly serial: string
  readonly signer: Certificate
}

/** The token in an answer (RFC 3161 section 2.4.2). Throws PkiError(decode), or (profile, timestamp_refused) when there is none. */
export function parseTimestampReply(der: Uint8Array): Uint8Array {
  const root = Der.open(der, 'timestamp reply', MAX_TIMESTAMP)
  const info = root.enter(TAG.sequence, 'status')
  const status = info.smallInteger('status')
  const said = info.optional(TAG.sequence, 'statusString')
  said?.skipAll()
  const failure = info.optional(TAG.bitString, 'failInfo')
  info.finish()
  if (status > 1) {
    const why = failure === undefined ? '' : `: ${failureText(failure.value)}`
    const got = `${STATUS[status] ?? status}${why}`
    throw new PkiError('profile', 'timestamp_refused', `expected a timestamp, got status ${got}`)
  }
  const token = root.any('timeStampToken')
  root.finish()
  return token.der
}

/** Names of the bits that are set. */
function failureText([, ...octets]: Uint8Array): string {
  const bits = octets.flatMap((octet, i) =>
    [0, 1, 2, 3, 4, 5, 6, 7].flatMap((bit) => ((octet & (0x80 >> bit)) === 0 ? [] : [i * 8 + bit])),
  )
  return bits.map((bit) => FAILURES.get(bit) ?? `bit ${bit}`).join(', ')
}

/** Throws PkiError(decode). */
export function parseTimestamp(token: Uint8Array): Timestamp {
  const message = Der.open(token, 'timestamp token', MAX_TIMESTAMP)
  expectOid(message, 'contentType', SIGNED_DATA)
  const field = message.enter(explicit(0), 'content')
  message.finish()
  const signed = field.enter(TAG.sequence, 'signedData')
  field.finish()
  signed.smallInteger('version')
  signed.enter(TAG.set, 'digestAlgorithms').skipAll()
  const encapsulated = signed.enter(TAG.sequence, 'encapContentInfo')
  expectOid(encapsulated, 'eContentType', TST_INFO)
  const wrapped = encapsulated.enter(explicit(0), 'eContent')
  encapsulated.finish()
  const content = wrapped.octets('')
  wrapped.finish()
  const certificates = readCertificates(signed.optional(explicit(0), 'certificates'))
  signed.optional(explicit(1), 'crls')?.skipAll()
  const signers = signed.enter(TAG.set, 'signerInfos')
  signed.finish()
  const signer = readSigner(signers.enter(TAG.sequence, 0))
  // RFC 3161 section 2.4.2: only the authority's own signature.
  signers.finish()
  return { ...readInfo(content), content, signer, certificates }
}

function readCertificates(list: Der | undefined): readonly Uint8Array[] {
  const certificates: Uint8Array[] = []
  while (list !== undefined && !list.done) {
    if (certificates.length >= MAX_CERTIFICATES)
      list.fail('too_many', `expected at most ${MAX_CERTIFICATES} certificates`)
    certificates.push(list.any(certificates.length).der)
  }
  return certificates
}

/** RFC 3161 section 2.4.2 TSTInfo. */
function readInfo(content: Uint8Array): Pick<Timestamp, 'imprint' | 'time' | 'policy' | 'serial' | 'nonce'> {
  const info = Der.open(content, 'TSTInfo', MAX_TIMESTAMP)
  const version = info.smallInteger('version')
  if (version !== 1) info.fail('bad_version', `expected version 1, got ${version}`)
  const policy = info.oid('policy')
  const imprint = info.enter(TAG.sequence, 'messageImprint')
  const algorithm = readDigestAlgorithm(imprint, 'hashAlgorithm')
  const digest = imprint.octets('hashedMessage')
  imprint.finish()
  const serial = serialText(info.integer('serialNumber'))
  const time = readTime(info.enter(TAG.generalizedTime, 'genTime'))
  info.optional(TAG.sequence, 'accuracy')?.skipAll()
  info.optional(TAG.boolean, 'ordering')
  const nonce = info.optional(TAG.integer, 'nonce')?.value
  if (!info.done && info.next === explicit(0)) info.any('tsa')
  if (!info.done && info.next === explicit(1)) info.any('extensions')
  info.finish()
  return { imprint: { algorithm, digest }, time, policy, serial, nonce }
}

/** RFC 3161 section 2.4.2: seconds, which may have a fraction without trailing zeros. */
function readTime(element: Der): number {
  const text = Buffer.from(element.value).toString('latin1')
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?Z$/.exec(text)
  const [, year, month, day, hour, minute, second, fraction = ''] = match ?? []
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}Z`
  const time = match === null || fraction.endsWith('0') ? NaN : Date.parse(iso)
  // Date.parse takes the 31st of April for the 1st of May.
  return Number.isNaN(time) || new Date(time).toISOString() !== iso
    ? element.fail('bad_time', 'expected YYYYMMDDHHMMSS[.s…]Z')
    : time
}

/** RFC 5652 section 5.3. */
function readSigner(info: Der): SignerInfo {
  info.smallInteger('version')
  const id = readSignerId(info)
  const digest = readDigestAlgorithm(info, 'digestAlgorithm')
  const attributes = info.enter(explicit(0), 'signedAttrs')
  // It is signed as a SET OF, not with the tag that it has here.
  const signedAttributes = Buffer.from(attributes.der)
  signedAttributes[0] = TAG.set
  const values = readAttributes(attributes)
  const scheme = readScheme(info, digest)
  const signature = info.octets('signature')
  info.optional(explicit(1), 'unsignedAttrs')?.skipAll()
  info.finish()
  return { id, digest, signedAttributes, ...values, scheme, signature }
}

function readSignerId(info: Der): SignerInfo['id'] {
  const keyId = info.optional(0x80, 'sid')
  if (keyId !== undefined) return { keyId: Buffer.from(keyId.value).toString('hex') }
  const id = info.enter(TAG.sequence, 'sid')
  const issuer = readName(id, 'issuer')
  const serial = serialText(id.integer('serialNumber'))
  id.finish()
  return { issuer, serial }
}

function readAttributes(
  attributes: Der,
): Pick<SignerInfo, 'contentType' | 'messageDigest' | 'certificateHash'> {
  let contentType: string | undefined
  let messageDigest: Uint8Array | undefined
  let certificateHash: SignerInfo['certificateHash']
  const seen = new Set<string>()
  for (let i = 0; !attributes.done; i++) {
    if (i >= MAX_ATTRIBUTES) attributes.fail('too_many', `expected at most ${MAX_ATTRIBUTES} attributes`)
    const attribute = attributes.enter(TAG.sequence, i)
    const type = attribute.oid('attrType')
    if (seen.has(type)) attribute.fail('bad_value', `expected attribute ${type} once`)
    seen.add(type)
    const values = attribute.enter(TAG.set, 'attrValues')
    attribute.finish()
    if (type === CONTENT_TYPE) contentType = values.oid('contentType')
    else if (type === MESSAGE_DIGEST) messageDigest = values.octets('messageDigest')
    else if (type === SIGNING_CERTIFICATE_V2) certificateHash = readCertificateHash(values, SHA256)
    else if (type === SIGNING_CERTIFICATE) certificateHash ??= readCertificateHash(values, SHA1)
    else values.skipAll()
    values.finish()
  }
  return { contentType, messageDigest, certificateHash }
}

/** RFC 5035 section 3 SigningCertificate(V2): the first ESSCertID(v2) is the signer's. */
function readCertificateHash(values: Der, standard: string): NonNullable<SignerInfo['certificateHash']> {
  const outer = values.enter(TAG.sequence, 'signingCertificate')
  const list = outer.enter(TAG.sequence, 'certs')
  outer.skipAll()
  const first = list.enter(TAG.sequence, 0)
  list.skipAll()
  const algorithm = first.next === TAG.sequence ? readDigestAlgorithm(first, 'hashAlgorithm') : standard
  const digest = first.octets('certHash')
  first.skipAll()
  return { algorithm, digest }
}

/** An AlgorithmIdentifier of a digest; its OID. */
function readDigestAlgorithm(parent: Der, field: string): string {
  const identifier = parent.enter(TAG.sequence, field)
  const oid = identifier.oid('algorithm')
  if (!identifier.done) identifier.any('parameters')
  identifier.finish()
  return oid
}

/** CMS may name the key alone; the digest is then the signer's (RFC 3370 section 3.2). */
function readScheme(info: Der, digest: string): SignatureScheme {
  const { scheme } = readSignatureScheme(info, 'signatureAlgorithm')
  const name = digestName(digest)
  if (scheme.name !== RSA_ENCRYPTION || name === undefined) return scheme
  return {
    name: `RSA-${name.toUpperCase()}`,
    verification: { keys: ['RSA'], digest: name },
    strength: undefined,
    quantumSafe: false,
    family: 'RSA',
  }
}

export interface TimestampQuestion {
  /** SHA-256 of what must have been stamped. */
  readonly digest: Uint8Array
  /** As it was sent; undefined: the answer is from before, and there is nothing to compare with. */
  readonly nonce: Uint8Array | undefined
  /** Authorities whose timestamps are believed. */
  readonly trusted: readonly TrustedChain[]
}

/**
 * RFC 3161 section 2.4.2 and appendix B: the token is about this digest, and signed by a timestamping authority whose certificate was valid at the time that it
 * says. Throws PkiError(signature, path, profile, consistency).
 */
export function verifyTimestamp(timestamp: Timestamp, question: TimestampQuestion): VerifiedTimestamp {
  const { imprint, time, policy, serial, nonce, signer: info } = timestamp
  if (imprint.algorithm !== SHA256 || !sameOctets(imprint.digest, question.digest)) {
    const [expected, got] = [question.digest, imprint.digest].map((octets) =>
      Buffer.from(octets).toString('hex'),
    )
    throw new PkiError(
      'consistency',
      'imprint_mismatch',
      `expected a timestamp of SHA-256 ${expected}, got ${got}`,
    )
  }
  if (
    question.nonce !== undefined &&
    (nonce === undefined || !sameOctets(nonce, integerContent(question.nonce)))
  )
    throw new PkiError(
      'consistency',
      'nonce_mismatch',
      'expected the nonce that was sent, got another or none',
    )
  const { signer, others } = findSigner(timestamp)
  verifyContent(timestamp)
  verifySignature(
    { tbs: info.signedAttributes, scheme: info.scheme, signature: info.signature },
    signer,
    'timestamp',
  )
  requirePurpose(signer)
  const path = buildPath({ leaf: signer, intermediates: others, trusted: question.trusted, now: time })
  if (!path.valid) throw path.error
  return { time, policy, serial, signer }
}

function findSigner({ certificates, signer }: Timestamp): {
  readonly signer: Certificate
  readonly others: readonly Certificate[]
} {
  const parsed = certificates.map((der) => parseCertificate(der))
  const found = parsed.find((certificate) =>
    'keyId' in signer.id
      ? certificate.subjectKeyId === signer.id.keyId
      : certificate.serial === signer.id.serial && namesMatch(certificate.issuer, signer.id.issuer),
  )
  if (found === undefined)
    throw rejected('expected the certificate of the signer in the token, got none that it names')
  const hash = signer.certificateHash
  // RFC 3161 section 2.4.2: the signature covers which certificate it is, so that no other one of the same key can be put in its place.
  if (hash === undefined)
    throw rejected('expected a signed reference to the certificate of the signer, got none')
  const digest = hash.algorithm === SHA1 ? 'sha1' : digestName(hash.algorithm)
  if (digest === undefined || !sameOctets(createHash(digest).update(found.der).digest(), hash.digest))
    throw rejected(`expected the certificate that the signature names, got ${found.subject.text}`)
  return { signer: found, others: parsed.filter((certificate) => certificate !== found) }
}

/** RFC 5652 section 5.4: the signed attributes are about this content. */
function verifyContent({ content, signer }: Timestamp): void {
  const digest = digestName(signer.digest)
  if (digest === undefined)
    throw new PkiError('signature', 'unsupported', `expected a supported digest, got ${signer.digest}`)
  const computed = createHash(digest).update(content).digest()
  const said = signer.messageDigest
  if (signer.contentType !== TST_INFO || said === undefined || !sameOctets(said, computed))
    throw new PkiError(
      'signature',
      'signature_invalid',
      'expected a signature over the TSTInfo, got one over something else',
    )
}

/** RFC 3161 section 2.3: for timestamps and nothing else, and said so critically. */
function requirePurpose({ extendedKeyUsage, extensions, subject }: Certificate): void {
  const isOnly = extendedKeyUsage?.length === 1 && extendedKeyUsage[0] === TIME_STAMPING
  const isCritical = extensions.some(({ oid, critical }) => oid === EXTENDED_KEY_USAGE && critical)
  if (isOnly && isCritical) return
  const got = extendedKeyUsage?.join(', ') ?? 'none'
  throw rejected(`${subject.text}: expected extended key usage timeStamping alone, and critical, got ${got}`)
}

function expectOid(parent: Der, field: string, expected: string): void {
  const got = parent.oid(field)
  if (got !== expected) parent.failIn(field, 'bad_value', `expected ${expected}, got ${got}`)
}

function rejected(message: string): PkiError {
  return new PkiError('path', 'timestamp_signer_rejected', message)
}
