import { OutboundPoster, splitCredentials } from '../../alerts/outbound.ts'
import { toTimestamp, type Clock } from '../../model/time.ts'
import {
  subjectParts,
  type RemediationConnector,
  type RemediationOutcome,
  type RemediationRequest,
} from '../connector.ts'
import { signWebhook } from '../standardWebhooks.ts'

/** Milliseconds for one delivery. The receiver accepts, and works afterwards. */
const TIMEOUT = 10_000

/** Request timeout, too early, too many requests: the only answers 4xx that another attempt may change. */
const BUSY: ReadonlySet<number> = new Set([408, 425, 429])

/** Longest part of an answer that is recorded, in characters. */
const MAX_DETAIL = 300

/** Asks by a POST signed as Standard Webhooks says. The contract is in docs/alerts.md. */
export class WebhookConnector implements RemediationConnector {
  readonly receiver: string
  readonly #url: URL
  readonly #authorization: Readonly<Record<string, string>>
  readonly #secret: Uint8Array
  readonly #now: Clock
  readonly #timeout: number
  readonly #poster: OutboundPoster

  constructor(options: {
    readonly url: string
    readonly secret: Uint8Array
    readonly now: Clock
    readonly timeout?: number
  }) {
    const { url, authorization } = splitCredentials(options.url)
    this.#url = url
    this.receiver = url.href
    this.#authorization = authorization
    this.#secret = options.secret
    this.#now = options.now
    this.#timeout = options.timeout ?? TIMEOUT
    this.#poster = new OutboundPoster({ timeout: this.#timeout })
  }

  async request(request: RemediationRequest): Promise<RemediationOutcome> {
    const body = webhookBody(request)
    const signed = signWebhook(this.#secret, { id: request.idempotencyKey, at: this.#now(), body })
    const result = await this.#poster.post(this.#url, { ...this.#authorization, ...signed }, body)
    switch (result.kind) {
      case 'timeout':
        return { accepted: false, again: true, detail: `no answer within ${this.#timeout} ms` }
      case 'unreachable':
        return { accepted: false, again: true, detail: `cannot be reached: ${result.reason}` }
      case 'answer': {
        const text = result.text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, MAX_DETAIL)
        const detail = text === '' ? `answered ${result.status}` : `answered ${result.status}: ${text}`
        if (result.status >= 200 && result.status < 300) return { accepted: true, detail }
        return { accepted: false, again: result.status >= 500 || BUSY.has(result.status), detail }
      }
    }
  }

  async close(): Promise<void> {
    await this.#poster.close()
  }
}

/** Depends on the request alone, so that every delivery of it carries the same octets. */
function webhookBody(request: RemediationRequest): string {
  return JSON.stringify({
    type: 'remediation.requested',
    timestamp: toTimestamp(request.requestedAt),
    data: {
      action: request.action,
      subject: request.subject,
      rule: request.rule,
      ...subjectParts(request.subject),
      idempotency_key: request.idempotencyKey,
      evidence: request.evidence,
    },
  })
}
