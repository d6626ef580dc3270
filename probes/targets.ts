import type {
  AuthorityConfig,
  Config,
  LogConfig,
  ServiceConfig,
  SystemConfig,
  SystemKind,
} from '../model/config.ts'
import { formatSubject, type SubjectKind } from '../model/subject.ts'
import type { Certificate } from '../pki/certificate.ts'
import type { Credential } from './fetch/credential.ts'
import { declaredCrls } from './crl/distribution.ts'
import { issuedBy } from './crl/knownCertificates.ts'
import type {
  CaTarget,
  CrlSetTarget,
  CrlTarget,
  HealthTarget,
  IssuanceTarget,
  IssuedTarget,
  Issuer,
  IssuerLocations,
  MtlsTarget,
  OcspMatrixTarget,
  OcspRevocationsTarget,
  OcspTarget,
  ReconciliationTarget,
  Target,
  TlsTarget,
} from './probe.ts'
import { declaredIssuance, type DeclaredIssuance } from './reconciliation/expectations.ts'

/** What a system of a kind is to the PKI. */
const SYSTEM_SUBJECTS = {
  ejbca: 'ca_server',
  ejbca_rest: 'ca_server',
  dogtag: 'ca_server',
  certctl: 'control_plane',
  dagster: 'control_plane',
} as const satisfies Record<SystemKind, SubjectKind>

export interface TargetSources {
  readonly config: Pick<Config, 'inventory' | 'probes'>
  /** By authority id, from `resolveIssuers`. */
  readonly authorities: ReadonlyMap<string, Issuer>
  /** Certificates in the files of `authorities[].issued`, by authority id. */
  readonly issued: ReadonlyMap<string, readonly Certificate[]>
  /** Serial numbers (lower-case hex) of `ocsp[].certificate`, by file name as configured. */
  readonly knownGood: ReadonlyMap<string, string>
  /** Whole file names of `services[].certificate`, by file name as configured. */
  readonly certificateFiles: ReadonlyMap<string, string>
  /** Certificates of `systems[].ca_file`, by file name as configured. */
  readonly anchors: ReadonlyMap<string, Certificate>
  /** PEM texts of every `certificate_file` and `key_file` of the prober as they are now, by file name as configured. */
  readonly credentials: ReadonlyMap<string, { readonly text: string }>
}

/**
 * What the configuration asks to probe: for each authority its CRLs and OCSP responders, for each service its endpoint. Pure.
 * Throws RangeError for a reference that the loader should have refused.
 */
export function targetsOf(sources: TargetSources): Target[] {
  const { authorities, services, systems } = sources.config.inventory
  return [
    ...authorities.flatMap((authority) => [
      ...crlTargets(authority, sources),
      ...ocspTargets(authority, sources),
      ...ocspMatrixTargets(authority, sources),
    ]),
    ...authorities.map((authority) => caTarget(authority, sources)),
    ...services.map((service) => tlsTarget(service, sources)),
    ...services.flatMap((service) => mtlsTargets(service, sources)),
    ...systems.map((system) => healthTarget(system, sources)),
    ...reconciliationTargets(sources),
  ]
}

function crlTargets(authority: AuthorityConfig, sources: TargetSources): (CrlTarget | CrlSetTarget)[] {
  const issuer = resolved(sources.authorities, authority.id)
  const declared = declaredCrls(authority)
  const inventory = [...sources.authorities.values()].map(({ certificate }) => certificate)
  const files = sources.issued.get(authority.id) ?? []
  const issued = issuedBy(issuer.certificate, [...inventory, ...files])
  const common = {
    subject: formatSubject({ kind: 'ca_crl', keys: [authority.id] }),
    ...scheduleOf('crl', sources),
    issuer,
  }
  const targets = declared.map((distribution): CrlTarget => {
    const { url } = distribution
    const { full_every: fullEvery } = sources.config.probes.crl
    return { ...common, probe: 'crl', address: url, url, fullEvery, distribution, issued }
  })
  if (declared.length < 2) return targets
  return [...targets, { ...common, probe: 'crl_set', address: `crl_set:${authority.id}`, declared }]
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
  // A responder that is asked about several certificates is one all the same.
  const byUrl = Map.groupBy(authority.ocsp, ({ url }) => url)
  return [...byUrl].flatMap(([url, [first, ...others]]) => {
    if (first === undefined) return []
    const { certificate, serial } = first
    const revoked = [first, ...others].find((declared) => declared.revoked !== undefined)?.revoked
    return [
      {
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
      },
    ]
  })
}

function caTarget({ id, ca_issuers }: AuthorityConfig, sources: TargetSources): CaTarget {
  const below = sources.config.inventory.authorities.filter(({ issuer }) => issuer === id)
  return {
    probe: 'ca',
    subject: formatSubject({ kind: 'intermediate_ca_cert', keys: [id] }),
    // Nobody but the inventory is asked for the certificate itself.
    address: `inventory:${id}`,
    ...scheduleOf('ca', sources),
    issuer: resolved(sources.authorities, id),
    urls: ca_issuers,
    named: below.flatMap((authority) => resolved(sources.authorities, authority.id).certificate.caIssuerUrls),
  }
}

function tlsTarget(service: ServiceConfig, sources: TargetSources): TlsTarget {
  const { issuer } = service
  const authority = sources.config.inventory.authorities.find((other) => other.id === issuer)
  return {
    probe: 'tls',
    ...endpointOf(service),
    ...scheduleOf('tls', sources),
    issuer: resolved(sources.authorities, issuer),
    ocspUrl: authority?.ocsp[0]?.url,
    locations: authority && locationsOf(authority),
    certificateFile:
      service.certificate === undefined ? undefined : resolved(sources.certificateFiles, service.certificate),
    client: credentialOf(service.client, sources),
  }
}

/** Only of services that opt in. */
function mtlsTargets(service: ServiceConfig, sources: TargetSources): MtlsTarget[] {
  const { mtls, client: valid } = service
  if (mtls === undefined) return []
  const { foreign, self_signed: selfSigned, expired, revoked } = mtls
  const given = Object.entries({ valid, foreign, selfSigned, expired, revoked })
  return [
    {
      probe: 'mtls',
      ...endpointOf(service),
      ...scheduleOf('mtls', sources),
      path: mtls.path,
      credentials: Object.fromEntries(
        given.flatMap(([name, files]) => {
          const credential = credentialOf(files, sources)
          return credential === undefined ? [] : [[name, credential]]
        }),
      ),
    },
  ]
}

function endpointOf(service: ServiceConfig) {
  const { id, environment, owner, endpoint, servername, starttls } = service
  const colon = endpoint.lastIndexOf(':')
  const host = endpoint.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return {
    subject: formatSubject({ kind: 'service_tls_health', keys: [id, environment] }),
    address: endpoint,
    host,
    port: Number(endpoint.slice(colon + 1)),
    servername: servername ?? host,
    startTls: starttls,
    service: { id, environment, owner },
  }
}

function healthTarget(
  { id, kind, url, ca_file, client }: SystemConfig,
  sources: TargetSources,
): HealthTarget {
  return {
    probe: 'health',
    subject: formatSubject({ kind: SYSTEM_SUBJECTS[kind], keys: [id] }),
    address: url,
    ...scheduleOf('health', sources),
    system: kind,
    url,
    anchor: ca_file === undefined ? undefined : resolved(sources.anchors, ca_file),
    client: credentialOf(client, sources),
  }
}

/** Authorities that a log tells of, in the order of the inventory. */
function loggedAuthorities({
  authorities,
  logs,
}: Pick<Config['inventory'], 'authorities' | 'logs'>): readonly AuthorityConfig[] {
  return authorities.filter((authority) => logs.some((log) => tellsOf(log, authority)))
}

/** Whether it is known from a log what the authority issued, revoked or published. */
function tellsOf(log: LogConfig, { id, class: kind }: AuthorityConfig): boolean {
  const { authorities } = log
  switch (namesAuthorities(log)) {
    case 'yes':
      // A log that is said to be of none may tell of any that works by itself.
      return authorities.length === 0 ? kind === 'online' : authorities.includes(id)
    case 'no':
      return authorities.length === 1 && authorities[0] === id
    case 'says_nothing':
      return false
  }
}

/** Whether a log tells of certificates without anybody saying whose they are. */
export function isOfNobody(log: LogConfig): boolean {
  return namesAuthorities(log) === 'no' && log.authorities.length !== 1
}

/** Whether the events of a log say which authority they are about. */
function namesAuthorities({ format, json }: LogConfig): 'yes' | 'no' | 'says_nothing' {
  switch (format) {
    case 'ejbca':
    case 'ejbca-csv':
      return 'yes'
    case 'dogtag':
    case 'certctl':
      return 'no'
    case 'dagster':
      return 'says_nothing'
    case 'json': {
      const { ca_id, ca_subject, actions = {} } = json ?? {}
      if (Object.values(actions).every(({ means }) => means === undefined)) return 'says_nothing'
      return (ca_id ?? ca_subject) === undefined ? 'no' : 'yes'
    }
  }
}

/** What these issue, as it is declared. */
export function loggedIssuance(
  inventory: Config['inventory'],
  issuers: ReadonlyMap<string, Issuer>,
): readonly DeclaredIssuance[] {
  return loggedAuthorities(inventory).map((authority) => ({
    ...declaredIssuance(authority, inventory.services),
    notBefore: resolved(issuers, authority.id).certificate.notBefore,
  }))
}

type LogTarget = ReconciliationTarget | IssuanceTarget | IssuedTarget | OcspRevocationsTarget

/** Of each authority that a log tells of: its CRLs, its responders, what it issued, and what its services serve. */
function reconciliationTargets(sources: TargetSources): LogTarget[] {
  const { inventory } = sources.config
  return loggedAuthorities(inventory).flatMap((authority) => {
    const { id } = authority
    const common = {
      ...scheduleOf('reconciliation', sources),
      issuer: resolved(sources.authorities, id),
      address: `log:${id}`,
    }
    const declared = declaredCrls(authority)
    const subject = formatSubject({ kind: 'ca_crl', keys: [id] })
    const crls: ReconciliationTarget = { ...common, probe: 'reconciliation', subject, declared }
    const services = inventory.services.filter(({ issuer }) => issuer === id)
    return [
      ...(declared.length === 0 ? [] : [crls]),
      ...ocspRevocationsTargets(authority, services, sources),
      issuedTarget(authority, services, sources),
      ...services.map((service): IssuanceTarget => {
        const { subject: tls, address } = endpointOf(service)
        const keys = [service.id, service.environment]
        return {
          ...common,
          probe: 'issuance',
          subject: formatSubject({ kind: 'deployed_service_cert', keys }),
          service: { subject: tls, address },
        }
      }),
    ]
  })
}

function ocspRevocationsTargets(
  { id, ocsp }: AuthorityConfig,
  services: readonly ServiceConfig[],
  sources: TargetSources,
): OcspRevocationsTarget[] {
  return [...new Set(ocsp.map(({ url }) => url))].map((url) => ({
    probe: 'ocsp_revocations',
    subject: formatSubject({ kind: 'ocsp_responder_status', keys: [id] }),
    address: url,
    ...scheduleOf('ocsp_revocations', sources),
    url,
    issuer: resolved(sources.authorities, id),
    services: services.map((service) => endpointOf(service).subject),
  }))
}

function issuedTarget(
  { id, ocsp }: AuthorityConfig,
  services: readonly ServiceConfig[],
  sources: TargetSources,
): IssuedTarget {
  const issuer = resolved(sources.authorities, id)
  const inventory = [...sources.authorities.values()].map(({ certificate }) => certificate)
  const files = sources.issued.get(id) ?? []
  const asked = ocsp.flatMap(({ certificate, serial, revoked }) => [
    serial ?? resolved(sources.knownGood, certificate ?? ''),
    ...(revoked === undefined ? [] : [revoked]),
  ])
  return {
    probe: 'issued',
    subject: formatSubject({ kind: 'intermediate_ca_cert', keys: [id] }),
    address: `log:${id}`,
    ...scheduleOf('reconciliation', sources),
    issuer,
    declared: issuedBy(issuer.certificate, [...inventory, ...files]),
    asked,
    services: services.map((service) => {
      const { subject, address } = endpointOf(service)
      return { subject, address }
    }),
  }
}

function credentialOf(
  files: ServiceConfig['client'],
  { credentials }: TargetSources,
): Credential | undefined {
  if (files === undefined) return undefined
  const certificate = resolved(credentials, files.certificate_file)
  const key = resolved(credentials, files.key_file)
  return {
    get certificate() {
      return certificate.text
    },
    get key() {
      return key.text
    },
  }
}

function locationsOf({ crl, ocsp, ca_issuers }: AuthorityConfig): IssuerLocations {
  const urls = (declared: readonly { readonly url: string }[]): string[] => declared.map(({ url }) => url)
  return { crl: urls(declaredCrls({ crl })), ocsp: urls(ocsp), caIssuers: ca_issuers }
}

function scheduleOf(
  kind: Exclude<Target['probe'], 'crl_set' | 'issuance' | 'issued'>,
  { config }: TargetSources,
): { interval: number; timeout: number } {
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

/** `host:port` that a run of the target talks to first; what talks to nobody, or to a file, has its own address. */
export function hostOf(target: Target): string {
  return declaredHosts(target)[0] ?? target.address
}

/** Every `host:port` that the configuration itself names for the target. */
export function declaredHosts(target: Target): readonly string[] {
  switch (target.probe) {
    case 'crl_set':
    case 'reconciliation':
    case 'issuance':
    case 'issued':
      return []
    case 'ca':
      return target.urls.flatMap(hostOfUrl)
    case 'tls':
    case 'mtls':
      return [`${target.host.toLowerCase()}:${target.port}`]
    case 'crl':
    case 'ocsp':
    case 'ocsp_matrix':
    case 'ocsp_revocations':
    case 'health':
      return hostOfUrl(target.url)
  }
}

/** Name or address of the host that a run of the target talks to first; undefined: none. */
export function hostNameOf(target: Target): string | undefined {
  return declaredHosts(target)[0]?.replace(/:\d+$/, '')
}

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'ldap:': 389, 'ldaps:': 636 }

/** None where the URL has no host. */
function hostOfUrl(text: string): string[] {
  const { protocol, hostname, port } = new URL(text)
  if (hostname === '') return []
  return [`${hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()}:${port === '' ? PORTS[protocol] : port}`]
}
