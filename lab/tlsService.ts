// A TLS service of the lab: node:tls, a fixed one-line answer, and all that it presents can be exchanged while it runs.
import type { Socket } from 'node:net'
import { createServer, type SecureVersion, type Server, type TLSSocket } from 'node:tls'
import { listen, listenEverywhere } from './http.ts'
import { toPem, type KeyPair } from './issue.ts'

/** Milliseconds after which an idle connection is dropped. */
const IDLE_TIMEOUT_MS = 10_000

export interface Credentials {
  readonly certificate: Uint8Array
  /** Sent after the certificate: the issuing CA, without the root. */
  readonly chain: readonly Uint8Array[]
  readonly key: KeyPair
}

/** What a service shows to who connects to one of its addresses. */
export interface Presentation extends Credentials {
  /** DER certificates of the CAs whose client certificates are accepted; absent: none is asked for. */
  readonly client?: {
    readonly authorities: readonly Uint8Array[]
    /** `requested`: asked for, and none or any is good enough. */
    readonly policy: 'required' | 'requested'
    /** Of a serial number in hex; absent: nobody is asked. */
    readonly isRevoked?: (serial: string) => boolean
    /** What is wrong with a certificate and does not matter, as OpenSSL calls it: `CERT_HAS_EXPIRED`. */
    readonly overlooks?: readonly string[]
  }
  /** What OpenSSL has as defaults, when absent. */
  readonly versions?: { readonly min: SecureVersion; readonly max: SecureVersion }
  /** Key exchange groups, such as `X25519:P-256`. */
  readonly groups?: string
  readonly ciphers?: string
  /** OCSP answer for a client that asks for a staple; absent: none. */
  readonly staple?: () => Promise<Uint8Array>
}

export interface TlsService {
  readonly port: number
  /** New connections to the address see this. Nothing is restarted, unless it is about client certificates. */
  present(address: string, presentation: Presentation): Promise<void>
  close(): Promise<void>
}

export async function startTlsService(options: {
  name: string
  presentations: ReadonlyMap<string, Presentation>
}): Promise<TlsService> {
  const { name } = options
  const shown = new Map(options.presentations)
  const connections = new Set<Socket>()
  const create = (address: string): Server => {
    const presentation = shown.get(address)
    if (presentation === undefined) throw new RangeError(`expected a presentation at ${address}`)
    const server = createServer(
      {
        ...contextOf(presentation),
        requestCert: presentation.client !== undefined,
        rejectUnauthorized:
          presentation.client?.policy === 'required' && presentation.client.overlooks === undefined,
        handshakeTimeout: IDLE_TIMEOUT_MS,
      },
      (socket) => {
        // A prober hangs up in the middle of things; that is no event for a service.
        socket.on('error', () => socket.destroy())
        if (!isWelcome(socket, shown.get(address)?.client)) {
          socket.destroy()
          return
        }
        socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy())
        socket.once('data', () => socket.end(answer(name)))
      },
    )
    server.on('tlsClientError', () => undefined)
    server.on(
      'OCSPRequest',
      (_certificate, _issuer, done: (error: Error | null, staple?: Buffer) => void) => {
        const staple = shown.get(address)?.staple
        if (staple === undefined) done(null)
        else
          staple().then(
            (der) => done(null, Buffer.from(der)),
            () => done(null),
          )
      },
    )
    server.on('connection', (socket: Socket) => {
      connections.add(socket)
      socket.on('close', () => connections.delete(socket))
    })
    return server
  }
  const addresses = [...shown.keys()]
  const { port, servers } = await listenEverywhere(addresses, 0, create)
  const listening = new Map(addresses.map((address, n) => [address, servers[n]]))
  return {
    port,
    async present(address, presentation) {
      const before = shown.get(address)
      shown.set(address, presentation)
      const server = listening.get(address)
      if (server === undefined || before === undefined) return
      if (before.client === presentation.client) {
        server.setSecureContext(contextOf(presentation))
        return
      }
      await new Promise((resolve) => {
        server.close(resolve)
        for (const socket of connections) if (socket.localAddress === address) socket.destroy()
      })
      const next = create(address)
      await listen(next, port, address)
      listening.set(address, next)
    },
    async close() {
      const closed = [...listening.values()].map((server) => new Promise((resolve) => server?.close(resolve)))
      for (const socket of connections) socket.destroy()
      await Promise.all(closed)
    },
  }
}

function isWelcome(socket: TLSSocket, client: Presentation['client']): boolean {
  if (client?.policy !== 'required') return true
  const { isRevoked, overlooks = [] } = client
  const serial = socket.getPeerX509Certificate()?.serialNumber.toLowerCase()
  if (serial === undefined || isRevoked?.(serial) === true) return false
  // Node's types promise an error; it has the code, as a text.
  const why: unknown = socket.authorizationError
  return socket.authorized || overlooks.includes(String(why))
}

function contextOf({ certificate, chain, key, client, versions, groups, ciphers }: Presentation) {
  return {
    cert: [certificate, ...chain].map((der) => toPem(der, 'CERTIFICATE')).join(''),
    key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ...(client === undefined ? {} : { ca: client.authorities.map((der) => toPem(der, 'CERTIFICATE')) }),
    ...(versions === undefined ? {} : { minVersion: versions.min, maxVersion: versions.max }),
    ...(groups === undefined ? {} : { ecdhCurve: groups }),
    ...(ciphers === undefined ? {} : { ciphers }),
  }
}

function answer(name: string): string {
  const body = `${name}\n`
  return `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
}
