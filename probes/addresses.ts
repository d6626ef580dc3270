import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { FactsOf } from '../model/facts.ts'
import type { ProbeError } from '../model/observation.ts'
import type { Network } from './fetch/connect.ts'
import type { Deadline } from './fetch/deadline.ts'
import { FetchError } from './fetch/error.ts'
import { resolveHost } from './fetch/resolve.ts'
import { probeError } from './observe.ts'

/** Looks under way at once: a big answer is held by each. */
const AT_ONCE = 2
/** `failed` and `differing` name at most so many; `resolveHost` gives no more addresses. */
const MAX_NAMED = 8

/** What a look at one address found. */
export interface Look {
  /** undefined: a good answer. */
  readonly error: ProbeError | undefined
  /** The same for answers that are alike, like a digest; undefined: no answer that verified. */
  readonly version: string | undefined
}

export interface Looks<T extends Look> {
  /** In the order of the addresses. Empty only with an error. */
  readonly looks: readonly (T & { readonly address: string })[]
  /** Addresses that were not looked at: IPv6, from a machine that has none. */
  readonly skipped: readonly string[]
  /** Why there is no address. */
  readonly error: ProbeError | undefined
}

/**
 * Looks at every address of a host (A and AAAA, at most 8), two at a time, each with an equal share of the deadline. `look` gets the
 * address to connect to, and never rejects for what the target does.
 */
export async function lookAtEveryAddress<T extends Look>(
  host: string,
  network: Pick<Network, 'names'>,
  deadline: Deadline,
  look: (address: string, deadline: Deadline) => Promise<T>,
  { ipv6 }: { readonly ipv6?: boolean } = {},
): Promise<Looks<T>> {
  let found: readonly string[]
  try {
    found = await resolveHost(host, deadline, network.names)
    if (found.length === 0)
      throw new FetchError('resolve', 'name_not_found', `expected an address of ${host}, got none`)
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    return { looks: [], skipped: [], error: probeError(error.phase, error.code, error.message) }
  }
  const { chosen, fallback, skipped } = choose(found, host, ipv6)
  const rounds = Math.ceil((chosen.length + (fallback === undefined ? 0 : 1)) / AT_ONCE)
  const lookAt = async (address: string): Promise<T & { address: string }> => {
    using share = deadline.share(rounds)
    return { ...(await look(address, share)), address }
  }
  const looks = await inOrder(chosen, lookAt)
  const nobodyThere = looks.every(({ error }) => error?.phase === 'connect')
  if (fallback === undefined || !nobodyThere) return { looks, skipped, error: undefined }
  return { looks: [await lookAt(fallback)], skipped, error: undefined }
}

/** Facts about the addresses; `newest` is the version of the answer that the other facts are about. */
export function addressFacts<T extends Look>(
  { looks, skipped }: Looks<T>,
  newest: string | undefined,
): Pick<FactsOf<'addresses'>, 'all' | 'failed' | 'differing' | 'skipped'> {
  const sorted = looks.toSorted((a, b) => (a.address < b.address ? -1 : 1))
  const failed = sorted.filter(({ error }) => error !== undefined)
  const differing = sorted.filter(({ version }) => version !== undefined && version !== newest)
  return {
    all: sorted.map(({ address }) => address),
    failed: failed.slice(0, MAX_NAMED).map(({ address, error }) => `${address} ${error?.code ?? ''}`),
    differing: differing.slice(0, MAX_NAMED).map(({ address }) => address),
    ...(skipped.length === 0 ? {} : { skipped: skipped.toSorted() }),
  }
}

interface Addresses {
  readonly chosen: readonly string[]
  /** Looked at when nobody listens at the others. */
  readonly fallback: string | undefined
  readonly skipped: readonly string[]
}

/**
 * Of a machine's own name one address is enough: what listens on `localhost` mostly listens on one. An IPv6 address that nobody could reach
 * from here says nothing about the target; when there is no other, it is tried all the same.
 */
function choose(addresses: readonly string[], host: string, ipv6: boolean | undefined): Addresses {
  if (/^(.+\.)?localhost\.?$/i.test(host)) {
    const [first, second] = addresses
    return { chosen: first === undefined ? [] : [first], fallback: second, skipped: [] }
  }
  const distant = addresses.filter((address) => isIP(address) === 6 && address !== '::1')
  // The interfaces of the machine are looked at only where that decides: it takes as long as a question.
  const skipped = distant.length === 0 || (ipv6 ?? hasIpv6()) ? [] : distant
  if (skipped.length === addresses.length) return { chosen: addresses, fallback: undefined, skipped: [] }
  return {
    chosen: addresses.filter((address) => !skipped.includes(address)),
    fallback: undefined,
    skipped,
  }
}

/** Has this machine an IPv6 address with which others can be reached? */
function hasIpv6(): boolean {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some(({ family, internal, address }) => family === 'IPv6' && !internal && !address.startsWith('fe80:'))
}

/** Like Promise.all over map, with at most AT_ONCE under way. */
async function inOrder<A, B>(items: readonly A[], work: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = []
  const queue = items.entries()
  const worker = async (): Promise<void> => {
    for (const [i, item] of queue) results[i] = await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return results
}
