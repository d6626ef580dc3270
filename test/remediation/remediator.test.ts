import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Action } from '../../model/action.ts'
import type { Finding, FindingState } from '../../model/finding.ts'
import type { NewRecord, SealedRecord } from '../../model/record.ts'
import { toTimestamp } from '../../model/time.ts'
import type {
  RemediationConnector,
  RemediationOutcome,
  RemediationRequest,
} from '../../remediation/connector.ts'
import { Remediator } from '../../remediation/remediator.ts'
import type { Stored, StoredAction } from '../../store/contract.ts'
import { findingOf } from '../alerts/findings.ts'
import { JournalDouble, MINUTE, SECOND } from '../rules/journalDouble.ts'

/** What the world outside keeps when the process dies: the journal, the control plane, and the state of the findings. */
class World {
  readonly journal = new JournalDouble()
  readonly steps: { record: SealedRecord; body: Action }[] = []
  readonly requests: RemediationRequest[] = []
  readonly current = new Map<string, Finding>()
  readonly decisions = new Map<string, Stored<Finding>>()
  readonly errors: unknown[] = []
  journalFails = false
  /** What the control plane answers; undefined: the process dies before it does. */
  outcome: RemediationOutcome | undefined = { accepted: true, detail: 'answered 202' }

  start(options: { dryRun?: boolean; rules?: readonly string[] } = {}): Remediator {
    const connector: RemediationConnector = {
      receiver: 'http://control.test/hooks',
      request: (request) => {
        this.requests.push(request)
        return this.outcome === undefined ? new Promise(() => undefined) : Promise.resolve(this.outcome)
      },
      close: () => Promise.resolve(),
    }
    const rules = options.rules ?? ['crl_freshness_ok']
    return new Remediator({
      policies: rules.map((rule) => ({ rule, action: 'reissue_crl' })),
      guards: { dry_run: options.dryRun ?? false, cool_down: 15 * MINUTE, deadline: 10 * MINUTE },
      connector,
      finding: (rule, subject) => this.current.get(`${rule} ${subject}`),
      record: (records) => this.#record(records),
      now: () => this.journal.now,
      random: () => 1,
      onError: (error) => this.errors.push(error),
    })
  }

  restart(options: { dryRun?: boolean; rules?: readonly string[] } = {}): Remediator {
    const remediator = this.start(options)
    const actions: StoredAction[] = this.steps.map(({ record, body }) => ({
      ...body,
      record: record.id,
      recorded: record.recorded,
    }))
    remediator.hydrate({ actions: actions.toReversed(), findings: [...this.decisions.values()] })
    return remediator
  }

  /** A decision comes by in the journal; `at` is when the deciding observation started. */
  decide(state: FindingState, parts: Partial<Finding> & { at?: number } = {}): readonly SealedRecord[] {
    const { at = this.journal.now, ...rest } = parts
    const facts = { probe: { at: toTimestamp(at) } }
    const finding = findingOf(state, this.journal.now, { facts, evidence: [`seen/0/${at}/0`], ...rest })
    const sealed = this.journal.decide(finding)
    const key = `${finding.rule} ${finding.subject}`
    this.current.set(key, finding)
    const [record] = sealed
    if (record !== undefined)
      this.decisions.set(key, { ...finding, id: record.id, recorded: record.recorded })
    return sealed
  }

  /** The statuses recorded since the last call. */
  recorded(): string[] {
    return this.steps.slice(this.#read, (this.#read = this.steps.length)).map(({ body }) => body.status)
  }

  #read = 0

  #record(records: readonly NewRecord[]): Promise<readonly SealedRecord[]> {
    if (this.journalFails) return Promise.reject(new Error('disk full'))
    const sealed = this.journal.seal(...records)
    for (const record of sealed) if (record.kind === 'action') this.steps.push({ record, body: record.body })
    return Promise.resolve(sealed)
  }
}

async function apply(remediator: Remediator, records: readonly SealedRecord[]): Promise<void> {
  remediator.apply(records)
  await remediator.settled()
}

describe('a failing finding with a policy', () => {
  it('is repaired by one request, and closed when the repair is seen', async () => {
    const world = new World()
    const remediator = world.start()
    const decision = world.decide('fail')
    await apply(remediator, decision)
    assert.deepEqual(world.recorded(), ['requested', 'accepted'])
    assert.equal(world.requests.length, 1)
    assert.deepEqual(world.requests[0]?.evidence[0], decision[0]?.id)
    assert.match(world.requests[0]?.idempotencyKey ?? '', /^reissue_crl-[0-9a-f]{32}$/)
    assert.equal(remediator.status().open, 1)
    world.journal.now += MINUTE
    await apply(remediator, world.decide('pass'))
    assert.deepEqual(world.recorded(), ['verified'])
    const last = world.steps.at(-1)?.body
    assert.equal(last?.id, world.requests[0]?.idempotencyKey)
    assert.ok(last?.evidence.includes(`seen/0/${world.journal.now}/0`) === true)
    assert.equal(remediator.status().open, 0)
  })

  it('is journaled before it is requested', async () => {
    const world = new World()
    const remediator = world.start()
    world.journalFails = true
    await apply(remediator, world.decide('fail'))
    assert.deepEqual(world.requests, [])
    assert.equal(world.errors.length, 1)
    world.journalFails = false
    await apply(remediator, world.journal.tick())
    assert.equal(world.requests.length, 1)
  })

  it('is not taken for repaired by an observation from before the request', async () => {
    const world = new World()
    const remediator = world.start()
    await apply(remediator, world.decide('fail'))
    world.journal.now += MINUTE
    await apply(remediator, world.decide('pass', { at: world.journal.now - 2 * MINUTE }))
    assert.deepEqual(world.recorded(), ['requested', 'accepted'])
    // The next run shows the same, and it started after the request.
    const key = 'crl_freshness_ok ca_crl[issuing-1]'
    const finding = world.current.get(key)
    assert.ok(finding)
    world.current.set(key, { ...finding, facts: { probe: { at: toTimestamp(world.journal.now) } } })
    await apply(remediator, world.journal.tick())
    assert.deepEqual(world.recorded(), ['verified'])
  })

  it('is not taken for repaired because evidence is missing', async () => {
    const world = new World()
    const remediator = world.start()
    await apply(remediator, world.decide('fail'))
    world.journal.now += MINUTE
    await apply(remediator, world.decide('unknown'))
    assert.equal(remediator.status().open, 1)
  })

  it('is ineffective after the deadline, and asked for again with another key after the cool-down', async () => {
    const world = new World()
    const remediator = world.start()
    await apply(remediator, world.decide('fail'))
    world.recorded()
    world.journal.now += 10 * MINUTE - SECOND
    await apply(remediator, world.journal.tick())
    assert.deepEqual(world.recorded(), [])
    world.journal.now += SECOND
    await apply(remediator, world.journal.tick())
    assert.deepEqual(world.recorded(), ['ineffective'])
    assert.equal(world.requests.length, 1)
    world.journal.now += 5 * MINUTE
    await apply(remediator, world.journal.tick())
    assert.deepEqual(world.recorded(), ['requested', 'accepted'])
    assert.equal(world.requests.length, 2)
    assert.notEqual(world.requests[0]?.idempotencyKey, world.requests[1]?.idempotencyKey)
  })

  it('is not asked for again when it passes by the time of the next attempt', async () => {
    const world = new World()
    const remediator = world.start()
    world.outcome = { accepted: false, again: false, detail: 'answered 403' }
    await apply(remediator, world.decide('fail'))
    assert.deepEqual(world.recorded(), ['requested', 'failed'])
    const finding = world.current.get('crl_freshness_ok ca_crl[issuing-1]')
    assert.ok(finding)
    world.current.set('crl_freshness_ok ca_crl[issuing-1]', { ...finding, state: 'pass' })
    world.journal.now += 20 * MINUTE
    await apply(remediator, world.journal.tick())
    assert.equal(world.requests.length, 1)
  })

  it('is requested anew after a refused request, not before the cool-down is over', async () => {
    const world = new World()
    const remediator = world.start()
    world.outcome = { accepted: false, again: false, detail: 'answered 403' }
    await apply(remediator, world.decide('fail'))
    assert.equal(remediator.status().undelivered, 1)
    world.outcome = { accepted: true, detail: 'answered 202' }
    world.journal.now += 14 * MINUTE
    await apply(remediator, world.journal.tick())
    assert.equal(world.requests.length, 1)
    world.journal.now += MINUTE
    await apply(remediator, world.journal.tick())
    assert.equal(world.requests.length, 2)
    assert.deepEqual(world.recorded(), ['requested', 'failed', 'requested', 'accepted'])
    assert.equal(remediator.status().undelivered, 0)
  })

  it('is owed to nobody when what was refused does not fail any more', async () => {
    const world = new World()
    const remediator = world.start()
    world.outcome = { accepted: false, again: false, detail: 'answered 403' }
    await apply(remediator, world.decide('fail'))
    await apply(remediator, world.decide('pass'))
    assert.equal(remediator.status().undelivered, 0)
  })
})

describe('a request that does not get through', () => {
  const DOWN = { accepted: false, again: true, detail: 'cannot be reached' } as const

  /** Ticks each second. */
  async function pass(world: World, remediator: Remediator, seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      world.journal.now += SECOND
      await apply(remediator, world.journal.tick())
    }
  }

  it('is delivered again after pauses that grow, under the same key, long before the cool-down is over', async () => {
    const world = new World()
    const remediator = world.start()
    world.outcome = DOWN
    await apply(remediator, world.decide('fail'))
    await pass(world, remediator, 2)
    assert.equal(world.requests.length, 2)
    await pass(world, remediator, 2)
    assert.equal(world.requests.length, 3)
    assert.equal(remediator.status().undelivered, 1)
    world.outcome = { accepted: true, detail: 'answered 202' }
    await pass(world, remediator, 60)
    assert.equal(world.requests.length, 4)
    assert.equal(remediator.status().undelivered, 0)
    assert.equal(new Set(world.requests.map((r) => r.idempotencyKey)).size, 1)
    assert.deepEqual(world.recorded(), ['requested', 'retried', 'retried', 'retried', 'accepted'])
  })

  it('is given up after some attempts; what follows is a new request when the cool-down is over', async () => {
    const world = new World()
    const remediator = world.start()
    world.outcome = DOWN
    await apply(remediator, world.decide('fail'))
    await pass(world, remediator, 5 * 60)
    assert.deepEqual(world.recorded(), ['requested', ...Array<string>(5).fill('retried'), 'failed'])
    assert.equal(world.requests.length, 6)
    assert.match(world.steps.at(-1)?.body.detail ?? '', /cannot be reached \(6 attempts\)/)
    assert.equal(remediator.status().undelivered, 1)
    await pass(world, remediator, 10 * 60 - 1)
    assert.equal(world.requests.length, 6)
    await pass(world, remediator, 1)
    assert.equal(world.requests.length, 7)
    assert.equal(new Set(world.requests.map((r) => r.idempotencyKey)).size, 2)
  })

  it('is not delivered again when the thing was repaired meanwhile', async () => {
    const world = new World()
    const remediator = world.start()
    world.outcome = DOWN
    await apply(remediator, world.decide('fail'))
    world.journal.now += 10 * SECOND
    await apply(remediator, world.decide('pass'))
    await pass(world, remediator, 60)
    assert.equal(world.requests.length, 1)
  })

  it('counts its attempts over a restart', async () => {
    const world = new World()
    const before = world.start()
    world.outcome = DOWN
    await apply(before, world.decide('fail'))
    await pass(world, before, 20)
    const { length } = world.requests
    const after = world.restart()
    await pass(world, after, 5 * 60)
    assert.equal(world.requests.length, 6)
    assert.ok(length > 3 && length < 6)
    assert.equal(world.recorded().at(-1), 'failed')
  })

  it('is delivered although the clock was set back', async () => {
    const world = new World()
    const remediator = world.start()
    world.outcome = DOWN
    await apply(remediator, world.decide('fail'))
    world.journal.now -= 60 * MINUTE
    await pass(world, remediator, 2)
    assert.ok(world.requests.length > 1)
  })
})

describe('guards', () => {
  it('leave alone what no policy names', async () => {
    const world = new World()
    const remediator = world.start()
    await apply(remediator, world.decide('fail', { rule: 'crl_valid' }))
    await apply(remediator, world.decide('pending'))
    assert.deepEqual(world.steps, [])
  })

  it('ask no action for what it cannot repair', async () => {
    const world = new World()
    const remediator = world.start({ rules: ['ocsp_status_good'] })
    const subject = 'ocsp_responder_status[issuing-1]'
    await apply(remediator, world.decide('fail', { rule: 'ocsp_status_good', subject }))
    assert.deepEqual(world.requests, [])
  })

  it('request nothing in a dry run, and say so once for each decision', async () => {
    const world = new World()
    const remediator = world.start({ dryRun: true })
    await apply(remediator, world.decide('fail'))
    await apply(remediator, world.journal.tick())
    assert.deepEqual(world.requests, [])
    assert.deepEqual(world.recorded(), ['suppressed'])
    assert.match(world.steps[0]?.body.detail ?? '', /^dry run/)
    await apply(remediator, world.decide('pass'))
    await apply(remediator, world.decide('fail'))
    assert.deepEqual(world.recorded(), ['suppressed'])
  })

  it('request the same thing once within the cool-down, although it fails again', async () => {
    const world = new World()
    const remediator = world.start()
    await apply(remediator, world.decide('fail'))
    world.journal.now += MINUTE
    await apply(remediator, world.decide('pass'))
    world.recorded()
    world.journal.now += MINUTE
    await apply(remediator, world.decide('fail'))
    await apply(remediator, world.journal.tick())
    assert.deepEqual(world.recorded(), ['suppressed'])
    assert.equal(world.requests.length, 1)
    world.journal.now += 13 * MINUTE
    await apply(remediator, world.journal.tick())
    assert.equal(world.requests.length, 2)
  })

  it('let one repair answer for several rules about the same thing', async () => {
    const world = new World()
    const remediator = world.start({ rules: ['crl_freshness_ok', 'crl_not_expired'] })
    const first = world.decide('fail')
    const second = world.decide('fail', { rule: 'crl_not_expired' })
    const other = world.decide('fail', { subject: 'ca_crl[issuing-2]' })
    await apply(remediator, [...first, ...second, ...other])
    assert.deepEqual(
      world.requests.map((request) => `${request.rule} ${request.subject}`),
      ['crl_freshness_ok ca_crl[issuing-1]', 'crl_freshness_ok ca_crl[issuing-2]'],
    )
    const suppressed = world.steps.filter(({ body }) => body.status === 'suppressed')
    assert.deepEqual(
      suppressed.map(({ body }) => `${body.rule}: ${body.detail}`),
      ['crl_not_expired: not requested: another request for it is under way'],
    )
  })
})

describe('a restart', () => {
  it('repeats a request whose answer is not known, with the same key and octets', async () => {
    const world = new World()
    world.outcome = undefined
    const before = world.start()
    before.apply(world.decide('fail'))
    // Until the request is under way; then the process is gone.
    while (world.requests.length === 0) await Promise.resolve()
    assert.deepEqual(world.recorded(), ['requested'])
    world.outcome = { accepted: true, detail: 'answered 200' }
    world.journal.now += MINUTE
    const after = world.restart()
    await apply(after, world.journal.tick())
    assert.equal(world.requests.length, 2)
    assert.deepEqual(world.requests[0], world.requests[1])
    assert.deepEqual(world.recorded(), ['accepted'])
  })

  for (const [what, options] of [
    ['a dry run', { dryRun: true }],
    ['a configuration without its policy', { rules: ['crl_not_expired'] }],
  ] as const) {
    it(`into ${what} does not repeat a request, and still closes it`, async () => {
      const world = new World()
      world.outcome = undefined
      const before = world.start()
      before.apply(world.decide('fail'))
      while (world.requests.length === 0) await Promise.resolve()
      world.outcome = { accepted: true, detail: 'answered 202' }
      const after = world.restart(options)
      world.journal.now += MINUTE
      await apply(after, world.journal.tick())
      assert.equal(world.requests.length, 1)
      world.recorded()
      world.decide('pass')
      await apply(after, world.journal.tick())
      assert.deepEqual(world.recorded(), ['verified'])
    })
  }

  it('goes on waiting for a repair that was accepted', async () => {
    const world = new World()
    await apply(world.start(), world.decide('fail'))
    world.recorded()
    const after = world.restart()
    await apply(after, world.journal.tick())
    assert.equal(world.requests.length, 1)
    world.journal.now += MINUTE
    await apply(after, world.decide('pass'))
    assert.deepEqual(world.recorded(), ['verified'])
  })

  it('remembers cool-down, attempts and refusals', async () => {
    const world = new World()
    world.outcome = { accepted: false, again: false, detail: 'answered 403' }
    await apply(world.start(), world.decide('fail'))
    world.recorded()
    const after = world.restart()
    await apply(after, world.journal.tick())
    assert.deepEqual(world.recorded(), [])
    world.journal.now += 15 * MINUTE
    await apply(after, world.journal.tick())
    assert.equal(world.requests.length, 2)
    assert.notEqual(world.requests[0]?.idempotencyKey, world.requests[1]?.idempotencyKey)
  })

  it('requests what was decided and not yet requested', async () => {
    const world = new World()
    world.decide('fail')
    const after = world.restart()
    await apply(after, world.journal.tick())
    assert.deepEqual(world.recorded(), ['requested', 'accepted'])
  })
})

describe('closing', () => {
  it('starts nothing any more', async () => {
    const world = new World()
    const remediator = world.start()
    await remediator.close()
    await apply(remediator, world.decide('fail'))
    assert.deepEqual(world.requests, [])
  })
})
