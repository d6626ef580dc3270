import { Agent, buildConnector, request, type Dispatcher } from 'undici'
import { messageOf, systemCode } from '../../../model/thrown.ts'
import type { Credential } from '../../../probes/fetch/credential.ts'
import { alertOf, tlsFailure } from '../../../probes/fetch/tlsFailure.ts'
import { CollectorError } from '../../error.ts'
import { Bell } from '../wake.ts'

/** Where something is asked, and how it is known that we may. */
export interface ApiAccess {
  /** Without credentials. */
  readonly url: string
  /** What lets us in: `authorization`, or what a product has of its own. May be another with the next request: credentials are rotated. */
  readonly headers: Readonly<Record<string, string>>
  /** CA certificates (PEM) that the server's certificate must lead to. Default: those of the system. */
  readonly ca?: string
  /** Our certificate, for servers that ask for one. May be another with the next connection. */
  readonly client?: Credential
}

export interface ApiAnswer {
  readonly json: unknown
  readonly octets: number
  /** The server's clock, where it says what that is, in milliseconds. Whole seconds. */
  readonly date: number | undefined
}

/** One request, milliseconds: a page of a large table takes a server a while. */
const TIMEOUT_MS = 30_000
/** Octets of one answer: a page of 500 records of 64 KiB. */
const MAX_ANSWER = 32 * 1024 * 1024
/** Times that a server may say that it is asked too often, and how long it may make us wait, in milliseconds. */
const MAX_BUSY = 3
const MAX_RETRY_AFTER_MS = 30_000
/** Characters of a refusal that are shown. */
const MAX_DETAIL = 300

/** Asks an API for JSON: bounded in time and octets, no redirects. What is wrong is a CollectorError that says what. */
export class ApiClient {
  readonly url: string
  readonly #access: ApiAccess
  readonly #agent: Agent
  readonly #timeout: number
  /** What TLS said to us since the last request began. */
  #alert: Error | undefined

  constructor(access: ApiAccess, options: { readonly timeout?: number } = {}) {
    this.#access = access
    this.url = access.url.replace(/\/+$/, '')
    this.#timeout = options.timeout ?? TIMEOUT_MS
    const { ca, client } = access
    this.#agent = new Agent({
      allowH2: false,
      connect: (target, callback) => {
        const connect = buildConnector({
          allowH2: false,
          timeout: this.#timeout,
          ...(ca === undefined ? {} : { ca }),
          ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
        })
        connect(target, (...result) => {
          // With TLS 1.3 a server refuses our certificate when the handshake is over, and to the request it looks like a closed connection.
          result[1]?.on('error', (error: Error) => {
            if (alertOf(error) !== undefined) this.#alert ??= error
          })
          callback(...result)
        })
      },
    })
  }

  async get(path: string, signal: AbortSignal): Promise<ApiAnswer> {
    return this.#ask('GET', path, undefined, signal)
  }

  async post(path: string, body: unknown, signal: AbortSignal): Promise<ApiAnswer> {
    return this.#ask('POST', path, body, signal)
  }

  async delete(path: string, body: unknown, signal: AbortSignal): Promise<ApiAnswer> {
    return this.#ask('DELETE', path, body, signal)
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  /** A server that is asked too often says when to come back; more than a few times, that is a problem. */
  async #ask(method: Method, path: string, body: unknown, signal: AbortSignal): Promise<ApiAnswer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#once(method, path, body, signal)
      if (answer.status !== 429) return this.#checked(path, answer)
      if (attempt === MAX_BUSY || signal.aborted)
        throw new CollectorError('rate_limited', `${this.url}: asked too often`)
      await new Bell().wait(Math.min(answer.retryAfter, MAX_RETRY_AFTER_MS), signal)
    }
  }

  async #once(method: Method, path: string, body: unknown, stop: AbortSignal): Promise<RawAnswer> {
    const timeout = AbortSignal.timeout(this.#timeout)
    this.#alert = undefined
    try {
      const response = await request(`${this.url}${path}`, {
        method,
        dispatcher: this.#agent,
        signal: AbortSignal.any([stop, timeout]),
        // Exactly this media type: Dagster refuses one with a charset.
        headers: {
          accept: 'application/json',
          ...this.#access.headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      })
      const bytes = await this.#read(response.body)
      return {
        status: response.statusCode,
        bytes,
        date: dateOf(response.headers['date']),
        retryAfter: secondsOf(response.headers['retry-after']) * 1000,
      }
    } catch (cause) {
      if (cause instanceof CollectorError) throw cause
      if (timeout.aborted)
        throw new CollectorError('unreachable', `${this.url}: no answer within ${this.#timeout} ms`, {
          cause,
        })
      const handshake = handshakeError(cause) ?? this.#alert
      if (handshake !== undefined)
        throw new CollectorError('tls_failed', tlsFailure(handshake, this.url).message, { cause })
      throw new CollectorError('unreachable', `${this.url}: cannot be reached: ${this.#reasonOf(cause)}`, {
        cause,
      })
    }
  }

  /** Some servers refuse a certificate without saying so. */
  #reasonOf(cause: unknown): string {
    const reason = messageOf(cause)
    if (!CLOSED.has(systemCode(cause)) || !this.url.startsWith('https:')) return reason
    const wanted = this.#access.client === undefined ? 'a certificate' : 'another certificate'
    return `${reason}: it may want ${wanted} of ours`
  }

  async #read(body: Dispatcher.ResponseData['body']): Promise<Buffer> {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_ANSWER)
        throw new CollectorError(
          'answer_too_long',
          `${this.url}: an answer of more than ${MAX_ANSWER} octets`,
        )
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }

  #checked(path: string, { status, bytes, date }: RawAnswer): ApiAnswer {
    const where = `${this.url}${path.replace(/\?.*$/, '')}`
    const denial = DENIALS.get(status)
    if (denial !== undefined)
      throw new CollectorError('access_denied', `${where}: ${denial} (${status}): ${excerpt(bytes)}`)
    if (status < 200 || status > 299)
      throw new CollectorError('bad_answer', `${where}: answered ${status}: ${excerpt(bytes)}`)
    return { json: this.#parse(where, bytes), octets: bytes.length, date }
  }

  #parse(where: string, bytes: Buffer): unknown {
    try {
      return JSON.parse(bytes.toString('utf8'))
    } catch {
      throw new CollectorError('bad_answer', `${where}: expected JSON, got ${excerpt(bytes)}`)
    }
  }
}

const DENIALS: ReadonlyMap<number, string> = new Map([
  [401, 'credentials refused'],
  [403, 'not allowed with these credentials'],
])

/** The connection ended before the answer. */
const CLOSED: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

const TLS_CODE = /^(?:ERR_SSL_|ERR_TLS_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_)/

/** What TLS itself has against the server, or the server against us. */
function handshakeError(cause: unknown): Error | undefined {
  if (!(cause instanceof Error)) return undefined
  return TLS_CODE.test(systemCode(cause)) || alertOf(cause) !== undefined
    ? cause
    : handshakeError(cause.cause)
}

type Method = 'GET' | 'POST' | 'DELETE'

interface RawAnswer {
  readonly status: number
  readonly bytes: Buffer
  readonly date: number | undefined
  readonly retryAfter: number
}

/** What a server says, fit for a log of ours. */
function excerpt(bytes: Buffer): string {
  const text = bytes
    .subarray(0, 4 * MAX_DETAIL)
    .toString('utf8')
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
  return text === '' ? 'nothing' : text.slice(0, MAX_DETAIL)
}

function dateOf(header: string | string[] | undefined): number | undefined {
  const ms = typeof header === 'string' ? Date.parse(header) : NaN
  return Number.isNaN(ms) ? undefined : ms
}

function secondsOf(header: string | string[] | undefined): number {
  return typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : 1
}
