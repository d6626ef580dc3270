// The package `ocsp` (lab and tests only) has no types; this is what we use of it.
declare module 'ocsp' {
  export const request: {
    generate(certificate: Buffer, issuer: Buffer): { readonly data: Buffer }
  }
}
