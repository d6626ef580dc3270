// Logs parsed as `vigil parse` does, for the tests of formats.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Format, KnownAuthority } from '../../collectors/format.ts'
import { parseLog } from '../../collectors/parse.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'

export const READ_AT = '2026-11-22T06:00:00.000Z'

interface Parsing {
  readonly authorities?: readonly KnownAuthority[]
  readonly timeZone?: string
}

export async function parsed(
  format: Format,
  bytes: string | Uint8Array,
  options: Parsing = {},
): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  const now = (): number => Date.parse(READ_AT)
  for await (const batch of parseLog([Buffer.from(bytes)], { format, source: 'log', now, ...options }))
    events.push(...batch)
  return events
}

export async function one(
  format: Format,
  line: string | Uint8Array,
  options: Parsing = {},
): Promise<AuditEvent> {
  const [event, ...others] = await parsed(format, line, options)
  assert.ok(event !== undefined && others.length === 0)
  return event
}

export function counts(events: readonly AuditEvent[]): Record<string, number> {
  const result: Record<string, number> = {}
  for (const { event } of events) {
    const key = `${event.action} ${event.outcome}`
    result[key] = (result[key] ?? 0) + 1
  }
  return result
}

export function fixture(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/${name}`, import.meta.url))
}
