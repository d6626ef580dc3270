/** Failure modes of CRLs, OCSP and TLS that nothing shows to be caught yet. C24, C25 and T14 need what the collectors know. */
export const OPEN: readonly string[] = ['C24', 'C25', 'T14']
