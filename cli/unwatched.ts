import type { Inventory } from '../model/config.ts'
import { isOfNobody } from '../probes/targets.ts'

/** What of the inventory nobody looks at, although somebody could, and what would change that: a line each. */
export function unwatched({ authorities, services, logs }: Inventory): readonly string[] {
  return [
    ...authorities
      .filter(({ crl, ocsp }) => crl.length === 0 && ocsp.length === 0)
      .map(({ id }) => `${id}: neither crl nor ocsp is declared, so nobody sees what it revokes`),
    ...services
      .filter(({ client, mtls }) => client !== undefined && mtls === undefined)
      .map(
        ({ id, environment }) =>
          `${id} (${environment}): asks for client certificates, and without mtls nobody sees whether it insists on them`,
      ),
    ...logs
      .filter(isOfNobody)
      .map(
        ({ id }) =>
          `${id}: its events do not say of which authority they are, and authorities does not name exactly one, so they are compared with nothing that is published`,
      ),
  ]
}
