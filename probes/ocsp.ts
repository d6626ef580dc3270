import type { Facts } from '../model/facts.ts'
import type { Certificate } from '../pki/certificate.ts'
import { lintCertificate } from '../pki/lints/certificate.ts'
import { lintFacts } from '../pki/lints/facts.ts'
import type { LintResult } from '../pki/lints/lint.ts'
import { addressFacts, lookAtEveryAddress, type Look } from './addresses.ts'
import { authorityFacts, observe } from './observe.ts'
import { inquireOcsp, type OcspInquiry } from './ocspInquiry.ts'
import type { OcspTarget, Probe } from './probe.ts'

/** An answer from one address, and after how many milliseconds of the run it was there. */
interface OcspLook extends Look {
  readonly inquiry: OcspInquiry
  readonly took: number
}

/**
 * Asks an OCSP responder (RFC 6960), at every address of its host, about the known-good certificate of an authority, and verifies the answers.
 * The run takes as long as the names and the slowest good answer: that is the longest that a client waits, whichever address it gets.
 */
export const probeOcsp: Probe<OcspTarget> = (target, context) =>
  observe(target, context, async ({ deadline, stopClock }) => {
    const began = performance.now()
    let resolved: number | undefined
    const { hostname } = new URL(target.url)
    const found = await lookAtEveryAddress<OcspLook>(hostname, context, deadline, async (address, share) => {
      resolved ??= performance.now() - began
      const start = performance.now()
      const inquiry = await inquireOcsp({ ...target, address }, context, share)
      return { ...lookOf(inquiry), inquiry, took: resolved + performance.now() - start }
    })
    const good = found.looks.filter(({ error }) => error === undefined)
    if (good.length > 0) stopClock(Math.max(...good.map(({ took }) => took)))

    const shown = good[0] ?? found.looks.find(({ inquiry }) => inquiry.facts !== undefined) ?? found.looks[0]
    return {
      facts: {
        ...authorityFacts(target.issuer),
        addresses: addressFacts(found, shown?.version),
        ...answerFacts(target, shown?.inquiry),
      },
      error: shown === undefined ? found.error : shown.error,
      artifacts: shown?.inquiry.artifacts ?? [],
    }
  })

/** Answers are alike that say the same about the certificate; when they were made does not matter. */
export function lookOf({ error, facts }: OcspInquiry): Look {
  if (facts?.status === undefined) return { error, version: undefined }
  const { status, revokedAt = '', reason = '' } = facts
  return { error, version: [status, revokedAt, reason].join(' ') }
}

/** Of an answer about the certificate; none without one that verified. */
export function answerFacts(
  { issuer }: Pick<OcspTarget, 'issuer'>,
  inquiry: Pick<OcspInquiry, 'facts' | 'lints' | 'delegate'> | undefined,
): Pick<Facts, 'ocsp' | 'lint'> {
  if (inquiry?.facts === undefined) return {}
  const { facts, lints, delegate } = inquiry
  return { ocsp: facts, lint: lintFacts([...lints, ...lintsOf(delegate, issuer.certificate)]) }
}

/** Of delegates that stay the same from answer to answer (`Delegations`): the same octets always give the same outcomes. */
const LINTED = new WeakMap<Certificate, readonly LintResult[]>()

function lintsOf(delegate: Certificate | undefined, issuer: Certificate): readonly LintResult[] {
  if (delegate === undefined) return []
  const results = LINTED.get(delegate) ?? lintCertificate(delegate, { issuer })
  LINTED.set(delegate, results)
  return results
}
