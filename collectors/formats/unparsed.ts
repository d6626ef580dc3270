import type { AuditEvent } from '../../model/auditEvent.ts'
import type { FormatContext } from '../format.ts'
import type { Damage, RawRecord } from '../source.ts'
import { originalOf } from '../text.ts'

/** `event.action` of a record that was not understood; it is kept whole, or as far as it was kept, and counted. */
export const UNPARSED = 'unparsed'

const DAMAGE_REASONS: Readonly<Record<Damage, (octets: number, kept: number) => string>> = {
  cut: (octets, kept) => `cut: ${octets} octets, the first ${kept} kept`,
  nul: (octets) => `nul: ${octets} octets, nearly all of them NUL`,
  torn: (octets) => `torn: ${octets} octets that do not end with a line feed`,
}

/** Its time is when it was read: a record that was not understood has no other that could be believed. */
export function unparsedEvent(
  record: RawRecord,
  context: FormatContext,
  origin: { readonly module: string; readonly dataset: string },
  reason: string,
): AuditEvent {
  const { original, encoding } = originalOf(record.bytes)
  const octets = record.position.end - record.position.offset
  return {
    '@timestamp': context.received,
    event: {
      action: UNPARSED,
      outcome: 'unknown',
      category: [],
      type: ['error'],
      module: origin.module,
      dataset: origin.dataset,
      original,
      ...(encoding === undefined ? {} : { encoding }),
      reason:
        record.damage === undefined ? reason : DAMAGE_REASONS[record.damage](octets, record.bytes.length),
    },
    position: record.position,
  }
}
