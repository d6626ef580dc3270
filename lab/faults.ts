// Every fault that the lab can switch on: one row each.
import type { Remediation } from './controlPlane.ts'
import type { Deployment } from './deployment.ts'
import type { DistributionPoint } from './distributionPoint.ts'
import { ADMINISTRATORS } from './ejbcaEvents.ts'
import type { OcspResponder } from './ocspResponder.ts'

/** What of a CA can be broken. */
export interface AuthorityParts {
  readonly id: string
  readonly distributionPoint: DistributionPoint
  readonly responder: OcspResponder
  /** Number of the CRL issued last. */
  readonly crlNumber: () => bigint
}

/** What a fault may touch beside its target. */
export interface FaultTools {
  /** The administrator opens the admin web first, and is the one who then acts. */
  login(who: string): string
  /** Another service than this one. */
  otherService(than: Deployment): Deployment
  partsOf(authorityId: string): AuthorityParts
  /** Milliseconds of life left in a certificate near expiry. */
  readonly nearExpiry: number
}

/** How a fault ends: by a remediation, which the control plane can be asked for, or by a repair of its own. */
type Cure<Target> =
  | { readonly curedBy: Remediation }
  | { readonly curedBy?: undefined; readonly undo: (target: Target) => Promise<void> }

interface FaultOf<Kind, Target> {
  readonly id: string
  readonly title: string
  readonly target: Kind
  readonly apply: (target: Target, tools: FaultTools) => Promise<void>
}

export type Fault =
  (FaultOf<'ca', AuthorityParts> & Cure<AuthorityParts>) | (FaultOf<'service', Deployment> & Cure<Deployment>)

export const FAULTS: readonly Fault[] = [
  {
    id: 'crl-stale',
    title: 'The CA stops issuing CRLs and an old one is served',
    target: 'ca',
    curedBy: 'reissue_crl',
    apply: (ca) => ca.distributionPoint.stop(),
  },
  {
    id: 'ocsp-down',
    title: 'The OCSP responder does not listen',
    target: 'ca',
    apply: (ca) => ca.responder.stop(),
    undo: (ca) => ca.responder.start(),
  },
  {
    id: 'cert-near-expiry',
    title: 'The service has a certificate with little life left',
    target: 'service',
    curedBy: 'rotate_certificate',
    apply: (service, tools) =>
      service.deployNearExpiry(tools.nearExpiry, tools.login(ADMINISTRATORS.registrationOfficer)),
  },
  {
    id: 'wrong-certificate',
    title: 'The service serves the certificate of another service',
    target: 'service',
    curedBy: 'rotate_certificate',
    apply: (service, tools) => {
      service.deployForeign(tools.otherService(service))
      return Promise.resolve()
    },
  },
  {
    id: 'revoked-served',
    title: 'The certificate of the service is revoked and still served',
    target: 'service',
    curedBy: 'rotate_certificate',
    apply: async (service, tools) => {
      const who = tools.login(ADMINISTRATORS.securityOfficer)
      service.revokeOwn(who)
      await tools.partsOf(service.authority.id).distributionPoint.refresh(who)
    },
  },
]
