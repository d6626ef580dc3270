import type { TestContext } from 'node:test'
import { Collector } from '../../collectors/collector.ts'
import type { CollectorError } from '../../collectors/error.ts'
import type { ApiAccess } from '../../collectors/sources/api/client.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { LogConfig } from '../../model/config.ts'
import { FakeClock } from './support.ts'

/** A log that is asked for over HTTP, with a journal that is a list. */
export class AskedLog {
  readonly events: AuditEvent[] = []
  readonly problems: CollectorError[] = []
  readonly clock = new FakeClock()
  /** Records that are still taken before the journal refuses. */
  room = Infinity
  collector: Collector
  readonly config: LogConfig
  readonly #access: ApiAccess

  constructor(t: TestContext, log: LogConfig, access: ApiAccess) {
    this.config = log
    this.#access = access
    this.collector = this.#start()
    t.after(() => this.collector.close())
  }

  /** As after a crash: nothing but what was journaled is known. */
  async restart(): Promise<void> {
    await this.collector.close()
    this.collector = this.#start()
  }

  async poll(): Promise<void> {
    await this.collector.poll()
  }

  codes(): string[] {
    return this.problems.map((problem) => problem.code)
  }

  #start(): Collector {
    return new Collector({
      log: this.config,
      access: this.#access,
      authorities: [],
      positions: this.events.map((event) => event.position),
      record: (records) => {
        if (records.length > this.room) return Promise.reject(new Error('disk full'))
        this.room -= records.length
        for (const record of records) if (record.kind === 'audit') this.events.push(record.body)
        return Promise.resolve(records)
      },
      now: this.clock.now,
      onProblem: (problem) => this.problems.push(problem),
    })
  }
}
