// Keys as certificates show them, and the signature over what is issued.
import { constants, createHash, sign as signCallback, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import * as der from './der.ts'

export function spkiOf(publicKey: KeyObject): Uint8Array {
  return publicKey.export({ type: 'spki', format: 'der' })
}

/** The subjectPublicKey's bits, over which key identifiers and CertIDs are computed. */
export function publicKeyBits(publicKey: KeyObject): Uint8Array {
  const bits = der.elementsOf(spkiOf(publicKey))[1]
  if (bits === undefined) throw new RangeError('expected a SubjectPublicKeyInfo')
  return der.contentsOf(bits).subarray(1)
}

/** RFC 5280 section 4.2.1.2, method 1. */
export function keyIdentifier(publicKey: KeyObject): Uint8Array {
  return createHash('sha1').update(publicKeyBits(publicKey)).digest()
}

interface SignatureAlgorithm {
  readonly identifier: Uint8Array
  readonly digest: 'sha1' | 'sha256' | 'sha384' | 'sha512' | null
}

/** Octets of salt in RSA-PSS signatures: those of SHA-256. */
const PSS_SALT = 32

const SHA256 = '2.16.840.1.101.3.4.2.1'

/** Key types whose signatures have the OID of the key (RFC 8410, 9881, 9909). */
const WHOLE_ALGORITHMS: Readonly<Record<string, string>> = {
  ed25519: '1.3.101.112',
  ed448: '1.3.101.113',
  'ml-dsa-44': '2.16.840.1.101.3.4.3.17',
  'ml-dsa-65': '2.16.840.1.101.3.4.3.18',
  'ml-dsa-87': '2.16.840.1.101.3.4.3.19',
  'slh-dsa-sha2-128s': '2.16.840.1.101.3.4.3.20',
  'slh-dsa-sha2-128f': '2.16.840.1.101.3.4.3.21',
  'slh-dsa-sha2-192s': '2.16.840.1.101.3.4.3.22',
  'slh-dsa-sha2-192f': '2.16.840.1.101.3.4.3.23',
  'slh-dsa-sha2-256s': '2.16.840.1.101.3.4.3.24',
  'slh-dsa-sha2-256f': '2.16.840.1.101.3.4.3.25',
  'slh-dsa-shake-128s': '2.16.840.1.101.3.4.3.26',
  'slh-dsa-shake-128f': '2.16.840.1.101.3.4.3.27',
  'slh-dsa-shake-192s': '2.16.840.1.101.3.4.3.28',
  'slh-dsa-shake-192f': '2.16.840.1.101.3.4.3.29',
  'slh-dsa-shake-256s': '2.16.840.1.101.3.4.3.30',
  'slh-dsa-shake-256f': '2.16.840.1.101.3.4.3.31',
}

const SHA1_WITH_RSA = ['1.2.840.113549.1.1.5', der.nullValue()] as const
const SHA1_WITH_ECDSA = ['1.2.840.10045.4.1'] as const

const ECDSA_SHA256 = ['1.2.840.10045.4.3.2', 'sha256'] as const
const ECDSA_DIGESTS: Readonly<Record<string, readonly [oid: string, digest: 'sha384' | 'sha512']>> = {
  secp384r1: ['1.2.840.10045.4.3.3', 'sha384'],
  secp521r1: ['1.2.840.10045.4.3.4', 'sha512'],
}

/** `digest`: in place of the one that the key asks for, for RSA (PKCS #1 v1.5) and EC keys. */
export function signatureAlgorithm(key: KeyObject, digest?: 'sha1'): SignatureAlgorithm {
  const type = key.asymmetricKeyType
  if (digest !== undefined) {
    const [oid, ...parameters] = type === 'rsa' ? SHA1_WITH_RSA : SHA1_WITH_ECDSA
    return { identifier: der.sequence(der.oid(oid), ...parameters), digest }
  }
  if (type === 'rsa') {
    // RFC 4055 section 5: the parameters are NULL.
    return { identifier: der.sequence(der.oid('1.2.840.113549.1.1.11'), der.nullValue()), digest: 'sha256' }
  }
  if (type === 'rsa-pss') return { identifier: pssIdentifier(), digest: 'sha256' }
  if (type === 'ec') {
    const curve = key.asymmetricKeyDetails?.namedCurve
    const [oid, digest] = ECDSA_DIGESTS[curve ?? ''] ?? ECDSA_SHA256
    return { identifier: der.sequence(der.oid(oid)), digest }
  }
  const whole = type === undefined ? undefined : WHOLE_ALGORITHMS[type]
  if (whole === undefined) throw new RangeError(`expected a key that signs, got ${type ?? 'none'}`)
  return { identifier: der.sequence(der.oid(whole)), digest: null }
}

/** RSASSA-PSS with SHA-256 throughout (RFC 4055 section 3.1). */
function pssIdentifier(): Uint8Array {
  const sha256 = der.sequence(der.oid(SHA256), der.nullValue())
  return der.sequence(
    der.oid('1.2.840.113549.1.1.10'),
    der.sequence(
      der.context(0, sha256),
      der.context(1, der.sequence(der.oid('1.2.840.113549.1.1.8'), sha256)),
      der.context(2, der.integer(BigInt(PSS_SALT))),
    ),
  )
}

const signBytes = promisify(signCallback)

interface Outside {
  /** Elements after the signature. */
  readonly more?: readonly Uint8Array[]
  /** In place of the algorithm that signed. */
  readonly outerAlgorithm?: Uint8Array | undefined
}

/** SEQUENCE { tbs, algorithm, signature, ...more }: the outer shape of all three. */
export async function signed(
  tbs: Uint8Array,
  algorithm: SignatureAlgorithm,
  key: KeyObject,
  { more = [], outerAlgorithm = algorithm.identifier }: Outside = {},
): Promise<Uint8Array> {
  const padding =
    key.asymmetricKeyType === 'rsa-pss'
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: PSS_SALT }
      : { padding: constants.RSA_PKCS1_PADDING }
  const signature = await signBytes(algorithm.digest, tbs, { key, ...padding })
  return der.sequence(tbs, outerAlgorithm, der.bitString(signature), ...more)
}
