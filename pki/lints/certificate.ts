import type { Certificate } from '../certificate.ts'
import { ACCESS_LINTS } from './certificateAccess.ts'
import { CA_LINTS, RESPONDER_LINTS } from './certificateAuthority.ts'
import { COMMON_LINTS } from './certificateBaseline.ts'
import { CRITICALITY_LINTS } from './certificateCriticality.ts'
import { FIELD_LINTS } from './certificateFields.ts'
import { KEY_LINTS } from './certificateKeys.ts'
import { NAME_LINTS } from './certificateNames.ts'
import { POLICY_LINTS } from './certificatePolicies.ts'
import { SUBSCRIBER_LINTS } from './certificateSubscriber.ts'
import { encodingLints, runLints } from './lint.ts'
import type { Lint, LintResult } from './lint.ts'

/** RFC 5280 section 4, and the profiles of the TLS Baseline Requirements. */
export const CERTIFICATE_LINTS: readonly Lint<Certificate>[] = [
  ...encodingLints<Certificate>('cert', 'Certificate'),
  ...FIELD_LINTS,
  ...NAME_LINTS,
  ...CRITICALITY_LINTS,
  ...KEY_LINTS,
  ...POLICY_LINTS,
  ...ACCESS_LINTS,
  ...COMMON_LINTS,
  ...SUBSCRIBER_LINTS,
  ...CA_LINTS,
  ...RESPONDER_LINTS,
]

/** Dates of rules are compared with notBefore. Without `issuer` the lints that compare with it do not apply. */
export function lintCertificate(
  certificate: Certificate,
  { issuer }: { readonly issuer?: Certificate | undefined } = {},
): readonly LintResult[] {
  return runLints(CERTIFICATE_LINTS, certificate, certificate.notBefore, issuer)
}
