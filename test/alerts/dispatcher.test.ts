import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AlertStep } from '../../model/action.ts'
import type { Finding, FindingState } from '../../model/finding.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Stored, StoredAction } from '../../store/contract.ts'
import { loadPack } from '../../rules/loadPack.ts'
import { RuleEngine } from '../../rules/engine.ts'
import { INVENTORY } from '../rules/inventory.ts'
import { MINUTE, SECOND, START } from '../rules/journalDouble.ts'
import { findingOf } from './findings.ts'
import { DispatcherBench } from './dispatcherBench.ts'

describe('a failing finding', () => {
  it('is sent at once, and again each interval, with an end four intervals ahead', async () => {
    const t = new DispatcherBench()
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
    const t = new DispatcherBench()
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
    const t = new DispatcherBench()
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
    const t = new DispatcherBench()
    await t.decide('fail')
    t.sent()
    await t.decide('not_applicable')
    assert.deepEqual(t.sent(), ['resolved not_applicable'])
  })

  it('is an alert for each rule and subject', async () => {
    const t = new DispatcherBench()
    await t.decide('fail')
    await t.decide('fail', { subject: 'ca_crl[issuing-2]' })
    await t.decide('pass')
    assert.equal(t.dispatcher.status().active, 1)
  })
})

describe('what a finding belongs to', () => {
  it('is a label; a symptom names its cause, and becoming one ends the alert as it was', async () => {
    const t = new DispatcherBench()
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
    const t = new DispatcherBench()
    await t.start()
    await t.decide('fail', { waiver })
    await t.pass(9)
    assert.deepEqual(t.sent(), [])
    assert.deepEqual(t.actions(), [])
  })

  it('ends an alert that fires, and lets it fire again when it runs out', async () => {
    const t = new DispatcherBench()
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
    const t = new DispatcherBench()
    await t.start()
    await t.pass(5)
    assert.equal(t.receiver.heartbeats, 6)
    assert.deepEqual(t.actions(), [])
  })

  it('stops when nothing is evaluated any more, and comes again with evaluation', async () => {
    const t = new DispatcherBench()
    await t.start()
    await t.pass(2, 'no ticks')
    const { heartbeats } = t.receiver
    await t.pass(5, 'no ticks')
    assert.equal(t.receiver.heartbeats, heartbeats)
    await t.pass(1)
    assert.equal(t.receiver.heartbeats, heartbeats + 1)
  })

  it('does not live on for as long as the clock was set back', async () => {
    const t = new DispatcherBench()
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
    const t = new DispatcherBench()
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
    const t = new DispatcherBench()
    await t.start()
    await t.decide('unknown')
    await t.pass(9)
    assert.deepEqual(t.sent(), [])
    await t.pass()
    assert.deepEqual(t.sent(), ['firing unknown'])
  })

  it('alerts although it is pending now and then', async () => {
    const t = new DispatcherBench()
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
    const t = new DispatcherBench()
    await t.start()
    await t.decide('unknown')
    await t.pass(9)
    await t.decide('pass')
    await t.decide('unknown')
    await t.pass(9)
    assert.deepEqual(t.sent(), [])
  })

  it('never alerts while pending or passing', async () => {
    const t = new DispatcherBench()
    await t.start()
    await t.decide('pending')
    await t.pass(100)
    await t.decide('pass')
    assert.deepEqual(t.sent(), [])
    assert.deepEqual(t.actions(), [])
  })
})

describe('a decision during a request', () => {
  it('starts another round after it', async () => {
    const t = new DispatcherBench()
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
    const t = new DispatcherBench()
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
    const t = new DispatcherBench()
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

  async function restart(state: FindingState, actions: StoredAction[]): Promise<DispatcherBench> {
    const t = new DispatcherBench()
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
    const t = new DispatcherBench()
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
    const t = new DispatcherBench()
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
