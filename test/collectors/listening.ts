import type { TestContext } from 'node:test'
import { Collector } from '../../collectors/collector.ts'
import type { CollectorError } from '../../collectors/error.ts'
import { BeatsListener } from '../../collectors/sources/beats/listener.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { makeAuthority } from '../filebeat/secured.ts'
import { LumberjackClient } from './lumberjack.ts'
import { FakeClock } from './support.ts'

export const authority = await makeAuthority('Logging CA')
const server = await authority.issue('tls_server', 'vigil')
export const ca1 = await authority.issue('tls_client', 'ca1')

/** A vigil that listens for the logs of one host, whose journal is a list. */
class Listening {
  events: AuditEvent[] = []
  readonly problems: CollectorError[] = []
  /** Called before records are durable. */
  sealing: () => Promise<void> = () => Promise.resolve()
  port = 0
  #stop: () => Promise<void> = () => Promise.resolve()

  constructor(t: TestContext) {
    t.after(() => this.#stop())
  }

  async start(): Promise<void> {
    const onProblem = (problem: CollectorError): number => this.problems.push(problem)
    const listener = new BeatsListener({
      host: '127.0.0.1',
      port: this.port,
      ...server,
      clientCa: authority.ca,
      onProblem,
    })
    const collectors = ['ca1-audit', 'ca1-server'].map(
      (id) =>
        new Collector({
          log: { id, format: 'ejbca', beats: { client: 'CN=ca1' }, authorities: [] },
          authorities: [],
          listener,
          positions: this.events.map((e) => e.position),
          record: async (records) => {
            await this.sealing()
            for (const record of records) if (record.kind === 'audit') this.events.push(record.body)
            return records
          },
          now: new FakeClock().now,
          onProblem,
        }),
    )
    const stopping = new AbortController()
    const running = Promise.all(collectors.map((collector) => collector.run(stopping.signal)))
    this.port = (await listener.listen()) ?? 0
    this.#stop = async () => {
      await listener.close()
      stopping.abort()
      await running
    }
  }

  async restart(): Promise<void> {
    await this.#stop()
    this.#stop = () => Promise.resolve()
    await this.start()
  }

  client(): Promise<LumberjackClient> {
    return LumberjackClient.connect(this.port, authority, ca1)
  }

  texts(): string[] {
    return this.events.map((e) => e.event.original)
  }
}

export async function listening(t: TestContext): Promise<Listening> {
  const vigil = new Listening(t)
  await vigil.start()
  return vigil
}
