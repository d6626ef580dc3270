// The package `ocsp` (lab and tests only) has no types; this is what we use of it.
declare module 'ocsp' {
  import type { Server as HttpServer } from 'node:http'

  export const request: {
    generate(certificate: Buffer, issuer: Buffer): { readonly data: Buffer }
  }
  /** `request`: what `generate` returned. An error unless the answer verifies, is good, and is timely by the wall clock. */
  export function verify(
    options: { readonly request: { readonly data: Buffer }; readonly response: Buffer },
    done: (error: Error | null) => void,
  ): void
  /** POST to the certificate's own OCSP URL; an error unless the verified answer is good. */
  export function check(options: { cert: Buffer; issuer: Buffer }, done: (error: Error | null) => void): void
  export const Server: {
    /** `cert`, `key`: of the CA, PEM, RSA. */
    create(options: { cert: string; key: string }): HttpServer & {
      addCert(serial: bigint, status: 'good', info: null): void
      addCert(
        serial: bigint,
        status: 'revoked',
        info: { revocationTime: Date; revocationReason: string },
      ): void
    }
  }
}
