import type { Journal } from '../journal/journal.ts'
import type { ProbeResult } from '../model/observation.ts'
import type { Clock } from '../model/time.ts'
import { LogEvaluator, logTargets } from '../rules/logs/evaluator.ts'
import type { StorePosition, TargetState } from '../store/contract.ts'
import { resumeAfter } from './follower.ts'
import type { LoadedConfig } from './load.ts'
import { Looks } from './looks.ts'

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
    const known = batch.filter(
      ({ position: { entry, n } }) => entry < end.entry || (entry === end.entry && n <= end.n),
    )
    if (known.length === 0) break
    evaluator.apply(known)
  }
  return evaluator
}

interface LogWatcherOptions {
  readonly evaluator: LogEvaluator
  readonly loaded: Pick<LoadedConfig, 'config'>
  readonly now: Clock
  readonly record: (result: ProbeResult) => Promise<void>
  readonly onError: (error: unknown) => void
}

/** Judges the logs at the start and every interval after that, until `stop`, which waits for what is under way. */
export class LogWatcher {
  readonly #options: LogWatcherOptions
  readonly #looks: Looks

  constructor(options: LogWatcherOptions) {
    this.#options = options
    this.#looks = new Looks(() => this.#once(), options.onError)
  }

  start(): void {
    const { inventory, probes } = this.#options.loaded.config
    const [target] = logTargets(inventory, probes)
    if (target !== undefined) this.#looks.start(target.interval)
  }

  stop(): Promise<void> {
    return this.#looks.stop()
  }

  async #once(): Promise<void> {
    const { evaluator, now, record } = this.#options
    await Promise.all(evaluator.evaluate(now()).map(record))
  }
}
