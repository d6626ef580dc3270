import type { FactsOf } from '../model/facts.ts'
import { toTimestamp } from '../model/time.ts'
import type { Certificate } from './certificate.ts'

/** The facts of the group `certificate`. */
export function certificateFacts(certificate: Certificate): FactsOf<'certificate'> {
  const { subject, issuer, serial, notBefore, notAfter, identities, keyAlgorithm, keyBits } = certificate
  return {
    subject: subject.text,
    issuer: issuer.text,
    serial,
    notBefore: toTimestamp(notBefore),
    notAfter: toTimestamp(notAfter),
    identities,
    keyAlgorithm,
    ...(keyBits > 0 ? { keyBits } : {}),
    signatureAlgorithm: certificate.signatureAlgorithm,
    sha256: certificate.sha256,
  }
}
