import type { FactsOf } from '../model/facts.ts'
import type { ProbeResult } from '../model/observation.ts'
import { fromTimestamp, toTimestamp, type Clock } from '../model/time.ts'
import { readOutcome, type Outcome } from './backupOutcomes.ts'
import { placeText } from './backupPlace.ts'
import type { LoadedConfig } from './load.ts'
import { Looks } from './looks.ts'
import { runVigil } from './ownProcess.ts'
import { afterTimeout, dueAfter, Schedule } from './schedule.ts'
import { backupTarget } from './selfTarget.ts'

type BackupConfig = Pick<LoadedConfig, 'file' | 'config' | 'journalDirectory'> & {
  readonly backup: NonNullable<LoadedConfig['backup']>
}

interface BackupOptions {
  readonly loaded: BackupConfig
  readonly now: Clock
  readonly record: (result: ProbeResult) => Promise<void>
  readonly onError: (error: unknown) => void
  readonly onSuccess: () => void
  /** Publishes a checkpoint, so that the backup has what was sealed until now. */
  readonly publish: () => Promise<unknown>
  /** A drill has ended. */
  readonly onDrilled: () => void
}

/** Commands that do the work, in processes of their own, and leave how it went beside the journal. */
const COMMANDS = { backup: 'backup', drill: 'restore-drill' } as const

/** Milliseconds between two drills when the first failed: each reads all of the backup. */
const DRILL_PAUSE = 24 * 3_600_000

/** Makes backups and restore drills when they are due, and observes how the newest of each went, whoever made it. */
export class Backups {
  readonly #options: BackupOptions
  readonly #started: number
  readonly #looks: Looks
  readonly #schedule: Schedule<true>

  constructor(options: BackupOptions) {
    this.#options = options
    const { now, onError, loaded } = options
    this.#started = now()
    this.#looks = new Looks(() => this.#look(), onError)
    this.#schedule = new Schedule({
      cron: loaded.backup.cron,
      now,
      due: () => true,
      run: (_due, signal) => this.#doWhatIsDue(signal),
      onError,
      after: afterTimeout,
    })
  }

  start(): void {
    this.#looks.start(backupTarget(this.#options.loaded.config).interval)
    this.#schedule.start()
  }

  /** Gives up what is under way: the next start does it. */
  async stop(): Promise<void> {
    await this.#schedule.close()
    await this.#looks.stop()
  }

  /** One after the other: a drill reads what a backup writes. A backup that fails is no reason not to try the one before it. */
  async #doWhatIsDue(signal: AbortSignal): Promise<void> {
    const { loaded, publish, onSuccess, onDrilled } = this.#options
    const failures: unknown[] = []
    for (const kind of ['backup', 'drill'] as const) {
      if (!(await this.#isDue(kind))) continue
      try {
        await publish()
        const { code, said } = await runVigil([COMMANDS[kind], '--config', loaded.file], signal)
        if (code !== 0) throw new Error(said)
      } catch (error) {
        failures.push(error)
      }
      if (signal.aborted) break
      await this.#look()
      if (kind === 'drill') onDrilled()
    }
    if (failures.length > 0) throw failures[0]
    onSuccess()
  }

  async #isDue(kind: 'backup' | 'drill'): Promise<boolean> {
    const { loaded, now } = this.#options
    const { backup, drill } = await this.#outcomes()
    if (kind === 'backup') return isDue(dueAfter(loaded.backup.cron, timeOf(backup)), backup, now())
    if (loaded.backup.drill === undefined || backup.succeeded === undefined) return false
    const failed = drill.failed === undefined ? -Infinity : now() - fromTimestamp(drill.failed.at)
    if (failed >= 0 && failed < DRILL_PAUSE) return false
    return isDue(dueAfter(loaded.backup.drill.cron, timeOf(drill)), drill, now())
  }

  async #outcomes(): Promise<{ readonly backup: Outcome<'backup'>; readonly drill: Outcome<'drill'> }> {
    const { journalDirectory } = this.#options.loaded
    return {
      backup: await readOutcome(journalDirectory, 'backup'),
      drill: await readOutcome(journalDirectory, 'drill'),
    }
  }

  async #look(): Promise<void> {
    const { loaded, now, record } = this.#options
    const { config, backup } = loaded
    const outcomes = await this.#outcomes()
    const dueAt = (cron: typeof backup.cron, outcome: Outcome<'backup'> | Outcome<'drill'>): string => {
      const due = dueAfter(cron, timeOf(outcome))
      return toTimestamp(due === -Infinity ? this.#started : due)
    }
    const made: FactsOf<'backup'> = {
      ...factsOf(outcomes.backup, ['entries', 'octets', 'duration']),
      place: placeText(backup.place),
      due: dueAt(backup.cron, outcomes.backup),
    }
    const drilled: FactsOf<'drill'> =
      backup.drill === undefined
        ? { enabled: false }
        : {
            enabled: true,
            ...factsOf(outcomes.drill, [
              'epochs',
              'entries',
              'records',
              'artifacts',
              'documents',
              'duration',
            ]),
            due: dueAt(backup.drill.cron, outcomes.drill),
          }
    const { probe, subject, address } = backupTarget(config)
    const about = { probe, subject, target: address, vantage: config.vantage }
    const start = toTimestamp(now())
    await record({
      observation: {
        ...about,
        start,
        duration: 0,
        outcome: 'success',
        facts: { backup: made, drill: drilled },
        artifacts: [],
      },
      artifacts: [],
    })
  }
}

/** The kind of statement that a drill is. */
const DRILL_STATEMENT = 'restore_drill'
/** Milliseconds for which it says something; rules ask for a newer one earlier. */
const DRILL_EXPIRES = 366 * 86_400_000

/** A drill that succeeded, as what somebody could have signed: its own record takes the place of a statement. */
export async function drillStatements(
  { config, journalDirectory }: Pick<LoadedConfig, 'config' | 'journalDirectory'>,
  now: number,
): Promise<readonly ProbeResult[]> {
  const { succeeded } = await readOutcome(journalDirectory, 'drill')
  if (succeeded === undefined) return []
  const { at, place, epochs, entries, records, artifacts, documents } = succeeded
  const attestation: FactsOf<'attestation'> = {
    kind: DRILL_STATEMENT,
    by: config.origin,
    statement: `restored from ${place}: epochs ${epochs}, entries ${entries}, records ${records}, artifacts ${artifacts}; documents compared ${documents}, none differs`,
    at,
    expires: toTimestamp(fromTimestamp(at) + DRILL_EXPIRES),
  }
  return [
    {
      observation: {
        subject: 'pki_governance',
        probe: 'attestation',
        target: DRILL_STATEMENT,
        vantage: config.vantage,
        start: toTimestamp(now),
        duration: 0,
        outcome: 'success',
        facts: { attestation },
        artifacts: [],
      },
      artifacts: [],
    },
  ]
}

function timeOf({ succeeded }: Outcome<'backup'> | Outcome<'drill'>): number | undefined {
  return succeeded === undefined ? undefined : fromTimestamp(succeeded.at)
}

/** What is dated in the future was made by a clock that was wrong: it holds nobody up. */
function isDue(due: number, { succeeded }: Outcome<'backup'> | Outcome<'drill'>, now: number): boolean {
  return due <= now || (succeeded !== undefined && fromTimestamp(succeeded.at) > now)
}

function factsOf<K extends string>(
  {
    succeeded,
    failed,
  }: {
    readonly succeeded?: ({ readonly at: string } & Record<K, number>) | undefined
    readonly failed?: { readonly why: string } | undefined
  },
  names: readonly K[],
): { readonly made?: string; readonly failing: boolean; readonly problem: string } & Partial<
  Record<K, number>
> {
  const figures: Partial<Record<K, number>> = {}
  if (succeeded !== undefined) for (const name of names) figures[name] = succeeded[name]
  return {
    ...figures,
    ...(succeeded === undefined ? {} : { made: succeeded.at }),
    failing: failed !== undefined,
    problem: failed?.why ?? '',
  }
}
