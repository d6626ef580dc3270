import { isAscii, isUtf8 } from 'node:buffer'
import type { AuditEvent } from '../model/auditEvent.ts'

/** The raw record as an event holds it, and as text to take apart. */
export interface Original {
  readonly event: Pick<AuditEvent['event'], 'original' | 'encoding'>
  /** Octets that are not UTF-8 read as U+FFFD. */
  readonly text: string
}

export function originalOf(bytes: Uint8Array): Original {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = buffer.toString(isAscii(bytes) ? 'latin1' : 'utf8')
  return isUtf8(bytes)
    ? { event: { original: text }, text }
    : { event: { original: buffer.toString('base64'), encoding: 'base64' }, text }
}
