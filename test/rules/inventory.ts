import { inventorySchema, type Inventory } from '../../model/config.ts'
import type { WatchedTarget } from '../../rules/subjects.ts'
import { MINUTE } from './journalDouble.ts'

/** One online and one offline authority, one service. */
export const INVENTORY: Inventory = inventorySchema.parse({
  authorities: [
    {
      id: 'issuing-1',
      certificate: 'issuing-1.pem',
      issuer: 'root',
      crl: [{ url: 'http://crl.test/issuing-1.crl' }],
      ocsp: [{ url: 'http://ocsp.test/', serial: '1234' }],
    },
    { id: 'root', class: 'offline', certificate: 'root.pem', crl: [{ url: 'http://crl.test/root.crl' }] },
  ],
  services: [{ id: 'shop', endpoint: 'shop.test:443', issuer: 'issuing-1' }],
})

/** What is probed for an inventory, as probes/targets.ts names it. */
export function targetsFor(inventory: Inventory): readonly WatchedTarget[] {
  const interval = MINUTE
  return [
    ...inventory.authorities.flatMap(({ id, crl, ocsp }): WatchedTarget[] => [
      ...crl.map(({ url }) => ({ probe: 'crl' as const, subject: `ca_crl[${id}]`, address: url, interval })),
      ...ocsp.map(({ url }) => ({
        probe: 'ocsp' as const,
        subject: `ocsp_responder_status[${id}]`,
        address: url,
        interval,
      })),
    ]),
    ...inventory.services.map((service) => ({
      probe: 'tls' as const,
      subject: `service_tls_health[${service.id},${service.environment}]`,
      address: service.endpoint,
      interval,
    })),
  ]
}
