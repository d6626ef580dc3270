import { isIP } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { connectTo } from '../fetch/connect.ts'
import type { Deadline } from '../fetch/deadline.ts'
import { FetchError } from '../fetch/error.ts'
import { startTls } from '../fetch/startTls.ts'
import { alertOf, tlsFailure } from '../fetch/tlsFailure.ts'
import type { MtlsTarget } from '../probe.ts'
import type { Case } from './cases.ts'

/** Milliseconds for a server that says nothing of its own accord: OpenSSL and Go refuse, or send a ticket, within a round trip. */
const SILENCE = 2_000
/** Milliseconds that an HTTP answer may take. */
const ANSWER = 5_000
/** Milliseconds after a sign of acceptance in which a close is a refusal all the same: Node sends tickets, then verifies. */
const SETTLE = 250
/** Octets in which a status line must end. */
const MAX_STATUS_LINE = 1024
/** no_application_protocol (RFC 7301 section 3.2). */
const NO_APPLICATION_PROTOCOL = /^alert 120\b/

/** What one connection showed. */
export interface Attempt {
  /** `open`: the connection stood and showed a sign of acceptance. `closed`: refused with an alert, or closed. `silent`: neither. */
  readonly connection: 'open' | 'closed' | 'silent'
  /** The status that HTTP answered with; undefined: it was not asked, or did not answer. */
  readonly status: number | undefined
  /** The server asked for a certificate. */
  readonly requested: boolean
  readonly protocol: string | undefined
  /** The service speaks HTTP/1.1: it chose it by ALPN. */
  readonly isHttp: boolean
}

/**
 * Connects to one address with a case's certificate, and finds out what the service makes of it. It may refuse in the handshake, after it (TLS 1.3 lets a client finish
 * first: RFC 8446 section 4.4.4) or, like nginx, let everybody in and refuse the request; so a service that speaks HTTP is asked. Throws
 * FetchError when that did not come about for another reason.
 */
export async function attempt(
  target: MtlsTarget,
  { name, credential }: Case,
  address: string,
  deadline: Deadline,
): Promise<Attempt> {
  const context = credential === undefined ? undefined : usable(name, credential)
  try {
    return await attemptOnce(target, context, address, 'http/1.1', deadline)
  } catch (error) {
    // A server that speaks other protocols and insists on the choice; it is asked without one.
    if (!(error instanceof FetchError && error.cause instanceof Error)) throw error
    if (!NO_APPLICATION_PROTOCOL.test(alertOf(error.cause) ?? '')) throw error
    return attemptOnce(target, context, address, undefined, deadline)
  }
}

function usable(name: string, { certificate, key }: NonNullable<Case['credential']>): SecureContext {
  try {
    return createSecureContext({ cert: certificate, key })
  } catch (error) {
    const message = `expected a usable certificate and its key among the prober's credentials (${name}), got one that is not`
    throw new FetchError('tls', 'client_credentials_unusable', message, error)
  }
}

async function attemptOnce(
  target: MtlsTarget,
  context: SecureContext | undefined,
  address: string,
  protocol: 'http/1.1' | undefined,
  deadline: Deadline,
): Promise<Attempt> {
  const { socket: tcp } = await connectTo(address, target.port, deadline)
  try {
    if (target.startTls !== undefined) await startTls(tcp, target.startTls, deadline)
    const socket = connectTls({
      socket: tcp,
      ...(context === undefined ? {} : { secureContext: context }),
      ...(isIP(target.servername) === 0 ? { servername: target.servername } : {}),
      ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
      // Whom it is asked is the tls probe's matter; here only what it makes of us.
      rejectUnauthorized: false,
    })
    const signs = new Signs(socket)
    const waiting = `a TLS handshake with ${target.address}`
    const { failure, seen } = await deadline.race(signs.handshake, 'tls', waiting)
    if (failure !== undefined) {
      // Servers refuse with an alert, or hang up (Node), as soon as they have seen the certificate; before they asked for one it is not about that.
      if (seen.requested && !isAboutProtocols(failure))
        return { ...seen, connection: 'closed', status: undefined }
      throw tlsFailure(failure, target.address)
    }
    if (seen.isHttp) return { ...seen, ...(await askHttp(socket, signs, target, deadline)) }
    return { ...seen, connection: await waitFor(signs, seen, deadline), status: undefined }
  } finally {
    tcp.destroy()
  }
}

function isAboutProtocols(failure: Error): boolean {
  return NO_APPLICATION_PROTOCOL.test(alertOf(failure) ?? '')
}

/** A server that does not verify in the handshake answers the request; one that does closes instead, before or after it has read it. */
async function askHttp(
  socket: TLSSocket,
  signs: Signs,
  { servername, port, path }: MtlsTarget,
  deadline: Deadline,
): Promise<Pick<Attempt, 'connection' | 'status'>> {
  const name = isIP(servername) === 6 ? `[${servername}]` : servername
  const host = port === 443 ? name : `${name}:${port}`
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: pki-vigil\r\nConnection: close\r\n\r\n`)
  const first = await before(deadline, ANSWER, [signs.statusLine, signs.over])
  if (first === undefined) return { connection: 'silent', status: undefined }
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]
  return {
    connection: status === undefined ? 'closed' : 'open',
    status: status === undefined ? undefined : Number(status),
  }
}

async function waitFor(
  signs: Signs,
  { requested, protocol }: Seen,
  deadline: Deadline,
): Promise<Attempt['connection']> {
  // TLS 1.2 ends after the server has judged; and who did not ask has nothing to judge.
  if (requested && protocol === 'TLSv1.3') {
    const first = await before(deadline, SILENCE, [signs.ticket, signs.over])
    if (first === undefined) return 'silent'
  }
  const close = await before(deadline, SETTLE, [signs.over])
  return close === undefined ? 'open' : 'closed'
}

/** The first of these, or undefined when none comes within so many milliseconds. */
async function before<T>(
  deadline: Deadline,
  ms: number,
  signs: readonly Promise<T>[],
): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const stop = (): void => resolve(undefined)
  const timer = setTimeout(stop, ms)
  deadline.signal.addEventListener('abort', stop, { once: true })
  try {
    const first = await Promise.race([...signs, promise])
    deadline.throwIfStopped()
    return first
  } finally {
    clearTimeout(timer)
    deadline.signal.removeEventListener('abort', stop)
  }
}

/** What happens on a connection, as promises that never reject. */
class Signs {
  /** Without failure: completed. */
  readonly handshake: Promise<{ readonly failure: Error | undefined; readonly seen: Seen }>
  /** A ticket, or the first data: both come after the client was judged (OpenSSL, Go). */
  readonly ticket: Promise<string>
  /** The beginning of what the server said, as soon as a line of it is there. */
  readonly statusLine: Promise<string>
  /** An error, an alert, the end. */
  readonly over: Promise<string>

  constructor(socket: TLSSocket) {
    const handshake = Promise.withResolvers<{ failure: Error | undefined; seen: Seen }>()
    const ticket = Promise.withResolvers<string>()
    const statusLine = Promise.withResolvers<string>()
    const over = Promise.withResolvers<string>()
    let text = ''
    socket.once('secureConnect', () => handshake.resolve({ failure: undefined, seen: look(socket) }))
    socket.once('error', (error: Error) => {
      handshake.resolve({ failure: error, seen: look(socket) })
      over.resolve('')
    })
    // Later errors say nothing new, and must not be uncaught ones.
    socket.on('error', () => undefined)
    socket.once('end', () => over.resolve(''))
    socket.once('close', () => {
      // Asking a closed socket what it was crashes the process (Node 24: its TLS state is freed).
      handshake.resolve({ failure: new Error('closed'), seen: NOTHING })
      over.resolve('')
    })
    socket.once('session', () => ticket.resolve(''))
    socket.on('data', (data: Buffer) => {
      ticket.resolve('')
      if (text.length < MAX_STATUS_LINE) text += data.toString('latin1').slice(0, MAX_STATUS_LINE)
      if (text.includes('\n') || text.length >= MAX_STATUS_LINE) statusLine.resolve(text)
    })
    this.handshake = handshake.promise
    this.ticket = ticket.promise
    this.statusLine = statusLine.promise
    this.over = over.promise
  }
}

type Seen = Pick<Attempt, 'requested' | 'protocol' | 'isHttp'>
const NOTHING: Seen = { requested: false, protocol: undefined, isHttp: false }

function look(socket: TLSSocket): Seen {
  // As above: without its TLS state it must not be asked.
  if (Reflect.get(socket, 'ssl') === null) return NOTHING
  return {
    protocol: maybe(socket.getProtocol()) ?? undefined,
    // node:tls does not tell whether there was a CertificateRequest. It carries signature algorithms; nothing else that a server sends does.
    requested: (maybe(socket.getSharedSigalgs())?.length ?? 0) > 0,
    isHttp: socket.alpnProtocol === 'http/1.1',
  }
}

/** Node's types promise a value; before the handshake and after the end there is none. */
function maybe<T>(value: T): T | null | undefined {
  return value
}
