import { lookup, Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import { systemCode } from '../../model/thrown.ts'
import type { Deadline } from './deadline.ts'
import { FetchError } from './error.ts'
import { HostsFile, SYSTEM_HOSTS_FILE } from './hostsFile.ts'

/** Addresses of one name that are tried. Real distribution points have 1 to 8. */
const MAX_ADDRESSES = 8
/** Milliseconds that one DNS server is given; then the next is asked, twice around. */
const SERVER_TIMEOUT = 2_000
const TRIES = 2
/** Milliseconds that the IPv6 answer may come after the IPv4 one (RFC 8305 section 3 gives the other family this long). */
const SECOND_FAMILY_DELAY = 50

/** Where names are looked up; tests bring their own. */
export interface NameSources {
  /** Addresses by name in lower case, without a final dot: they answer before everything else. */
  readonly declared: ReadonlyMap<string, readonly string[]>
  readonly hosts: HostsFile
  /** A new one for each run: `cancel()` ends every query of a resolver. */
  readonly resolver: () => Resolver
  /** getaddrinfo: addresses as text, rejects with a code (`ENOTFOUND`). */
  readonly system: (name: string) => Promise<readonly string[]>
}

/** The names of this machine, after those that are declared (`probes.hosts`). */
export function systemNames(declared: Readonly<Record<string, readonly string[]>> = {}): NameSources {
  return {
    declared: new Map(Object.entries(declared)),
    hosts: new HostsFile(SYSTEM_HOSTS_FILE),
    resolver: () => new Resolver({ timeout: SERVER_TIMEOUT, tries: TRIES }),
    system: async (name) => (await lookup(name, { all: true, order: 'ipv4first' })).map((a) => a.address),
  }
}

/** c-ares says that the name has no address, or that no DNS server is configured: the system may know other ways. */
const ASK_SYSTEM = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED', 'EBADNAME', 'EBADQUERY'])

/**
 * The addresses of a host, IPv4 first (a vantage point without IPv6 is the usual case), at most 8. Throws FetchError(resolve).
 *
 * In this order: IP literal; what is declared; hosts file; `localhost` (RFC 6761); DNS by c-ares; and only when DNS has answered that there is no such
 * name, getaddrinfo. c-ares first because getaddrinfo occupies one of four pool threads until the DNS server answers, so that one dead server
 * stalls every other probe and all file access. getaddrinfo at all because only it knows search domains (Kubernetes) and NSS modules;
 * since DNS answered a moment before, it answers quickly.
 */
export async function resolveHost(
  host: string,
  deadline: Deadline,
  sources: NameSources,
): Promise<readonly string[]> {
  const name = host.replace(/^\[(.*)\]$/, '$1')
  if (isIP(name) !== 0) return [name]
  const declared = sources.declared.get(name.toLowerCase().replace(/\.$/, ''))
  if (declared !== undefined) return byFamily(declared)
  const local = await sources.hosts.find(name)
  if (local.length > 0) return byFamily(local)
  if (/^(.+\.)?localhost\.?$/i.test(name)) return ['127.0.0.1', '::1']

  const answer = await askDns(name, deadline, sources)
  if (answer.addresses.length > 0) return byFamily(answer.addresses)
  if (!ASK_SYSTEM.has(answer.code)) throw failure(name, answer.code)
  try {
    return byFamily(await deadline.race(sources.system(name), 'resolve', `an address of ${name}`))
  } catch (error) {
    if (error instanceof FetchError || deadline.signal.aborted) throw error
    throw failure(name, systemCode(error))
  }
}

type DnsAnswer = { readonly addresses: readonly string[]; readonly code: string }

async function askDns(name: string, deadline: Deadline, sources: NameSources): Promise<DnsAnswer> {
  const resolver = sources.resolver()
  const query = async (addresses: Promise<string[]>): Promise<DnsAnswer> =>
    addresses.then(
      (found) => ({ addresses: found, code: 'ENODATA' }),
      (error: unknown) => ({ addresses: [], code: systemCode(error) }),
    )
  const ipv4 = query(resolver.resolve4(name))
  const ipv6 = query(resolver.resolve6(name))
  try {
    const first = await deadline.race(ipv4, 'resolve', `an address of ${name}`)
    if (first.addresses.length === 0) {
      const second = await deadline.race(ipv6, 'resolve', `an address of ${name}`)
      // The worse of two failures: that there is no such name must have been said for both families.
      return second.addresses.length > 0 || !ASK_SYSTEM.has(second.code) ? second : first
    }
    const second = await within(SECOND_FAMILY_DELAY, ipv6)
    return { addresses: [...first.addresses, ...(second?.addresses ?? [])], code: '' }
  } finally {
    resolver.cancel()
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, ms, undefined)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function byFamily(addresses: readonly string[]): readonly string[] {
  return addresses.toSorted((a, b) => isIP(a) - isIP(b)).slice(0, MAX_ADDRESSES)
}

function failure(name: string, code: string): FetchError {
  if (code === 'ENOTFOUND' || code === 'ENODATA') {
    return new FetchError('resolve', 'name_not_found', `expected an address of ${name}, got none (${code})`)
  }
  if (code === 'ETIMEOUT') {
    return new FetchError('resolve', 'timeout', `expected a DNS answer for ${name}, got none (${code})`)
  }
  const reason = code === '' ? 'an unknown failure' : code
  return new FetchError('resolve', 'dns_failed', `expected a DNS answer for ${name}, got ${reason}`)
}
