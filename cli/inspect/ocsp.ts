import type { Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { checkOcspTimes, verifyOcspResponse } from '../../pki/ocsp.ts'
import type { OcspResponse } from '../../pki/ocspResponse.ts'
import { findSigner } from '../../pki/ocspSigner.ts'
import {
  failuresOf,
  furthest,
  unverified,
  malformed,
  verdictOf,
  type Check,
  type FactTree,
  type Inspection,
  type Judgement,
} from './document.ts'
import { ocspLints } from './lints.ts'
import { ocspTree } from './ocspTree.ts'
import type { Question } from './question.ts'
import { issuerFailure, trustIn } from './trust.ts'

/** Looks at one answer of a responder. */
export function inspectOcsp(response: OcspResponse, question: Question): Inspection {
  const { judgement, issuer, signer } = judgeOcsp(response, question)
  return {
    kind: 'ocsp',
    ...judgement,
    facts: ocspTree(response, signer),
    lints: question.lint ? ocspLints(response, issuer) : [],
  }
}

/** By the code of the error that reading such an answer throws. */
const STATUS_OF_CODE: Readonly<Record<string, string>> = {
  ocsp_malformed_request: 'malformedRequest',
  ocsp_internal_error: 'internalError',
  ocsp_try_later: 'tryLater',
  ocsp_sig_required: 'sigRequired',
  ocsp_unauthorized: 'unauthorized',
}

/** Bytes that are no OCSP answer, or one that only says why there is none: unsigned, so that no issuer could vouch for it. */
export function inspectOcspError(facts: FactTree, error: unknown): Inspection {
  const status = error instanceof PkiError ? STATUS_OF_CODE[error.code] : undefined
  return malformed('ocsp', status === undefined ? facts : { responseStatus: status, ...facts }, error)
}

interface Judged {
  readonly judgement: Judgement
  /** The one with which the answer came furthest; undefined: none was given. */
  readonly issuer?: Certificate | undefined
  /** undefined: nobody's signature verified. */
  readonly signer?: Certificate | undefined
}

function judgeOcsp(response: OcspResponse, { issuers, now }: Question): Judged {
  const unasked = { response, answers: response.responses, nonceEchoed: undefined }
  const checkTimes = (): void => checkOcspTimes(unasked, now)
  if (issuers.length === 0) return { judgement: unverified(failuresOf([checkTimes])) }
  const trust = trustIn(issuers)
  // Whose certificates it is about is the CA that has to answer for it; when that is none of them, all are tried.
  const named = issuers.filter((issuer) => response.responses.some(({ certId }) => certId.isIssuedBy(issuer)))
  const best = furthest(
    (named.length === 0 ? issuers : named).map((issuer) => {
      let signer: Certificate | undefined
      // Who signed comes first: whom a wrong signature is about says nothing.
      const checks: Check[] = [
        () => void (signer = findSigner(response, { issuer, now })),
        () => void verifyOcspResponse(response, { issuer, now }),
        checkTimes,
      ]
      const failures = failuresOf(checks)
      return { issuer, signer, failures: failures.concat(issuerFailure(issuer, trust, now) ?? []) }
    }),
  )
  return { judgement: verdictOf(best?.failures ?? []), issuer: best?.issuer, signer: best?.signer }
}
