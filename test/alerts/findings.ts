import type { Finding, FindingState } from '../../model/finding.ts'
import { toTimestamp } from '../../model/time.ts'

export function findingOf(state: FindingState, since: number, parts: Partial<Finding> = {}): Finding {
  return {
    rule: 'crl_freshness_ok',
    pack: 'internal-pki',
    subject: 'ca_crl[issuing-1]',
    state,
    severity: 'critical',
    since: toTimestamp(since),
    summary: `CRL is ${state}`,
    target: 'http://crl.test/issuing-1.crl',
    facts: {},
    parameters: {},
    evidence: [],
    ...parts,
  }
}
