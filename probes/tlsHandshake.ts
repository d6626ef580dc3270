import { isIP } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { connectTo, openConnection, type Connection, type Network } from './fetch/connect.ts'
import type { Deadline } from './fetch/deadline.ts'
import { FetchError } from './fetch/error.ts'
import { startTls } from './fetch/startTls.ts'
import { alertOf, tlsFailure } from './fetch/tlsFailure.ts'
import type { TlsTarget } from './probe.ts'

/** Certificates of a chain that are looked at; real servers send up to 5. OpenSSL bounds them to 100 KiB together. */
const MAX_CHAIN = 32
/** Milliseconds that a TLS 1.3 server that asked for a certificate may take to refuse it after our side is done. */
const REFUSAL_WAIT = 500
/** Milliseconds after a session ticket in which a close still counts as refusal: some servers (Node) verify after they sent tickets. */
const AFTER_TICKET_WAIT = 25

export interface Handshake {
  readonly protocol: string | undefined
  readonly cipher: string | undefined
  /** Key exchange group: `X25519MLKEM768`. */
  readonly group: string | undefined
  /** DER, the leaf first, then as sent. Empty: no certificate was seen. */
  readonly chain: readonly Uint8Array[]
  /** The OCSP answer that came along (RFC 6066 section 8), DER; undefined: none. */
  readonly staple: Uint8Array | undefined
  /** Of our client certificate; undefined: none is configured, the server did not ask, or it said nothing either way. */
  readonly clientCertificateAccepted: boolean | undefined
  /** undefined: the handshake completed, and the client certificate, if one was asked for, was not refused. */
  readonly error: FetchError | undefined
}

const NOTHING = {
  protocol: undefined,
  cipher: undefined,
  group: undefined,
  chain: [],
  staple: undefined,
  clientCertificateAccepted: undefined,
}

/** What of a target a handshake depends on. */
export type HandshakeTarget = Pick<
  TlsTarget,
  'address' | 'host' | 'port' | 'servername' | 'startTls' | 'client'
>

/**
 * Connects, shakes hands, and says goodbye. Any certificate is accepted here: judging it is the caller's. ALPN is not offered.
 * Rejects only when the outer signal of the deadline aborts.
 */
export function shakeHands(
  target: HandshakeTarget,
  deadline: Deadline,
  network: Network,
): Promise<Handshake> {
  const { host, port } = target
  return shakeHandsOver(target, deadline, () =>
    openConnection({ host, port, source: 'declared' }, deadline, network),
  )
}

/** The same at one of the host's addresses. */
export function shakeHandsAt(ip: string, target: HandshakeTarget, deadline: Deadline): Promise<Handshake> {
  return shakeHandsOver(target, deadline, () => connectTo(ip, target.port, deadline))
}

async function shakeHandsOver(
  target: HandshakeTarget,
  deadline: Deadline,
  open: () => Promise<Connection>,
): Promise<Handshake> {
  try {
    const secureContext = credentials(target)
    const { socket: tcp } = await open()
    try {
      if (target.startTls !== undefined) await startTls(tcp, target.startTls, deadline)
    } catch (error) {
      tcp.destroy()
      throw error
    }
    const socket = connectTls({
      socket: tcp,
      secureContext,
      // RFC 6066 section 3: no IP addresses in SNI.
      ...(isIP(target.servername) === 0 ? { servername: target.servername } : {}),
      rejectUnauthorized: false,
      requestOCSP: true,
    })
    try {
      const handshake = await follow(socket, target, deadline)
      // close_notify, so that the server does not log a broken connection.
      if (handshake.error === undefined) socket.destroySoon()
      else socket.destroy()
      return handshake
    } catch (error) {
      socket.destroy()
      throw error
    }
  } catch (error) {
    if (error instanceof FetchError) return { ...NOTHING, error }
    throw error
  }
}

/**
 * What is old or weak is offered too, so that a service that knows nothing better shows it, and what it serves; of those that do none takes it. Anonymous
 * suites stay off: what is served is what is judged.
 */
const OFFER = { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const
/** Made once: that takes longer than a handshake. */
let withoutClient: SecureContext | undefined

function credentials({ client }: HandshakeTarget): SecureContext {
  if (client === undefined) return (withoutClient ??= createSecureContext(OFFER))
  try {
    return createSecureContext({ ...OFFER, cert: client.certificate, key: client.key })
  } catch (error) {
    const message =
      'expected a usable client certificate and its key in the configuration, got one that is not'
    throw new FetchError('tls', 'client_credentials_unusable', message, error)
  }
}

async function follow(socket: TLSSocket, target: HandshakeTarget, deadline: Deadline): Promise<Handshake> {
  const events = new Events(socket)
  const handshake = await deadline.race(events.handshake, 'tls', `a TLS handshake with ${target.address}`)
  const { isCertificateRequested, ...seen } = handshake.seen
  let { failure } = handshake
  let isRefused: boolean | undefined
  if (isCertificateRequested && failure === undefined) {
    // TLS 1.2 finishes after the server has judged the certificate, TLS 1.3 before (RFC 8446 section 4.4.4).
    const verdict = seen.protocol === 'TLSv1.3' ? await events.lateVerdict(deadline) : 'accepted'
    deadline.throwIfStopped()
    if (verdict === 'accepted') isRefused = false
    if (verdict instanceof Error) {
      isRefused = true
      failure = verdict
    }
  } else if (isCertificateRequested && failure !== undefined && alertOf(failure) !== undefined) {
    isRefused = true
  }
  return {
    ...seen,
    clientCertificateAccepted:
      target.client === undefined || isRefused === undefined ? undefined : !isRefused,
    error: isRefused === true ? refusal(target, failure) : failure && tlsFailure(failure, target.address),
  }
}

/** What a connection shows of itself; taken while the event is handled, since a closed socket has nothing left. */
interface Seen extends Pick<Handshake, 'protocol' | 'cipher' | 'group' | 'chain' | 'staple'> {
  readonly isCertificateRequested: boolean
}

/** What happens on a connection, as promises that never reject. */
class Events {
  /** Without failure: completed. */
  readonly handshake: Promise<{ readonly failure: Error | undefined; readonly seen: Seen }>
  readonly #ticket: Promise<'ticket'>
  /** The error that ended the connection, or an error that says it was closed. */
  readonly #over: Promise<Error>

  constructor(socket: TLSSocket) {
    const handshake = Promise.withResolvers<{ failure: Error | undefined; seen: Seen }>()
    const ticket = Promise.withResolvers<'ticket'>()
    const over = Promise.withResolvers<Error>()
    let staple: Uint8Array | undefined
    // Comes before the end of the handshake, with null where the server has none.
    socket.once('OCSPResponse', (answer: Uint8Array | null) => (staple = answer ?? undefined))
    socket.once('secureConnect', () => handshake.resolve({ failure: undefined, seen: look(socket, staple) }))
    socket.on('error', (error: Error) => {
      handshake.resolve({ failure: error, seen: look(socket, staple) })
      over.resolve(error)
    })
    const onEnd = (): void => over.resolve(new Error('closed'))
    socket.once('end', onEnd)
    socket.once('close', onEnd)
    // Tickets come after the client's certificate was judged (OpenSSL, Go); data would too.
    socket.once('session', () => ticket.resolve('ticket'))
    socket.once('data', () => ticket.resolve('ticket'))
    socket.resume()
    this.handshake = handshake.promise
    this.#ticket = ticket.promise
    this.#over = over.promise
  }

  /** Waits for a refusal or a sign of acceptance. A server without session tickets gives no sign before it is spoken to. */
  async lateVerdict(deadline: Deadline): Promise<'accepted' | 'silent' | Error> {
    const { promise: silence, resolve } = Promise.withResolvers<'silent'>()
    const stop = (): void => resolve('silent')
    const timer = setTimeout(stop, REFUSAL_WAIT)
    deadline.signal.addEventListener('abort', stop, { once: true })
    try {
      const first = await Promise.race([this.#over, this.#ticket, silence])
      if (first !== 'ticket') return first
      const settle = Promise.withResolvers<undefined>()
      const settled = setTimeout(() => settle.resolve(undefined), AFTER_TICKET_WAIT)
      const second = await Promise.race([this.#over, settle.promise])
      clearTimeout(settled)
      return second ?? 'accepted'
    } finally {
      clearTimeout(timer)
      deadline.signal.removeEventListener('abort', stop)
    }
  }
}

function refusal(target: HandshakeTarget, failure: Error | undefined): FetchError {
  const how = (failure && alertOf(failure)) ?? 'a closed connection'
  if (target.client === undefined) {
    const message = `${target.address}: expected a connection without client certificate, got ${how}`
    return new FetchError('tls', 'client_certificate_required', message, failure)
  }
  const message = `${target.address}: expected the client certificate to be accepted, got ${how}`
  return new FetchError('tls', 'client_certificate_refused', message, failure)
}

function look(socket: TLSSocket, staple: Uint8Array | undefined): Seen {
  const key = maybe(socket.getEphemeralKeyInfo())
  return {
    protocol: maybe(socket.getProtocol()) ?? undefined,
    cipher: maybe(socket.getCipher())?.standardName,
    group: key && 'name' in key && typeof key.name === 'string' ? key.name : undefined,
    chain: chainOf(socket),
    staple,
    // node:tls does not tell whether there was a CertificateRequest. It carries signature algorithms; nothing else that a server sends does.
    isCertificateRequested: (maybe(socket.getSharedSigalgs())?.length ?? 0) > 0,
  }
}

/** Node's types promise a value; before the handshake and after the end there is none. */
function maybe<T>(value: T): T | null | undefined {
  return value
}

function chainOf(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = []
  let certificate = socket.getPeerX509Certificate()
  while (certificate !== undefined && chain.length < MAX_CHAIN) {
    chain.push(certificate.raw)
    certificate = certificate.issuerCertificate
  }
  return chain
}
