import type { Certificate } from '../certificate.ts'
import type { LintableCrl } from './crlView.ts'
import { toTimestamp } from '../../model/time.ts'
import { sameOctets } from '../name.ts'
import { SIGNATURE_ALGORITHMS } from './certificateBaseline.ts'
import { CRL_ENTRY_LINTS } from './crlEntries.ts'
import { CRL_EXTENSION_LINTS } from './crlExtensions.ts'
import { baseline, encodingLints, expected, rfc, runLints } from './lint.ts'
import type { Lint, LintResult } from './lint.ts'

/** RFC 5280 5.1: the basic fields. */
const CRL_FIELD_LINTS: readonly Lint<LintableCrl>[] = [
  {
    id: 'crl_version_2',
    title: 'The version is 2',
    source: rfc(5280, '5.1.2.1'),
    check: ({ version }) => (version === 2 ? undefined : expected('version 2', String(version))),
  },
  {
    id: 'crl_issuer_not_empty',
    title: 'The issuer has a name',
    source: rfc(5280, '5.1.2.3'),
    check: ({ issuer }) => (issuer.rdns.length > 0 ? undefined : expected('a name', 'an empty one')),
  },
  {
    id: 'crl_issuer_encoded_as_subject',
    title: "The issuer's name is encoded as in the issuer's certificate",
    source: baseline('7.2'),
    checkIssued: ({ issuer }, { subject }) =>
      sameOctets(issuer.der, subject.der)
        ? undefined
        : expected(`the octets of ${subject.text}`, `other ones: ${issuer.text}`),
  },
  {
    id: 'crl_issuer_may_sign',
    title: 'The issuer has key usage cRLSign, where it has any',
    source: rfc(5280, '6.3.3 (f)'),
    checkIssued: (_, { keyUsage }) =>
      keyUsage?.has('cRLSign') === false
        ? expected('key usage cRLSign', [...keyUsage].join(', '))
        : undefined,
  },
  {
    id: 'crl_next_update_present',
    title: 'nextUpdate is there',
    source: rfc(5280, '5.1.2.5'),
    check: ({ nextUpdate }) => (nextUpdate === undefined ? expected('nextUpdate', 'none') : undefined),
  },
  {
    id: 'crl_next_update_after_this_update',
    title: 'nextUpdate is after thisUpdate',
    source: rfc(5280, '5.1.2.5'),
    applies: ({ nextUpdate }) => nextUpdate !== undefined,
    check: ({ thisUpdate, nextUpdate = 0 }) =>
      nextUpdate > thisUpdate
        ? undefined
        : expected(`nextUpdate after ${toTimestamp(thisUpdate)}`, toTimestamp(nextUpdate)),
  },
  {
    id: 'crl_entries_not_empty_list',
    title: 'Without entries, revokedCertificates is absent',
    source: rfc(5280, '5.1.2.6'),
    check: ({ notes }) =>
      notes.some(({ code, path }) => code === 'empty_list' && path.endsWith('revokedCertificates'))
        ? expected('no revokedCertificates', 'an empty list')
        : undefined,
  },
  {
    id: 'crl_signature_algorithm',
    title: 'The signature is RSA or ECDSA with SHA-256, SHA-384 or SHA-512 (SHA-1 is a matter of dates)',
    source: baseline('7.1.3.2'),
    check: ({ signatureAlgorithm }) =>
      SIGNATURE_ALGORITHMS.test(signatureAlgorithm)
        ? undefined
        : expected('an RSA or ECDSA signature with SHA-2', signatureAlgorithm),
  },
]

/** RFC 5280 section 5, and the CRL profile of the TLS Baseline Requirements (7.2). */
export const CRL_LINTS: readonly Lint<LintableCrl>[] = [
  ...encodingLints<LintableCrl>('crl', 'CRL'),
  ...CRL_FIELD_LINTS,
  ...CRL_EXTENSION_LINTS,
  ...CRL_ENTRY_LINTS,
]

/** Dates of rules are compared with thisUpdate. Without `issuer` the lints that compare with it do not apply. */
export function lintCrl(
  crl: LintableCrl,
  { issuer }: { readonly issuer?: Certificate | undefined } = {},
): readonly LintResult[] {
  return runLints(CRL_LINTS, crl, crl.thisUpdate, issuer)
}
