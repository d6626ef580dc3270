// What can be wrong with a service and the certificate that is deployed on it.
import { ADMINISTRATORS } from '../ejbcaEvents.ts'
import { serviceFault, type ServiceFault } from './fault.ts'

export const TLS_FAULTS: readonly ServiceFault[] = [
  {
    id: 'cert-near-expiry',
    title: 'The service has a certificate with little life left',
    group: 'tls',
    target: 'service',
    curedBy: 'rotate_certificate',
    apply: (service, tools) =>
      service.deployNearExpiry(tools.nearExpiry, tools.login(ADMINISTRATORS.registrationOfficer)),
  },
  {
    id: 'wrong-certificate',
    title: 'The service serves the certificate of another service',
    group: 'tls',
    target: 'service',
    curedBy: 'rotate_certificate',
    apply: (service, tools) => service.deployForeign(tools.otherService(service)),
  },
  {
    id: 'revoked-served',
    title: 'The certificate of the service is revoked and still served',
    group: 'tls',
    target: 'service',
    curedBy: 'rotate_certificate',
    apply: async (service, tools) => {
      const who = tools.login(ADMINISTRATORS.securityOfficer)
      service.revokeOwn(who)
      await tools.partsOf(service.authority.id).distributionPoint.refresh(who)
    },
  },
  serviceFault(
    { id: 'chain-incomplete', title: 'The service sends its certificate without that of the issuing CA' },
    () => (presentation) => ({ ...presentation, chain: [] }),
  ),
]
