import { Agent, request, type Dispatcher } from 'undici'
import { AlertsError } from './error.ts'

/** What POST /api/v2/alerts takes (Alertmanager's openapi.yaml, postableAlert). */
export interface PostableAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** RFC 3339. Alertmanager refuses a start after the end. */
  readonly startsAt: string
  readonly endsAt: string
}

export interface AlertReceiver {
  /** Where alerts go, without credentials. */
  readonly receiver: string
  /** Resolves when all were taken. Throws AlertsError. */
  post(alerts: readonly PostableAlert[]): Promise<void>
}

/** Milliseconds for one POST; well under the interval in which alerts are sent again. */
const TIMEOUT = 10_000

/** How much of an answer is read, in octets: it is only needed to say why alerts were refused. */
const MAX_ANSWER = 2048

/** Client of one Alertmanager's API v2. Does not retry: the dispatcher sends everything again anyway. */
export class AlertmanagerClient implements AlertReceiver {
  readonly receiver: string
  readonly #endpoint: URL
  readonly #authorization: string | undefined
  readonly #timeout: number
  readonly #agent: Agent

  /** `url` is Alertmanager's base URL, with a path prefix where it has one, and user:password@ where a proxy asks. */
  constructor(options: { readonly url: string; readonly timeout?: number }) {
    const base = new URL(options.url)
    const { username, password } = base
    base.username = ''
    base.password = ''
    base.search = ''
    base.hash = ''
    if (!base.pathname.endsWith('/')) base.pathname += '/'
    this.receiver = base.href
    this.#endpoint = new URL('api/v2/alerts', base)
    this.#authorization =
      username === '' && password === ''
        ? undefined
        : `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`
    this.#timeout = options.timeout ?? TIMEOUT
    this.#agent = new Agent({ connections: 1, allowH2: false, connect: { timeout: this.#timeout } })
  }

  async post(alerts: readonly PostableAlert[]): Promise<void> {
    const signal = AbortSignal.timeout(this.#timeout)
    let status: number
    let answer: string
    try {
      const response = await request(this.#endpoint, {
        method: 'POST',
        dispatcher: this.#agent,
        signal,
        headers: {
          'content-type': 'application/json',
          ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
        },
        body: JSON.stringify(alerts),
      })
      status = response.statusCode
      answer = await readStart(response.body)
    } catch (error) {
      if (signal.aborted)
        throw new AlertsError('timeout', `no answer from ${this.receiver} within ${this.#timeout} ms`, {
          cause: error,
        })
      const reason = error instanceof Error ? error.message : String(error)
      throw new AlertsError('unreachable', `cannot reach ${this.receiver}: ${reason}`, { cause: error })
    }
    if (status >= 200 && status < 300) return
    const text = answer.trim()
    const message = `${this.receiver} answered ${status}${text === '' ? '' : `: ${text}`}`
    throw new AlertsError(status >= 400 && status < 500 ? 'refused' : 'failed', message)
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

async function readStart(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= MAX_ANSWER) break
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER).toString('utf8')
}
