import { BlockList, isIP } from 'node:net'
import { NOT_GLOBAL_IPV4, NOT_GLOBAL_UNICAST_IPV6, UNICAST_IPV6 } from '../../pki/specialNetworks.ts'

/**
 * Who named a host. A certificate or a redirect may name any: the metadata service of a cloud, a database on the loopback, a router. What
 * `found` names is contacted only where the policy allows it.
 */
export type Source = 'declared' | 'found'

/** Where redirects and URLs inside certificates may lead. */
export interface FollowPolicy {
  /** `address` is the one that will be connected to, so that a name that resolves otherwise a moment later changes nothing. */
  readonly allows: (destination: { host: string; port: number; address: string }) => boolean
}

export interface FollowOptions {
  /** CIDR, `10.0.0.0/8`: networks besides the public ones. */
  readonly networks: readonly string[]
  /** `host:port` as `declaredHosts` writes it: what the operator has named himself, wherever it is. */
  readonly declared: Iterable<string>
}

/** Ports that a declared host may redirect to besides its declared ones: from http to https, and back. */
const WEB_PORTS = [80, 443]

const notPublic = networksOf([...NOT_GLOBAL_IPV4, ...NOT_GLOBAL_UNICAST_IPV6])
/** Of IPv6 the rest is not public, or carries an IPv4 address that nobody would check. */
const unicastIpv6 = networksOf([UNICAST_IPV6])

/** Allows public addresses, those in `networks`, and what was declared. Throws RangeError for what is no network. */
export function followPolicy({ networks, declared }: FollowOptions): FollowPolicy {
  const named = networksOf(networks)
  const hosts = new Map<string, Set<number>>()
  for (const hostPort of declared) {
    const colon = hostPort.lastIndexOf(':')
    const host = bare(hostPort.slice(0, colon))
    const ports = hosts.get(host) ?? new Set(WEB_PORTS)
    hosts.set(host, ports.add(Number(hostPort.slice(colon + 1))))
  }
  return {
    allows: ({ host, port, address }) =>
      isPublic(address) || contains(named, address) || hosts.get(bare(host))?.has(port) === true,
  }
}

function isPublic(address: string): boolean {
  if (contains(notPublic, address)) return false
  return isIP(address) === 4 || contains(unicastIpv6, address)
}

/** Is this a network in CIDR notation? */
export function isNetwork(text: string): boolean {
  const [address = '', prefix = '', ...more] = text.split('/')
  const family = isIP(address)
  return (
    family !== 0 &&
    more.length === 0 &&
    /^\d{1,3}$/.test(prefix) &&
    Number(prefix) <= (family === 6 ? 128 : 32)
  )
}

function networksOf(texts: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of texts) {
    if (!isNetwork(text)) throw new RangeError(`expected a network such as 10.0.0.0/8, got ${text}`)
    const [address = '', prefix] = text.split('/')
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

/** An IPv4 address in IPv6 notation (`::ffff:10.0.0.1`) is in the IPv4 networks. */
function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** As names are compared: lower case, no brackets, no final dot. */
function bare(host: string): string {
  return host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase()
}
