import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RemediationStep } from '../../model/action.ts'
import { configSchema } from '../../model/config.ts'
import type { FactsOf } from '../../model/facts.ts'
import type { Finding, FindingState } from '../../model/finding.ts'
import type { SealedRecord } from '../../model/record.ts'
import { toTimestamp } from '../../model/time.ts'
import { RepairEvaluator, repairTargets } from '../../remediation/repairs.ts'
import type { WatchedTarget } from '../../rules/subjects.ts'
import type { StoredAction } from '../../store/contract.ts'
import { findingOf } from '../alerts/findings.ts'
import { JournalDouble, MINUTE } from '../rules/journalDouble.ts'

const SUBJECT = 'ca_crl[issuing-1]'
const RULE = 'crl_freshness_ok'
const TARGET: WatchedTarget = { probe: 'repair', subject: SUBJECT, address: 'reissue_crl', interval: MINUTE }

/** What a journal holds of requests and decisions, and what is made of it. */
class Requests {
  readonly journal = new JournalDouble()
  readonly #actions: StoredAction[] = []
  #finding: Finding = findingOf('fail', this.journal.now)
  evaluator = this.#evaluator()

  /** A minute later each. */
  step(...statuses: readonly RemediationStep['status'][]): this {
    for (const status of statuses) {
      this.journal.now += MINUTE
      const body = {
        ...({ kind: 'remediation', id: 'reissue_crl-1', status, rule: RULE, subject: SUBJECT } as const),
        ...{ receiver: 'http://control.test/', detail: '', evidence: [] },
      }
      const [record] = this.#sealed(this.journal.seal({ kind: 'action', time: '', body }))
      if (record !== undefined) this.#actions.push({ ...body, record: record.id, recorded: record.recorded })
    }
    return this
  }

  decide(state: FindingState): this {
    this.journal.now += MINUTE
    this.#finding = findingOf(state, this.journal.now)
    this.#sealed(this.journal.decide(this.#finding))
    return this
  }

  restart(): this {
    this.evaluator = this.#evaluator()
    this.evaluator.hydrate({ actions: this.#actions.toReversed(), findings: [this.#finding] })
    return this
  }

  get repair(): FactsOf<'repair'> {
    const [result, ...others] = this.evaluator.evaluate(this.journal.now)
    assert.deepEqual(others, [])
    assert.deepEqual([result?.observation.subject, result?.observation.target], [SUBJECT, 'reissue_crl'])
    const { repair } = result?.observation.facts ?? {}
    assert.ok(repair !== undefined)
    return repair
  }

  #evaluator(): RepairEvaluator {
    return new RepairEvaluator({ targets: [TARGET], vantage: 'default' })
  }

  #sealed(batch: readonly SealedRecord[]): readonly SealedRecord[] {
    this.evaluator.apply(batch)
    return batch
  }
}

describe('repairs', () => {
  it('are in vain when they were taken, and not seen before the deadline', () => {
    const requests = new Requests()
    assert.deepEqual(requests.repair, { status: 'none', inVain: 0 })
    requests.step('requested')
    const since = toTimestamp(requests.journal.now)
    assert.deepEqual(requests.repair, { status: 'requested', rule: RULE, requested: since, inVain: 0 })
    requests.step('accepted', 'ineffective')
    assert.deepEqual(requests.repair, {
      ...{ status: 'ineffective', rule: RULE, requested: since },
      ...{ inVain: 1, inVainSince: since, requestsInVain: ['reissue_crl-1'] },
    })
    requests.step('suppressed', 'requested', 'accepted')
    assert.deepEqual([requests.repair.inVain, requests.repair.inVainSince], [1, since])
    requests.step('ineffective')
    assert.deepEqual([requests.repair.inVain, requests.repair.inVainSince], [2, since])
  })

  it('are not in vain when nobody took them', () => {
    assert.equal(new Requests().step('requested', 'retried', 'ineffective').repair.inVain, 0)
    assert.equal(new Requests().step('requested', 'failed').repair.inVain, 0)
  })

  it('are well again with the rule that asked, however that came, and not with another or with none that can tell', () => {
    const requests = new Requests().step('requested', 'accepted', 'ineffective')
    const other = findingOf('pass', requests.journal.now, { rule: 'crl_not_expired' })
    requests.evaluator.apply(requests.journal.decide(other))
    requests.decide('unknown').decide('fail')
    assert.equal(requests.repair.inVain, 1)
    assert.equal(requests.decide('pass').repair.inVain, 0)
    requests.step('requested', 'accepted', 'ineffective', 'requested', 'accepted')
    assert.equal(requests.repair.inVain, 1)
    assert.equal(requests.step('verified').repair.inVain, 0)
  })

  it('are known after a restart, and those of a failure before this one are not', () => {
    const requests = new Requests().step('requested', 'accepted', 'ineffective')
    const before = requests.repair
    assert.deepEqual(requests.restart().repair, before)
    requests.decide('pass').decide('fail')
    assert.equal(requests.restart().repair.inVain, 0)
  })

  it('are watched where a policy may ask for them', () => {
    const crl: WatchedTarget = {
      probe: 'crl',
      subject: SUBJECT,
      address: 'http://crl.test/',
      interval: MINUTE,
    }
    const config = configSchema.parse({
      inventory: {},
      remediation: {
        policies: [
          { rule: RULE, action: 'reissue_crl' },
          { rule: 'crl_on_schedule', action: 'reissue_crl' },
          { rule: 'tls_identity_ok', action: 'rotate_certificate' },
        ],
      },
    })
    assert.deepEqual(repairTargets(config, [crl]), [TARGET])
  })
})
