import type { Inventory } from '../model/config.ts'
import type { Certificate } from '../pki/certificate.ts'
import { PkiError } from '../pki/error.ts'
import { namesMatch } from '../pki/name.ts'
import { verifySignature } from '../pki/signature.ts'
import type { Issuer } from './probe.ts'

/** A mistake in the inventory. */
export interface InventoryProblem {
  /** From the top of the configuration: `['inventory', 'authorities', 2, 'issuer']`. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

export type ResolvedIssuers =
  | { readonly ok: true; readonly issuers: ReadonlyMap<string, Issuer> }
  | { readonly ok: false; readonly problems: readonly InventoryProblem[] }

/**
 * Puts the declared authorities under each other, with everything that is wrong about them at once. `certificates` by authority id; an authority
 * whose certificate could not be read is left out there and was reported already. Dates are not judged: an expired CA is a finding, not a mistake in
 * the configuration.
 */
export function resolveIssuers(
  inventory: Pick<Inventory, 'authorities' | 'services'>,
  certificates: ReadonlyMap<string, Certificate>,
): ResolvedIssuers {
  const { authorities, services } = inventory
  const problems: InventoryProblem[] = []
  const byId = new Map<string, Inventory['authorities'][number]>()
  for (const [i, authority] of authorities.entries()) {
    const path = ['inventory', 'authorities', i]
    if (byId.has(authority.id)) {
      problems.push({ path: [...path, 'id'], message: `expected a new id, got ${authority.id} again` })
    } else byId.set(authority.id, authority)
  }
  const unknown = (id: string): string =>
    `expected the id of a declared authority (${[...byId.keys()].join(', ')}), got ${id}`

  for (const [i, { id, issuer }] of authorities.entries()) {
    const path = ['inventory', 'authorities', i]
    const certificate = certificates.get(id)
    if (certificate !== undefined && !mayIssue(certificate)) {
      const message = `expected a CA certificate (basicConstraints with cA), got that of ${certificate.subject.text}`
      problems.push({ path: [...path, 'certificate'], message })
    }
    if (issuer === undefined) continue
    const above = certificates.get(issuer)
    if (!byId.has(issuer)) problems.push({ path: [...path, 'issuer'], message: unknown(issuer) })
    else if (isOnCycle(id, byId)) {
      const message = `expected a chain that ends at a root, got a cycle through ${id}; leave out issuer at the root`
      problems.push({ path: [...path, 'issuer'], message })
    } else if (certificate !== undefined && above !== undefined) {
      const fault = notIssuedBy(certificate, above)
      if (fault !== undefined) problems.push({ path: [...path, 'issuer'], message: fault })
    }
  }
  for (const [i, { issuer }] of services.entries()) {
    const path = ['inventory', 'services', i, 'issuer']
    if (!byId.has(issuer)) problems.push({ path, message: unknown(issuer) })
  }
  if (problems.length > 0) return { ok: false, problems }

  const issuers = new Map<string, Issuer>()
  for (const { id, class: kind } of authorities) {
    const certificate = certificates.get(id)
    if (certificate === undefined) continue
    const [, ...above] = idsUpwards(id, byId)
    const ancestors = above.flatMap((step) => certificates.get(step) ?? [])
    issuers.set(id, { id, class: kind, certificate, ancestors })
  }
  return { ok: true, issuers }
}

type Declared = ReadonlyMap<string, { readonly issuer?: string | undefined }>

/** The id, its issuer's, and so on; ends before an id would come a second time. */
function idsUpwards(id: string, byId: Declared): string[] {
  const ids = new Set<string>()
  for (let at: string | undefined = id; at !== undefined && !ids.has(at); at = byId.get(at)?.issuer) {
    ids.add(at)
  }
  return [...ids]
}

function isOnCycle(id: string, byId: Declared): boolean {
  const last = idsUpwards(id, byId).at(-1)
  return last !== undefined && byId.get(last)?.issuer === id
}

/** A version 1 root cannot say that it is a CA; declaring it says so. */
function mayIssue(certificate: Certificate): boolean {
  return (
    certificate.isCa || (certificate.version === 1 && namesMatch(certificate.subject, certificate.issuer))
  )
}

function notIssuedBy(certificate: Certificate, issuer: Certificate): string | undefined {
  if (!namesMatch(certificate.issuer, issuer.subject)) {
    return `expected the authority with the subject ${certificate.issuer.text}, got ${issuer.subject.text}`
  }
  try {
    verifySignature(certificate, issuer, `certificate ${certificate.subject.text}`)
    return undefined
  } catch (error) {
    if (error instanceof PkiError) return error.message
    throw error
  }
}
