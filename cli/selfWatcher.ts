import { statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { dirname } from 'node:path'
import type { ProbeResult } from '../model/observation.ts'
import { messageOf } from '../model/thrown.ts'
import { fromTimestamp, type Clock } from '../model/time.ts'
import { onServerTime } from '../probes/fetch/serverTime.ts'
import { HeardClocks } from '../probes/heardClocks.ts'
import { SelfProbe, type MonitorReading } from '../probes/self.ts'
import { storeLag, type Status } from '../server/status.ts'
import type { LoadedConfig } from './load.ts'
import { Looks } from './looks.ts'
import type { Problems } from './problems.ts'
import { selfTarget } from './selfTarget.ts'

interface SelfWatcherOptions {
  readonly loaded: Pick<LoadedConfig, 'config' | 'targets' | 'journalDirectory' | 'storeFile'>
  readonly now: Clock
  readonly problems: Problems
  readonly status: () => Status
  readonly repairs: () => { readonly undelivered: number } | undefined
  /** Logs that cannot be read now. */
  readonly sourcesFailing: () => readonly string[]
  /** Entries that Elasticsearch has; undefined where it is not configured. */
  readonly elasticsearch: () => number | undefined
  readonly record: (result: ProbeResult) => Promise<void>
}

/** Part of the problems on the page. */
const PART = 'self'

/** Observes the monitor at the start and every interval after that, until `stop`, which waits for the look under way. */
export class SelfWatcher {
  readonly #options: SelfWatcherOptions
  readonly #probe: SelfProbe
  readonly #clocks: HeardClocks
  #stopHearing: () => void = () => undefined
  readonly #looks: Looks

  constructor(options: SelfWatcherOptions) {
    this.#options = options
    const { loaded, now, problems } = options
    this.#looks = new Looks(
      () => this.#once(),
      (error) => problems.raise(PART, messageOf(error)),
    )
    const { subject } = selfTarget(loaded.config)
    const clock = { now, monotonic: () => performance.now() }
    this.#clocks = new HeardClocks(clock)
    const { vantage } = loaded.config
    this.#probe = new SelfProbe({ subject, vantage, targets: loaded.targets, clocks: this.#clocks, ...clock })
  }

  start(): void {
    this.#stopHearing = onServerTime((heard) => this.#clocks.hear(heard))
    this.#looks.start(selfTarget(this.#options.loaded.config).interval)
  }

  /** A run was recorded. */
  ran({ observation: { probe, subject, target: address } }: ProbeResult): void {
    this.#probe.ran({ probe, subject, address })
  }

  async stop(): Promise<void> {
    this.#stopHearing()
    await this.#looks.stop()
  }

  async #once(): Promise<void> {
    await this.#options.record(this.#probe.look(await this.#reading()))
    this.#options.problems.clear(PART)
  }

  async #reading(): Promise<MonitorReading> {
    const { loaded, problems, status, repairs, sourcesFailing, elasticsearch } = this.#options
    const directories = [loaded.journalDirectory, dirname(loaded.storeFile)]
    const disks = await Promise.all(directories.map(diskOf))
    const state = status()
    return {
      receivers: (state.alerts?.receivers ?? []).map(
        ({ receiver, failuresInRow, undelivered, lastSuccess }) => ({
          receiver,
          isFailing: failuresInRow > 0,
          undelivered,
          delivered: lastSuccess === undefined ? undefined : fromTimestamp(lastSuccess),
        }),
      ),
      repairsUndelivered: repairs()?.undelivered,
      refused: problems.lastSpell('journal'),
      entries: {
        sealed: state.journal.size,
        store: state.journal.size - storeLag(state),
        elasticsearch: elasticsearch(),
      },
      disks,
      configurationCurrent: state.configuration.successful,
      sourcesFailing: sourcesFailing(),
      problems: problems.parts().filter((part) => !isToldElsewhere(part, state)),
      memory: memoryOf(),
    }
  }
}

/** Other facts say it, with what a rule needs to know of it. */
function isToldElsewhere(part: string, { configuration }: Status): boolean {
  if (part === 'configuration') return !configuration.successful
  return ['journal', 'store', 'elasticsearch', 'backup'].includes(part) || part.startsWith('alerts to ')
}

async function diskOf(path: string): Promise<MonitorReading['disks'][number]> {
  const { bavail, blocks, bsize } = await statfs(path)
  return { path, free: bavail * bsize, total: blocks * bsize }
}

/** What is larger than the machine's memory limits nothing. */
function memoryOf(): MonitorReading['memory'] {
  const limit = process.constrainedMemory()
  return { used: process.memoryUsage.rss(), limit: limit > 0 && limit < totalmem() ? limit : undefined }
}
