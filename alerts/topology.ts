import type { Inventory } from '../model/config.ts'
import { parseSubject, type SubjectKind } from '../model/subject.ts'

/** Longest chain of authorities that is walked; the inventory refuses circles, this bounds them all the same. */
const MAX_CHAIN = 16

const AUTHORITY_SUBJECTS: ReadonlySet<SubjectKind> = new Set([
  'ca_crl',
  'ocsp_responder_status',
  'intermediate_ca_cert',
])
const SERVICE_SUBJECTS: ReadonlySet<SubjectKind> = new Set([
  'service_tls_health',
  'deployed_service_cert',
  'service_cert',
])

/** What stands above what in the inventory. */
export class Topology {
  readonly #authorityIssuers: ReadonlyMap<string, string | undefined>
  readonly #serviceIssuers = new Map<string, string>()
  /** By subject; of those that are, or were, in trouble. */
  readonly #issuers = new Map<string, readonly string[]>()

  constructor(inventory: Pick<Inventory, 'authorities' | 'services'>) {
    this.#authorityIssuers = new Map(inventory.authorities.map((a) => [a.id, a.issuer]))
    for (const { id, environment, issuer } of inventory.services) {
      this.#serviceIssuers.set(`${id},${environment}`, issuer)
      // A certificate that is not tied to an environment.
      if (!this.#serviceIssuers.has(id)) this.#serviceIssuers.set(id, issuer)
    }
  }

  /** The authorities on which a subject rests, nearest first: those that issued its certificate. */
  issuersOf(subject: string): readonly string[] {
    const known = this.#issuers.get(subject) ?? this.#find(subject)
    this.#issuers.set(subject, known)
    return known
  }

  #find(text: string): readonly string[] {
    const subject = parseSubject(text)
    const [first] = subject?.keys ?? []
    if (subject === undefined || first === undefined) return []
    switch (kindOf(subject.kind)) {
      case 'authority':
        return this.#chain(this.#authorityIssuers.get(first))
      case 'service':
        return this.#chain(
          this.#serviceIssuers.get(subject.keys.join(',')) ?? this.#serviceIssuers.get(first),
        )
      case 'other':
        return []
    }
  }

  #chain(nearest: string | undefined): readonly string[] {
    const chain: string[] = []
    for (
      let id = nearest;
      id !== undefined && chain.length < MAX_CHAIN;
      id = this.#authorityIssuers.get(id)
    ) {
      if (chain.includes(id)) break
      chain.push(id)
    }
    return chain
  }
}

/** The thing that a subject is a part or an aspect of: `authority[issuing-1]`, `service[shop,prod]`; else the subject itself. */
export function entityOf(text: string): string {
  const subject = parseSubject(text)
  const [first] = subject?.keys ?? []
  if (subject === undefined || first === undefined) return text
  switch (kindOf(subject.kind)) {
    case 'authority':
      return authorityEntity(first)
    case 'service':
      // The second key of a service_cert is its profile.
      return `service[${subject.kind === 'service_cert' ? first : subject.keys.join(',')}]`
    case 'other':
      return text
  }
}

function kindOf(kind: SubjectKind): 'authority' | 'service' | 'other' {
  if (AUTHORITY_SUBJECTS.has(kind)) return 'authority'
  return SERVICE_SUBJECTS.has(kind) ? 'service' : 'other'
}

export function authorityEntity(id: string): string {
  return `authority[${id}]`
}
