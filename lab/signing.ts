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
  readonly digest: 'sha256' | 'sha384' | null
}

export function signatureAlgorithm(key: KeyObject): SignatureAlgorithm {
  const type = key.asymmetricKeyType
  if (type === 'rsa') {
    // RFC 4055 section 5: the parameters are NULL.
    return { identifier: der.sequence(der.oid('1.2.840.113549.1.1.11'), der.nullValue()), digest: 'sha256' }
  }
  if (type === 'ec') {
    return key.asymmetricKeyDetails?.namedCurve === 'secp384r1'
      ? { identifier: der.sequence(der.oid('1.2.840.10045.4.3.3')), digest: 'sha384' }
      : { identifier: der.sequence(der.oid('1.2.840.10045.4.3.2')), digest: 'sha256' }
  }
  if (type === 'ed25519') return { identifier: der.sequence(der.oid('1.3.101.112')), digest: null }
  throw new RangeError(`expected an RSA, EC or Ed25519 key, got ${type ?? 'none'}`)
}

const signBytes = promisify(signCallback)

/** SEQUENCE { tbs, algorithm, signature, ...more }: the outer shape of all three. */
export async function signed(
  tbs: Uint8Array,
  algorithm: SignatureAlgorithm,
  key: KeyObject,
  more: readonly Uint8Array[] = [],
): Promise<Uint8Array> {
  const signature = await signBytes(algorithm.digest, tbs, { key, padding: constants.RSA_PKCS1_PADDING })
  return der.sequence(tbs, algorithm.identifier, der.bitString(signature), ...more)
}
