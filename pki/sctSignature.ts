import { createPublicKey, hash, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { Certificate } from './certificate.ts'
import { Der, TAG, explicit } from './der.ts'
import { tlv } from './derWriter.ts'
import { PkiError } from './error.ts'
import { sameOctets } from './name.ts'
import { OID } from './oid.ts'
import type { SignedCertificateTimestamp } from './sct.ts'

// Numbers of TLS 1.2 (RFC 5246 7.4.1.4.1) and of RFC 6962 3.2 and 3.4.
const SHA256 = 4
const TLS_RSA = 1
const TLS_ECDSA = 3
const V1 = 0
const CERTIFICATE_TIMESTAMP = 0
const PRECERT_ENTRY = 1

/**
 * Did the log with this key (SubjectPublicKeyInfo, DER) sign this timestamp for this certificate of this issuer? For timestamps that the
 * certificate carries: what was signed then is the precertificate (RFC 6962 3.2). Throws PkiError(signature).
 */
export function verifySct(
  sct: SignedCertificateTimestamp,
  { certificate, issuer, logKey }: SctContext,
): void {
  if (!sameOctets(sct.logId, hash('sha256', logKey, 'buffer'))) {
    throw new PkiError(
      'signature',
      'key_mismatch',
      'SCT: expected the key of the log that it names, got another',
    )
  }
  const key = importLogKey(logKey)
  const expected = key.asymmetricKeyType === 'ec' ? TLS_ECDSA : TLS_RSA
  if (sct.hashAlgorithm !== SHA256 || sct.signatureAlgorithm !== expected) {
    const got = `${sct.hashAlgorithm} and ${sct.signatureAlgorithm}`
    throw new PkiError(
      'signature',
      'unsupported',
      `SCT: expected algorithms ${SHA256} and ${expected}, got ${got}`,
    )
  }
  if (!verify('sha256', signedData(sct, certificate, issuer), key, sct.signature)) {
    const { text } = certificate.subject
    throw new PkiError('signature', 'signature_invalid', `SCT: expected a signature of the log over ${text}`)
  }
}

interface SctContext {
  readonly certificate: Certificate
  /** Signed the certificate; its key is part of what the log signed. */
  readonly issuer: Certificate
  readonly logKey: Uint8Array
}

function importLogKey(spki: Uint8Array): KeyObject {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    if (key.asymmetricKeyType === 'ec' || key.asymmetricKeyType === 'rsa') return key
  } catch {
    // Said below.
  }
  throw new PkiError('signature', 'unsupported', 'SCT: expected an EC or RSA key of a log')
}

/** The digitally-signed struct of RFC 6962 3.2 for a precert_entry. */
function signedData(
  sct: SignedCertificateTimestamp,
  certificate: Certificate,
  issuer: Certificate,
): Uint8Array {
  const tbs = precertificateTbs(certificate)
  return Buffer.concat([
    bigEndian(V1, 1),
    bigEndian(CERTIFICATE_TIMESTAMP, 1),
    bigEndian(sct.timestamp, 8),
    bigEndian(PRECERT_ENTRY, 2),
    hash('sha256', issuer.spki, 'buffer'),
    bigEndian(tbs.length, 3),
    tbs,
    bigEndian(sct.extensions.length, 2),
    sct.extensions,
  ])
}

/** TBSCertificate without the list of timestamps and without the poison, everything else octet for octet. */
function precertificateTbs({ tbs, extensions }: Certificate): Uint8Array {
  const kept = extensions.filter(({ oid }) => oid !== OID.sctList && oid !== OID.ctPoison)
  const list = tlv(explicit(3), tlv(TAG.sequence, ...kept.map(({ der }) => der)))
  const source = Der.open(tbs, 'tbsCertificate', tbs.length)
  const fields: Uint8Array[] = []
  while (!source.done) {
    const field = source.any('field')
    fields.push(field.tag === explicit(3) ? list : field.der)
  }
  return tlv(TAG.sequence, ...fields)
}

function bigEndian(value: number, octets: number): Uint8Array {
  return Buffer.from(value.toString(16).padStart(octets * 2, '0'), 'hex')
}
