import { createHmac, timingSafeEqual } from 'node:crypto'
import { RemediationError } from './error.ts'

// Standard Webhooks 1.0: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
// The signature covers id, timestamp and body, so that neither can be changed, and a message cannot be replayed for long.

const SECRET_PREFIX = 'whsec_'

/** Octets that the specification allows for a secret. */
const SECRET_OCTETS = { min: 24, max: 64 }

/** Seconds by which a message's timestamp may differ from the receiver's clock. */
const TOLERANCE = 300

/** `whsec_` and base64, as in the secret file; white space around it is ignored. Throws RemediationError(secret_invalid). */
export function parseSecret(text: string): Uint8Array {
  const trimmed = text.trim()
  const base64 = trimmed.startsWith(SECRET_PREFIX) ? trimmed.slice(SECRET_PREFIX.length) : ''
  const key = Buffer.from(base64, 'base64')
  const { min, max } = SECRET_OCTETS
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || key.length < min || key.length > max)
    throw new RemediationError(
      'secret_invalid',
      `expected ${SECRET_PREFIX} followed by base64 of ${min} to ${max} octets: make one with "echo ${SECRET_PREFIX}$(openssl rand -base64 32)"`,
    )
  return key
}

interface WebhookMessage {
  /** Same for every delivery of one message. */
  readonly id: string
  /** Of this delivery, in milliseconds. */
  readonly at: number
  readonly body: string
}

type WebhookHeaders = Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>>

export function signWebhook(secret: Uint8Array, message: WebhookMessage): WebhookHeaders {
  const timestamp = String(Math.floor(message.at / 1000))
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${mac(secret, message.id, timestamp, message.body).toString('base64')}`,
  }
}

/**
 * What a receiver does before it acts: timestamp close to `now` (milliseconds), and one of the signatures right
 * (there are several while a secret is being changed). Throws RemediationError(signature_invalid).
 */
export function verifyWebhook(
  secret: Uint8Array,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  now: number,
): { readonly id: string } {
  const id = single(headers, 'webhook-id')
  const timestamp = single(headers, 'webhook-timestamp')
  const signatures = single(headers, 'webhook-signature')
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now / 1000 - Number(timestamp)) > TOLERANCE)
    throw invalid(`expected a webhook-timestamp within ${TOLERANCE} s, got ${JSON.stringify(timestamp)}`)
  const expected = mac(secret, id, timestamp, body)
  const matches = signatures.split(' ').some((signature) => {
    const [version, value] = signature.split(',')
    const given = Buffer.from(value ?? '', 'base64')
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
  })
  if (!matches) throw invalid('no webhook-signature of version v1 matches the message')
  return { id }
}

function mac(secret: Uint8Array, id: string, timestamp: string, body: string): Buffer {
  return createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest()
}

function single(headers: Readonly<Record<string, string | string[] | undefined>>, name: string): string {
  const value = headers[name]
  if (typeof value !== 'string' || value === '') throw invalid(`expected one header ${name}`)
  return value
}

function invalid(message: string): RemediationError {
  return new RemediationError('signature_invalid', message)
}
