import type { Observation } from '../../model/observation.ts'
import type { SealedRecord, Unchanged } from '../../model/record.ts'
import { formatRecordId, parseRecordId, type RecordId } from '../../model/recordId.ts'
import { fromTimestamp, type Timestamp } from '../../model/time.ts'
import type { TargetState } from '../../store/contract.ts'

/** What a service showed in the newest handshake that got as far as its certificate. */
export interface ServedCertificate {
  readonly serial: string
  readonly sha256: string
  /** Of the observation. */
  readonly record: RecordId
  /** When it was shown last, in milliseconds; -Infinity: before the start, and it is not known when. */
  lastSeen: number
}

/** By subject of the service's health. A projection of the observations of TLS probes. */
export class ServedCertificates {
  readonly #bySubject = new Map<string, ServedCertificate>()
  readonly #byRecord = new Map<RecordId, ServedCertificate>()

  of(subject: string): ServedCertificate | undefined {
    return this.#bySubject.get(subject)
  }

  hydrate({ observation, known, lastStart }: TargetState): void {
    const isSeen = observation.facts.certificate !== undefined
    const lastSeen = isSeen ? fromTimestamp(lastStart) : -Infinity
    this.#see({ ...observation, facts: known }, observation.id, lastSeen)
  }

  apply(record: SealedRecord): void {
    if (record.kind === 'observation') this.#see(record.body, record.id, fromTimestamp(record.body.start))
    else if (record.kind === 'unchanged') this.#repeat(record.id, record.time, record.body)
  }

  #see({ probe, subject, facts }: Observation, record: RecordId, lastSeen: number): void {
    const { serial, sha256 } = facts.certificate ?? {}
    if (probe !== 'tls' || serial === undefined || sha256 === undefined) return
    const before = this.#bySubject.get(subject)
    // Records may be applied again after a restart.
    if (before !== undefined && before.lastSeen > lastSeen) return
    if (before !== undefined) this.#byRecord.delete(before.record)
    const served = { serial, sha256, record, lastSeen }
    this.#bySubject.set(subject, served)
    this.#byRecord.set(record, served)
  }

  #repeat(id: RecordId, time: Timestamp, { items }: Unchanged): void {
    const own = parseRecordId(id)
    if (own === undefined) return
    for (const [entry, n, offset] of items) {
      const served = this.#byRecord.get(formatRecordId(own.origin, own.epoch, { entry, n }))
      if (served !== undefined) served.lastSeen = Math.max(served.lastSeen, fromTimestamp(time) + offset)
    }
  }
}
