import type { Certificate } from '../../pki/certificate.ts'
import { authenticateCrl, checkCrlTimes, verifyCrl, type Crl, type ReadCrl } from '../../pki/crl.ts'
import { failureOf, type PkiError } from '../../pki/error.ts'
import { verifySignature } from '../../pki/signature.ts'
import { crlTree, lookUpTree } from './crlTree.ts'
import { furthest, unverified, verdictOf, type Inspection } from './document.ts'
import { crlLints } from './lints.ts'
import type { Question } from './question.ts'
import { issuerFailure, issuersNamed, trustIn, type Trust } from './trust.ts'

/** Looks at one CRL, and looks the serial number up in it that was asked for. */
export function inspectCrl(crl: ReadCrl, question: Question): Inspection {
  const { serial, lint, issuers } = question
  const { failures, issuer } = judgeCrl(crl, question)
  const judgement = issuers.length === 0 ? unverified(failures) : verdictOf(failures)
  return {
    kind: 'crl',
    ...judgement,
    facts: {
      ...crlTree(crl),
      lookup: serial !== undefined && hasEntries(crl) ? lookUpTree(crl, serial) : undefined,
    },
    lints: lint ? crlLints(crl, issuer) : [],
  }
}

/** One that only passed by has none to look up. */
function hasEntries(crl: ReadCrl): crl is Crl {
  return 'find' in crl
}

export interface JudgedCrl {
  readonly failures: readonly PkiError[]
  /** Of that name, and of several the one with which the list came furthest; undefined: none was given. */
  readonly issuer?: Certificate
}

/** Without an issuer only what needs none. */
export function judgeCrl(crl: ReadCrl, { issuers, now }: Question): JudgedCrl {
  const time = [failureOf(() => checkCrlTimes(crl, now)) ?? []].flat()
  const trust = trustIn(issuers)
  const named = issuersNamed(crl.issuer, trust)
  // With none of that name the first says whose CRL was expected.
  const candidates = named.length === 0 ? trust.declared.slice(0, 1) : named
  const best = furthest(
    candidates.map((issuer) => ({
      issuer,
      failures: verificationFailures(crl, issuer, trust, now).concat(time),
    })),
  )
  if (best === undefined) return { failures: time }
  return named.length === 0 ? { failures: best.failures } : best
}

function verificationFailures(crl: ReadCrl, issuer: Certificate, trust: Trust, now: number): PkiError[] {
  // An indirect list is one to look at like any other, as long as it says of itself that it is.
  const verify = crl.issuingDistributionPoint?.indirect === true ? authenticateCrl : verifyCrl
  const failure = failureOf(() => verify(crl, issuer))
  const failures = [failure ?? [], issuerFailure(issuer, trust, now) ?? []].flat()
  // The right name but a key identifier of another key: whether that is a wrong key or a wrong identifier, the signature says.
  if (failure?.phase === 'path' && failure.code !== 'issuer_mismatch')
    failures.push(...[failureOf(() => verifySignature(crl, issuer, 'CRL')) ?? []].flat())
  return failures
}
