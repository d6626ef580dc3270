import type { FactsOf } from '../model/facts.ts'
import { toTimestamp } from '../model/time.ts'
import type { Certificate } from './certificate.ts'
import { PkiError } from './error.ts'
import { namesMatch } from './name.ts'
import { purposeName } from './purpose.ts'
import { verifySignature } from './signature.ts'
import { signatureStrength } from './strength.ts'

/** status_request and status_request_v2 (RFC 6066, RFC 6961): the server must staple an OCSP answer. */
const STAPLING_FEATURES: readonly number[] = [5, 17]

/** The facts of the group `certificate`. What the algorithm tables do not know is left out. */
export function certificateFacts(certificate: Certificate): FactsOf<'certificate'> {
  const { keyBits, keyStrength, quantumSafe, pathLength } = certificate
  const strength = signatureStrength(certificate.scheme, certificate.signature)
  const selfSigned = isSelfSigned(certificate)
  return {
    subject: certificate.subject.text,
    issuer: certificate.issuer.text,
    serial: certificate.serial,
    notBefore: toTimestamp(certificate.notBefore),
    notAfter: toTimestamp(certificate.notAfter),
    identities: certificate.identities,
    keyAlgorithm: certificate.keyAlgorithm,
    ...(keyBits > 0 ? { keyBits } : {}),
    ...(keyStrength === undefined ? {} : { keyStrength }),
    signatureAlgorithm: certificate.signatureAlgorithm,
    ...(strength === undefined ? {} : { signatureStrength: strength }),
    ...(quantumSafe === undefined ? {} : { quantumSafe }),
    isCa: certificate.isCa,
    ...(pathLength === undefined ? {} : { pathLength }),
    ...(selfSigned === undefined ? {} : { selfSigned }),
    keyUsage: [...(certificate.keyUsage ?? [])],
    extendedKeyUsage: (certificate.extendedKeyUsage ?? []).map(purposeName),
    policies: (certificate.certificatePolicies ?? []).map(({ policy }) => policy),
    ocspUrls: certificate.ocspUrls,
    crlUrls: certificate.crlUrls,
    caIssuerUrls: certificate.caIssuerUrls,
    mustStaple: certificate.tlsFeatures.some((feature) => STAPLING_FEATURES.includes(feature)),
    isPrecertificate: certificate.isPrecertificate,
    sctCount: certificate.scts.length,
    sha256: certificate.sha256,
    spkiSha256: certificate.spkiSha256,
  }
}

/** Signed with its own key, under its own name. undefined: it names itself, and the signature cannot be judged. */
function isSelfSigned(certificate: Certificate): boolean | undefined {
  if (!namesMatch(certificate.subject, certificate.issuer)) return false
  try {
    verifySignature(certificate, certificate, 'certificate')
    return true
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    return error.code === 'unsupported' ? undefined : false
  }
}
