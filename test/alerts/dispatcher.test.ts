import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AlertReceiver, PostableAlert } from '../../alerts/alertmanager.ts'
import { AlertDispatcher } from '../../alerts/dispatcher.ts'
import { AlertsError } from '../../alerts/error.ts'
import type { Action, AlertStep } from '../../model/action.ts'
import type { Finding, FindingState } from '../../model/finding.ts'
import type { NewRecord, SealedRecord } from '../../model/record.ts'
import { toTimestamp, type Clock } from '../../model/time.ts'
import type { Stored, StoredAction } from '../../store/contract.ts'
import { JournalDouble, MINUTE, SECOND, START } from '../rules/journalDouble.ts'
import { findingOf } from './findings.ts'

class ReceiverDouble implements AlertReceiver {
  readonly receiver = 'http://am.test/'
  readonly posts: PostableAlert[][] = []
  down = false
  onPost: (() => void) | undefined
  readonly #sent: string[] = []
  readonly #now: Clock

  constructor(now: Clock) {
    this.#now = now
  }

  post(alerts: readonly PostableAlert[]): Promise<void> {
    this.onPost?.()
    if (this.down) return Promise.reject(new AlertsError('unreachable', 'connection refused'))
    this.posts.push([...alerts])
    for (const alert of alerts) {
      const what = Date.parse(alert.endsAt) > this.#now() ? 'firing' : 'resolved'
      this.#sent.push(`${what} ${alert.annotations['state'] ?? ''}`)
    }
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** What was sent since the last call: firing or resolved, and the annotation that says the state. */
  take(): string[] {
    this.posts.length = 0
    return this.#sent.splice(0)
  }
}

class Setup {
  readonly journal = new JournalDouble()
  readonly receiver = new ReceiverDouble(() => this.journal.now)
  readonly recorded: Action[] = []
  readonly dispatcher: AlertDispatcher
  readonly errors: unknown[] = []
  journalFails = false
  #timer: (() => void) | undefined

  constructor() {
    const rule = { id: 'crl_freshness_ok', title: 'Recent', rationale: 'Because.', unknownFor: 10 * MINUTE }
    this.dispatcher = new AlertDispatcher({
      receiver: this.receiver,
      rules: new Map([[rule.id, { ...rule, remediation: 'Issue one.', runbook: 'docs/runbooks/x.md' }]]),
      record: (records) => this.#record(records),
      interval: MINUTE,
      now: () => this.journal.now,
      schedule: (delay, work) => {
        assert.equal(delay, MINUTE)
        this.#timer = work
        return () => (this.#timer = undefined)
      },
      runbooks: 'https://wiki.test/vigil',
      onError: (error) => this.errors.push(error),
    })
  }

  async start(): Promise<void> {
    this.dispatcher.start()
    await this.dispatcher.settled()
  }

  /** The interval passes. */
  async pass(intervals = 1): Promise<void> {
    for (let i = 0; i < intervals; i++) {
      this.journal.now += MINUTE
      this.#timer?.()
      await this.dispatcher.settled()
    }
  }

  async decide(state: FindingState, parts: Partial<Finding> = {}): Promise<void> {
    this.dispatcher.apply(this.journal.decide(findingOf(state, this.journal.now, parts)))
    await this.dispatcher.settled()
  }

  sent(): string[] {
    return this.receiver.take()
  }

  actions(): string[] {
    return this.recorded.splice(0).map((action) => action.status)
  }

  #record(records: readonly NewRecord[]): Promise<readonly SealedRecord[]> {
    if (this.journalFails) return Promise.reject(new Error('disk full'))
    for (const record of records) if (record.kind === 'action') this.recorded.push(record.body)
    return Promise.resolve(this.journal.seal(...records))
  }
}

describe('a failing finding', () => {
  it('is sent at once, and again each interval, with an end four intervals ahead', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('fail')
    const [first] = t.receiver.posts.at(-1) ?? []
    assert.equal(first?.startsAt, toTimestamp(START))
    assert.equal(first.endsAt, toTimestamp(START + 4 * MINUTE))
    assert.deepEqual(first.annotations, {
      summary: 'CRL is fail',
      description: 'Because. Issue one.',
      state: 'fail',
      decision: 'vigil.test/0/0/0',
      target: 'http://crl.test/issuing-1.crl',
      runbook: 'docs/runbooks/x.md',
      runbook_url: 'https://wiki.test/vigil/docs/runbooks/x.md',
    })
    t.sent()
    await t.pass(3)
    assert.deepEqual(t.sent(), ['firing fail', 'firing fail', 'firing fail'])
    assert.deepEqual(t.actions(), ['sent'])
  })

  it('resolves when it passes, once', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('fail')
    await t.pass()
    t.sent()
    await t.decide('pass')
    assert.deepEqual(t.sent(), ['resolved pass'])
    await t.pass(3)
    assert.deepEqual(t.sent(), [])
    assert.deepEqual(t.actions(), ['sent', 'resolved'])
    assert.equal(t.dispatcher.status().active, 0)
  })

  it('does not resolve when its evidence goes missing, and keeps its labels', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('fail')
    const labels = t.receiver.posts.at(-1)?.[0]?.labels
    t.sent()
    await t.pass()
    t.sent()
    await t.decide('unknown')
    assert.deepEqual(t.receiver.posts.at(-1)?.[0]?.labels, labels)
    assert.equal(t.receiver.posts.at(-1)?.[0]?.startsAt, toTimestamp(START))
    await t.pass(30)
    assert.deepEqual(new Set(t.sent()), new Set(['firing unknown']))
    await t.decide('pending')
    assert.deepEqual(t.sent(), ['firing pending'])
    await t.decide('pass')
    assert.deepEqual(t.sent(), ['resolved pass'])
    assert.deepEqual(t.actions(), ['sent', 'resolved'])
  })

  it('resolves when the rule does not apply any more', async () => {
    const t = new Setup()
    await t.decide('fail')
    t.sent()
    await t.decide('not_applicable')
    assert.deepEqual(t.sent(), ['resolved not_applicable'])
  })

  it('is an alert for each rule and subject', async () => {
    const t = new Setup()
    await t.decide('fail')
    await t.decide('fail', { subject: 'ca_crl[issuing-2]' })
    await t.decide('pass')
    assert.equal(t.dispatcher.status().active, 1)
  })
})

describe('a finding without evidence', () => {
  it('alerts after its unknown_for, and not before', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('unknown')
    await t.pass(9)
    assert.deepEqual(t.sent(), [])
    await t.pass()
    assert.deepEqual(t.sent(), ['firing unknown'])
  })

  it('alerts although it is pending now and then', async () => {
    const t = new Setup()
    await t.start()
    for (let i = 0; i < 5; i++) {
      await t.decide('unknown')
      await t.pass()
      await t.decide('pending')
      await t.pass()
    }
    assert.deepEqual(t.sent(), [])
    await t.decide('unknown')
    assert.deepEqual(t.sent(), ['firing unknown'])
  })

  it('does not alert when it passed in between', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('unknown')
    await t.pass(9)
    await t.decide('pass')
    await t.decide('unknown')
    await t.pass(9)
    assert.deepEqual(t.sent(), [])
  })

  it('never alerts while pending or passing', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('pending')
    await t.pass(100)
    await t.decide('pass')
    assert.deepEqual(t.sent(), [])
    assert.deepEqual(t.actions(), [])
  })
})

describe('a receiver that is down', () => {
  it('gets the alert later; the failure is recorded once, and visible', async () => {
    const t = new Setup()
    await t.start()
    t.receiver.down = true
    await t.decide('fail')
    await t.pass(5)
    assert.deepEqual(t.actions(), ['undelivered'])
    const lost = t.dispatcher.status()
    assert.deepEqual(lost, { active: 1, undelivered: 1, failures: 6, lastSuccess: undefined })
    t.receiver.down = false
    await t.pass()
    assert.deepEqual(t.sent(), ['firing fail'])
    assert.deepEqual(t.actions(), ['sent'])
    assert.equal(t.dispatcher.status().undelivered, 0)
    assert.equal(t.dispatcher.status().lastSuccess, toTimestamp(START + 6 * MINUTE))
  })

  it('gets the resolution later', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('fail')
    t.sent()
    t.receiver.down = true
    await t.decide('pass')
    await t.pass(2)
    assert.deepEqual(t.actions(), ['sent', 'undelivered'])
    assert.equal(t.dispatcher.status().undelivered, 1)
    t.receiver.down = false
    await t.pass()
    assert.deepEqual(t.sent(), ['resolved pass'])
    assert.deepEqual(t.actions(), ['resolved'])
  })

  it('goes on with the same alert when it failed again before the resolution got through', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('fail')
    t.receiver.down = true
    await t.decide('pass')
    await t.decide('fail')
    t.receiver.down = false
    t.sent()
    await t.pass()
    assert.equal(t.receiver.posts.at(-1)?.[0]?.startsAt, toTimestamp(START))
    assert.deepEqual(t.sent(), ['firing fail'])
  })
})

describe('a decision during a request', () => {
  it('starts another round after it', async () => {
    const t = new Setup()
    let once = true
    t.receiver.onPost = () => {
      if (!once) return
      once = false
      t.dispatcher.apply(t.journal.decide(findingOf('pass', t.journal.now)))
    }
    await t.decide('fail')
    assert.deepEqual(t.sent(), ['firing fail', 'resolved pass'])
    assert.deepEqual(t.actions(), ['sent', 'resolved'])
  })

  it('that fails again while the resolution is on its way becomes a new alert', async () => {
    const t = new Setup()
    await t.decide('fail')
    t.journal.now += MINUTE
    let once = true
    t.receiver.onPost = () => {
      if (!once) return
      once = false
      t.journal.now += SECOND
      t.dispatcher.apply(t.journal.decide(findingOf('fail', t.journal.now)))
    }
    await t.decide('pass')
    assert.equal(t.receiver.posts.at(-1)?.[0]?.startsAt, toTimestamp(START + MINUTE + SECOND))
    assert.deepEqual(t.actions(), ['sent', 'resolved', 'sent'])
  })
})

describe('a journal that cannot be written', () => {
  it('does not keep alerts from being sent, and the action is recorded later', async () => {
    const t = new Setup()
    await t.start()
    t.journalFails = true
    await t.decide('fail')
    assert.deepEqual(t.sent(), ['firing fail'])
    assert.equal(t.errors.length, 1)
    t.journalFails = false
    await t.pass()
    assert.deepEqual(t.actions(), ['sent'])
  })
})

describe('a restart', () => {
  const action = (status: AlertStep['status'], entry: number): StoredAction => ({
    kind: 'alert',
    id: `alert crl_freshness_ok ca_crl[issuing-1] ${toTimestamp(START)}`,
    status,
    rule: 'crl_freshness_ok',
    subject: 'ca_crl[issuing-1]',
    receiver: 'http://am.test/',
    detail: '',
    evidence: [],
    record: `vigil.test/0/${entry}/0`,
    recorded: toTimestamp(START),
  })

  async function restart(state: FindingState, actions: StoredAction[]): Promise<Setup> {
    const t = new Setup()
    t.journal.now = START + 5 * MINUTE
    const id = 'vigil.test/0/7/0'
    const finding: Stored<Finding> = { ...findingOf(state, START + MINUTE), id, recorded: toTimestamp(START) }
    t.dispatcher.hydrate({ findings: [finding], actions })
    await t.start()
    return t
  }

  it('goes on with alerts that were firing, without recording them again', async () => {
    const t = await restart('fail', [action('sent', 3)])
    assert.equal(t.receiver.posts[0]?.[0]?.startsAt, toTimestamp(START))
    assert.deepEqual(t.sent(), ['firing fail'])
    assert.deepEqual(t.actions(), [])
  })

  it('goes on with an alert whose evidence is missing now', async () => {
    const t = await restart('unknown', [action('sent', 3)])
    assert.deepEqual(t.sent(), ['firing unknown'])
  })

  it('sends what was not delivered before', async () => {
    const t = await restart('fail', [action('undelivered', 3)])
    assert.deepEqual(t.actions(), ['sent'])
  })

  it('resolves what passed meanwhile', async () => {
    const t = await restart('pass', [action('undelivered', 12), action('sent', 3)])
    assert.deepEqual(t.sent(), ['resolved pass'])
    assert.deepEqual(t.actions(), ['resolved'])
  })

  it('leaves alone what was resolved', async () => {
    const t = await restart('pass', [action('sent', 3), action('resolved', 12)])
    assert.deepEqual(t.sent(), [])
  })
})

describe('closing', () => {
  it('stops the repetition', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('fail')
    await t.dispatcher.close()
    t.sent()
    await t.pass(2)
    assert.deepEqual(t.sent(), [])
  })
})
