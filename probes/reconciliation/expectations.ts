import type { AuditEvent } from '../../model/auditEvent.ts'
import type { AuthorityConfig, ServiceConfig } from '../../model/config.ts'
import { matchesPattern } from '../../model/textPattern.ts'

/** An authority, and who has its certificates, as the inventory declares them. */
export interface DeclaredIssuance {
  readonly id: string
  readonly expected: AuthorityConfig['expected']
  /** Names of its services, as TLS clients call them. */
  readonly servernames: readonly string[]
  /** Milliseconds: what its log says of earlier times is no beginning of anything. Default: any. */
  readonly notBefore?: number
}

export function declaredIssuance(
  { id, expected }: Pick<AuthorityConfig, 'id' | 'expected'>,
  services: readonly Pick<ServiceConfig, 'issuer' | 'servername' | 'endpoint'>[],
): DeclaredIssuance {
  const own = services.filter(({ issuer }) => issuer === id)
  return { id, expected, servernames: own.map(nameOf) }
}

/** Services that are told apart; the names of further ones are nobody's. */
const MAX_SERVICES = 65_535
/** The same of profiles. */
const MAX_PROFILES = 254

/** What the inventory makes of what an authority issues, as events tell it: by numbers, of which tables hold millions. */
export class Expectations {
  readonly #expected: AuthorityConfig['expected']
  /** Number by name; a wildcard stands for the first service that it covers. */
  readonly #services = new Map<string, number>()
  readonly #profiles = new Map<string, number>()

  constructor({ expected, servernames }: DeclaredIssuance) {
    this.#expected = expected.map(({ names, ...rest }) => ({
      ...rest,
      ...(names === undefined ? {} : { names: names.map((pattern) => pattern.toLowerCase()) }),
    }))
    for (const [i, servername] of servernames.slice(0, MAX_SERVICES).entries()) {
      const name = servername.toLowerCase()
      const wildcard = `*${name.slice(name.indexOf('.'))}`
      for (const known of [name, wildcard]) if (!this.#services.has(known)) this.#services.set(known, i + 1)
    }
  }

  isExpected({ pki, x509 }: AuditEvent): boolean {
    const own = x509?.alternative_names?.map((name) => name.toLowerCase()) ?? []
    const subjects = [pki?.subject, x509?.subject.distinguished_name]
    return this.#expected.some(({ profile, subject, names }) => {
      if (profile !== undefined && !matches(profile, pki?.profile)) return false
      if (subject !== undefined && !subjects.some((text) => matches(subject, text))) return false
      if (names === undefined) return true
      return own.length > 0 && own.every((name) => names.some((pattern) => matchesPattern(pattern, name)))
    })
  }

  /** Of the declared service that it is for; undefined: of none. */
  serviceOf({ x509 }: AuditEvent): number | undefined {
    for (const name of x509?.alternative_names ?? []) {
      const service = this.#services.get(name.toLowerCase())
      if (service !== undefined) return service
    }
    return undefined
  }

  /** undefined: none is named. */
  profileOf({ pki }: AuditEvent): number | undefined {
    const name = pki?.profile
    if (name === undefined) return undefined
    const known = this.#profiles.get(name)
    if (known !== undefined) return known
    const number = Math.min(this.#profiles.size, MAX_PROFILES) + 1
    if (number <= MAX_PROFILES) this.#profiles.set(name, number)
    return number
  }

  /** What a number of `profileOf` stands for. */
  profileNamed(number: number): string {
    if (number === 0) return 'unknown'
    return [...this.#profiles.keys()][number - 1] ?? 'others'
  }
}

function matches(pattern: string, text: string | undefined): boolean {
  return text !== undefined && matchesPattern(pattern, text)
}

/** As the TLS probe asks for it. */
function nameOf({ servername, endpoint }: Pick<ServiceConfig, 'servername' | 'endpoint'>): string {
  return servername ?? endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1')
}
