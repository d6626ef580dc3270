import { hash } from 'node:crypto'
import { digestName, digestOid } from './algorithms.ts'
import type { Certificate } from './certificate.ts'
import { TAG } from './der.ts'
import type { Der } from './der.ts'
import { oidContent, tlv } from './derWriter.ts'
import { serialContent, serialText } from './serial.ts'

export type CertIdHash = 'sha1' | 'sha256'

/** How OCSP names a certificate (RFC 6960 4.1.1). */
export interface CertId {
  /** Digest name, or the OID of one that is not known. */
  readonly hash: string
  /** Lower-case hex. */
  readonly issuerNameHash: string
  readonly issuerKeyHash: string
  readonly serial: string
}

/** The CertID of the certificate with that serial number (lower-case hex) which `issuer` issued. */
export function certIdOf(serial: string, issuer: Certificate, algorithm: CertIdHash): CertId {
  return {
    hash: algorithm,
    issuerNameHash: hash(algorithm, issuer.subject.der),
    issuerKeyHash: hash(algorithm, issuer.keyBytes),
    serial,
  }
}

export function certIdsEqual(a: CertId, b: CertId): boolean {
  return (
    a.serial === b.serial &&
    a.hash === b.hash &&
    a.issuerNameHash === b.issuerNameHash &&
    a.issuerKeyHash === b.issuerKeyHash
  )
}

/** For messages. */
export function certIdText({ hash, issuerNameHash, issuerKeyHash, serial }: CertId): string {
  return `serial ${serial} (${hash}, issuer name ${issuerNameHash}, key ${issuerKeyHash})`
}

export function readCertId(parent: Der): CertId {
  const certId = parent.enter(TAG.sequence, 'certID')
  const identifier = certId.enter(TAG.sequence, 'hashAlgorithm')
  const oid = identifier.oid('algorithm')
  if (!identifier.done) identifier.any('parameters')
  identifier.finish()
  const issuerNameHash = Buffer.from(certId.octets('issuerNameHash')).toString('hex')
  const issuerKeyHash = Buffer.from(certId.octets('issuerKeyHash')).toString('hex')
  const serial = serialText(certId.integer('serialNumber'))
  certId.finish()
  return { hash: digestName(oid) ?? oid, issuerNameHash, issuerKeyHash, serial }
}

/** DER. Throws RangeError when the serial number is not lower-case hex. */
export function encodeCertId(certId: CertId, algorithm: CertIdHash): Uint8Array {
  const serial = serialContent(certId.serial)
  if (serial === undefined) {
    throw new RangeError(`expected a serial number in hex, got ${JSON.stringify(certId.serial)}`)
  }
  return tlv(
    TAG.sequence,
    // RFC 9919 and 5019 write NULL, and some responders compare octets.
    tlv(TAG.sequence, tlv(TAG.oid, oidContent(digestOid(algorithm))), tlv(TAG.null)),
    tlv(TAG.octetString, Buffer.from(certId.issuerNameHash, 'hex')),
    tlv(TAG.octetString, Buffer.from(certId.issuerKeyHash, 'hex')),
    tlv(TAG.integer, serial),
  )
}
