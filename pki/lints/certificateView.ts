import type { Certificate } from '../certificate.ts'
import { Der, explicit, implicit } from '../der.ts'
import { namesMatch } from '../name.ts'
import { OID } from '../oid.ts'

// Which kind of certificate it is.

/** Purposes of extended key usage (RFC 5280 4.2.1.12, RFC 6960 4.2.2.2). */
export const PURPOSE = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: OID.ocspSigning,
} as const

export const isCa = ({ isCa }: Certificate): boolean => isCa
export const isEndEntity = ({ isCa }: Certificate): boolean => !isCa
export const isSelfIssued = ({ subject, issuer }: Certificate): boolean => namesMatch(subject, issuer)
export const isRoot = (certificate: Certificate): boolean => certificate.isCa && isSelfIssued(certificate)
export const isSubCa = (certificate: Certificate): boolean => certificate.isCa && !isSelfIssued(certificate)

/** An end entity that may only sign OCSP answers, or says so among others. */
export function isResponder({ isCa, extendedKeyUsage }: Certificate): boolean {
  return !isCa && extendedKeyUsage?.includes(PURPOSE.ocspSigning) === true
}

/** An end entity that clients would take for a TLS server: those without extended key usage too. Version 1 cannot say what it is. */
export function isTlsServer(certificate: Certificate): boolean {
  const { version, isCa, extendedKeyUsage: purposes } = certificate
  if (version !== 3 || isCa || isResponder(certificate)) return false
  return purposes === undefined || purposes.includes(PURPOSE.serverAuth) || purposes.includes(PURPOSE.any)
}

/** An end entity that lists what it may be used for, TLS servers among it. */
export function isDeclaredTlsServer(certificate: Certificate): boolean {
  return isTlsServer(certificate) && certificate.extendedKeyUsage !== undefined
}

/** issuerUniqueID or subjectUniqueID (RFC 5280 4.1.2.8) is there. */
export function hasUniqueIdentifier({ tbs }: Certificate): boolean {
  const content = Der.open(tbs, 'tbsCertificate', tbs.length, { ber: true })
  for (let i = 0; !content.done; i++) {
    const { tag } = content.any(i)
    if (tag === implicit(1) || tag === implicit(2)) return true
    if (tag === explicit(3)) return false
  }
  return false
}
