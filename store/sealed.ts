import { createHash } from 'node:crypto'
import { canonicalize } from '../journal/canonical.ts'
import { compareInJournal, parseRecordId } from '../model/recordId.ts'
import type { SealedRecord } from '../model/record.ts'
import { fromTimestamp } from '../model/time.ts'
import type { StorePosition } from './contract.ts'
import { StoreError } from './error.ts'

// What every store must find out about a sealed record, in the same way.

function placeOf(record: SealedRecord): StorePosition {
  const at = parseRecordId(record.id)
  if (at === undefined || at.entry !== record.position.entry || at.n !== record.position.n)
    throw new StoreError(
      'bad_record',
      `expected an id that names the position ${record.position.entry}/${record.position.n}, got ${JSON.stringify(record.id)}`,
    )
  return at
}

export interface Located {
  readonly record: SealedRecord
  readonly at: StorePosition
}

/**
 * A batch, each record with where it stands. Throws StoreError: `bad_record`; `order` when positions don't rise; `other_journal` when
 * they are not of the journal that was applied before.
 */
export function locate(batch: readonly SealedRecord[], applied: StorePosition | undefined): Located[] {
  let previous: StorePosition | undefined
  return batch.map((record) => {
    const at = placeOf(record)
    if (previous !== undefined && compareInJournal(previous, at) >= 0)
      throw new StoreError('order', `expected rising positions in a batch, got ${record.id} too late`)
    const origin = (applied ?? previous ?? at).origin
    if (origin !== at.origin)
      throw new StoreError(
        'other_journal',
        `the store holds the journal ${origin}, expected its records, got ${record.id}`,
      )
    previous = at
    return { record, at }
  })
}

/** Milliseconds since the Unix epoch. Throws StoreError(bad_record). */
export function instantOf(timestamp: string, record: SealedRecord): number {
  try {
    return fromTimestamp(timestamp)
  } catch (cause) {
    throw new StoreError('bad_record', `${record.id}: expected a time, got ${JSON.stringify(timestamp)}`, {
      cause,
    })
  }
}

/** SHA-256 over kind, times and content, whatever the order of its keys. `body`: the record's, canonical. */
export function digestOf(record: SealedRecord, body = canonicalize(record.body)): Buffer {
  return sha256(canonicalize([record.kind, record.time, record.recorded, body]))
}

/** Digest of text in UTF-8. */
export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
