import type { FactsOf } from '../model/facts.ts'
import { fromTimestamp, toTimestamp } from '../model/time.ts'
import { authorityFacts, observe } from './observe.ts'
import type { IssuanceTarget, Probe, ProbeContext } from './probe.ts'

/**
 * Whether the certificate that a service serves was issued as the log of its authority says: one that only the authority's key could make, and its software never
 * did, was made by somebody else. Asks nobody, as `probeReconciliation`.
 */
export const probeIssuance: Probe<IssuanceTarget> = (target, context) =>
  observe(target, context, () => {
    const issuance = issuanceFacts(target, context)
    const facts = { ...authorityFacts(target.issuer), ...(issuance === undefined ? {} : { issuance }) }
    return Promise.resolve({ facts, error: undefined, artifacts: [] })
  })

/** undefined: one side is not known yet. */
function issuanceFacts(
  { issuer, service }: IssuanceTarget,
  { memory, ledger }: ProbeContext,
): FactsOf<'issuance'> | undefined {
  const log = ledger.of(issuer.id)
  const { certificate, tls } = memory.of({ ...service, probe: 'tls' }) ?? {}
  const { serial, sha256, notBefore } = certificate ?? {}
  if (log === undefined || serial === undefined || sha256 === undefined || notBefore === undefined)
    return undefined
  const about = { serial, sha256, notBefore, logFrom: toTimestamp(log.from) }
  // That the authority itself signed it, a valid path says.
  if (tls?.pathValid !== true || tls.issuedDirectly !== true) return { ...about, status: 'not_judged' }
  const row = log.certificates.find(serial)
  if (row !== undefined) {
    const status = log.certificates.mayBe(row, sha256) ? 'logged' : 'other_logged'
    return { ...about, status, record: log.recordOf(row) }
  }
  const isKnowable = fromTimestamp(notBefore) > log.toldFrom('issued')
  return { ...about, status: isKnowable ? 'not_logged' : 'not_judged' }
}
