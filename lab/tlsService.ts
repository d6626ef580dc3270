// A TLS service of the lab: node:tls, a fixed one-line answer, credentials that can be exchanged while it runs.
import type { Socket } from 'node:net'
import { createServer } from 'node:tls'
import { LabError } from './error.ts'
import { LOOPBACK } from './http.ts'
import { toPem, type KeyPair } from './issue.ts'

/** Milliseconds after which an idle connection is dropped. */
const IDLE_TIMEOUT_MS = 10_000

interface Credentials {
  readonly certificate: Uint8Array
  /** Sent after the certificate: the issuing CA, without the root. */
  readonly chain: readonly Uint8Array[]
  readonly key: KeyPair
}

export interface TlsService {
  readonly port: number
  /** New connections get these; nothing is restarted. */
  deploy(credentials: Credentials): void
  close(): Promise<void>
}

export async function startTlsService(options: {
  name: string
  credentials: Credentials
  /** DER certificates of the CAs whose client certificates are accepted; absent: none is asked for. */
  clientAuthorities?: readonly Uint8Array[]
}): Promise<TlsService> {
  const { name, clientAuthorities } = options
  const contextOf = ({ certificate, chain, key }: Credentials) => ({
    cert: [certificate, ...chain].map((der) => toPem(der, 'CERTIFICATE')).join(''),
    key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ...(clientAuthorities === undefined
      ? {}
      : { ca: clientAuthorities.map((der) => toPem(der, 'CERTIFICATE')) }),
  })
  const server = createServer(
    {
      ...contextOf(options.credentials),
      requestCert: clientAuthorities !== undefined,
      rejectUnauthorized: clientAuthorities !== undefined,
      handshakeTimeout: IDLE_TIMEOUT_MS,
    },
    (socket) => {
      // A prober hangs up in the middle of things; that is no event for a service.
      socket.on('error', () => socket.destroy())
      socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy())
      socket.once('data', () => socket.end(answer(name)))
    },
  )
  server.on('tlsClientError', () => undefined)
  const connections = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, LOOPBACK, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new LabError('closed', 'expected a TCP address')
  return {
    port: address.port,
    deploy: (credentials) => server.setSecureContext(contextOf(credentials)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of connections) socket.destroy()
      }),
  }
}

function answer(name: string): string {
  const body = `${name}\n`
  return `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
}
