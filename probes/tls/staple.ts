import type { Facts, FactsOf } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { checkOcspTimes, ocspFacts, parseOcspResponse, verifyOcspResponse } from '../../pki/ocsp.ts'
import type { Delegations } from '../../pki/ocspSigner.ts'

export interface StapleQuestion {
  /** DER; undefined: none was sent. */
  readonly staple: Uint8Array | undefined
  readonly leaf: Certificate
  /** Who signed the leaf; undefined: the path did not verify, so that nobody can be asked whether the answer is his. */
  readonly signer: Certificate | undefined
  readonly delegations: Delegations
  /** Milliseconds since the epoch. */
  readonly now: number
  /** What earlier runs established. */
  readonly before: Facts['staple']
}

/** The stapled answer (RFC 6066 section 8), judged as one that somebody fetched: clients refuse a wrong one more often than a missing one. */
export function stapleFacts(question: StapleQuestion): FactsOf<'staple'> {
  const { staple, before } = question
  const present = staple !== undefined
  const presence = { present, presentBefore: present || before?.presentBefore === true }
  return present ? { ...presence, ...judged(staple, question) } : presence
}

function judged(staple: Uint8Array, { leaf, signer, delegations, now }: StapleQuestion): FactsOf<'staple'> {
  if (signer === undefined) return {}
  let facts: FactsOf<'staple'> = {}
  try {
    const response = parseOcspResponse(staple)
    const verified = verifyOcspResponse(response, { issuer: signer, now, delegations })
    const single = verified.answers.find(({ certId }) => certId.serial === leaf.serial)
    if (single === undefined) {
      const got = verified.answers.map(({ certId }) => certId.serial).slice(0, 3)
      const message = `expected a stapled answer about serial ${leaf.serial}, got ${got.join(', ')}`
      throw new PkiError('consistency', 'cert_id_mismatch', message)
    }
    const about = { ...verified, answers: [single], single }
    const { thisUpdate, nextUpdate } = ocspFacts(about, { timely: false })
    facts = {
      ...(thisUpdate === undefined ? {} : { thisUpdate }),
      ...(nextUpdate === undefined ? {} : { nextUpdate }),
    }
    checkOcspTimes(about, now)
    const { certStatus } = single
    if (certStatus.status !== 'revoked') return { ...facts, valid: true, status: certStatus.status }
    const { status, revokedAt, reason } = certStatus
    return {
      ...facts,
      valid: true,
      status,
      revokedAt: toTimestamp(revokedAt),
      ...(reason === undefined ? {} : { reason }),
    }
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    // What vigil cannot verify is neither valid nor wrong.
    return { ...facts, error: error.code, ...(error.code === 'unsupported' ? {} : { valid: false }) }
  }
}
