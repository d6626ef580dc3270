import { setImmediate } from 'node:timers/promises'
import { compareInJournal, type RecordId } from '../../model/recordId.ts'
import type { AuthorityLedger } from './ledger.ts'
import type { Row } from './serialTable.ts'

export interface LoggedRevocation {
  /** Lower-case hex. */
  readonly serial: string
  /** Milliseconds. */
  readonly at: number
  readonly record: RecordId
}

/** Rows between which other work gets its turn: some milliseconds. */
const TURN = 50_000

/**
 * What the log says was revoked in records after this one, of certificates that have not expired: the first so many, in the order of the journal, how many
 * there are, and the newest record that was read. Without a record to begin with: the last so many. undefined: `isStopped` before the end.
 */
export async function revocationsAfter(
  ledger: AuthorityLedger,
  record: RecordId | undefined,
  options: { readonly limit: number; readonly now: number; readonly isStopped: () => boolean },
): Promise<
  | {
      readonly next: readonly LoggedRevocation[]
      readonly count: number
      readonly newest: RecordId | undefined
    }
  | undefined
> {
  const { limit, now, isStopped } = options
  const { certificates, through: newest } = ledger
  const isNews = record === undefined ? () => true : ledger.saidSince(record)
  const rows: Row[] = []
  for (let row = 0; row < certificates.size; row++) {
    if (row % TURN === TURN - 1) {
      await setImmediate()
      if (isStopped()) return undefined
    }
    if (certificates.revokedAt(row) === undefined || !isNews(row)) continue
    if ((certificates.notAfter(row) ?? Infinity) >= now) rows.push(row)
  }
  const position = (row: Row) => certificates.position(row)
  rows.sort((a, b) => compareInJournal(position(a), position(b)))
  const isFirstLook = record === undefined
  const chosen = isFirstLook ? rows.slice(-limit) : rows.slice(0, limit)
  const next = chosen.map((row) => ({
    serial: certificates.serialOf(row),
    at: certificates.revokedAt(row) ?? 0,
    record: ledger.recordOf(row),
  }))
  return { next, count: isFirstLook ? next.length : rows.length, newest }
}
