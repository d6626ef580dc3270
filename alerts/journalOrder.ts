import { compareRecordIds } from '../model/recordId.ts'
import type { StoredAction } from '../store/contract.ts'

/** Orders the steps of actions as they happened. */
export function inJournalOrder(a: StoredAction, b: StoredAction): number {
  if (a.recorded !== b.recorded) return a.recorded < b.recorded ? -1 : 1
  return compareRecordIds(a.record, b.record)
}
