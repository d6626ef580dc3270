import type { RecordKind, SealedRecord } from '../../model/record.ts'
import { fromTimestamp } from '../../model/time.ts'

/** Which records are shown; what is undefined chooses nothing. */
export interface Selection {
  readonly kinds: readonly RecordKind[]
  /** Of observations, findings and actions. */
  readonly subject: string | undefined
  /** When they were journaled, in milliseconds: [from, to). */
  readonly from: number | undefined
  readonly to: number | undefined
}

export function isSelected(record: SealedRecord, { kinds, subject, from, to }: Selection): boolean {
  const recorded = fromTimestamp(record.recorded)
  return (
    (kinds.length === 0 || kinds.includes(record.kind)) &&
    (subject === undefined || subjectOf(record) === subject) &&
    (from === undefined || recorded >= from) &&
    (to === undefined || recorded < to)
  )
}

/** undefined: it is about no one subject. */
function subjectOf(record: SealedRecord): string | undefined {
  switch (record.kind) {
    case 'observation':
    case 'decision':
    case 'action':
      return record.body.subject
    case 'epoch':
    case 'configuration':
    case 'key':
    case 'retention':
    case 'tick':
    case 'unchanged':
    case 'audit':
      return undefined
  }
}

/** What a record says, in one line. */
export function summaryOf(record: SealedRecord): string {
  switch (record.kind) {
    case 'observation': {
      const { subject, probe, target, outcome, error } = record.body
      const why = error === undefined ? '' : `: ${error.phase} ${error.code}, ${error.message}`
      return `${subject} ${probe} ${target} ${outcome}${why}`
    }
    case 'decision':
      return `${record.body.subject} ${record.body.rule} ${record.body.state}: ${record.body.summary}`
    case 'action':
      return `${record.body.kind} ${record.body.status}: ${record.body.detail}`
    case 'audit':
      return `${record.body.event.action} ${record.body.event.outcome} ${record.body.user?.name ?? ''}`.trimEnd()
    case 'unchanged':
      return `${record.body.items.length} runs that repeat an observation`
    case 'configuration':
      return `${record.body.product}, by ${record.body.by}`
    case 'key':
      return `another key signs from here on, by ${record.body.by}`
    case 'retention':
      return `${record.body.action}, by ${record.body.by}: ${record.body.reason}`
    case 'epoch':
    case 'tick':
      return record.body.reason
  }
}
