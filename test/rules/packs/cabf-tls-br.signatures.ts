/** TLS BR 7.1.3.2, SHA-1 aside. */
export const BR_SIGNATURES: readonly string[] = ['RSA', 'RSA-PSS', 'ECDSA'].flatMap((family) =>
  ['SHA256', 'SHA384', 'SHA512'].map((digest) => `${family}-${digest}`),
)
