// What a fault is, what it may touch, and the ways in which most of them work.
import type { AuditLog } from '../auditLog.ts'
import type { CrlChange, IssuingAuthority } from '../authority.ts'
import type { CeremonyResult } from '../ceremony.ts'
import type { Remediation } from '../controlPlane.ts'
import type { DagsterLog } from '../dagsterLog.ts'
import type { Deployment, PresentationChange } from '../deployment.ts'
import type { DistributionPoint } from '../distributionPoint.ts'
import type { DogtagCa } from '../dogtagCa.ts'
import { ADMINISTRATORS } from '../ejbcaEvents.ts'
import type { OcspChange, OcspResponder } from '../ocspResponder.ts'
import type { Prober } from '../prober.ts'
import type { ReplyChange } from '../reply.ts'
import type { Repository } from '../repository.ts'

/** What of a CA can be broken. */
export interface AuthorityParts {
  readonly id: string
  readonly authority: IssuingAuthority
  readonly distributionPoint: DistributionPoint
  readonly responder: OcspResponder
  /** Certificate (DER) that nothing happens to. */
  readonly canary: Uint8Array
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
  /** Another issuing CA than this one. */
  otherAuthority(than: AuthorityParts): AuthorityParts
  readonly repository: Repository
  readonly certify: CeremonyResult['certify']
  readonly crossCertify: CeremonyResult['crossCertify']
  readonly prober: Prober
  /** What the CAs do is logged here. */
  readonly log: AuditLog
  /** What the control plane does is logged here. */
  readonly dagsterLog: DagsterLog
  /** Where every server of the lab listens. */
  readonly addresses: readonly string[]
  /** Of one node behind names that have several: the last address. */
  readonly oneAddress: string
  readonly now: () => number
  /** Milliseconds of life left in a certificate near expiry. */
  readonly nearExpiry: number
}

export type Undo = () => Promise<void> | void

/** What a fault is on: an issuing CA, a service, or the CA that Dogtag runs. */
export const FAULT_TARGETS = ['ca', 'service', 'dogtag'] as const

/** Faults are listed in these groups, in this order. */
export const FAULT_GROUPS = [
  'crl',
  'delivery',
  'ocsp',
  'tls',
  'authority',
  'log',
  'reconciliation',
  'control',
] as const
export type FaultGroup = (typeof FAULT_GROUPS)[number]

interface FaultOf<Kind extends (typeof FAULT_TARGETS)[number]> {
  readonly id: string
  readonly title: string
  readonly group: FaultGroup
  readonly target: Kind
}

/** How a fault begins, and ends: by a remediation, which the control plane can be asked for, or by what `apply` gives. */
type Course<Target> =
  | {
      readonly curedBy: Remediation
      readonly apply: (target: Target, tools: FaultTools) => Promise<void>
    }
  | {
      readonly curedBy?: undefined
      readonly apply: (target: Target, tools: FaultTools) => Promise<Undo>
    }

export type CaFault = FaultOf<'ca'> & Course<AuthorityParts>
export type ServiceFault = FaultOf<'service'> & Course<Deployment>
export type DogtagFault = FaultOf<'dogtag'> & Course<DogtagCa>
export type Fault = CaFault | ServiceFault | DogtagFault

/** What each fault is called. */
export interface Named {
  readonly id: string
  readonly title: string
}

/** Every CRL of the CA is made otherwise from now on, the first of them at once; ended by the first right one. */
export function crlFault(
  { id, title }: Named,
  changeOf: (ca: AuthorityParts, tools: FaultTools) => CrlChange,
): CaFault {
  return {
    id,
    title,
    group: 'crl',
    target: 'ca',
    apply: async (ca, tools) => {
      const undo = ca.authority.changeCrls(changeOf(ca, tools))
      await ca.distributionPoint.refresh(ADMINISTRATORS.scheduler)
      return async () => {
        undo()
        await ca.distributionPoint.refresh(ADMINISTRATORS.scheduler)
      }
    },
  }
}

/** The repository answers otherwise for the first CRL of the CA, at every name that it has. */
export function deliveryFault(
  { id, title }: Named,
  changeOf: (ca: AuthorityParts, tools: FaultTools) => ReplyChange | Promise<ReplyChange>,
): CaFault {
  return {
    id,
    title,
    group: 'delivery',
    target: 'ca',
    apply: async (ca, tools) => {
      const change = await changeOf(ca, tools)
      const [part] = ca.authority.parts
      return tools.repository.change(part.name, change)
    },
  }
}

/** The responder makes its answers otherwise. */
export function ocspFault(
  { id, title }: Named,
  changeOf: (ca: AuthorityParts, tools: FaultTools) => OcspChange | Promise<OcspChange>,
): CaFault {
  return {
    id,
    title,
    group: 'ocsp',
    target: 'ca',
    apply: async (ca, tools) => ca.responder.changeAnswers(await changeOf(ca, tools)),
  }
}

/** The responder's HTTP server answers otherwise. */
export function ocspReplyFault({ id, title }: Named, change: ReplyChange): CaFault {
  return {
    id,
    title,
    group: 'ocsp',
    target: 'ca',
    apply: (ca) => Promise.resolve(ca.responder.changeReplies(change)),
  }
}

/** The service presents something else. */
export function serviceFault(
  { id, title }: Named,
  changeOf: (service: Deployment, tools: FaultTools) => PresentationChange | Promise<PresentationChange>,
): ServiceFault {
  return {
    id,
    title,
    group: 'tls',
    target: 'service',
    apply: async (service, tools) => service.change(await changeOf(service, tools)),
  }
}
