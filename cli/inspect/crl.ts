import type { Certificate } from '../../pki/certificate.ts'
import { authenticateCrl, checkCrlTimes, verifyCrl, type Crl } from '../../pki/crl.ts'
import { failureOf, type PkiError } from '../../pki/error.ts'
import { verifySignature } from '../../pki/signature.ts'
import { crlTree, lookUpTree } from './crlTree.ts'
import { furthest, judgeUnverified, verdictOf, type Inspection, type Judgement } from './document.ts'
import { crlLints } from './lints.ts'
import type { Question } from './question.ts'
import { issuerFailure, issuersNamed, trustIn, type Trust } from './trust.ts'

/** Looks at one CRL, and looks the serial number up in it that was asked for. */
export function inspectCrl(crl: Crl, question: Question): Inspection {
  const { serial, lint } = question
  const { judgement, issuer } = judgeCrl(crl, question)
  return {
    kind: 'crl',
    ...judgement,
    facts: { ...crlTree(crl), lookup: serial === undefined ? undefined : lookUpTree(crl, serial) },
    lints: lint ? crlLints(crl, issuer) : [],
  }
}

interface Judged {
  readonly judgement: Judgement
  /** Of that name, and of several the one with which the list came furthest; undefined: none was given. */
  readonly issuer?: Certificate
}

function judgeCrl(crl: Crl, { issuers, now }: Question): Judged {
  const checkTimes = (): void => checkCrlTimes(crl, now)
  if (issuers.length === 0) return { judgement: judgeUnverified([checkTimes]) }
  const trust = trustIn(issuers)
  const named = issuersNamed(crl.issuer, trust)
  const time = failureOf(checkTimes) ?? []
  // With none of that name the first says whose CRL was expected.
  const candidates = named.length === 0 ? trust.declared.slice(0, 1) : named
  const best = furthest(
    candidates.map((issuer) => ({
      issuer,
      failures: verificationFailures(crl, issuer, trust, now).concat(time),
    })),
  )
  const judgement = verdictOf(best?.failures ?? [])
  return best === undefined || named.length === 0 ? { judgement } : { judgement, issuer: best.issuer }
}

function verificationFailures(crl: Crl, issuer: Certificate, trust: Trust, now: number): PkiError[] {
  // An indirect list is one to look at like any other, as long as it says of itself that it is.
  const verify = crl.issuingDistributionPoint?.indirect === true ? authenticateCrl : verifyCrl
  const failure = failureOf(() => verify(crl, issuer))
  const failures = [failure ?? [], issuerFailure(issuer, trust, now) ?? []].flat()
  // The right name but a key identifier of another key: whether that is a wrong key or a wrong identifier, the signature says.
  if (failure?.phase === 'path' && failure.code !== 'issuer_mismatch')
    failures.push(...[failureOf(() => verifySignature(crl, issuer, 'CRL')) ?? []].flat())
  return failures
}
