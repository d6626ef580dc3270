import { toTimestamp } from '../../model/time.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { PkiError, failureOf } from '../../pki/error.ts'
import { namesMatch, sameOctets } from '../../pki/name.ts'
import type { PathResult } from '../../pki/path.ts'
import { verifySignature } from '../../pki/signature.ts'
import { certificateTree } from './certificateTree.ts'
import {
  errorOf,
  judgeUnverified,
  verdictOf,
  type FactTree,
  type Inspection,
  type Judgement,
} from './document.ts'
import { present } from './pieces.ts'
import type { Question } from './question.ts'
import { findPath, trustIn, type Trust } from './trust.ts'

/** Looks at one certificate. */
export function inspectCertificate(certificate: Certificate, question: Question): Inspection {
  const { judgement, path } = judgeCertificate(certificate, [], question)
  return {
    kind: 'cert',
    ...judgement,
    facts: { ...certificateTree(certificate), ...pathFacts(path) },
    lints: [],
  }
}

/** Looks at what a server sends: the leaf, and beside it certificates in any order, of which none is trusted. */
export function inspectChain(
  leaf: Certificate,
  sent: readonly Certificate[],
  question: Question,
): Inspection {
  const { judgement, path } = judgeCertificate(leaf, sent, question)
  return {
    kind: 'chain',
    ...judgement,
    facts: { certificates: [leaf, ...sent].map(certificateTree), ...pathFacts(path) },
    lints: [],
  }
}

interface Judged {
  readonly judgement: Judgement
  /** undefined: no issuer was given. */
  readonly path?: PathResult
}

function judgeCertificate(
  leaf: Certificate,
  sent: readonly Certificate[],
  { issuers, now }: Question,
): Judged {
  const ownChecks = [(): void => checkOwnSignature(leaf), (): void => checkValidity(leaf, now)]
  if (issuers.length === 0) return { judgement: judgeUnverified(ownChecks) }
  const path = pathOf(leaf, sent, trustIn(issuers), now)
  const failures = ownChecks.flatMap((check) => failureOf(check) ?? [])
  return { judgement: verdictOf(path.valid ? failures : [path.error, ...failures]), path }
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

function pathFacts(result: PathResult | undefined): FactTree {
  if (result === undefined) return {}
  return {
    path: result.valid ? result.path.map(pathStep) : undefined,
    validPolicies: result.valid ? [...result.policies] : undefined,
    rejected: present(
      result.rejected.map(({ path, error }) => ({ path: path.map(pathStep), error: errorOf(error) })),
    ),
  }
}

function pathStep({ subject, serial, sha256 }: Certificate): FactTree {
  return { subject: subject.text, serial, sha256 }
}
