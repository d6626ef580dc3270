import type { Certificate } from './certificate.ts'

/**
 * RFC 9525: does the certificate carry this DNS name or IP address in its subjectAltName? The subject's CN never counts;
 * a wildcard is the whole left-most label and stands for exactly one; IP addresses are compared by value.
 */
export function matchesIdentity(certificate: Certificate, host: string): boolean {
  throw new Error(`not built yet: ${certificate.serial} ${host}`)
}
