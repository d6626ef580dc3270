import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AlertReceiver, PostableAlert } from '../../alerts/alertmanager.ts'
import { AlertDispatcher } from '../../alerts/dispatcher.ts'
import type { AlertPlace } from '../../alerts/incidents.ts'
import { AlertsError } from '../../alerts/error.ts'
import type { AlertStep } from '../../model/action.ts'
import type { Finding, FindingState } from '../../model/finding.ts'
import type { NewRecord, SealedRecord } from '../../model/record.ts'
import { toTimestamp, type Clock } from '../../model/time.ts'
import type { Stored, StoredAction } from '../../store/contract.ts'
import { loadPack } from '../../rules/loadPack.ts'
import { RuleEngine } from '../../rules/engine.ts'
import { INVENTORY } from '../rules/inventory.ts'
import { JournalDouble, MINUTE, SECOND, START } from '../rules/journalDouble.ts'
import { findingOf } from './findings.ts'

class ReceiverDouble implements AlertReceiver {
  readonly receiver: string
  readonly posts: PostableAlert[][] = []
  /** Watchdogs that came. */
  heartbeats = 0
  attempts = 0
  down = false
  onPost: (() => void) | undefined
  readonly #sent: string[] = []
  readonly #now: Clock

  constructor(now: Clock, receiver = 'http://am.test/') {
    this.#now = now
    this.receiver = receiver
  }

  post(posted: readonly PostableAlert[]): Promise<void> {
    this.attempts++
    this.onPost?.()
    if (this.down) return Promise.reject(new AlertsError('unreachable', 'connection refused'))
    const alerts = posted.filter((alert) => alert.labels['alertname'] !== 'VigilWatchdog')
    this.heartbeats += posted.length - alerts.length
    if (alerts.length > 0) this.posts.push([...alerts])
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

/** Where every finding belongs that no incident of the test says otherwise about. */
const OWN: AlertPlace = { about: 'authority[issuing-1]', role: 'cause', incident: 'inc-1' }

class Setup {
  readonly journal = new JournalDouble()
  readonly receiver = new ReceiverDouble(() => this.journal.now)
  readonly receivers: readonly ReceiverDouble[]
  readonly recorded: AlertStep[] = []
  readonly dispatcher: AlertDispatcher
  readonly errors: unknown[] = []
  readonly places = new Map<string, AlertPlace>()
  journalFails = false
  readonly #timers = new Set<{ at: number; work: () => void }>()

  constructor(others: readonly string[] = []) {
    const now = (): number => this.journal.now
    this.receivers = [this.receiver, ...others.map((name) => new ReceiverDouble(now, name))]
    const rule = { id: 'crl_freshness_ok', title: 'Recent', rationale: 'Because.', unknownFor: 10 * MINUTE }
    const rules = new Map([[rule.id, { ...rule, remediation: 'Issue one.', runbook: 'docs/runbooks/x.md' }]])
    this.dispatcher = new AlertDispatcher({
      receivers: this.receivers,
      rules: () => rules,
      place: (finding) => this.places.get(finding.subject) ?? OWN,
      record: (records) => this.#record(records),
      interval: MINUTE,
      origin: 'vigil.test',
      tickLimit: 2 * MINUTE,
      now,
      random: () => 1,
      schedule: (delay, work) => {
        const timer = { at: this.journal.now + delay, work }
        this.#timers.add(timer)
        return () => void this.#timers.delete(timer)
      },
      runbooks: 'https://wiki.test/vigil',
      onError: (error) => this.errors.push(error),
    })
  }

  async start(): Promise<void> {
    this.dispatcher.start()
    await this.dispatcher.settled()
  }

  /** Time passes, and timers with it; vigil evaluates meanwhile. */
  async pass(intervals = 1, ticks: 'ticks' | 'no ticks' = 'ticks'): Promise<void> {
    const end = this.journal.now + intervals * MINUTE
    for (;;) {
      const next = [...this.#timers].toSorted((a, b) => a.at - b.at).find((timer) => timer.at <= end)
      if (next === undefined) break
      this.journal.now = Math.max(this.journal.now, next.at)
      if (ticks === 'ticks') this.dispatcher.apply(this.journal.tick())
      this.#timers.delete(next)
      next.work()
      await this.dispatcher.settled()
    }
    this.journal.now = end
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
    for (const { kind, body } of records)
      if (kind === 'action' && body.kind === 'alert') this.recorded.push(body)
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
      incident_id: 'inc-1',
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

describe('what a finding belongs to', () => {
  it('is a label; a symptom names its cause, and becoming one ends the alert as it was', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('fail')
    assert.equal(t.receiver.posts[0]?.[0]?.labels['incident'], 'authority[issuing-1]')
    assert.equal(t.receiver.posts[0][0].labels['cause'], undefined)
    t.places.set('ca_crl[issuing-1]', { about: 'authority[root]', role: 'symptom', incident: 'inc-2' })
    t.sent()
    await t.pass()
    const posted = t.receiver.posts.flat().map(({ labels, endsAt }) => ({
      incident: labels['incident'],
      cause: labels['cause'],
      isFiring: Date.parse(endsAt) > t.journal.now,
    }))
    assert.deepEqual(posted, [
      { incident: 'authority[issuing-1]', cause: undefined, isFiring: false },
      { incident: 'authority[root]', cause: 'authority[root]', isFiring: true },
    ])
    assert.equal(t.recorded[1]?.detail, 'goes on with other labels')
    assert.deepEqual(t.actions(), ['sent', 'resolved', 'sent'])
    await t.decide('pass')
    assert.deepEqual(t.actions(), ['resolved'])
    assert.equal(t.dispatcher.status().active, 0)
  })
})

describe('a waiver', () => {
  const waiver = { owner: 'alice', reason: 'moving', expires: toTimestamp(START + 10 * MINUTE) }

  it('keeps a finding from alerting', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('fail', { waiver })
    await t.pass(9)
    assert.deepEqual(t.sent(), [])
    assert.deepEqual(t.actions(), [])
  })

  it('ends an alert that fires, and lets it fire again when it runs out', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('fail')
    await t.decide('fail', { waiver })
    assert.deepEqual(t.sent(), ['firing fail', 'resolved waived'])
    assert.equal(t.recorded.at(-1)?.detail, `waived by alice until ${waiver.expires}`)
    await t.pass(9)
    assert.deepEqual(t.sent(), [])
    await t.pass(2)
    assert.deepEqual(t.sent(), ['firing fail', 'firing fail'])
  })
})

describe('the watchdog', () => {
  it('comes each interval, and is not recorded', async () => {
    const t = new Setup()
    await t.start()
    await t.pass(5)
    assert.equal(t.receiver.heartbeats, 6)
    assert.deepEqual(t.actions(), [])
  })

  it('stops when nothing is evaluated any more, and comes again with evaluation', async () => {
    const t = new Setup()
    await t.start()
    await t.pass(2, 'no ticks')
    const { heartbeats } = t.receiver
    await t.pass(5, 'no ticks')
    assert.equal(t.receiver.heartbeats, heartbeats)
    await t.pass(1)
    assert.equal(t.receiver.heartbeats, heartbeats + 1)
  })

  it('does not live on for as long as the clock was set back', async () => {
    const t = new Setup()
    const look = () => t.decide('pass')
    await t.start()
    await t.pass(2)
    t.journal.now -= 60 * MINUTE
    await look()
    t.journal.now += 3 * MINUTE
    const { heartbeats } = t.receiver
    await look()
    assert.equal(t.receiver.heartbeats, heartbeats)
  })
})

describe('a finding without evidence', () => {
  it('alerts after its unknown_for although the clock was set back meanwhile', async () => {
    const t = new Setup()
    const look = () => t.decide('pass', { subject: 'ca_crl[other]' })
    t.journal.now += 600 * MINUTE
    await t.start()
    await t.decide('unknown')
    t.journal.now -= 600 * MINUTE
    await look()
    t.journal.now += 9 * MINUTE
    await look()
    assert.deepEqual(t.sent(), [])
    t.journal.now += MINUTE
    await look()
    assert.deepEqual(t.sent(), ['firing unknown'])
  })

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
  it('gets the alert later, after pauses that grow; the failure is recorded once, and visible', async () => {
    const t = new Setup()
    await t.start()
    t.receiver.down = true
    t.receiver.attempts = 0
    await t.decide('fail')
    await t.pass(5)
    assert.deepEqual(t.actions(), ['undelivered'])
    // After 0, 1, 3, 7, 15, 31, 63, 123, 183, 243 seconds.
    assert.equal(t.receiver.attempts, 10)
    const lost = t.dispatcher.status()
    assert.deepEqual([lost.active, lost.undelivered], [1, 1])
    assert.deepEqual(lost.receivers, [
      {
        receiver: 'http://am.test/',
        undelivered: 1,
        failures: 10,
        failuresInRow: 10,
        lastSuccess: toTimestamp(START),
        lastError: 'connection refused',
      },
    ])
    t.receiver.down = false
    await t.pass()
    assert.equal(t.sent()[0], 'firing fail')
    assert.deepEqual(t.actions(), ['sent'])
    const [healed] = t.dispatcher.status().receivers
    assert.deepEqual([healed?.undelivered, healed?.failuresInRow, healed?.lastError], [0, 0, undefined])
    assert.equal(healed?.lastSuccess, toTimestamp(START + 303 * SECOND))
  })

  it('is not asked again for every decision meanwhile', async () => {
    const t = new Setup()
    await t.start()
    t.receiver.down = true
    await t.decide('fail')
    const { attempts } = t.receiver
    for (let i = 0; i < 50; i++) await t.decide('fail', { subject: `ca_crl[x${i}]` })
    assert.equal(t.receiver.attempts, attempts)
    t.receiver.down = false
    await t.pass()
    assert.equal(t.sent().length, 51)
  })

  it('is not said to lack what it still has; what ended there meanwhile is recorded once', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('fail')
    t.receiver.down = true
    await t.pass(3)
    assert.deepEqual(t.actions(), ['sent'])
    assert.equal(t.dispatcher.status().undelivered, 0)
    await t.pass(30)
    assert.deepEqual(t.actions(), ['undelivered'])
    assert.equal(t.dispatcher.status().undelivered, 1)
  })

  it('is not told for ever of an alert that has ended there by itself', async () => {
    const t = new Setup()
    await t.start()
    await t.decide('fail')
    t.receiver.down = true
    await t.decide('pass')
    await t.pass(5)
    assert.deepEqual(t.actions(), ['sent', 'undelivered', 'resolved'])
    assert.equal(t.dispatcher.status().undelivered, 0)
  })

  it('does not hold up the others', async () => {
    const t = new Setup(['http://other.test/'])
    const [, other] = t.receivers
    await t.start()
    t.receiver.down = true
    await t.decide('fail')
    assert.deepEqual(other?.take(), ['firing fail'])
    assert.deepEqual(
      t.recorded.map((a) => [a.receiver, a.status]),
      [
        ['http://am.test/', 'undelivered'],
        ['http://other.test/', 'sent'],
      ],
    )
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

describe('an alert whose rule or subject left the configuration', () => {
  it('is resolved after the restart', async () => {
    const t = new Setup()
    const finding = findingOf('fail', START, { subject: 'ca_crl[gone]' })
    const stored = { ...finding, id: 'vigil.test/0/1/0', recorded: toTimestamp(START) }
    const step: StoredAction = {
      kind: 'alert',
      id: `alert crl_freshness_ok ca_crl[gone] ${toTimestamp(START)}`,
      status: 'sent',
      rule: finding.rule,
      subject: finding.subject,
      receiver: 'http://am.test/',
      detail: '',
      evidence: [],
      record: 'vigil.test/0/2/0',
      recorded: toTimestamp(START),
    }
    const packs = [loadPack('internal-pki')]
    const engine = new RuleEngine({ packs, inventory: INVENTORY, parameters: {}, waivers: [], targets: [] })
    engine.hydrate({ now: START, latest: [], findings: [stored] })
    t.dispatcher.hydrate({ findings: [stored], actions: [step] })
    await t.start()
    t.sent()
    const decisions = engine.apply(t.journal.tick())
    t.dispatcher.apply(t.journal.decide(...decisions))
    await t.dispatcher.settled()
    assert.deepEqual(t.sent(), ['resolved not_applicable'])
    assert.deepEqual(t.actions(), ['resolved'])
  })
})
