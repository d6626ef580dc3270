import type { Inventory } from '../model/config.ts'

/** What of the inventory nobody looks at, although somebody could, and what would change that: a line each. */
export function unwatched({ authorities, services }: Inventory): readonly string[] {
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
  ]
}
