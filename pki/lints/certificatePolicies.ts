import type { Certificate } from '../certificate.ts'
import { EXTENSION, has, userNoticesOf } from './extensionView.ts'
import { duplicates, expected, list, rfc } from './lint.ts'
import type { Lint } from './lint.ts'

const ANY_POLICY = '2.5.29.32.0'
/** RFC 5280 4.2.1.4: characters. */
const MAX_EXPLICIT_TEXT = 200
const IA5_STRING = 0x16

const hasPolicies = has(EXTENSION.certificatePolicies)
const hasNotices = (certificate: Certificate): boolean => userNoticesOf(certificate).length > 0
/** RFC 5280 4.2.1.4, 4.2.1.5, 4.2.1.11. */
export const POLICY_LINTS: readonly Lint<Certificate>[] = [
  // Policies
  {
    id: 'cert_policies_unique',
    title: 'No certificate policy occurs twice',
    source: rfc(5280, '4.2.1.4'),
    applies: hasPolicies,
    check: ({ certificatePolicies = [] }) => {
      const twice = duplicates(certificatePolicies.map(({ policy }) => policy))
      return twice.length === 0 ? undefined : expected('every policy once', list(twice))
    },
  },
  {
    id: 'cert_any_policy_qualifiers',
    title: 'anyPolicy has only the qualifiers that RFC 5280 defines',
    source: rfc(5280, '4.2.1.4'),
    applies: ({ certificatePolicies = [] }) =>
      certificatePolicies.some(({ policy }) => policy === ANY_POLICY),
    check: ({ certificatePolicies = [] }) => {
      const other = certificatePolicies
        .filter(({ policy }) => policy === ANY_POLICY)
        .flatMap(({ qualifiers }) => qualifiers.flatMap((q) => (q.type === 'other' ? [q.oid] : [])))
      return other.length === 0 ? undefined : expected('a CPS pointer or a user notice', list(other))
    },
  },
  {
    id: 'cert_policy_notice_text_type',
    title: 'explicitText is not an IA5String',
    source: rfc(6818, '3'),
    applies: hasNotices,
    check: (certificate) =>
      userNoticesOf(certificate).some(({ tag }) => tag === IA5_STRING)
        ? expected('explicitText as UTF8String', 'IA5String')
        : undefined,
  },
  {
    id: 'cert_policy_notice_text_length',
    title: `explicitText has at most ${MAX_EXPLICIT_TEXT} characters`,
    source: rfc(5280, '4.2.1.4'),
    applies: hasNotices,
    check: (certificate) => {
      const longest = Math.max(...userNoticesOf(certificate).map(({ length }) => length))
      return longest <= MAX_EXPLICIT_TEXT
        ? undefined
        : expected(`explicitText of at most ${MAX_EXPLICIT_TEXT} characters`, String(longest))
    },
  },
  {
    id: 'cert_policy_notice_no_reference',
    title: 'User notices SHOULD NOT have a noticeRef',
    source: rfc(5280, '4.2.1.4'),
    applies: hasNotices,
    check: (certificate) =>
      userNoticesOf(certificate).some(({ hasReference }) => hasReference)
        ? expected('no noticeRef', 'one')
        : undefined,
  },
  {
    id: 'cert_policy_mappings_not_any',
    title: 'anyPolicy is not mapped',
    source: rfc(5280, '4.2.1.5'),
    applies: has(EXTENSION.policyMappings),
    check: ({ policyMappings }) =>
      policyMappings.some((pair) => [pair.issuerDomain, pair.subjectDomain].includes(ANY_POLICY))
        ? expected('no mapping from or to anyPolicy', 'one')
        : undefined,
  },
  {
    id: 'cert_policy_mappings_declared',
    title: 'Policies that are mapped SHOULD be among the policies of the certificate',
    source: rfc(5280, '4.2.1.5'),
    applies: has(EXTENSION.policyMappings),
    check: ({ policyMappings, certificatePolicies = [] }) => {
      const declared = new Set(certificatePolicies.map(({ policy }) => policy))
      const missing = policyMappings
        .map((pair) => pair.issuerDomain)
        .filter((policy) => !declared.has(policy))
      return missing.length === 0 ? undefined : expected('mapped policies among the policies', list(missing))
    },
  },
  {
    id: 'cert_policy_constraints_not_empty',
    title: 'Policy constraints constrain something',
    source: rfc(5280, '4.2.1.11'),
    applies: ({ policyConstraints }) => policyConstraints !== undefined,
    check: ({ policyConstraints: constraints }) =>
      constraints?.requireExplicitPolicy === undefined && constraints?.inhibitPolicyMapping === undefined
        ? expected('requireExplicitPolicy or inhibitPolicyMapping', 'neither')
        : undefined,
  },
]
