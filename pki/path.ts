import { toTimestamp } from '../model/time.ts'
import type { Certificate } from './certificate.ts'
import type { NameConstraints } from './certificateExtensions.ts'
import { PkiError } from './error.ts'
import { namesMatch, sameOctets } from './name.ts'
import { checkNameConstraints } from './nameConstraints.ts'
import { verifySignature } from './signature.ts'

export interface PathQuestion {
  readonly leaf: Certificate
  /** What the peer sent beside the leaf, in any order; intermediates below the declared issuer are taken from here. */
  readonly sent: readonly Certificate[]
  /** The declared issuer that the path must lead to. */
  readonly issuer: Certificate
  /** From the declared issuer's own issuer up to the trust anchor; empty when the issuer is the anchor. */
  readonly ancestors: readonly Certificate[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The path starts with the leaf and ends with the anchor; when invalid, as far as it was found. */
export type PathResult =
  | { readonly valid: true; readonly path: readonly Certificate[] }
  | { readonly valid: false; readonly path: readonly Certificate[]; readonly error: PkiError }

/** Certificates that a peer sent and that are looked at. Real servers send up to 5. */
const MAX_SENT = 32
/** Certificates between the leaf and the declared issuer. */
const MAX_INTERMEDIATES = 6
/** Signatures checked while looking for paths: bounds what a peer can make us compute with certificates of equal names. */
const MAX_LINKS = 64

/**
 * Finds a path from the leaf over what was sent to the declared issuer and on to its anchor, and validates it (RFC 5280 6.1).
 * Never throws for what the certificates say; when no path is valid, the error is that of the one that came furthest.
 */
export function buildPath(question: PathQuestion): PathResult {
  const { leaf, issuer, ancestors, now } = question
  const declared = [issuer, ...ancestors]
  const sent = question.sent
    .filter((certificate) => !declared.some((other) => sameOctets(other.der, certificate.der)))
    .slice(0, MAX_SENT)
  let links = 0
  let best: { rank: number; path: readonly Certificate[]; error: PkiError } | undefined
  const failed = (rank: number, path: readonly Certificate[], error: PkiError): void => {
    if (best === undefined || rank > best.rank) best = { rank, path, error }
  }

  const extend = (path: readonly Certificate[], last: Certificate): readonly Certificate[] | undefined => {
    if (namesMatch(last.issuer, issuer.subject)) {
      const complete = [...path, ...declared]
      const error = failureOf(() => validatePath(complete, now))
      if (error === undefined) return complete
      failed(error.phase === 'signature' ? RANK.completeUnsigned : RANK.complete, complete, error)
    }
    if (path.length > MAX_INTERMEDIATES) {
      const message = `expected at most ${MAX_INTERMEDIATES} certificates between leaf and issuer`
      failed(RANK.partial, path, new PkiError('path', 'path_too_long', message))
      return undefined
    }
    for (const next of sent) {
      if (path.some(({ der }) => sameOctets(der, next.der)) || !namesMatch(last.issuer, next.subject))
        continue
      if (++links > MAX_LINKS) break
      const error = failureOf(() => verifySignature(last, next, describe(last)))
      if (error !== undefined) {
        failed(RANK.partial, [...path, next], error)
        continue
      }
      const found = extend([...path, next], next)
      if (found !== undefined) return found
    }
    failed(RANK.notFound, path, issuerNotFound(last, issuer))
    return undefined
  }

  const path = extend([leaf], leaf)
  if (path !== undefined) return { valid: true, path }
  return {
    valid: false,
    path: best?.path ?? [leaf],
    error: best?.error ?? issuerNotFound(leaf, issuer),
  }
}

/** Which failure says most, lowest first. */
const RANK = { notFound: 0, partial: 1, completeUnsigned: 2, complete: 3 } as const

function issuerNotFound(certificate: Certificate, issuer: Certificate): PkiError {
  return new PkiError(
    'path',
    'issuer_not_found',
    `${describe(certificate)}: expected a path to ${issuer.subject.text}, got no certificate of its issuer ${certificate.issuer.text}`,
  )
}

function failureOf(check: () => void): PkiError | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof PkiError) return error
    throw error
  }
}

/** RFC 5280 6.1.3 to 6.1.5, from the anchor down to the leaf. Policies are not asked for; revocation (6.1.3 (a) (3)) is what probes watch. */
function validatePath(path: readonly Certificate[], now: number): void {
  const constraints: NameConstraints[] = []
  for (const [i, certificate] of [...path.entries()].reverse()) {
    const parent = path[i + 1]
    if (parent !== undefined) {
      checkIssuerName(certificate, parent) // 6.1.3 (a) (4)
      verifySignature(certificate, parent, describe(certificate)) // 6.1.3 (a) (1)
    }
    checkValidity(certificate, now) // 6.1.3 (a) (2); of the anchor too, since TLS clients reject an expired one
    if (i === 0 || !isSelfIssued(certificate)) checkNameConstraints(certificate, constraints) // 6.1.3 (b), (c)
    checkCriticalExtensions(certificate) // 6.1.4 (o), 6.1.5 (f)
    if (i === 0) continue
    checkIsCa(certificate, parent === undefined) // 6.1.4 (k)
    checkPathLength(certificate, path.slice(1, i)) // 6.1.4 (l), (m)
    checkMaySignCertificates(certificate) // 6.1.4 (n)
    if (certificate.nameConstraints !== undefined) constraints.push(certificate.nameConstraints) // 6.1.4 (g)
  }
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
  const { unknownCritical, policyConstraints } = certificate
  if (unknownCritical.length > 0) {
    throw new PkiError(
      'path',
      'unknown_critical_extension',
      `${describe(certificate)}: expected only critical extensions that are understood, got ${unknownCritical.join(', ')}`,
    )
  }
  if (policyConstraints?.requireExplicitPolicy !== undefined) {
    throw new PkiError(
      'path',
      'unsupported',
      `${describe(certificate)}: expected no policyConstraints, got requireExplicitPolicy`,
    )
  }
}

/** A version 1 certificate cannot say that it is a CA's; for the anchor the configuration says so. */
function checkIsCa(certificate: Certificate, isAnchor: boolean): void {
  if (certificate.isCa || (isAnchor && certificate.version === 1)) return
  throw new PkiError(
    'path',
    'not_a_ca',
    `${describe(certificate)}: expected basicConstraints with cA, got none`,
  )
}

/** `below`: the certificates between this one and the leaf. Self-issued ones do not count. */
function checkPathLength(certificate: Certificate, below: readonly Certificate[]): void {
  const length = below.filter((other) => !isSelfIssued(other)).length
  if (certificate.pathLength === undefined || length <= certificate.pathLength) return
  throw new PkiError(
    'path',
    'path_too_long',
    `${describe(certificate)}: expected at most ${certificate.pathLength} CAs below (pathLenConstraint), got ${length}`,
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

function isSelfIssued({ issuer, subject }: Certificate): boolean {
  return namesMatch(issuer, subject)
}

function describe({ subject, serial }: Certificate): string {
  return `certificate ${subject.text === '' ? `with serial ${serial}` : subject.text}`
}
