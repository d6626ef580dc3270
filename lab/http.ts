// The lab's HTTP servers: loopback only, port chosen by the OS, bodies bounded, closed without waiting for idle connections.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Server } from 'node:net'
import { messageOf } from '../model/thrown.ts'
import { LabError, type LabErrorCode } from './error.ts'

export const LOOPBACK = '127.0.0.1'

/** Milliseconds for a client to send its whole request. The lab's clients are on this machine. */
const REQUEST_TIMEOUT_MS = 10_000

/** How the lab's own errors look over HTTP. */
const STATUS: Readonly<Record<LabErrorCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  unknown_fault: 422,
  unknown_target: 422,
  closed: 503,
  not_running: 503,
  bad_state_file: 500,
  request_failed: 502,
}

export interface HttpServer {
  /** `http://127.0.0.1:port` */
  readonly url: string
  readonly port: number
  /** Stops listening and drops every connection. */
  close(): Promise<void>
}

/** `address`: the one that was connected to. */
type Handler = (request: IncomingMessage, response: ServerResponse, address: string) => Promise<void> | void

/** Tries to find a port that is free at every address. */
const PORT_TRIES = 10

/**
 * Serves at one port of every address; port 0: one that is free. A LabError thrown by the handler becomes
 * `{ error: { code, message } }` with its status, anything else a 500.
 */
export async function serveHttp(
  handler: Handler,
  port = 0,
  addresses: readonly string[] = [LOOPBACK],
): Promise<HttpServer> {
  const listening = await listenEverywhere(addresses, port, (address) =>
    createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      void (async () => handler(request, response, address))().catch((error: unknown) => {
        answerError(response, error)
      })
    }),
  )
  return {
    url: `http://${addresses[0] ?? LOOPBACK}:${listening.port}`,
    port: listening.port,
    async close() {
      await Promise.all(
        listening.servers.map((server) => {
          const closed = new Promise<void>((resolve) => server.close(() => resolve()))
          server.closeAllConnections()
          return closed
        }),
      )
    },
  }
}

/** One server at each address, all at one port; port 0: one that is free at all of them. Nothing listens when it rejects. */
export async function listenEverywhere<S extends Server>(
  addresses: readonly string[],
  port: number,
  create: (address: string) => S,
): Promise<{ port: number; servers: readonly S[] }> {
  for (let attempt = 1; ; attempt++) {
    const servers: S[] = []
    try {
      for (const address of addresses) {
        const [first] = servers
        const server = create(address)
        await listen(server, first === undefined ? port : portOf(first), address)
        servers.push(server)
      }
      const [first] = servers
      if (first === undefined) throw new RangeError('expected an address')
      return { port: portOf(first), servers }
    } catch (error) {
      for (const server of servers) server.close()
      // The port that was free at the first address was somebody's at another.
      if (port !== 0 || attempt === PORT_TRIES || servers.length === 0) throw error
    }
  }
}

export function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

export function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new LabError('closed', 'expected a TCP address')
  return address.port
}

function answerError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const known = error instanceof LabError
  sendJson(response, known ? STATUS[error.code] : 500, {
    error: {
      code: known ? error.code : 'internal',
      message: messageOf(error),
    },
  })
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, { 'content-type': 'application/json' }, Buffer.from(JSON.stringify(value)))
}

export function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array = new Uint8Array(),
): void {
  response.writeHead(status, { ...headers, 'content-length': String(body.length) }).end(body)
}

/** The whole body. LabError `too_large` above the limit, in octets. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.length
    if (size > limit) throw new LabError('too_large', `expected at most ${limit} octets`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** LabError `bad_request` when it is not JSON. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown
  } catch (cause) {
    throw new LabError('bad_request', 'expected a JSON body', { cause })
  }
}
