import { AlertsError } from './error.ts'
import { OutboundPoster, splitCredentials } from './outbound.ts'

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
  close(): Promise<void>
}

/** Milliseconds for one POST; well under the interval in which alerts are sent again. */
const TIMEOUT = 10_000

/** Client of one Alertmanager's API v2. Does not retry: the dispatcher sends everything again anyway. */
export class AlertmanagerClient implements AlertReceiver {
  readonly receiver: string
  readonly #endpoint: URL
  readonly #authorization: Readonly<Record<string, string>>
  readonly #timeout: number
  readonly #poster: OutboundPoster

  /** `url` is Alertmanager's base URL, with a path prefix where it has one, and user:password@ where a proxy asks. */
  constructor(options: { readonly url: string; readonly timeout?: number }) {
    const { url: base, authorization } = splitCredentials(options.url)
    base.search = ''
    base.hash = ''
    if (!base.pathname.endsWith('/')) base.pathname += '/'
    this.receiver = base.href
    this.#endpoint = new URL('api/v2/alerts', base)
    this.#authorization = authorization
    this.#timeout = options.timeout ?? TIMEOUT
    this.#poster = new OutboundPoster({ timeout: this.#timeout })
  }

  async post(alerts: readonly PostableAlert[]): Promise<void> {
    const result = await this.#poster.post(this.#endpoint, this.#authorization, JSON.stringify(alerts))
    switch (result.kind) {
      case 'timeout':
        throw new AlertsError('timeout', `no answer from ${this.receiver} within ${this.#timeout} ms`, {
          cause: result.cause,
        })
      case 'unreachable':
        throw new AlertsError('unreachable', `cannot reach ${this.receiver}: ${result.reason}`, {
          cause: result.cause,
        })
      case 'answer': {
        const { status, text } = result
        if (status >= 200 && status < 300) return
        const message = `${this.receiver} answered ${status}${text === '' ? '' : `: ${text}`}`
        throw new AlertsError(status >= 400 && status < 500 ? 'refused' : 'failed', message)
      }
    }
  }

  async close(): Promise<void> {
    await this.#poster.close()
  }
}
