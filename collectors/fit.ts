import type { AuditEvent } from '../model/auditEvent.ts'
import { MAX_RECORD_BYTES } from '../journal/record.ts'

/** What the journal adds to an event: kind, two times, nonce. */
const ENVELOPE_OCTETS = 1024
const MAX_EVENT_OCTETS = MAX_RECORD_BYTES - ENVELOPE_OCTETS
/** Characters of a text that is shortened because its whole stands in `event.original` anyway. */
const SHORT = 1000
/** A record this long can't exceed the limit: JSON makes at most six octets of one, and holds each at most three times. */
const SAFE_OCTETS = Math.floor(MAX_EVENT_OCTETS / 20)

/**
 * The event, made to fit into a record of the journal. Only long records full of control characters or of octets that are
 * not UTF-8 need it: first the texts taken from the record are given up, then the raw record is written as base64. The
 * bytes of the record are always kept.
 */
export function fitEvent(event: AuditEvent, bytes: Uint8Array): AuditEvent {
  if (bytes.length <= SAFE_OCTETS || fits(event)) return event
  const { message, ...rest } = event
  const short: AuditEvent = {
    ...rest,
    event: shortenTexts(event.event),
    ...(event.user === undefined ? {} : { user: { name: shorten(event.user.name) } }),
    ...(message === undefined ? {} : { message: shorten(message) }),
    pki: { details: { omitted: 'the record is too long; event.original has it all' } },
  }
  if (fits(short)) return short
  const original = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  return { ...short, event: { ...short.event, original, encoding: 'base64' } }
}

function fits(event: AuditEvent): boolean {
  return Buffer.byteLength(JSON.stringify(event)) <= MAX_EVENT_OCTETS
}

function shortenTexts(event: AuditEvent['event']): AuditEvent['event'] {
  return event.reason === undefined ? event : { ...event, reason: shorten(event.reason) }
}

/** Without half a character at its end, which JSON could not hold. */
function shorten(text: string): string {
  return text.length <= SHORT ? text : `${text.slice(0, SHORT).toWellFormed()}…`
}
