// What is known at a start of what is judged by records, before new ones come.
import type { Journal } from '../journal/journal.ts'
import type { Finding } from '../model/finding.ts'
import { comparePositions } from '../model/recordId.ts'
import { RepairEvaluator } from '../remediation/repairs.ts'
import { LogEvaluator } from '../rules/logs/evaluator.ts'
import type { Store, StorePosition, TargetState } from '../store/contract.ts'
import { resumeAfter } from './follower.ts'
import type { LoadedConfig } from './load.ts'
import { MAX_RESTORED_ACTIONS } from './responders.ts'

/** Entries of the journal that are gone through again at a start: ten minutes where one is sealed every second, which is as long as counts reach back. */
const REPLAYED_ENTRIES = 600

interface Known {
  readonly position: StorePosition | undefined
  readonly latest: readonly TargetState[]
}

/** What is known of the logs at the position of the store; undefined where there are none. */
export async function recallLogs(
  { config }: Pick<LoadedConfig, 'config'>,
  journal: Journal,
  { position, latest, started }: Known & { readonly started: number },
): Promise<LogEvaluator | undefined> {
  const { inventory, maintenance, vantage } = config
  if (inventory.logs.length === 0) return undefined
  const { logs, services } = inventory
  const evaluator = new LogEvaluator({ logs, services, maintenance, vantage, started })
  evaluator.hydrate(latest)
  const end = resumeAfter(journal, position)
  if (end === undefined) return evaluator
  const from = { entry: Math.max(0, end.entry - REPLAYED_ENTRIES), n: 0 }
  for await (const batch of journal.read(from)) {
    // What lies behind comes by the follower.
    const known = batch.filter(({ position }) => comparePositions(position, end) <= 0)
    if (known.length === 0) break
    evaluator.apply(known)
  }
  return evaluator
}

/** What became of repairs, at the position of the store; undefined where no policy asks for any. */
export async function recallRepairs(
  { config, watched: targets }: Pick<LoadedConfig, 'config' | 'watched'>,
  store: Pick<Store, 'actions'>,
  findings: readonly Finding[],
): Promise<RepairEvaluator | undefined> {
  if (config.remediation.policies.length === 0) return undefined
  const evaluator = new RepairEvaluator({ targets, vantage: config.vantage })
  const actions = await store.actions({ kind: 'remediation', limit: MAX_RESTORED_ACTIONS })
  evaluator.hydrate({ actions, findings })
  return evaluator
}
