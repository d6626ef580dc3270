import type { AuditEvent } from '../../model/auditEvent.ts'
import type { LogConfig, ServiceConfig } from '../../model/config.ts'
import type { DeploymentConfig } from '../../model/logSource.ts'
import type { RecordId } from '../../model/recordId.ts'
import { matchesPattern } from '../../model/textPattern.ts'

/** Characters of a name that the log gives. */
const MAX_NAME = 200
/** Agents of certctl whose work is followed, and certificates whose names are remembered. */
const MAX_KNOWN = 1000

/** A control plane says that it deployed a certificate. */
export interface DeploymentReport {
  /** As people know it: asset and partition. */
  readonly asset: string
  /** Milliseconds. */
  readonly at: number
  readonly record: RecordId
  /** What is configured for the asset. */
  readonly config: DeploymentConfig
  /** One that names no service is about the same as the one before it with the same asset. */
  readonly isLasting: boolean
  /** What it says about which service it is. */
  readonly named: NamedPlace
  /** Serial number and SHA-256 as it says them; undefined: it does not. */
  readonly serial: string | undefined
  readonly sha256: string | undefined
}

interface NamedPlace {
  readonly services: readonly string[]
  readonly environments: readonly string[]
  /** Keys of a partition, each of which may be either. */
  readonly keys: readonly string[]
  /** Names or addresses, with or without a port. */
  readonly hosts: readonly string[]
}

/** An event as it was journaled; `at` in milliseconds, when it happened. */
interface ToldEvent {
  readonly event: AuditEvent
  readonly at: number
  readonly record: RecordId
}

/** Finds in the events of one log, in their order, what was deployed. */
export interface DeploymentReader {
  read(told: ToldEvent): DeploymentReport | undefined
}

/** undefined: the log tells of none. */
export function deploymentReader({ format, deployments }: LogConfig): DeploymentReader | undefined {
  if (format === 'dagster') return new DagsterDeployments(deployments ?? DAGSTER_DEFAULT)
  if (format === 'certctl') return new CertctlDeployments(deployments ?? CERTCTL_DEFAULT)
  return undefined
}

const DAGSTER_DEFAULT: readonly DeploymentConfig[] = [
  { asset: 'deployed_service_cert' },
  { asset: '*/deployed_service_cert' },
]
const CERTCTL_DEFAULT: readonly DeploymentConfig[] = [{ asset: '*' }]

const SERIALS = ['serial', 'serial_number']
const DIGESTS = ['sha256', 'fingerprint_sha256', 'sha256_fingerprint', 'fingerprint']
const SERVICES = ['service', 'service_id']
const ENVIRONMENTS = ['environment', 'env']
const HOSTS = ['host', 'hostname', 'endpoint', 'servername', 'common_name']

/** Materialisations of assets. */
class DagsterDeployments implements DeploymentReader {
  readonly #configs: readonly DeploymentConfig[]

  constructor(configs: readonly DeploymentConfig[]) {
    this.#configs = configs
  }

  read({ event, at, record }: ToldEvent): DeploymentReport | undefined {
    const { module, dataset, action } = event.event
    const details = event.pki?.details ?? {}
    const { asset, partition = '' } = details
    if (module !== 'dagster' || dataset !== 'dagster.asset' || action !== 'MaterializationEvent')
      return undefined
    const config = this.#configs.find((one) => matchesPattern(one.asset, asset ?? ''))
    if (config === undefined || asset === undefined) return undefined
    const metadata = (names: readonly string[]): readonly string[] => said(details, names, 'metadata.')
    const dimensions = (names: readonly string[]): readonly string[] =>
      said(details, names, 'tag.dagster/partition/')
    return {
      asset: nameOf(partition === '' ? asset : `${asset}[${partition}]`),
      at,
      record,
      config,
      isLasting: false,
      named: {
        services: [...metadata(SERVICES), ...dimensions(SERVICES)],
        environments: [...metadata(ENVIRONMENTS), ...dimensions(ENVIRONMENTS)],
        keys: partition === '' ? [] : partition.split('|'),
        hosts: metadata(HOSTS),
      },
      serial: metadata(config.serial === undefined ? SERIALS : [config.serial])[0],
      sha256: metadata(config.sha256 === undefined ? DIGESTS : [config.sha256])[0],
    }
  }
}

/**
 * certctl writes of a deployment that an agent fetched a certificate, and that its job is done, in two rows which have nothing but the agent in common: agents do one
 * job after the other. The name stands in the row of who asked for it.
 */
class CertctlDeployments implements DeploymentReader {
  readonly #configs: readonly DeploymentConfig[]
  /** By agent: what it fetched last. */
  readonly #fetched = new Map<string, { readonly certificate: string; readonly serial: string }>()
  /** By certificate. */
  readonly #names = new Map<string, string>()

  constructor(configs: readonly DeploymentConfig[]) {
    this.#configs = configs
  }

  read({ event, at, record }: ToldEvent): DeploymentReport | undefined {
    const { module, action, outcome } = event.event
    const details = event.pki?.details ?? {}
    const { resourceId = '', common_name: name, version } = details
    const agent = event.user?.name ?? ''
    if (module !== 'certctl') return undefined
    if (name !== undefined) keep(this.#names, resourceId, name)
    if (action === 'certificate_retrieved' && version !== undefined)
      keep(this.#fetched, agent, { certificate: resourceId, serial: version })
    if (action !== 'job_status_reported' || outcome === 'unknown') return undefined
    const fetched = this.#fetched.get(agent)
    this.#fetched.delete(agent)
    if (fetched === undefined || outcome === 'failure') return undefined
    const config = this.#configs.find((one) => matchesPattern(one.asset, fetched.certificate))
    if (config === undefined) return undefined
    const known = this.#names.get(fetched.certificate)
    return {
      asset: nameOf(fetched.certificate),
      at,
      record,
      config,
      isLasting: true,
      named: { services: [], environments: [], keys: [], hosts: known === undefined ? [] : [known] },
      serial: fetched.serial,
      sha256: undefined,
    }
  }
}

/** The newest last; whoever invents many pushes out those that were quiet for longest. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > MAX_KNOWN && oldest !== undefined) map.delete(oldest)
}

function said(
  details: Readonly<Record<string, string>>,
  names: readonly string[],
  prefix: string,
): readonly string[] {
  return names.flatMap((name) => {
    const value = details[`${prefix}${name}`]
    return value === undefined || value === '' ? [] : [value]
  })
}

function nameOf(text: string): string {
  return text.slice(0, MAX_NAME).toWellFormed()
}

/** The one service that a report is about; undefined: it names none of the inventory, or several. */
export function serviceOf(
  { config, named }: Pick<DeploymentReport, 'config' | 'named'>,
  services: readonly ServiceConfig[],
): ServiceConfig | undefined {
  const ids = config.service === undefined ? [...named.services, ...named.keys] : [config.service]
  const byId = services.filter(({ id }) => ids.includes(id))
  const placed = byId.filter(({ id, environment }) => {
    // A partition may name the service alone, or beside it where that is.
    const others = config.service === undefined ? named.keys.filter((key) => key !== id) : []
    const places =
      config.environment === undefined ? [...named.environments, ...others] : [config.environment]
    return places.length === 0 || places.includes(environment)
  })
  if (byId.length > 0) return only(placed)
  return only(services.filter((service) => named.hosts.some((host) => isHostOf(service, host))))
}

function isHostOf({ endpoint, servername }: ServiceConfig, host: string): boolean {
  const wanted = host.toLowerCase()
  const [address, name] = [endpoint.toLowerCase(), servername?.toLowerCase()]
  return wanted === address || wanted === address.replace(/:\d+$/, '') || wanted === name
}

function only<T>(found: readonly T[]): T | undefined {
  return found.length === 1 ? found[0] : undefined
}

/** Hex without leading zeros; a number may have been written in decimal, which looks like hex. */
export function serialsOf(text: string): readonly string[] {
  const plain = text.replaceAll(/[\s:]/g, '').toLowerCase().replace(/^0x/, '')
  if (plain.length > 60 || !/^[0-9a-f]+$/.test(plain)) return []
  const hex = plain.replace(/^0+(?=.)/, '')
  return /^\d+$/.test(plain) ? [hex, BigInt(plain).toString(16)] : [hex]
}

/** Hex; undefined: it is none. */
export function digestOf(text: string): string | undefined {
  const plain = text
    .replace(/^sha-?256[:=\s]*/i, '')
    .replaceAll(/[\s:]/g, '')
    .toLowerCase()
  return /^[0-9a-f]{64}$/.test(plain) ? plain : undefined
}
