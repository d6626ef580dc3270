// What can be wrong with whom a service lets in, and with the prober's own certificate.
import { onlyAt } from '../changes.ts'
import type { Deployment, PresentationChange } from '../deployment.ts'
import { LabError } from '../error.ts'
import type { Presentation } from '../tlsService.ts'
import type { FaultTools, Named, ServiceFault } from './fault.ts'

type Client = NonNullable<Presentation['client']>

/** The service judges its clients otherwise. */
function clientFault(
  { id, title }: Named,
  changeOf: (client: Client, tools: FaultTools) => Client,
  only: (tools: FaultTools, change: PresentationChange) => PresentationChange = (_tools, change) => change,
): ServiceFault {
  return {
    id,
    title,
    group: 'tls',
    target: 'service',
    apply: (service, tools) => {
      demandMutual(service)
      const change: PresentationChange = (presentation) =>
        presentation.client === undefined
          ? presentation
          : { ...presentation, client: changeOf(presentation.client, tools) }
      return service.change(only(tools, change))
    },
  }
}

function demandMutual({ id, mutual }: Deployment): void {
  if (!mutual) throw new LabError('unknown_target', `${id} asks nobody for a certificate`)
}

export const MUTUAL_FAULTS: readonly ServiceFault[] = [
  clientFault(
    {
      id: 'clients-unverified',
      title: 'One node of the service asks for client certificates and takes any, or none',
    },
    (client) => ({ ...client, policy: 'requested' }),
    ({ oneAddress }, change) => onlyAt(oneAddress, change),
  ),
  clientFault(
    { id: 'foreign-clients-trusted', title: "The service trusts another organisation's CA for its clients" },
    (client, { prober }) => ({ ...client, authorities: [...client.authorities, prober.foreignAuthority] }),
  ),
  clientFault(
    { id: 'expired-clients-accepted', title: 'The service overlooks that client certificates have expired' },
    (client) => ({ ...client, overlooks: ['CERT_HAS_EXPIRED'] }),
  ),
  clientFault(
    {
      id: 'revoked-clients-accepted',
      title: 'The service asks nobody whether client certificates are revoked',
    },
    ({ authorities, policy }) => ({ authorities, policy }),
  ),
  {
    id: 'prober-near-expiry',
    title: "The prober's own client certificate has little life left",
    group: 'tls',
    target: 'service',
    apply: async (service, { prober, nearExpiry }) => {
      demandMutual(service)
      await prober.renew(nearExpiry)
      return () => prober.restore()
    },
  },
]
