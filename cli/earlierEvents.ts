import type { AuditEvent } from '../model/auditEvent.ts'
import { compareRecordIds, type RecordId } from '../model/recordId.ts'
import type { Store, Stored } from '../store/contract.ts'

/** Newest events of all logs that are looked through. A signed log is signed every few seconds, and numbers follow one another: that is enough. */
const MAX_EVENTS = 5000
const PAGE = 500

/** The newest events of one log, in the order of the journal: where its sequence of signatures or numbers goes on after a restart. */
export async function earlierEvents(store: Store, source: string): Promise<AuditEvent[]> {
  const found: Stored<AuditEvent>[] = []
  let after: RecordId | undefined
  for (let seen = 0; seen < MAX_EVENTS; seen += PAGE) {
    const page = await store.auditEvents({ limit: PAGE, ...(after === undefined ? {} : { after }) })
    found.push(...page.filter((event) => event.position.source === source))
    after = page.at(-1)?.id
    if (page.length < PAGE) break
  }
  return found.sort((a, b) => compareRecordIds(a.id, b.id))
}
