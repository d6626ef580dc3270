/** Purposes in extendedKeyUsage that have a name (RFC 5280 4.2.1.12 and 4.2.2.2 of RFC 6960, and what Microsoft, CAs and logs use). */
const PURPOSES: Readonly<Record<string, string>> = {
  '2.5.29.37.0': 'anyExtendedKeyUsage',
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
  '1.3.6.1.5.5.7.3.17': 'ipsecIKE',
  '1.3.6.1.5.5.7.3.36': 'documentSigning',
  '1.3.6.1.4.1.311.10.3.4': 'msEFS',
  '1.3.6.1.4.1.311.10.3.12': 'msDocumentSigning',
  '1.3.6.1.4.1.311.20.2.2': 'msSmartcardLogon',
  '1.3.6.1.5.2.3.4': 'pkinitKPClientAuth',
  '1.3.6.1.5.2.3.5': 'pkinitKPKdc',
  '1.3.6.1.4.1.11129.2.4.4': 'precertificateSigning',
}

/** `serverAuth` for its OID; the OID itself where there is no name. */
export function purposeName(oid: string): string {
  return PURPOSES[oid] ?? oid
}
