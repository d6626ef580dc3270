import type { RecordId } from '../model/recordId.ts'
import type { JournaledLedger } from '../probes/reconciliation/ledger.ts'
import type { Store } from '../store/contract.ts'

/** Events read at once: a few megabytes. */
const PAGE = 1000

/**
 * What the logs said before the start; the newest first, one page after the other, while everything else goes on. Until `signal`. `persist` tries again what
 * the store refuses for now; undefined when it gives up.
 */
export async function fillLedger(
  ledger: JournaledLedger,
  store: Pick<Store, 'auditEvents'>,
  {
    signal,
    persist,
  }: {
    readonly signal: AbortSignal
    readonly persist: <T>(work: () => Promise<T>) => Promise<T | undefined>
  },
): Promise<void> {
  for (const authority of ledger.authorities) {
    for (const action of ledger.actions) {
      let after: RecordId | undefined
      do {
        if (signal.aborted) return
        const from = after === undefined ? {} : { after }
        const page = await persist(() => store.auditEvents({ authority, action, limit: PAGE, ...from }))
        if (page === undefined) return
        ledger.addEarlier(page)
        after = page.length < PAGE ? undefined : page.at(-1)?.id
      } while (after !== undefined)
    }
  }
  ledger.complete()
}
