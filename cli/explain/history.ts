import type { Finding } from '../../model/finding.ts'
import type { Observation } from '../../model/observation.ts'
import type { SealedRecord } from '../../model/record.ts'
import { formatSubject, parseSubject } from '../../model/subject.ts'
import type { Timestamp } from '../../model/time.ts'
import { LatestRuns } from '../../rules/latestRuns.ts'
import type { LatestObservation, Stored } from '../../store/contract.ts'

/** What the journal says of one rule and subject: configuration, newest runs, newest decision. Feed it the journal in order. */
export class History {
  configuration: (SealedRecord & { readonly kind: 'configuration' }) | undefined
  decision: Stored<Finding> | undefined
  /** When the last record was journaled. */
  last: Timestamp | undefined
  readonly #rule: string
  readonly #subject: string
  readonly #runs: LatestRuns

  constructor(rule: string, subject: string) {
    this.#rule = rule
    this.#subject = subject
    const parsed = parseSubject(subject)
    // A service's certificate is judged from its handshakes.
    const observed = new Set([
      subject,
      ...(parsed?.kind === 'deployed_service_cert'
        ? [formatSubject({ kind: 'service_tls_health', keys: parsed.keys })]
        : []),
    ])
    this.#runs = new LatestRuns((observation) => observed.has(observation.subject))
  }

  add(record: SealedRecord): void {
    this.last = record.recorded
    this.#runs.add(record)
    if (record.kind === 'configuration') this.configuration = record
    if (
      record.kind === 'decision' &&
      record.body.rule === this.#rule &&
      record.body.subject === this.#subject
    )
      this.decision = { ...record.body, id: record.id, recorded: record.recorded }
  }

  latest(): readonly LatestObservation[] {
    return this.#runs.latest()
  }

  /** The full observations by the id of their record. */
  observations(): ReadonlyMap<string, Stored<Observation>> {
    return this.#runs.observations()
  }
}
