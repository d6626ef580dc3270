import { hash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readSignatureScheme } from './algorithms.ts'
import type { SignatureScheme } from './algorithms.ts'
import { readCertificateExtensions } from './certificateExtensions.ts'
import type { CertificateExtensions } from './certificateExtensions.ts'
import { Der, TAG, implicit } from './der.ts'
import type { DerOptions } from './der.ts'
import { rawExtension, readExtensions } from './extensions.ts'
import type { RawExtension } from './extensions.ts'
import { identityText } from './generalName.ts'
import { readName, sameOctets } from './name.ts'
import type { Name } from './name.ts'
import type { Note } from './note.ts'
import { importPublicKey, readPublicKeyInfo } from './publicKey.ts'
import { serialText } from './serial.ts'

/** What rules and verification need of an X.509 certificate (RFC 5280 section 4). */
export interface Certificate extends Readonly<CertificateExtensions> {
  readonly der: Uint8Array
  /** The signed bytes. */
  readonly tbs: Uint8Array
  readonly version: 1 | 2 | 3
  readonly subject: Name
  readonly issuer: Name
  /** Lower-case hex without leading zeros; a negative number (RFC 5280 forbids it) starts with `-`. */
  readonly serial: string
  /** Content of the INTEGER: its length and its sign. */
  readonly serialOctets: Uint8Array
  /** Milliseconds since the epoch; both ends belong to the validity. */
  readonly notBefore: number
  readonly notAfter: number
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
  /** Content of subjectPublicKey, which OCSP hashes. */
  readonly keyBytes: Uint8Array
  /** Made on first use. Throws PkiError(signature, unsupported) for a key that cannot be used here. */
  readonly publicKey: KeyObject
  /** `RSA`, `EC P-256`, `Ed25519`, `ML-DSA-65`; for an unknown key its OID. */
  readonly keyAlgorithm: string
  /** DER of the parameters of the key's algorithm, inherited ones included. undefined: it has none. */
  readonly keyParameters: Uint8Array | undefined
  /** Modulus, curve or public key size in bits; 0 when the algorithm is unknown. */
  readonly keyBits: number
  /** Bits of security of the key against a classical computer; 0 below 80. undefined: the algorithm is unknown. */
  readonly keyStrength: number | undefined
  /** `RSA-SHA256`, `ECDSA-SHA256`, `Ed25519`; for an unknown algorithm its OID. */
  readonly signatureAlgorithm: string
  readonly scheme: SignatureScheme
  readonly signature: Uint8Array
  /** Of the key and of the signature on it. undefined: one of the algorithms is unknown. */
  readonly quantumSafe: boolean | undefined
  /** SHA-256 over `der`, hex. */
  readonly sha256: string
  /** SHA-256 over `spki`, hex. */
  readonly spkiSha256: string
  /** All of them, in their order. */
  readonly extensions: readonly RawExtension[]
  /** subjectAltName: DNS names, IP addresses, e-mail addresses, URIs, user principal names and internationalised mailboxes, as text. */
  readonly identities: readonly string[]
  /** What was accepted although it should not be written so. */
  readonly notes: readonly Note[]
}

/** Octets of one certificate. ML-DSA-87 needs 8 KB, 2,000 names 100 KB. */
const MAX_CERTIFICATE = 1024 * 1024

interface CertificateOptions extends DerOptions {
  /** `keyParameters` of the issuer, for a DSA key that has none of its own (RFC 5280 6.1.4 (e), (f)). */
  readonly inheritedParameters?: Uint8Array
}

/** Parses one DER certificate (RFC 5280 4.1). Throws PkiError(decode). */
export function parseCertificate(der: Uint8Array, options: CertificateOptions = {}): Certificate {
  const root = Der.open(der, 'certificate', MAX_CERTIFICATE, options)
  const tbs = root.enter(TAG.sequence, 'tbsCertificate')
  const outer = readSignatureScheme(root, 'signatureAlgorithm')
  const signature = root.wholeBits('signatureValue')
  root.finish()

  const version = readVersion(tbs)
  const serialOctets = tbs.integer('serialNumber')
  const inner = readSignatureScheme(tbs, 'signature')
  // 4.1.1.2: the outer field is not signed; only the inner one may be believed.
  if (!sameOctets(inner.der, outer.der)) {
    tbs.fail('algorithm_mismatch', `expected ${inner.scheme.name} outside too, got ${outer.scheme.name}`)
  }
  const issuer = readName(tbs, 'issuer')
  const validity = tbs.enter(TAG.sequence, 'validity')
  const notBefore = validity.time('notBefore')
  const notAfter = validity.time('notAfter')
  validity.finish()
  const subject = readName(tbs, 'subject')
  const key = readPublicKeyInfo(tbs, 'subjectPublicKeyInfo', options.inheritedParameters)
  for (const n of [1, 2]) {
    if (tbs.next !== implicit(n)) continue
    if (version === 1) tbs.fail('bad_version', 'expected no unique identifier in a version 1 certificate')
    tbs.bits(n === 1 ? 'issuerUniqueID' : 'subjectUniqueID', implicit(n))
  }
  const list = openExtensions(tbs, version)
  const raw = list === undefined ? [] : readExtensions(list)
  const extensions = readCertificateExtensions(raw)
  tbs.finish()

  let all: readonly RawExtension[] | undefined
  let publicKey: KeyObject | undefined
  let sha256: string | undefined
  let spkiSha256: string | undefined
  return {
    ...extensions,
    der,
    tbs: tbs.der,
    version,
    subject,
    issuer,
    serial: serialText(serialOctets),
    serialOctets,
    notBefore,
    notAfter,
    spki: key.spki,
    keyBytes: key.keyBytes,
    get publicKey() {
      return (publicKey ??= importPublicKey(key))
    },
    keyAlgorithm: key.algorithm,
    keyParameters: key.parameters,
    keyBits: key.bits,
    keyStrength: key.strength,
    signatureAlgorithm: inner.scheme.name,
    scheme: inner.scheme,
    signature,
    quantumSafe: bothSafe(key.quantumSafe, inner.scheme.quantumSafe),
    get sha256() {
      return (sha256 ??= hash('sha256', der))
    },
    get spkiSha256() {
      return (spkiSha256 ??= hash('sha256', key.spki))
    },
    get extensions() {
      return (all ??= raw.map(rawExtension))
    },
    identities: extensions.subjectAltNames.flatMap((name) => identityText(name) ?? []),
    notes: root.notes,
  }
}

/** One that is known not to be safe decides, whatever the other is. */
function bothSafe(key: boolean | undefined, signature: boolean | undefined): boolean | undefined {
  if (key === false || signature === false) return false
  return key === undefined ? undefined : signature
}

/** 4.1.2.1; v1 written out, which DER forbids in a DEFAULT, is accepted. */
function readVersion(tbs: Der): 1 | 2 | 3 {
  const field = tbs.explicit(0, 'version')
  if (field === undefined) return 1
  const value = field.smallInteger('')
  field.finish()
  switch (value) {
    case 0:
      field.note('default_written')
      return 1
    case 1:
      return 2
    case 2:
      return 3
    default:
      return field.fail('bad_version', `expected version 1, 2 or 3, got ${value + 1}`)
  }
}

/** 4.1.2.9: only in version 3. */
function openExtensions(tbs: Der, version: 1 | 2 | 3): Der | undefined {
  const field = tbs.explicit(3, 'extensions')
  if (field === undefined) return undefined
  if (version !== 3) field.fail('bad_version', `expected no extensions in a version ${version} certificate`)
  const list = field.enter(TAG.sequence, '')
  field.finish()
  return list
}
