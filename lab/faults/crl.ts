// What can be wrong with a CRL itself, and with when it is issued.
import { crlFault, type CaFault } from './fault.ts'

const HOUR_MS = 3_600_000

export const CRL_FAULTS: readonly CaFault[] = [
  {
    id: 'crl-stale',
    title: 'The CA stops issuing CRLs and an old one is served',
    group: 'crl',
    target: 'ca',
    curedBy: 'reissue_crl',
    apply: (ca) => ca.distributionPoint.stop(),
  },
  crlFault(
    { id: 'crl-expired', title: 'The CRL is past its nextUpdate, and is served on' },
    () => (request) => ({
      ...request,
      thisUpdate: request.thisUpdate - 48 * HOUR_MS,
      nextUpdate: request.thisUpdate - 1 * HOUR_MS,
    }),
  ),
]
