/** Failure modes of CRLs, OCSP and TLS that nothing shows to be caught yet. */
export const OPEN: readonly string[] = []
