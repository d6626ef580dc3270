import { TAG, implicit } from './der.ts'
import type { Der } from './der.ts'
import { asciiText, decodeString, isStringTag } from './derString.ts'

/** RFC 5280 4.2.1.4: stands for every policy. */
export const ANY_POLICY = '2.5.29.32.0'

const CPS = '1.3.6.1.5.5.7.2.1'
const USER_NOTICE = '1.3.6.1.5.5.7.2.2'

export type PolicyQualifier =
  | { readonly type: 'cps'; readonly uri: string }
  /** undefined: the notice has only a reference. */
  | { readonly type: 'userNotice'; readonly text: string | undefined }
  /** A qualifier that RFC 5280 does not define. */
  | { readonly type: 'other'; readonly oid: string }

/** One policy of certificatePolicies (RFC 5280 4.2.1.4). */
export interface PolicyInformation {
  readonly policy: string
  readonly qualifiers: readonly PolicyQualifier[]
}

/** One pair of policyMappings (RFC 5280 4.2.1.5). */
export interface PolicyMapping {
  readonly issuerDomain: string
  readonly subjectDomain: string
}

/** RFC 5280 4.2.1.11: certificates that may follow before the constraint takes effect; undefined: no such constraint. */
export interface PolicyConstraints {
  readonly requireExplicitPolicy: number | undefined
  readonly inhibitPolicyMapping: number | undefined
}

/**
 * Policies, mappings, and qualifiers of one policy. Real certificates have up to 20; bridges map up to 60. With the length of a path
 * this bounds the policy graph.
 */
const MAX_POLICIES = 256

/** certificatePolicies: the content of the SEQUENCE. Throws PkiError(decode). */
export function readCertificatePolicies(content: Der): PolicyInformation[] {
  return readBounded(content, (i) => {
    const information = content.enter(TAG.sequence, i)
    const policy = information.oid('policyIdentifier')
    const list = information.optional(TAG.sequence, 'policyQualifiers')
    information.finish()
    const qualifiers = list === undefined ? [] : readBounded(list, (n) => readQualifier(list, n))
    return { policy, qualifiers }
  })
}

function readQualifier(list: Der, index: number): PolicyQualifier {
  const info = list.enter(TAG.sequence, index)
  const oid = info.oid('policyQualifierId')
  const qualifier = readKnownQualifier(info, oid)
  info.finish()
  return qualifier
}

function readKnownQualifier(info: Der, oid: string): PolicyQualifier {
  if (oid === CPS) return { type: 'cps', uri: asciiText(info.any('qualifier')) }
  if (oid !== USER_NOTICE) {
    if (!info.done) info.any('qualifier')
    return { type: 'other', oid }
  }
  const notice = info.enter(TAG.sequence, 'qualifier')
  if (notice.next === TAG.sequence) notice.any('noticeRef')
  const text = notice.done ? undefined : notice.any('explicitText')
  notice.finish()
  if (text === undefined) return { type: 'userNotice', text: undefined }
  if (!isStringTag(text.tag)) text.fail('unexpected_tag', 'expected a character string')
  return { type: 'userNotice', text: decodeString(text) }
}

/** policyMappings: the content of the SEQUENCE. Throws PkiError(decode). */
export function readPolicyMappings(content: Der): PolicyMapping[] {
  return readBounded(content, (i) => {
    const mapping = content.enter(TAG.sequence, i)
    const issuerDomain = mapping.oid('issuerDomainPolicy')
    const subjectDomain = mapping.oid('subjectDomainPolicy')
    mapping.finish()
    return { issuerDomain, subjectDomain }
  })
}

/** policyConstraints: the content of the SEQUENCE. Throws PkiError(decode). */
export function readPolicyConstraints(content: Der): PolicyConstraints {
  const skipCerts = (n: number, field: string) =>
    content.next === implicit(n) ? content.smallInteger(field, implicit(n)) : undefined
  return {
    requireExplicitPolicy: skipCerts(0, 'requireExplicitPolicy'),
    inhibitPolicyMapping: skipCerts(1, 'inhibitPolicyMapping'),
  }
}

function readBounded<T>(content: Der, read: (index: number) => T): T[] {
  const items: T[] = []
  while (!content.done) {
    if (items.length >= MAX_POLICIES) content.fail('too_many', `expected at most ${MAX_POLICIES} items`)
    items.push(read(items.length))
  }
  return items
}
