import type { AuthorityConfig, Config, ServiceConfig } from '../model/config.ts'
import { formatSubject } from '../model/subject.ts'
import type { CrlTarget, Issuer, IssuerLocations, OcspMatrixTarget, OcspTarget, Target, TlsTarget } from './probe.ts'

export interface TargetSources {
  readonly config: Pick<Config, 'inventory' | 'probes'>
  /** By authority id, from `resolveIssuers`. */
  readonly authorities: ReadonlyMap<string, Issuer>
  /** Serial numbers (lower-case hex) of `ocsp[].certificate`, by file name as configured. */
  readonly knownGood: ReadonlyMap<string, string>
  /** Whole file names of `services[].certificate`, by file name as configured. */
  readonly certificateFiles: ReadonlyMap<string, string>
  /** PEM texts of `client.certificate_file` and `client.key_file`, by file name as configured. */
  readonly credentials: ReadonlyMap<string, string>
}

/**
 * What the configuration asks to probe: for each authority its CRLs and OCSP responders, for each service its endpoint. Pure.
 * Throws RangeError for a reference that the loader should have refused.
 */
export function targetsOf(sources: TargetSources): Target[] {
  const { authorities, services } = sources.config.inventory
  return [
    ...authorities.flatMap((authority) => [
      ...crlTargets(authority, sources),
      ...ocspTargets(authority, sources),
      ...ocspMatrixTargets(authority, sources),
    ]),
    ...services.map((service) => tlsTarget(service, sources)),
  ]
}

function crlTargets(authority: AuthorityConfig, sources: TargetSources): CrlTarget[] {
  const issuer = resolved(sources.authorities, authority.id)
  const urls = [...new Set(authority.crl.map(({ url }) => url))]
  return urls.map((url) => ({
    probe: 'crl',
    subject: formatSubject({ kind: 'ca_crl', keys: [authority.id] }),
    address: url,
    ...scheduleOf('crl', sources),
    url,
    issuer,
  }))
}

function ocspTargets(authority: AuthorityConfig, sources: TargetSources): OcspTarget[] {
  const issuer = resolved(sources.authorities, authority.id)
  const questions = new Map<string, { url: string; serial: string }>()
  for (const { url, certificate, serial } of authority.ocsp) {
    const asked = serial ?? resolved(sources.knownGood, certificate ?? '')
    questions.set(`${url}#${asked}`, { url, serial: asked })
  }
  const all = [...questions.values()]
  return all.map(({ url, serial }) => ({
    probe: 'ocsp',
    subject: formatSubject({ kind: 'ocsp_responder_status', keys: [authority.id] }),
    // One responder asked about several certificates is several targets, whose runs must not be taken for each other's.
    address: all.filter((other) => other.url === url).length > 1 ? `${url}#${serial}` : url,
    ...scheduleOf('ocsp', sources),
    url,
    issuer,
    serial,
  }))
}

function ocspMatrixTargets(authority: AuthorityConfig, sources: TargetSources): OcspMatrixTarget[] {
  const { services } = sources.config.inventory
  const own = services.filter(({ issuer }) => issuer === authority.id)
  return authority.ocsp.map(({ url, certificate, serial, revoked }) => ({
    probe: 'ocsp_matrix',
    subject: formatSubject({ kind: 'ocsp_responder_status', keys: [authority.id] }),
    address: url,
    ...scheduleOf('ocsp_matrix', sources),
    url,
    issuer: resolved(sources.authorities, authority.id),
    serial: serial ?? resolved(sources.knownGood, certificate ?? ''),
    revoked,
    services: own.map(({ id, environment }) =>
      formatSubject({ kind: 'service_tls_health', keys: [id, environment] }),
    ),
  }))
}

function tlsTarget(service: ServiceConfig, sources: TargetSources): TlsTarget {
  const { id, environment, owner, endpoint, issuer, client, starttls } = service
  const colon = endpoint.lastIndexOf(':')
  const host = endpoint.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const authority = sources.config.inventory.authorities.find((other) => other.id === issuer)
  return {
    probe: 'tls',
    subject: formatSubject({ kind: 'service_tls_health', keys: [id, environment] }),
    address: endpoint,
    ...scheduleOf('tls', sources),
    host,
    port: Number(endpoint.slice(colon + 1)),
    servername: service.servername ?? host,
    startTls: starttls,
    service: { id, environment, owner },
    issuer: resolved(sources.authorities, issuer),
    ocspUrl: authority?.ocsp[0]?.url,
    locations: authority && locationsOf(authority),
    certificateFile:
      service.certificate === undefined
        ? undefined
        : resolved(sources.certificateFiles, service.certificate),
    client:
      client === undefined
        ? undefined
        : {
            certificate: resolved(sources.credentials, client.certificate_file),
            key: resolved(sources.credentials, client.key_file),
          },
  }
}

function locationsOf({ crl, ocsp, ca_issuers }: AuthorityConfig): IssuerLocations {
  const urls = (declared: readonly { readonly url: string }[]): string[] => declared.map(({ url }) => url)
  return { crl: urls(crl), ocsp: urls(ocsp), caIssuers: ca_issuers }
}

function scheduleOf(kind: Target['probe'], { config }: TargetSources): { interval: number; timeout: number } {
  const { interval, timeout } = config.probes[kind]
  return { interval: interval ?? config.probes.interval, timeout: timeout ?? config.probes.timeout }
}

function resolved<T>(map: ReadonlyMap<string, T>, key: string): T {
  const value = map.get(key)
  if (value === undefined) throw new RangeError(`expected ${key} to be resolved by the configuration loader`)
  return value
}

/**
 * Does a probe of the target answer for this address or subject? A TLS target answers for the certificate that its service has deployed as well:
 * `deployed_service_cert[shop,prod]` is judged from the same observations as `service_tls_health[shop,prod]`.
 */
export function answersFor(target: Target, name: string): boolean {
  if (name === target.address || name === target.subject) return true
  if (target.probe !== 'tls' || target.service === undefined) return false
  const { id, environment } = target.service
  return name === formatSubject({ kind: 'deployed_service_cert', keys: [id, environment] })
}

/** `host:port` that a run of the target talks to first; runs against the same one don't overlap. */
export function hostOf(target: Target): string {
  if (target.probe === 'tls') return `${target.host.toLowerCase()}:${target.port}`
  const url = new URL(target.url)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return `${host}:${url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port}`
}
