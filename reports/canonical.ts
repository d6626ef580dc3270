import { createHash } from 'node:crypto'
import { canonicalize } from '../journal/canonical.ts'
import type { Report } from './schema.ts'

/** The report as canonical JSON (RFC 8785) and a line end: the same report always gives the same bytes. */
export function reportJson(report: Report): string {
  return `${canonicalize(report)}\n`
}

/** SHA-256 over those bytes, lower-case hex. */
export function reportDigest(report: Report): string {
  return createHash('sha256').update(reportJson(report)).digest('hex')
}
