import type { Finding } from '../../model/finding.ts'
import type { Observation } from '../../model/observation.ts'
import type { SealedRecord } from '../../model/record.ts'
import { formatRecordId, parseRecordId } from '../../model/recordId.ts'
import { formatSubject, parseSubject } from '../../model/subject.ts'
import { fromTimestamp, toTimestamp, type Timestamp } from '../../model/time.ts'
import type { LatestObservation, Stored } from '../../store/contract.ts'

interface Latest {
  readonly observation: Stored<Observation>
  lastStart: Timestamp
  lastDuration: number
}

/** What the journal says of one rule and subject: configuration, newest runs, newest decision. Feed it the journal in order. */
export class History {
  configuration: (SealedRecord & { readonly kind: 'configuration' }) | undefined
  decision: Stored<Finding> | undefined
  /** When the last record was journaled. */
  last: Timestamp | undefined
  readonly #rule: string
  readonly #subject: string
  /** Subjects whose observations count: a service's certificate is judged from its handshakes. */
  readonly #observed: ReadonlySet<string>
  readonly #latest = new Map<string, Latest>()
  readonly #byRecord = new Map<string, Latest>()

  constructor(rule: string, subject: string) {
    this.#rule = rule
    this.#subject = subject
    const parsed = parseSubject(subject)
    this.#observed = new Set([
      subject,
      ...(parsed?.kind === 'deployed_service_cert'
        ? [formatSubject({ kind: 'service_tls_health', keys: parsed.keys })]
        : []),
    ])
  }

  add(record: SealedRecord): void {
    this.last = record.recorded
    switch (record.kind) {
      case 'configuration':
        this.configuration = record
        return
      case 'observation':
        if (this.#observed.has(record.body.subject)) this.#observe(record.body, record.id, record.recorded)
        return
      case 'unchanged': {
        const own = parseRecordId(record.id)
        if (own === undefined) return
        for (const [entry, n, offset, duration] of record.body.items) {
          const known = this.#byRecord.get(formatRecordId(own.origin, own.epoch, { entry, n }))
          if (known === undefined) continue
          known.lastStart = toTimestamp(fromTimestamp(record.time) + offset)
          known.lastDuration = duration
        }
        return
      }
      case 'decision':
        if (record.body.rule === this.#rule && record.body.subject === this.#subject)
          this.decision = { ...record.body, id: record.id, recorded: record.recorded }
        return
      case 'epoch':
      case 'tick':
      case 'audit':
      case 'action':
        return
    }
  }

  latest(): readonly LatestObservation[] {
    return [...this.#latest.values()]
  }

  /** The full observations by the id of their record. */
  observations(): ReadonlyMap<string, Stored<Observation>> {
    return new Map([...this.#byRecord].map(([id, { observation }]) => [id, observation]))
  }

  #observe(body: Observation, id: string, recorded: Timestamp): void {
    const key = `${body.subject} ${body.probe} ${body.target}`
    const before = this.#latest.get(key)
    if (before !== undefined) this.#byRecord.delete(before.observation.id)
    const latest: Latest = {
      observation: { ...body, id, recorded },
      lastStart: body.start,
      lastDuration: body.duration,
    }
    this.#latest.set(key, latest)
    this.#byRecord.set(id, latest)
  }
}
