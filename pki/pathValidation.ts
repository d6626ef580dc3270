import { toTimestamp } from '../model/time.ts'
import type { Certificate } from './certificate.ts'
import type { NameConstraints } from './certificateExtensions.ts'
import { PkiError } from './error.ts'
import { namesMatch } from './name.ts'
import { checkNameConstraints } from './nameConstraints.ts'
import { ANY_POLICY } from './policyExtensions.ts'
import { PolicyGraph } from './policyGraph.ts'

/** RFC 5280 6.1.1 (c), (e), (f), (g). What is left out asks for nothing: any policy, mapped as the CAs like. */
export interface PolicySettings {
  /** OIDs; anyPolicy among them stands for all. */
  readonly initialPolicies?: ReadonlySet<string>
  readonly requireExplicitPolicy?: boolean
  readonly inhibitPolicyMapping?: boolean
  readonly inhibitAnyPolicy?: boolean
}

export interface ValidationInputs {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly policies: PolicySettings
  /** Throws PkiError(signature). The search for paths has checked most of them already. */
  readonly checkSignature: (certificate: Certificate, issuer: Certificate) => void
}

export type ValidationResult =
  | {
      readonly valid: true
      /** The user-constrained-policy-set; with anyPolicy every policy is valid. */
      readonly policies: ReadonlySet<string>
    }
  /** `at`: index in the path of the certificate that was being looked at. */
  | { readonly valid: false; readonly error: PkiError; readonly at: number }

/** RFC 5280 6.1.2; permitted_subtrees and excluded_subtrees are kept as each CA gave them. */
interface State {
  readonly constraints: NameConstraints[]
  readonly graph: PolicyGraph
  explicitPolicy: number
  inhibitAnyPolicy: number
  policyMapping: number
  maxPathLength: number
}

const NO_PREFERENCE: ReadonlySet<string> = new Set([ANY_POLICY])

/**
 * RFC 5280 6.1 with the policy graph of RFC 9618. The path starts with the leaf and ends with the anchor; a path of one is a leaf that is
 * itself the anchor. Revocation (6.1.3 (a) (3)) is a question of its own: `checkPathRevocation`.
 */
export function validatePath(path: readonly Certificate[], inputs: ValidationInputs): ValidationResult {
  const state = initialize(path.length - 1, inputs.policies)
  for (const [at, certificate] of [...path.entries()].reverse()) {
    try {
      const issuer = path[at + 1]
      if (issuer === undefined) processAnchor(certificate, inputs.now)
      else processCertificate(certificate, issuer, at === 0 ? 'last' : 'intermediate', state, inputs)
      if (at > 0) prepareForNext(certificate, issuer === undefined ? 'anchor' : 'intermediate', state)
    } catch (error) {
      if (error instanceof PkiError) return { valid: false, error, at }
      throw error
    }
  }
  return wrapUp(path, state, inputs.policies)
}

/** 6.1.2. `n`: certificates in the path, the anchor not counted. */
function initialize(n: number, policies: PolicySettings): State {
  const counter = (isSet: boolean | undefined): number => (isSet === true ? 0 : n + 1)
  return {
    constraints: [],
    graph: new PolicyGraph(),
    explicitPolicy: counter(policies.requireExplicitPolicy),
    inhibitAnyPolicy: counter(policies.inhibitAnyPolicy),
    policyMapping: counter(policies.inhibitPolicyMapping),
    maxPathLength: n,
  }
}

/**
 * RFC 5280 takes of the anchor only name and key. Here the certificate that says who it is must be valid and understood as well, since TLS
 * clients reject an expired one; and what it constrains counts (RFC 5937), but for its own policies.
 */
function processAnchor(anchor: Certificate, now: number): void {
  checkValidity(anchor, now)
  checkCriticalExtensions(anchor)
}

/** 6.1.3, and of 6.1.4 and 6.1.5 the check that they share. */
function processCertificate(
  certificate: Certificate,
  issuer: Certificate,
  place: 'intermediate' | 'last',
  state: State,
  { now, checkSignature }: ValidationInputs,
): void {
  const exempt = place === 'intermediate' && isSelfIssued(certificate)
  checkIssuerName(certificate, issuer) // (a) (4), first, since that somebody else's signature does not verify says less
  checkSignature(certificate, issuer) // (a) (1)
  checkValidity(certificate, now) // (a) (2)
  if (!exempt) checkNameConstraints(certificate, state.constraints) // (b), (c)
  const anyPolicy = state.inhibitAnyPolicy > 0 || exempt ? 'allowed' : 'inhibited'
  state.graph.descend(certificate.certificatePolicies, anyPolicy) // (d), (e)
  if (state.explicitPolicy === 0 && state.graph.isNull) throw noPolicy(certificate) // (f)
  checkCriticalExtensions(certificate) // 6.1.4 (o), 6.1.5 (f)
}

/** 6.1.4. */
function prepareForNext(certificate: Certificate, place: 'anchor' | 'intermediate', state: State): void {
  if (place === 'intermediate') {
    mapPolicies(certificate, state) // (a), (b)
  }
  if (certificate.nameConstraints !== undefined) state.constraints.push(certificate.nameConstraints) // (g)
  const counts = place === 'intermediate' && !isSelfIssued(certificate)
  if (counts) {
    state.explicitPolicy = Math.max(0, state.explicitPolicy - 1) // (h)
    state.policyMapping = Math.max(0, state.policyMapping - 1)
    state.inhibitAnyPolicy = Math.max(0, state.inhibitAnyPolicy - 1)
  }
  const { policyConstraints, inhibitAnyPolicy, pathLength } = certificate
  state.explicitPolicy = atMost(state.explicitPolicy, policyConstraints?.requireExplicitPolicy) // (i)
  state.policyMapping = atMost(state.policyMapping, policyConstraints?.inhibitPolicyMapping)
  state.inhibitAnyPolicy = atMost(state.inhibitAnyPolicy, inhibitAnyPolicy) // (j)
  checkIsCa(certificate, place) // (k)
  if (counts) {
    if (state.maxPathLength === 0) throw tooLong(certificate) // (l)
    state.maxPathLength--
  }
  state.maxPathLength = atMost(state.maxPathLength, pathLength) // (m)
  checkMaySignCertificates(certificate) // (n)
}

/** 6.1.4 (a), (b). */
function mapPolicies(certificate: Certificate, { graph, policyMapping }: State): void {
  const { policyMappings: mappings } = certificate
  if (mappings.length === 0) return
  const bad = mappings.some((pair) => pair.issuerDomain === ANY_POLICY || pair.subjectDomain === ANY_POLICY)
  if (bad) {
    throw new PkiError(
      'path',
      'bad_policy_mapping',
      `${describe(certificate)}: expected mappings between policies, got one of anyPolicy`,
    )
  }
  if (policyMapping > 0) graph.map(mappings)
  else graph.forbid(mappings)
}

/** 6.1.5. */
function wrapUp(path: readonly Certificate[], state: State, settings: PolicySettings): ValidationResult {
  const [leaf] = path
  let explicitPolicy = Math.max(0, state.explicitPolicy - 1) // (a)
  if (leaf?.policyConstraints?.requireExplicitPolicy === 0) explicitPolicy = 0 // (b)
  const policies = state.graph.accepted(settings.initialPolicies ?? NO_PREFERENCE) // (g)
  if (explicitPolicy > 0 || policies.size > 0 || leaf === undefined) return { valid: true, policies }
  return { valid: false, error: noPolicy(leaf), at: 0 }
}

function atMost(value: number, limit: number | undefined): number {
  return limit === undefined ? value : Math.min(value, limit)
}

function checkIssuerName(certificate: Certificate, parent: Certificate): void {
  if (namesMatch(certificate.issuer, parent.subject)) return
  throw new PkiError(
    'path',
    'issuer_mismatch',
    `${describe(certificate)}: expected issuer ${parent.subject.text}, got ${certificate.issuer.text}`,
  )
}

function checkValidity(certificate: Certificate, now: number): void {
  const { notBefore, notAfter } = certificate
  if (now < notBefore) {
    throw new PkiError(
      'path',
      'certificate_not_yet_valid',
      `${describe(certificate)}: expected notBefore before ${toTimestamp(now)}, got ${toTimestamp(notBefore)}`,
    )
  }
  if (now > notAfter) {
    throw new PkiError(
      'path',
      'certificate_expired',
      `${describe(certificate)}: expected notAfter after ${toTimestamp(now)}, got ${toTimestamp(notAfter)}`,
    )
  }
}

function checkCriticalExtensions(certificate: Certificate): void {
  const { unknownCritical } = certificate
  if (unknownCritical.length === 0) return
  throw new PkiError(
    'path',
    'unknown_critical_extension',
    `${describe(certificate)}: expected only critical extensions that are understood, got ${unknownCritical.join(', ')}`,
  )
}

/** A version 1 certificate cannot say that it is a CA's; for the anchor the configuration says so. */
function checkIsCa(certificate: Certificate, place: 'anchor' | 'intermediate'): void {
  if (certificate.isCa || (place === 'anchor' && certificate.version === 1)) return
  throw new PkiError(
    'path',
    'not_a_ca',
    `${describe(certificate)}: expected basicConstraints with cA, got none`,
  )
}

function checkMaySignCertificates(certificate: Certificate): void {
  if (certificate.keyUsage?.has('keyCertSign') ?? true) return
  throw new PkiError(
    'path',
    'cert_sign_missing',
    `${describe(certificate)}: expected key usage keyCertSign, got ${[...(certificate.keyUsage ?? [])].join(', ')}`,
  )
}

function tooLong(certificate: Certificate): PkiError {
  return new PkiError(
    'path',
    'path_too_long',
    `${describe(certificate)}: expected no further CA here, since the pathLenConstraint of one above is reached`,
  )
}

function noPolicy(certificate: Certificate): PkiError {
  return new PkiError(
    'path',
    'policy_missing',
    `${describe(certificate)}: expected a policy that holds for the whole path, as is required explicitly, got none`,
  )
}

/** RFC 5280 3.2: subject and issuer are the same entity; it may have another key. */
export function isSelfIssued({ issuer, subject }: Certificate): boolean {
  return namesMatch(issuer, subject)
}

/** For messages. */
export function describe({ subject, serial }: Certificate): string {
  return `certificate ${subject.text === '' ? `with serial ${serial}` : subject.text}`
}
