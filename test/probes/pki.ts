import {
  generateKey,
  issueCertificate,
  type CertificateRequest,
  type Issuer as Signer,
} from '../../lab/issue.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import type { Issuer } from '../../probes/probe.ts'

export const HOUR = 3_600_000
export const DAY = 24 * HOUR
/** Whole seconds, as certificates have them. The real time, since node:tls judges https servers by it. */
export const NOW = Math.floor(Date.now() / 1000) * 1000

/** A certificate with a new P-256 key, valid from yesterday for 30 days unless told otherwise. */
export async function entity(
  request: Partial<CertificateRequest> & { readonly subject: string },
): Promise<Signer> {
  const key = request.key ?? generateKey('p256')
  const certificate = await issueCertificate({
    notBefore: NOW - DAY,
    notAfter: NOW + 30 * DAY,
    profile: 'ca',
    ...request,
    key,
  })
  return { key, certificate }
}

/** Declares a CA as the inventory would, with those above it. */
export function declared(id: string, ca: Signer, ...above: readonly Signer[]): Issuer {
  return {
    id,
    class: 'online',
    certificate: parseCertificate(ca.certificate),
    ancestors: above.map(({ certificate }) => parseCertificate(certificate)),
  }
}
