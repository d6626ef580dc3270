import { OID } from '../../pki/oid.ts'

// Names for people and for documents; nothing is decided by them.

const NAMES: ReadonlyMap<string, string> = new Map(Object.entries(OID).map(([name, oid]) => [oid, name]))

/** RFC 5280 4.2.1.12, and those of others that are often seen. */
const KEY_PURPOSES: Readonly<Record<string, string>> = {
  '2.5.29.37.0': 'anyExtendedKeyUsage',
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  [OID.ocspSigning]: 'OCSPSigning',
  '1.3.6.1.4.1.11129.2.4.4': 'precertificateSigning',
  '1.3.6.1.4.1.311.20.2.2': 'smartcardLogon',
  '1.3.6.1.5.2.3.5': 'kdc',
}

/** `crlNumber` for its OID; undefined for an extension that vigil does not read. */
export function extensionName(oid: string): string | undefined {
  return NAMES.get(oid)
}

/** `serverAuth` for its OID, and the OID itself where it has no name here. */
export function keyPurposeName(oid: string): string {
  return KEY_PURPOSES[oid] ?? oid
}
