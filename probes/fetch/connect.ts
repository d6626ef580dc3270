import { connect, isIP, type Socket } from 'node:net'
import { createSecureContext, getCACertificates, connect as connectTls, type SecureContext } from 'node:tls'
import { errorOf, systemCode } from '../../model/thrown.ts'
import { formatDuration } from '../../model/time.ts'
import type { Certificate } from '../../pki/certificate.ts'
import type { Credential } from './credential.ts'
import type { Deadline } from './deadline.ts'
import { FetchError } from './error.ts'
import type { FollowPolicy, Source } from './follow.ts'
import { resolveHost, type NameSources } from './resolve.ts'
import { tlsFailure } from './tlsFailure.ts'

/** Milliseconds for all addresses of a host together: a host that drops packets must leave time to try its other addresses. */
const CONNECT_TIMEOUT = 5_000

/** How hosts are found, and which of those that others name. Part of `ProbeContext`. */
export interface Network {
  readonly names: NameSources
  readonly follow: FollowPolicy
}

export interface Destination {
  readonly host: string
  readonly port: number
  readonly source: Source
}

/** Milliseconds that each step took. */
export interface ConnectTimings {
  readonly resolve: number
  readonly connect: number
}

export interface Connection {
  readonly socket: Socket
  /** `192.0.2.7` */
  readonly address: string
  readonly timings: ConnectTimings
}

/** Resolves the host and connects to the first of its addresses that answers. Throws FetchError (resolve, connect). */
export async function openConnection(
  destination: Destination,
  deadline: Deadline,
  network: Network,
): Promise<Connection> {
  const { host, port } = destination
  const started = performance.now()
  const addresses = contactable(destination, await resolveHost(host, deadline, network.names), network)
  const resolved = performance.now()
  const until = resolved + Math.min(CONNECT_TIMEOUT, deadline.remaining)
  let first: FetchError | undefined
  for (const [i, address] of addresses.entries()) {
    const limit = (until - performance.now()) / (addresses.length - i)
    try {
      const socket = await connectOnce(address, port, limit, deadline)
      return {
        socket,
        address,
        timings: { resolve: resolved - started, connect: performance.now() - resolved },
      }
    } catch (error) {
      if (!(error instanceof FetchError) || deadline.signal.aborted) throw error
      first ??= error
    }
  }
  throw first ?? new FetchError('resolve', 'name_not_found', `expected an address of ${host}, got none`)
}

/** Connects to this address and no other. Throws FetchError(connect). */
export async function connectTo(address: string, port: number, deadline: Deadline): Promise<Connection> {
  const started = performance.now()
  const socket = await connectOnce(address, port, Math.min(CONNECT_TIMEOUT, deadline.remaining), deadline)
  return { socket, address, timings: { resolve: 0, connect: performance.now() - started } }
}

/** Of a host's addresses those that may be contacted: all of a declared one. Throws FetchError (resolve) when there are none. */
export function contactable(
  { host, port, source }: Destination,
  addresses: readonly string[],
  { follow }: Network,
): readonly string[] {
  if (source === 'declared') return addresses
  const allowed = addresses.filter((address) => follow.allows({ host, port, address }))
  if (allowed.length > 0) return allowed
  const got = `${host}:${port} at ${addresses.toSorted().join(', ')}`
  const message = `expected what a certificate or redirect names to be public, declared, or in probes.follow, got ${got}`
  throw new FetchError('resolve', 'address_refused', message)
}

function connectOnce(address: string, port: number, limit: number, deadline: Deadline): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const peer = isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`
  const socket = connect({ host: address, port, noDelay: true })
  const onAbort = (): void => {
    try {
      fail(deadline.failure('connect', `a connection to ${peer}`))
    } catch (stopped) {
      fail(stopped)
    }
  }
  // Names the configured time, not this address's share of it, so that the same failure reads the same in every run.
  const late = `expected a connection to ${peer} within ${formatDuration(CONNECT_TIMEOUT)} for all addresses, got none`
  const timer = setTimeout(() => fail(new FetchError('connect', 'timeout', late)), Math.max(1, limit))
  const release = (): void => {
    clearTimeout(timer)
    deadline.signal.removeEventListener('abort', onAbort)
  }
  const fail = (error: unknown): void => {
    release()
    socket.destroy()
    reject(errorOf(error))
  }
  socket.once('connect', () => {
    release()
    resolve(socket)
  })
  // Stays: an error after this function is done must not be an uncaught one.
  socket.on('error', (error) => fail(connectFailure(error, peer)))
  deadline.signal.addEventListener('abort', onAbort, { once: true })
  if (deadline.signal.aborted) onAbort()
  return promise
}

function connectFailure(error: Error, peer: string): FetchError {
  const code = systemCode(error)
  const failure = (name: FetchError['code']): FetchError =>
    new FetchError('connect', name, `expected a connection to ${peer}, got ${code}`, error)
  switch (code) {
    case 'ECONNREFUSED':
      return failure('refused')
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'ENETDOWN':
    case 'EHOSTDOWN':
    case 'EADDRNOTAVAIL':
      return failure('unreachable')
    case 'ETIMEDOUT':
      return failure('timeout')
    case 'ECONNRESET':
      return failure('closed')
    default:
      return failure('connect_failed')
  }
}

/** Parsing the default roots takes milliseconds: once for each anchor. */
const contexts = new WeakMap<Certificate, SecureContext>()

/** Whom to trust beside Node's default roots, and what to show where a certificate is asked for. */
interface Trust {
  readonly anchor: Certificate | undefined
  readonly client: Credential | undefined
}

/** undefined: Node's own will do. Throws FetchError(tls) for a credential that is none. */
function contextOf({ anchor, client }: Trust): SecureContext | undefined {
  if (client !== undefined) {
    try {
      return createSecureContext({ ca: rootsAnd(anchor), cert: client.certificate, key: client.key })
    } catch (error) {
      const message = 'expected a usable client certificate and its key, got one that is not'
      throw new FetchError('tls', 'client_credentials_unusable', message, error)
    }
  }
  if (anchor === undefined) return undefined
  const context = contexts.get(anchor) ?? createSecureContext({ ca: rootsAnd(anchor) })
  contexts.set(anchor, context)
  return context
}

function rootsAnd(anchor: Certificate | undefined): string[] {
  const roots = getCACertificates('default')
  if (anchor === undefined) return roots
  const base64 = Buffer.from(anchor.der).toString('base64')
  return [...roots, `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----`]
}

/**
 * TLS over an open connection for https, checked as any client would check it: against Node's default roots (NODE_EXTRA_CA_CERTS and
 * --use-system-ca count) and the declared anchor of the PKI that is watched. Throws FetchError(tls).
 */
export async function secure(
  connection: Connection,
  host: string,
  trust: Trust,
  deadline: Deadline,
): Promise<Socket> {
  const name = host.replace(/^\[(.*)\]$/, '$1')
  const context = contextOf(trust)
  const socket = connectTls({
    socket: connection.socket,
    host: name,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(context === undefined ? {} : { secureContext: context }),
  })
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  socket.once('secureConnect', () => resolve(undefined))
  socket.on('error', (error: Error) => reject(tlsFailure(error, host)))
  try {
    await deadline.race(promise, 'tls', `a TLS handshake with ${host}`)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}
