import type { Client, errors } from '@elastic/elasticsearch'
import { z } from 'zod'
import { StoreError } from '../error.ts'
import { toStoreError } from './error.ts'

type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** As the server gave it: `encoded`, base64 of id and key. */
  | { readonly kind: 'api_key'; readonly apiKey: string }

export interface ServerOptions {
  readonly url: string
  readonly credentials?: Credentials
  /** CA certificates (PEM) that the server's certificate must lead to. Default: those of the system. */
  readonly ca?: string
  /** How long one request may take, in milliseconds. Default 30 000. */
  readonly requestTimeout?: number
  /** Gives up requests that are under way, and makes every later one fail with `io`. */
  readonly signal?: AbortSignal
}

/** The client speaks the protocol of its own major version, and a server of another one refuses that or misunderstands it. */
const MAJOR = 9
const REQUEST_TIMEOUT_MS = 30_000

const answerSchema = z.object({
  error: z.object({ type: z.string(), reason: z.string().nullish() }),
})

/** A server that was asked for its version. */
export class Server {
  readonly #client: Client
  readonly #errors: typeof errors
  /** Without credentials. */
  readonly url: string

  readonly #signal: AbortSignal

  private constructor(client: Client, kinds: typeof errors, options: ServerOptions) {
    this.#client = client
    this.#errors = kinds
    this.#signal = options.signal ?? new AbortController().signal
    this.url = withoutCredentials(options.url)
  }

  /**
   * Connects and asks for the version. Throws StoreError: `io` when there is no answer, `unsupported_server` when it is no Elasticsearch of
   * our major version.
   */
  static async connect(options: ServerOptions): Promise<Server> {
    // Loaded here and not above: the client is 28 MB that an installation with the embedded store alone never reads.
    const { Client, errors: kinds } = await import('@elastic/elasticsearch')
    const { url, credentials = { kind: 'none' }, ca, requestTimeout = REQUEST_TIMEOUT_MS } = options
    const client = new Client({
      node: url,
      // One loop tries again, and it is the caller's.
      maxRetries: 0,
      requestTimeout,
      // Documents come from logs: a key named __proto__ is data, and JSON.parse makes it an ordinary member.
      disablePrototypePoisoningProtection: true,
      ...authOf(credentials),
      ...(ca === undefined ? {} : { tls: { ca } }),
    })
    const server = new Server(client, kinds, options)
    try {
      await server.#checkVersion()
      return server
    } catch (error) {
      await client.close()
      throw error
    }
  }

  /** Makes a request; `options` go to it. Throws StoreError. */
  async ask<T>(request: (client: Client, options: { signal: AbortSignal }) => Promise<T>): Promise<T> {
    try {
      // A signal for this request alone: when a request takes too long, the client raises `abort` on the signal it was given.
      return await request(this.#client, { signal: AbortSignal.any([this.#signal]) })
    } catch (error) {
      throw this.#explain(error)
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #checkVersion(): Promise<void> {
    const { version } = await this.ask((client, options) => client.info({}, options))
    if (!version.number.startsWith(`${MAJOR}.`)) throw this.#unsupported(`version ${version.number}`)
  }

  #explain(error: unknown): unknown {
    if (error instanceof this.#errors.ResponseError) {
      const answer = answerSchema.safeParse(error.body)
      const { type, reason } = answer.success ? answer.data.error : { type: 'error', reason: error.message }
      if (type === 'media_type_header_exception')
        return this.#unsupported('one of another major version', error)
      return toStoreError({ status: error.statusCode ?? 0, type, reason: reason ?? '' }, this.url, error)
    }
    if (error instanceof this.#errors.ProductNotSupportedError)
      return this.#unsupported('a server that does not say it is Elasticsearch', error)
    // No answer in time, no connection, or an answer that is no JSON (a proxy's page).
    if (error instanceof this.#errors.ElasticsearchClientError)
      return new StoreError('io', `${this.url}: ${error.message}`, { cause: error })
    return error
  }

  #unsupported(found: string, cause?: unknown): StoreError {
    return new StoreError(
      'unsupported_server',
      `${this.url}: expected Elasticsearch ${MAJOR}, found ${found}`,
      {
        cause,
      },
    )
  }
}

function authOf(credentials: Credentials): object {
  switch (credentials.kind) {
    case 'none':
      return {}
    case 'password':
      return { auth: { username: credentials.username, password: credentials.password } }
    case 'api_key':
      return { auth: { apiKey: credentials.apiKey } }
  }
}

function withoutCredentials(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname === '/' ? '' : pathname}`
}
