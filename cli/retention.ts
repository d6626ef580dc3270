import type { Cron } from 'croner'
import type { Logger } from 'pino'
import type { Finding } from '../model/finding.ts'
import type { Journal } from '../journal/journal.ts'
import type { RetentionRequest } from '../journal/retention/plan.ts'
import type { RetentionWork } from '../journal/retention/takeOut.ts'
import { outstandingInThread, planInThread } from '../journal/retention/thread.ts'
import { PRUNABLE_KINDS, type PrunableKind, type Retention } from '../model/record.ts'
import { messageOf } from '../model/thrown.ts'
import { toTimestamp, type Clock } from '../model/time.ts'
import type { RetentionStatus } from '../server/status.ts'
import type { Problems } from './problems.ts'
import { afterTimeout, dueAfter, Schedule } from './schedule.ts'

/** `journal.retention` of vigil.yaml; ages in milliseconds. */
export interface RetentionPolicy {
  readonly keep: number | undefined
  readonly kinds: Readonly<Partial<Record<PrunableKind, number>>>
  readonly reason: string
  readonly cron: Cron
}

interface RetentionOptions {
  readonly policy: RetentionPolicy
  readonly journal: Pick<Journal, 'retain'>
  readonly directory: string
  readonly now: Clock
  readonly logger: Logger
  readonly problems: Problems
  /** Entries that every projection has: what one of them has not read yet must not go. */
  readonly projected: () => { readonly by: string; readonly entries: number }
  /** What is kept must not be without the configuration that it was judged by. */
  readonly recordConfiguration: () => Promise<void>
  /** Nor may a verdict that holds be gone with its record: of these decisions, those that still hold are journaled once more. */
  readonly tellAgain: (decisions: readonly Finding[]) => Promise<void>
}

/** Part of the problems on the page. */
const PART = 'retention'
/** Stands in the journal as who took something out. */
const BY = 'vigil'

/** Takes out of the journal what its policy says, at the start, where a crash may have left something, and whenever it is due. */
export class RetentionRun {
  readonly #options: RetentionOptions
  readonly #schedule: Schedule<true>
  #last: number | undefined
  #removed: Omit<RetentionStatus, 'time'> = { segments: 0, records: 0, artifacts: 0 }

  constructor(options: RetentionOptions) {
    this.#options = options
    const { policy, now, problems } = options
    this.#schedule = new Schedule({
      cron: policy.cron,
      now,
      due: () => (now() >= dueAfter(policy.cron, this.#last) ? true : undefined),
      run: (_, signal) => this.#run(signal),
      onError: (error) => problems.raise(PART, messageOf(error)),
      after: afterTimeout,
    })
  }

  start(): void {
    this.#schedule.start()
  }

  /** Gives up what is under way: the next start does it. */
  close(): Promise<void> {
    return this.#schedule.close()
  }

  /** The newest run that came to its end, and what all of them have removed. */
  get status(): RetentionStatus {
    return { time: this.#last === undefined ? undefined : toTimestamp(this.#last), ...this.#removed }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { policy, journal, directory, now, logger, problems, recordConfiguration, tellAgain } =
      this.#options
    const began = now()
    await recordConfiguration()
    const work: RetentionWork = {
      plan: async () => {
        const { planned, standing } = await planInThread(directory, requestOf(policy, began), signal)
        this.#requireProjected(planned)
        await tellAgain(standing)
        return planned
      },
      outstanding: () => outstandingInThread(directory, signal),
    }
    const { removed } = await journal.retain(work)
    this.#last = began
    const { segments, records, artifacts } = this.#removed
    this.#removed = {
      segments: segments + removed.segments,
      records: records + removed.records,
      artifacts: artifacts + removed.artifacts,
    }
    problems.clear(PART)
    if (Object.values(removed).some((count) => count > 0))
      logger.info({ part: PART, ...removed }, 'taken out of the journal')
  }

  #requireProjected(planned: readonly Retention[]): void {
    const { by, entries } = this.#options.projected()
    const wanted = Math.max(0, ...planned.map(endOf))
    if (wanted > entries)
      throw new Error(
        `nothing is taken out until ${by} has what would go: it has ${entries} entries, and ${wanted} are concerned`,
      )
  }
}

function requestOf({ keep, kinds, reason }: RetentionPolicy, now: number): RetentionRequest {
  return {
    by: BY,
    reason,
    before: keep === undefined ? undefined : now - keep,
    kinds: PRUNABLE_KINDS.flatMap((kind) => {
      const age = kinds[kind]
      return age === undefined ? [] : [{ kind, before: now - age }]
    }),
  }
}

/** All that it takes out stands in entries before this one. */
function endOf(retention: Retention): number {
  if (retention.action === 'prune') return retention.entries
  if (retention.action === 'erase')
    return retention.records.reduce((end, [entry]) => Math.max(end, entry + 1), 0)
  return 0
}
