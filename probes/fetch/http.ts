import type { Socket } from 'node:net'
import { Client, errors, type Dispatcher } from 'undici'
import { systemCode } from '../../model/thrown.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { connectTo, contactable, openConnection, secure, type Network } from './connect.ts'
import type { Credential } from './credential.ts'
import type { Deadline } from './deadline.ts'
import { FetchError } from './error.ts'
import type { Source } from './follow.ts'
import { tellServerTime } from './serverTime.ts'

/** Octets of a response's header section: what Node and most servers and proxies allow. */
const MAX_HEADERS = 16 * 1024
/** Without one, undici makes an error with its stack for each client that is put away. */
const OVER = new Error('the exchange is over')
const REDIRECTS = new Set([301, 302, 303, 307, 308])

export interface HttpRequest {
  readonly url: string
  /** Who named the URL. What a redirect names is `found`. */
  readonly source: Source
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  /** Octets of the response's body. */
  readonly maxBody: number
  /** Redirects that are followed, of a GET; 0 for a POST, whose repetition elsewhere would be another question. */
  readonly maxRedirects: number
  /** Trusted beside the default roots when the URL is https. */
  readonly anchor: Certificate | undefined
  /** The one address of the host that is asked; a redirect to another host is followed to any of that. Default: the first that answers. */
  readonly address?: string
  /** Shown to the https server of the URL when it asks for a certificate, never to those that it redirects to. */
  readonly client?: Credential
  /** Takes the body of an answer with status 200 piece by piece; `body` is empty then. Other bodies are not read. */
  readonly into?: (octets: Uint8Array) => void
}

/** Milliseconds of the last hop; `total` is over all hops. */
export interface HttpTimings {
  readonly resolve: number
  readonly connect: number
  readonly tls: number
  readonly firstByte: number
  readonly total: number
}

export interface HttpAnswer {
  readonly ok: true
  readonly status: number
  /** Names in lower case; repeated ones joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly finalUrl: string
  /** URLs that redirected, in order. */
  readonly redirects: readonly string[]
  readonly timings: HttpTimings
}

export interface HttpFailure {
  readonly ok: false
  readonly error: FetchError
}

/**
 * One HTTP/1.1 exchange: one attempt, a new connection for each hop, no cache, no cookies, no proxy, no decompression.
 * Any status is an answer. Rejects only when the outer signal of the deadline aborts.
 */
export async function exchange(
  request: HttpRequest,
  deadline: Deadline,
  network: Network,
): Promise<HttpAnswer | HttpFailure> {
  const started = performance.now()
  const redirects: string[] = []
  let url = request.url
  try {
    const { hostname } = parseUrl(url)
    for (;;) {
      const at = parseUrl(url)
      const way: Way = {
        source: redirects.length === 0 ? request.source : 'found',
        address: at.hostname === hostname ? request.address : undefined,
        client: redirects.length === 0 ? request.client : undefined,
      }
      const hop = await exchangeOnce(at, way, request, deadline, network)
      const next = request.method === 'GET' && REDIRECTS.has(hop.status) ? hop.headers['location'] : undefined
      if (next === undefined || request.maxRedirects === 0) {
        const timings = { ...hop.timings, total: performance.now() - started }
        return { ok: true, ...hop, finalUrl: url, redirects, timings }
      }
      redirects.push(url)
      if (redirects.length > request.maxRedirects) {
        const message = `expected at most ${request.maxRedirects} redirects, got one more to ${next}`
        throw new FetchError('http', 'too_many_redirects', message)
      }
      url = redirectTarget(next, url)
    }
  } catch (error) {
    if (error instanceof FetchError) return { ok: false, error }
    throw error
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && isHttp(url)) return url
  throw new FetchError('http', 'bad_url', `expected an http:// or https:// URL, got ${text}`)
}

function redirectTarget(location: string, base: string): string {
  const url = URL.canParse(location, base) ? new URL(location, base) : undefined
  if (url !== undefined && isHttp(url) && url.username === '' && url.password === '') return url.href
  const message = `expected a redirect to an http:// or https:// URL without credentials, got ${location}`
  throw new FetchError('http', 'bad_redirect', message)
}

function isHttp(url: URL): boolean {
  return url.protocol === 'http:' || url.protocol === 'https:'
}

interface Hop extends Pick<HttpAnswer, 'status' | 'headers' | 'body'> {
  readonly timings: Omit<HttpTimings, 'total'>
}

/** How one hop is made. */
interface Way {
  readonly source: Source
  readonly address: string | undefined
  readonly client: Credential | undefined
}

async function exchangeOnce(
  url: URL,
  { source, address, client: credential }: Way,
  request: HttpRequest,
  deadline: Deadline,
  network: Network,
): Promise<Hop> {
  const isTls = url.protocol === 'https:'
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port)
  const destination = { host: url.hostname, port, source }
  if (address !== undefined) contactable(destination, [address], network)
  const connection =
    address === undefined
      ? await openConnection(destination, deadline, network)
      : await connectTo(address, port, deadline)
  const connected = performance.now()
  const trust = { anchor: request.anchor, client: credential }
  const socket = isTls ? await secure(connection, url.hostname, trust, deadline) : connection.socket
  const secured = performance.now()
  const client = new Client(url.origin, {
    connect: handOver(socket),
    allowH2: false,
    pipelining: 0, // Connection: close
    maxHeaderSize: MAX_HEADERS,
    // The deadline bounds everything.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  try {
    const response = await send(client, url, request, deadline)
    const firstByte = performance.now() - secured
    const headers = joinHeaders(response.headers)
    tellServerTime(url.hostname, headers)
    const body = await takeBody(response, headers, request, deadline)
    const timings = { ...connection.timings, tls: secured - connected, firstByte }
    return { status: response.statusCode, headers, body, timings }
  } finally {
    socket.destroy()
    client.destroy(OVER, () => undefined)
  }
}

/** We connect ourselves, so that a failure's phase is known and not guessed; undici gets the open socket, once. */
function handOver(socket: Socket): NonNullable<Client.Options['connect']> {
  let given = false
  return (_options, callback) => {
    if (given || socket.destroyed) {
      callback(new FetchError('http', 'closed', 'expected an answer, got a closed connection'), null)
      return
    }
    given = true
    // undici does not dispatch its request when it is called back before its own call has returned.
    setImmediate(callback, null, socket)
  }
}

async function send(
  client: Client,
  url: URL,
  request: HttpRequest,
  deadline: Deadline,
): Promise<Dispatcher.ResponseData> {
  const response = client.request({
    path: `${url.pathname}${url.search}`,
    method: request.method,
    headers: { ...request.headers, 'accept-encoding': 'identity', 'user-agent': 'pki-vigil' },
    body: request.body ?? null,
    signal: deadline.signal,
  })
  try {
    // Raced, since undici's own signal reaches only a request that is on the wire.
    return await deadline.race(response, 'http', `an answer from ${url.origin}`)
  } catch (error) {
    throw exchangeFailure(error, 'headers')
  }
}

async function takeBody(
  response: Dispatcher.ResponseData,
  headers: Readonly<Record<string, string>>,
  { into, maxBody }: HttpRequest,
  deadline: Deadline,
): Promise<Uint8Array> {
  const { statusCode } = response
  if (REDIRECTS.has(statusCode) || (into !== undefined && statusCode !== 200)) return new Uint8Array()
  const chunks: Uint8Array[] = []
  await readBody(response, headers, maxBody, deadline, into ?? ((chunk) => void chunks.push(chunk)))
  return Buffer.concat(chunks)
}

async function readBody(
  response: Dispatcher.ResponseData,
  headers: Readonly<Record<string, string>>,
  maxBody: number,
  deadline: Deadline,
  take: (octets: Uint8Array) => void,
): Promise<void> {
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    // Asked for identity; and a decompressor would be one more thing to bound.
    const message = `expected a body without Content-Encoding, got ${encoding}`
    throw new FetchError('http', 'content_encoded', message)
  }
  const tooLarge = (got: string): FetchError =>
    new FetchError('size', 'body_too_large', `expected a body of at most ${maxBody} octets, got ${got}`)
  const announced = Number(headers['content-length'] ?? 0)
  if (announced > maxBody) throw tooLarge(`${announced} announced`)
  let size = 0
  try {
    for await (const chunk of response.body) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('expected octets')
      size += chunk.length
      if (size > maxBody) throw tooLarge('more')
      take(chunk)
    }
  } catch (error) {
    if (deadline.signal.aborted) throw deadline.failure('http', 'the whole body')
    throw error instanceof FetchError ? error : exchangeFailure(error, 'body')
  }
}

/** Which codes undici throws when. */
function exchangeFailure(error: unknown, during: 'headers' | 'body'): unknown {
  if (error instanceof FetchError) return error
  const code = systemCode(error)
  const isClosed = code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
  if (code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'HPE_HEADER_OVERFLOW') {
    const message = `expected at most ${MAX_HEADERS} octets of headers, got more`
    return new FetchError('size', 'headers_too_large', message, error)
  }
  const isParser = error instanceof errors.HTTPParserError || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
  if (during === 'body' && (isClosed || isParser)) {
    const message = 'expected the whole body, got an end before it'
    return new FetchError('http', 'truncated_body', message, error)
  }
  if (isClosed) {
    return new FetchError('http', 'closed', `expected an answer, got a closed connection (${code})`, error)
  }
  if (isParser) {
    const reason = error instanceof Error ? error.message : code
    const message = `expected an HTTP/1.1 answer, got something else: ${reason}`
    return new FetchError('http', 'malformed_response', message, error)
  }
  // Anything else is our mistake, not the server's.
  return error
}

function joinHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const joined: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return joined
}
