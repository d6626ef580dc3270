import type { AuditEvent, SourcePosition } from '../model/auditEvent.ts'
import type { Timestamp } from '../model/time.ts'

/** `sequence`: about the numbers or signatures of records; `source`: about the file. */
export interface OwnEvent {
  readonly time: Timestamp
  readonly action: string
  readonly outcome: AuditEvent['event']['outcome']
  readonly type: 'change' | 'deletion' | 'error'
  readonly dataset: 'vigil.source' | 'vigil.sequence'
  readonly message: string
  readonly details: Readonly<Record<string, string>>
  readonly position: SourcePosition
}

/** What we say about a log ourselves, in the journal like everything else. */
export function ownEvent(of: OwnEvent): AuditEvent {
  return {
    '@timestamp': of.time,
    event: {
      action: of.action,
      outcome: of.outcome,
      category: ['file'],
      type: [of.type],
      module: 'vigil',
      dataset: of.dataset,
      original: '',
    },
    message: of.message,
    pki: { details: of.details },
    position: of.position,
  }
}
