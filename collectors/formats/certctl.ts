import { z } from 'zod'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Format, FormatContext } from '../format.ts'
import { originalOf } from '../text.ts'
import { OTHER } from './ejbcaEvents.ts'
import type { EventClass } from './ejbcaEvents.ts'
import { unparsedEvent } from './unparsed.ts'

const ORIGIN = { module: 'certctl', dataset: 'certctl.audit' }
/** Members of `details` that are kept; what is more stands in the raw record. */
const MAX_DETAILS = 200

/** Events of certctl. A call over its API is `api_` and the method; everything that it writes down besides has happened. */
const EVENTS: Readonly<Record<string, EventClass>> = {
  renewal_triggered: { category: ['configuration'], type: ['start'] },
  csr_submitted: { category: ['configuration'], type: ['info'] },
  renewal_job_completed: { category: ['configuration'], type: ['creation'] },
  certificate_retrieved: { category: ['configuration'], type: ['access'] },
  certificate_revoked: { category: ['configuration'], type: ['deletion'] },
  deployment_triggered: { category: ['configuration'], type: ['start'] },
  job_status_reported: { category: ['process'], type: ['info'] },
  'auth.session_signing_key_bootstrap': { category: ['iam'], type: ['creation'] },
  'auth.demo_residual_grants_detected': { category: ['iam'], type: ['info'] },
  'audit.export': { category: ['database'], type: ['access'] },
}
const CALL: EventClass = { category: ['web'], type: ['access'] }

/** By the names that certctl has for them (RFC 5280 section 5.3.1). */
const REASONS = new Map([
  ['unspecified', 0],
  ['keyCompromise', 1],
  ['caCompromise', 2],
  ['affiliationChanged', 3],
  ['superseded', 4],
  ['cessationOfOperation', 5],
  ['certificateHold', 6],
  ['privilegeWithdrawn', 9],
])

const rowSchema = z.object({
  id: z.string(),
  actor: z.string().default(''),
  actor_type: z.string().default(''),
  action: z.string().min(1).max(200),
  resource_type: z.string().default(''),
  resource_id: z.string().default(''),
  details: z.record(z.string(), z.unknown()).nullish(),
  timestamp: z.iso.datetime({ offset: true }),
  event_category: z.string().default(''),
})

type Row = z.infer<typeof rowSchema>

/** A row of certctl's audit log: JSON, one object a line, as its API and its export give it. */
export const certctl: Format = {
  name: 'certctl',
  startsRecord: () => true,
  parse(record, context) {
    if (record.damage !== undefined) return unparsedEvent(record, context, ORIGIN, '')
    const { text, original, encoding } = originalOf(record.bytes)
    const parsed = rowSchema.safeParse(parseJson(text))
    if (!parsed.success)
      return unparsedEvent(record, context, ORIGIN, 'not a row of the audit log of certctl')
    const row = parsed.data
    const details = row.details ?? {}
    const reason = textOf(details['error'])
    return {
      '@timestamp': toTimestamp(Date.parse(row.timestamp)),
      event: {
        action: row.action,
        outcome: outcomeOf(row, details),
        ...classOf(row.action),
        ...ORIGIN,
        original,
        ...(encoding === undefined ? {} : { encoding }),
        ...(reason === undefined || reason === '' ? {} : { reason }),
      },
      ...(row.actor === '' ? {} : { user: { name: row.actor } }),
      pki: pkiOf(row, details, context),
      position: record.position,
    }
  },
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function classOf(action: string): EventClass {
  if (Object.hasOwn(EVENTS, action)) return EVENTS[action] ?? OTHER
  return action.startsWith('api_') ? CALL : OTHER
}

function outcomeOf({ action }: Row, { status }: Details): AuditEvent['event']['outcome'] {
  if (action.startsWith('api_') && typeof status === 'number') return status < 400 ? 'success' : 'failure'
  if (action === 'job_status_reported')
    return status === 'Completed' ? 'success' : status === 'Failed' ? 'failure' : 'unknown'
  return Object.hasOwn(EVENTS, action) ? 'success' : 'unknown'
}

type Details = Readonly<Record<string, unknown>>

function pkiOf(row: Row, details: Details, { authorities }: FormatContext): NonNullable<AuditEvent['pki']> {
  // Its rows do not say which CA a certificate is of.
  const only = authorities.length === 1 ? authorities[0]?.id : undefined
  const serial = textOf(details['serial'])
  const reason =
    row.action === 'certificate_revoked' ? REASONS.get(textOf(details['reason']) ?? '') : undefined
  return {
    ...(only === undefined || serial === undefined ? {} : { caId: only }),
    ...(serial !== undefined && /^[0-9A-Fa-f]{1,80}$/.test(serial)
      ? { serial: serial.toLowerCase().replace(/^0+(?=.)/, '') }
      : {}),
    ...(reason === undefined ? {} : { revocationReason: reason }),
    details: {
      ...Object.fromEntries(
        Object.entries(details)
          .slice(0, MAX_DETAILS)
          .map(([name, value]) => [name, textOf(value) ?? '']),
      ),
      auditId: row.id,
      actorType: row.actor_type,
      category: row.event_category,
      resourceType: row.resource_type,
      resourceId: row.resource_id,
    },
  }
}

function textOf(value: unknown): string | undefined {
  return value === undefined || typeof value === 'string' ? value : JSON.stringify(value)
}
