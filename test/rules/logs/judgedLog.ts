import type { AuditEvent } from '../../../model/auditEvent.ts'
import { inventorySchema, type LogConfig, type ServiceConfig } from '../../../model/config.ts'
import type { Facts } from '../../../model/facts.ts'
import type { Finding, FindingState } from '../../../model/finding.ts'
import type { Observation } from '../../../model/observation.ts'
import type { SealedRecord } from '../../../model/record.ts'
import { toTimestamp } from '../../../model/time.ts'
import type { TargetState } from '../../../store/contract.ts'
import { RuleEngine } from '../../../rules/engine.ts'
import { loadPack } from '../../../rules/loadPack.ts'
import { LogEvaluator, logTargets } from '../../../rules/logs/evaluator.ts'
import { JournalDouble, MINUTE, START } from '../journalDouble.ts'

/** What the rules in force by default say of one log, and of what it tells of, by the records that a journal has. */
export class JudgedLog {
  readonly journal = new JournalDouble()
  readonly #log: LogConfig
  readonly #services: readonly ServiceConfig[]
  readonly #engine: RuleEngine
  readonly #sealed: SealedRecord[][] = []
  /** By probe and subject. */
  readonly #latest = new Map<string, TargetState>()
  #evaluator: LogEvaluator

  constructor(log: LogConfig, services: readonly ServiceConfig[] = []) {
    this.#log = log
    this.#services = services
    this.#evaluator = this.#start(START)
    this.#engine = new RuleEngine({
      packs: [loadPack('operations')],
      parameters: {},
      waivers: [],
      maintenance: [],
      inventory: { ...inventorySchema.parse({}), logs: [log], services: [...services] },
      targets: logTargets({ logs: [log], services }, { interval: MINUTE }),
    })
  }

  hear(events: readonly AuditEvent[]): void {
    const records = events.map((body) => ({ kind: 'audit' as const, time: body['@timestamp'], body }))
    this.#apply(this.journal.seal(...records))
  }

  /** A service shows a certificate, or the same as before. */
  show(
    subject: string,
    certificate: NonNullable<Facts['certificate']>,
    handshake: 'as before' | 'differs' = 'as before',
  ): void {
    const before = this.#latest.get(`tls ${subject}`)
    if (
      handshake === 'as before' &&
      before !== undefined &&
      before.observation.facts.certificate?.sha256 === certificate.sha256
    ) {
      this.#latest.set(`tls ${subject}`, { ...before, lastStart: toTimestamp(this.journal.now) })
      this.#apply(this.journal.repeat(before.observation.id))
      return
    }
    const observation: Observation = {
      subject,
      probe: 'tls',
      target: 'shop.test:443',
      vantage: 'default',
      start: toTimestamp(this.journal.now),
      duration: 20,
      outcome: 'success',
      facts: { certificate },
      artifacts: [],
    }
    this.#observed(this.journal.observe(observation))
  }

  /** As it stands some time (milliseconds) later. */
  state(rule: string, later = 0): FindingState | undefined {
    return this.finding(rule, later)?.state
  }

  finding(rule: string, later = 0): Finding | undefined {
    this.journal.now += later
    const observations = this.#evaluator
      .evaluate(this.journal.now)
      .map(({ observation }) => ({ ...observation, artifacts: [] }))
    const sealed = this.journal.observe(...observations)
    this.#observed(sealed)
    this.#engine.apply(sealed)
    this.#engine.apply(this.journal.tick())
    return this.#engine.findings().find((finding) => finding.rule === rule)
  }

  /** By subject, as it stands now. */
  states(rule: string): Readonly<Record<string, FindingState>> {
    this.finding(rule)
    const findings = this.#engine.findings().filter((finding) => finding.rule === rule)
    const sorted = findings.toSorted((a, b) => (a.subject < b.subject ? -1 : 1))
    return Object.fromEntries(sorted.map(({ subject, state }) => [subject, state]))
  }

  facts(probe: 'job' | 'deployment' | 'log'): Facts {
    const found = this.#evaluator
      .evaluate(this.journal.now)
      .find(({ observation }) => observation.probe === probe)
    return found?.observation.facts ?? {}
  }

  /** As a new process does: from the newest observations, and batches that it may have counted already. */
  restart(replayed = 3): void {
    this.#evaluator = this.#start(this.journal.now)
    this.#evaluator.hydrate([...this.#latest.values()])
    for (const batch of this.#sealed.slice(this.#sealed.length - replayed)) this.#evaluator.apply(batch)
  }

  #start(started: number): LogEvaluator {
    const told = { logs: [this.#log], services: this.#services }
    return new LogEvaluator({ ...told, maintenance: [], vantage: 'default', started })
  }

  #apply(batch: SealedRecord[]): void {
    this.#sealed.push(batch)
    this.#evaluator.apply(batch)
  }

  #observed(sealed: SealedRecord[]): void {
    for (const record of sealed) {
      if (record.kind !== 'observation') continue
      const { id, recorded, body } = record
      const observation = { ...structuredClone(body), artifacts: [], id, recorded }
      const state = { observation, known: body.facts, lastStart: body.start, lastDuration: 0 }
      this.#latest.set(`${body.probe} ${body.subject}`, state)
    }
    this.#apply(sealed)
  }
}
