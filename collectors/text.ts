import { isAscii, isUtf8 } from 'node:buffer'
import type { AuditEvent } from '../model/auditEvent.ts'

/** The raw record as an event holds it, and as text to take apart. */
export interface Original extends Pick<AuditEvent['event'], 'original' | 'encoding'> {
  /** Octets that are not UTF-8 read as U+FFFD. */
  readonly text: string
}

export function originalOf(bytes: Uint8Array): Original {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (isAscii(bytes)) {
    const text = buffer.toString('latin1')
    return { original: text, text }
  }
  const text = buffer.toString('utf8')
  return isUtf8(bytes)
    ? { original: text, text }
    : { original: buffer.toString('base64'), encoding: 'base64', text }
}
