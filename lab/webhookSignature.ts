// Verification of Standard Webhooks signatures (standardwebhooks.com), the receiving half, as a control plane has to do it.
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { LabError } from './error.ts'

/** Seconds that the sender's clock may be off, in either direction. */
export const TOLERANCE_S = 5 * 60

const SECRET_PREFIX = 'whsec_'

/** `whsec_<base64>` of 24 to 64 octets. */
export function encodeSecret(octets: Uint8Array): string {
  return `${SECRET_PREFIX}${Buffer.from(octets).toString('base64')}`
}

function decodeSecret(secret: string): Buffer {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
  if (!secret.startsWith(SECRET_PREFIX) || key.length < 24 || key.length > 64) {
    throw new LabError('bad_request', 'expected a secret whsec_<base64 of 24 to 64 octets>')
  }
  return key
}

/** The webhook's id. LabError `unauthorized` when the signature is missing, wrong, or too old. `now`: milliseconds. */
export function verifyWebhook(
  secret: string,
  headers: IncomingHttpHeaders,
  body: Uint8Array,
  now: number,
): string {
  const id = headerOf(headers, 'webhook-id')
  const timestamp = headerOf(headers, 'webhook-timestamp')
  const signatures = headerOf(headers, 'webhook-signature')
  if (!/^\d{1,12}$/.test(timestamp)) {
    throw new LabError('unauthorized', 'expected webhook-timestamp in seconds since 1970')
  }
  const age = Math.floor(now / 1000) - Number(timestamp)
  if (Math.abs(age) > TOLERANCE_S) {
    throw new LabError('unauthorized', `expected a webhook-timestamp within ${TOLERANCE_S} s, got ${age} s`)
  }
  const expected = createHmac('sha256', decodeSecret(secret))
    .update(`${id}.${timestamp}.`)
    .update(body)
    .digest()
  // Several signatures, space-separated, are allowed: a sender whose secret is being changed signs with both.
  const matches = signatures.split(' ').some((signature) => {
    const [version, value = ''] = signature.split(',')
    const given = Buffer.from(value, 'base64')
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
  })
  if (!matches) throw new LabError('unauthorized', 'webhook-signature does not match')
  return id
}

function headerOf(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name]
  if (typeof value === 'string' && value !== '') return value
  throw new LabError('unauthorized', `expected the header ${name}`)
}
