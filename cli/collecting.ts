import type { Logger } from 'pino'
import { Collector, isSequential } from '../collectors/collector.ts'
import { BeatsListener } from '../collectors/sources/beats/listener.ts'
import type { Journal } from '../journal/journal.ts'
import type { NewRecord, SealedRecord } from '../model/record.ts'
import type { Clock } from '../model/time.ts'
import type { Store } from '../store/contract.ts'
import { earlierEvents } from './earlierEvents.ts'
import type { LoadedConfig } from './load.ts'

interface CollectingOptions {
  readonly loaded: LoadedConfig
  readonly store: Store
  readonly journal: Journal
  readonly record: (records: readonly NewRecord[]) => Promise<readonly SealedRecord[]>
  readonly now: Clock
  readonly logger: Logger
}

/** Trouble of one log. */
interface SourceProblem {
  readonly source: string
  readonly message: string
}

/** The collectors of all logs, and the listener that some of them share. */
export class Collecting {
  readonly #options: CollectingOptions
  readonly #stop = new AbortController()
  readonly #collectors: Collector[] = []
  #listener: BeatsListener | undefined
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: CollectingOptions) {
    this.#options = options
  }

  /** From where each log was read to last. Rejects when the listener can't listen. */
  async start(): Promise<void> {
    const { loaded, logger } = this.#options
    if (loaded.beats !== undefined) {
      const onProblem = (problem: Error): void => logger.warn({ part: 'beats' }, problem.message)
      this.#listener = new BeatsListener({ ...loaded.beats, onProblem })
    }
    await this.#createCollectors()
    this.#running = Promise.all(this.#collectors.map((collector) => collector.run(this.#stop.signal)))
    await this.#listener?.listen()
  }

  problems(): readonly SourceProblem[] {
    return this.#collectors.flatMap(({ id, problems }) =>
      problems.map(({ message }) => ({ source: id, message })),
    )
  }

  /** No new lines; those read are journaled, or read again after the next start. */
  async stop(): Promise<void> {
    await this.#listener?.close()
    this.#stop.abort()
    await this.#running
    await Promise.all(this.#collectors.map((collector) => collector.close()))
  }

  async #createCollectors(): Promise<void> {
    const { loaded, store, journal, record, now, logger } = this.#options
    const positions = await store.sourcePositions()
    const authorities = [...loaded.issuers.values()].map(({ id, certificate }) => {
      return { id, subject: certificate.subject.text }
    })
    for (const log of loaded.config.inventory.logs) {
      const access = loaded.logAccess.get(log.id)
      this.#collectors.push(
        new Collector({
          log: { ...log, path: loaded.logPaths.get(log.id) ?? log.path },
          ...(this.#listener === undefined ? {} : { listener: this.#listener }),
          ...(access === undefined ? {} : { access }),
          authorities,
          positions,
          record,
          keep: (artifact) => journal.putArtifact(artifact),
          signers: loaded.logSigners.get(log.id) ?? [],
          earlier: isSequential(log) ? await earlierEvents(store, log.id) : [],
          now,
          onProblem: (problem) => logger.warn({ part: log.id }, problem.message),
        }),
      )
    }
  }
}
