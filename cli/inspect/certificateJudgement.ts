import { toTimestamp } from '../../model/time.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { namesMatch, sameOctets } from '../../pki/name.ts'
import type { PathResult } from '../../pki/path.ts'
import { checkPathRevocation, type CertificateRevocation } from '../../pki/revocation.ts'
import { verifySignature } from '../../pki/signature.ts'
import { failuresOf, unverified, verdictOf, type Judgement } from './document.ts'
import type { Question } from './question.ts'
import { findPath, trustIn, type Trust } from './trust.ts'

export interface JudgedCertificate {
  readonly judgement: Judgement
  /** undefined: no issuer was given. */
  readonly path?: PathResult
  /** Of each certificate of the path but the anchor, leaf first; undefined: nobody asked, or there is no path. */
  readonly revocation?: readonly CertificateRevocation[]
}

/** Is there a path from the leaf to a declared certificate, does it hold, and, where CRLs were given, is nothing in it revoked? */
export function judgeCertificate(
  leaf: Certificate,
  sent: readonly Certificate[],
  question: Question,
): JudgedCertificate {
  const { issuers, now } = question
  const ownChecks = [(): void => checkOwnSignature(leaf), (): void => checkValidity(leaf, now)]
  const failures = failuresOf(ownChecks)
  if (issuers.length === 0) return { judgement: unverified(failures) }
  const path = pathOf(leaf, sent, trustIn(issuers), now)
  if (!path.valid) return { judgement: verdictOf([path.error, ...failures]), path }
  if (question.crls.length === 0) return { judgement: verdictOf(failures), path }
  const revocation = checkPathRevocation({
    path: path.path,
    crls: question.crls,
    intermediates: [...issuers, ...sent],
    now,
  })
  return { judgement: verdictOf([...failures, ...revocationFailures(revocation)]), path, revocation }
}

/** What is revoked comes before what nobody knows. */
function revocationFailures(revocation: readonly CertificateRevocation[]): PkiError[] {
  const failures = (wanted: 'revoked' | 'undetermined'): PkiError[] =>
    revocation.flatMap(({ status }) => (status.status === wanted ? [status.error] : []))
  return [...failures('revoked'), ...failures('undetermined')]
}

/** Of a certificate that says that its own key signed it: a trust anchor is not verified by anybody else. */
function checkOwnSignature(certificate: Certificate): void {
  const { subject, issuer, subjectKeyId, authorityKeyId } = certificate
  if (subjectKeyId !== undefined && subjectKeyId === authorityKeyId && namesMatch(subject, issuer))
    verifySignature(certificate, certificate, `self-signed certificate ${subject.text}`)
}

/** The dates of the leaf are not part of it: that it is too late for it is a failure of its own, and must not hide another one. */
function pathOf(leaf: Certificate, sent: readonly Certificate[], trust: Trust, now: number): PathResult {
  const restored = (path: readonly Certificate[]): readonly Certificate[] =>
    path.map((certificate) => (sameOctets(certificate.der, leaf.der) ? leaf : certificate))
  const result = findPath(everValid(leaf, now), sent, trust, now)
  return {
    ...result,
    path: restored(result.path),
    rejected: result.rejected.map(({ path, error }) => ({ path: restored(path), error })),
  }
}

/** The same certificate, valid at `now`. */
function everValid(certificate: Certificate, now: number): Certificate {
  return new Proxy(certificate, {
    get: (target, key): unknown =>
      key === 'notBefore' || key === 'notAfter' ? now : Reflect.get(target, key),
  })
}

function checkValidity({ notBefore, notAfter }: Certificate, now: number): void {
  if (now < notBefore) {
    const message = `expected notBefore before ${toTimestamp(now)}, got ${toTimestamp(notBefore)}`
    throw new PkiError('time', 'certificate_not_yet_valid', message)
  }
  if (now > notAfter) {
    const message = `expected notAfter after ${toTimestamp(now)}, got ${toTimestamp(notAfter)}`
    throw new PkiError('time', 'certificate_expired', message)
  }
}
