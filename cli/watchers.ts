import type { ProbeResult } from '../model/observation.ts'
import { messageOf } from '../model/thrown.ts'
import type { Clock } from '../model/time.ts'
import type { Network } from '../probes/fetch/connect.ts'
import type { RepairEvaluator } from '../remediation/repairs.ts'
import type { LogEvaluator } from '../rules/logs/evaluator.ts'
import type { SloEvaluator } from '../rules/slo/evaluator.ts'
import type { Store } from '../store/contract.ts'
import { AttestationWatcher } from './attestations.ts'
import { Backups, drillStatements } from './backups.ts'
import { EvaluatorWatcher } from './evaluatorWatcher.ts'
import { FollowWatcher, loadCosigners } from './followers.ts'
import type { LoadedConfig } from './load.ts'
import { SloWatcher } from './objectives.ts'
import type { Problems } from './problems.ts'

/** Looks at something now and again. */
interface Watcher {
  start(): void
  /** Waits for the look under way. */
  stop(): Promise<void>
}

interface WatcherParts {
  readonly loaded: LoadedConfig
  readonly now: Clock
  /** When the evaluators began to count, in milliseconds. */
  readonly started: number
  readonly network: Network
  readonly store: Pick<Store, 'rollUps'>
  readonly slos: SloEvaluator | undefined
  readonly logs: LogEvaluator | undefined
  readonly repairs: RepairEvaluator | undefined
  readonly problems: Problems
  readonly record: (result: ProbeResult) => Promise<void>
  /** Signs a checkpoint over what was sealed until now. */
  readonly publish: () => Promise<unknown>
}

/** What observes without contacting what the inventory names: objectives, logs, repairs, signed statements, and other journals. */
export async function createWatchers(parts: WatcherParts): Promise<readonly Watcher[]> {
  const { loaded, now, started, network, store, slos, logs, repairs, problems, record, publish } = parts
  const { vantage } = loaded.config
  const onError = (part: string) => (error: unknown) => problems.raise(part, messageOf(error))
  const watchers: Watcher[] = []
  let onDrilled = (): void => undefined

  if (slos !== undefined && loaded.config.slos !== undefined) {
    const { interval } = loaded.config.slos
    const { objectives } = loaded
    const counted = { evaluator: slos, objectives, interval, started, store }
    watchers.push(new SloWatcher({ ...counted, now, record, onError: onError('objectives') }))
  }
  for (const [part, probe, evaluator] of [
    ['logs', 'log', logs],
    ['repairs', 'repair', repairs],
  ] as const) {
    const target = loaded.watched.find((watched) => watched.probe === probe)
    if (evaluator === undefined || target === undefined) continue
    const { interval } = target
    watchers.push(new EvaluatorWatcher({ evaluator, interval, now, record, onError: onError(part) }))
  }
  const { attestations: source, backup } = loaded
  if (source !== undefined || backup?.drill !== undefined) {
    const own = () => (backup?.drill === undefined ? Promise.resolve([]) : drillStatements(loaded, now()))
    const reaction = { onError: onError('attestations') }
    const statements = new AttestationWatcher({ source, own, now, vantage, record, ...reaction })
    watchers.push(statements)
    onDrilled = () => statements.look()
  }
  if (backup !== undefined) {
    const reaction = { onDrilled, onError: onError('backup'), onSuccess: () => problems.clear('backup') }
    watchers.push(new Backups({ loaded: { ...loaded, backup }, now, record, publish, ...reaction }))
  }
  if (loaded.followed.length > 0) {
    const cosigners = await loadCosigners(loaded.keyFile, loaded.config.origin)
    for (const journal of loaded.followed) {
      const part = `following ${journal.log}`
      const reaction = { onError: onError(part), onSuccess: () => problems.clear(part) }
      watchers.push(new FollowWatcher({ journal, cosigners, now, vantage, network, record, ...reaction }))
    }
  }
  return watchers
}
