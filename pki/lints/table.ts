import type { LintSource } from './lint.ts'
import { CERTIFICATE_LINTS } from './certificate.ts'
import { CRL_LINTS } from './crl.ts'
import { OCSP_LINTS } from './ocsp.ts'

/** What is known of a lint without an object. */
export interface LintEntry {
  readonly id: string
  readonly kind: 'certificate' | 'crl' | 'ocsp'
  readonly title: string
  readonly source: LintSource
  readonly effectiveFrom?: string
  /** It compares with the issuer's certificate. */
  readonly needsIssuer: boolean
}

/** Every lint. Rules are typed by it, and docs/lints.md is made from it. */
export const LINTS: readonly LintEntry[] = [
  ...CERTIFICATE_LINTS.map((lint) => entry('certificate', lint)),
  ...CRL_LINTS.map((lint) => entry('crl', lint)),
  ...OCSP_LINTS.map((lint) => entry('ocsp', lint)),
]

function entry(kind: LintEntry['kind'], lint: Omit<LintEntry, 'kind' | 'needsIssuer'>): LintEntry {
  const { id, title, source, effectiveFrom } = lint
  const needsIssuer = 'checkIssued' in lint
  return { id, kind, title, source, ...(effectiveFrom === undefined ? {} : { effectiveFrom }), needsIssuer }
}
