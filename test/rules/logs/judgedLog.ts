import assert from 'node:assert/strict'
import type { AuditEvent } from '../../../model/auditEvent.ts'
import { inventorySchema, type LogConfig } from '../../../model/config.ts'
import type { FindingState } from '../../../model/finding.ts'
import { RuleEngine } from '../../../rules/engine.ts'
import { loadPack } from '../../../rules/loadPack.ts'
import { LogEvaluator, logTargets } from '../../../rules/logs/evaluator.ts'
import { JournalDouble, MINUTE, START } from '../journalDouble.ts'

/** What the rules in force by default say of one log, by the records of it that a journal has. */
export class JudgedLog {
  readonly journal = new JournalDouble()
  readonly #evaluator: LogEvaluator
  readonly #engine: RuleEngine

  constructor(log: LogConfig) {
    this.#evaluator = new LogEvaluator({ logs: [log], maintenance: [], vantage: 'default', started: START })
    this.#engine = new RuleEngine({
      packs: [loadPack('operations')],
      parameters: {},
      waivers: [],
      maintenance: [],
      inventory: { ...inventorySchema.parse({}), logs: [log] },
      targets: logTargets([log], { interval: MINUTE }),
    })
  }

  hear(events: readonly AuditEvent[]): void {
    const records = events.map((body) => ({ kind: 'audit' as const, time: body['@timestamp'], body }))
    this.#evaluator.apply(this.journal.seal(...records))
  }

  /** As it stands some time (milliseconds) later. */
  state(rule: string, later = 0): FindingState | undefined {
    this.journal.now += later
    const [result] = this.#evaluator.evaluate(this.journal.now)
    assert.ok(result !== undefined)
    this.#engine.apply(this.journal.observe({ ...result.observation, artifacts: [] }))
    this.#engine.apply(this.journal.tick())
    return this.#engine.findings().find((finding) => finding.rule === rule)?.state
  }
}
