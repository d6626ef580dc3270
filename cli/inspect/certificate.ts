import { toTimestamp } from '../../model/time.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { sameOctets } from '../../pki/name.ts'
import type { CertificateRevocation } from '../../pki/revocation.ts'
import { judgeCertificate, type JudgedCertificate } from './certificateJudgement.ts'
import { certificateTree } from './certificateTree.ts'
import { errorOf, type FactTree, type Inspection, type LintFinding } from './document.ts'
import { certificateLints } from './lints.ts'
import { present } from './pieces.ts'
import type { Question } from './question.ts'

/** Looks at one certificate. */
export function inspectCertificate(certificate: Certificate, question: Question): Inspection {
  const judged = judgeCertificate(certificate, [], question)
  return {
    kind: 'cert',
    ...judged.judgement,
    facts: { ...certificateTree(certificate), ...pathFacts(judged) },
    lints: question.lint ? certificateLints(certificate, issuerIn(judged, certificate)) : [],
  }
}

/** Looks at what a server sends: the leaf, and beside it certificates in any order, of which none is trusted. */
export function inspectChain(
  leaf: Certificate,
  sent: readonly Certificate[],
  question: Question,
): Inspection {
  const judged = judgeCertificate(leaf, sent, question)
  const certificates = [leaf, ...sent]
  return {
    kind: 'chain',
    ...judged.judgement,
    facts: { certificates: certificates.map(certificateTree), ...pathFacts(judged) },
    lints: question.lint ? certificates.flatMap((certificate) => chainLints(certificate, judged)) : [],
  }
}

function chainLints(certificate: Certificate, judged: JudgedCertificate): LintFinding[] {
  const { subject, serial } = certificate
  const name = subject.text === '' ? `serial ${serial}` : subject.text
  return certificateLints(certificate, issuerIn(judged, certificate)).map((lint) => ({
    ...lint,
    message: `${name}: ${lint.message}`,
  }))
}

/** The next certificate of the path; some lints compare with it. */
function issuerIn({ path }: JudgedCertificate, certificate: Certificate): Certificate | undefined {
  const at = path?.path.findIndex(({ der }) => sameOctets(der, certificate.der)) ?? -1
  return at < 0 ? undefined : path?.path[at + 1]
}

function pathFacts({ path: result, revocation }: JudgedCertificate): FactTree {
  if (result === undefined) return {}
  return {
    path: result.valid ? result.path.map(pathStep) : undefined,
    validPolicies: result.valid ? [...result.policies] : undefined,
    revocation: revocation?.map(revocationFacts),
    rejected: present(
      result.rejected.map(({ path, error }) => ({ path: path.map(pathStep), error: errorOf(error) })),
    ),
  }
}

function pathStep({ subject, serial, sha256 }: Certificate): FactTree {
  return { subject: subject.text, serial, sha256 }
}

function revocationFacts({ certificate, status }: CertificateRevocation): FactTree {
  const { subject, serial } = certificate
  return {
    subject: subject.text,
    serial,
    status: status.status,
    revokedAt: status.status === 'revoked' ? toTimestamp(status.revokedAt) : undefined,
    reason: status.status === 'revoked' ? status.reason : undefined,
    error: status.status === 'undetermined' ? errorOf(status.error) : undefined,
  }
}
