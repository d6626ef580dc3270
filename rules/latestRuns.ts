import type { Observation } from '../model/observation.ts'
import type { SealedRecord } from '../model/record.ts'
import { formatRecordId, parseRecordId } from '../model/recordId.ts'
import { fromTimestamp, toTimestamp, type Timestamp } from '../model/time.ts'
import type { LatestObservation, Stored } from '../store/contract.ts'

interface Latest {
  readonly observation: Stored<Observation>
  lastStart: Timestamp
  lastDuration: number
}

/** The newest run of every target, as the journal tells it: what an engine is hydrated with. Feed it the journal in order; it grows with the targets. */
export class LatestRuns {
  readonly #isWanted: (observation: Observation) => boolean
  readonly #byTarget = new Map<string, Latest>()
  readonly #byRecord = new Map<string, Latest>()

  /** Default: every observation. */
  constructor(isWanted: (observation: Observation) => boolean = () => true) {
    this.#isWanted = isWanted
  }

  add(record: SealedRecord): void {
    if (record.kind === 'observation') {
      if (this.#isWanted(record.body)) this.#observe(record.body, record.id, record.recorded)
      return
    }
    if (record.kind !== 'unchanged') return
    const own = parseRecordId(record.id)
    if (own === undefined) return
    for (const [entry, n, offset, duration] of record.body.items) {
      const known = this.#byRecord.get(formatRecordId(own.origin, own.epoch, { entry, n }))
      if (known === undefined) continue
      known.lastStart = toTimestamp(fromTimestamp(record.time) + offset)
      known.lastDuration = duration
    }
  }

  latest(): readonly LatestObservation[] {
    return [...this.#byTarget.values()]
  }

  /** The full observations by the id of their record. */
  observations(): ReadonlyMap<string, Stored<Observation>> {
    return new Map([...this.#byRecord].map(([id, { observation }]) => [id, observation]))
  }

  #observe(body: Observation, id: string, recorded: Timestamp): void {
    const key = `${body.subject} ${body.probe} ${body.target}`
    const before = this.#byTarget.get(key)
    if (before !== undefined) this.#byRecord.delete(before.observation.id)
    const latest: Latest = {
      observation: { ...body, id, recorded },
      lastStart: body.start,
      lastDuration: body.duration,
    }
    this.#byTarget.set(key, latest)
    this.#byRecord.set(id, latest)
  }
}
