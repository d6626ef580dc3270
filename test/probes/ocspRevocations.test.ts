import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Facts, FactsOf } from '../../model/facts.ts'
import type { Observation } from '../../model/observation.ts'
import { toTimestamp } from '../../model/time.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import { probeOcspRevocations } from '../../probes/ocspRevocations.ts'
import type { OcspRevocationsTarget } from '../../probes/probe.ts'
import { DAY, declared, entity, HOUR, NOW } from './pki.ts'
import { issuedEvent, ledgerOf, revokedEvent } from './reconciliation/heard.ts'
import { respond } from './responder.ts'
import { bounded, succeeded } from './support.ts'

const MINUTE = 60_000
const BEGIN = NOW - 10 * HOUR
const SHOP = { subject: 'service_tls_health[shop,prod]', probe: 'tls', address: 'shop:443' } as const

const ca = await entity({ subject: 'Issuing 1' })
const issuer = declared('issuing-1', ca)

type OcspFacts = FactsOf<'ocspRevocations'>

/** A responder, and the log of its authority, one run after another. */
class Scene {
  readonly events: AuditEvent[] = [issuedEvent('1', BEGIN, NOW + DAY)]
  /** What the responder says is revoked, and when. */
  readonly revoked = new Map<string, number>()
  /** What was asked in the newest run. */
  asked: string[] = []
  status = 200
  /** About this one it says nothing. */
  silentAbout = ''
  looked = NOW - MINUTE
  /** Answers that the newest run keeps. */
  kept = 0
  served: Facts = {}
  #before: OcspFacts | undefined
  readonly #url: string

  static async of(t: TestContext): Promise<Scene> {
    const scenes: Scene[] = []
    const url = await respond(t, ca, {
      seen: ({ questions }) => scenes[0]?.asked.push(...questions.map(({ serial }) => serial)),
      sent: ({ questions }) => {
        const isSilent = questions.some(({ serial }) => serial === scenes[0]?.silentAbout)
        return { status: isSilent ? 503 : (scenes[0]?.status ?? 200) }
      },
      answer: (_asked, standard) => ({
        ...standard,
        answers: standard.answers.map((single) => {
          const at = scenes[0]?.revoked.get(single.serial)
          return at === undefined ? single : { ...single, status: 'revoked', at }
        }),
      }),
    })
    scenes[0] = new Scene(url)
    return scenes[0]
  }

  private constructor(url: string) {
    this.#url = url
  }

  /** A certificate that the log issues and revokes. */
  revoke(serial: string, at: number): this {
    this.events.push(issuedEvent(serial, BEGIN, NOW + DAY), revokedEvent(serial, at))
    return this
  }

  async run(): Promise<Observation> {
    this.asked = []
    const url = this.#url
    const subject = 'ocsp_responder_status[issuing-1]'
    const target: OcspRevocationsTarget = {
      ...{ probe: 'ocsp_revocations', subject, address: url, url, issuer },
      ...{ interval: MINUTE, timeout: 20_000, services: [SHOP.subject] },
    }
    const memory = new RecordedMemory([target, SHOP])
    const remember = (of: typeof target | typeof SHOP, facts: Facts): void =>
      memory.remember({
        ...{ subject: of.subject, probe: of.probe, target: of.address, vantage: 'test', facts, duration: 1 },
        ...{ start: toTimestamp(this.looked), outcome: 'success', artifacts: [] },
      })
    if (this.#before !== undefined) remember(target, { ocspRevocations: this.#before })
    remember(SHOP, this.served)
    const ledger = ledgerOf(this.events)
    const result = await bounded(probeOcspRevocations, target, { memory, ledger })
    this.kept = result.artifacts.length
    const observation = succeeded(result)
    this.#before = observation.facts.ocspRevocations ?? this.#before
    return observation
  }

  async look(): Promise<OcspFacts> {
    const { ocspRevocations: facts } = (await this.run()).facts
    assert.ok(facts !== undefined)
    return facts
  }
}

describe('a revocation that the log tells of', () => {
  it('and that the responder knows is published; of the first look nobody knows since when', async (t) => {
    const scene = await Scene.of(t)
    scene.revoke('2a', NOW - MINUTE).revoked.set('2a', NOW - MINUTE)
    const first = await scene.look()
    assert.deepEqual([first.unpublished, first.behind, first.published, first.unlogged], [0, 0, 0, []])
    scene.revoke('2b', NOW - MINUTE).revoked.set('2b', NOW - MINUTE)
    scene.revoke('2c', NOW - HOUR).revoked.set('2c', NOW - HOUR)
    const second = await scene.look()
    assert.deepEqual(
      [second.published, second.publishedTime],
      [1, MINUTE],
      'not the one that is told of late',
    )
    assert.ok(!scene.asked.includes('2a'), 'each is asked about once')
  })

  it('and that the responder does not know is asked about until it does', async (t) => {
    const scene = await Scene.of(t)
    await scene.look()
    scene.revoke('2a', NOW - 2 * HOUR)
    const found = await scene.look()
    assert.deepEqual([found.unpublished, found.unpublishedSince], [1, toTimestamp(NOW - 2 * HOUR)])
    const at = toTimestamp(NOW - 2 * HOUR)
    assert.deepEqual(found.unpublishedCertificates, [`2a ${at} good vigil.test/0/2/0`])
    assert.equal(scene.kept, 1, 'the answer is evidence')
    scene.looked = NOW - HOUR
    scene.revoked.set('2a', NOW)
    const later = await scene.look()
    assert.deepEqual([later.unpublished, later.unpublishedSince], [0, undefined])
    assert.deepEqual([later.published, later.publishedTime], [1, HOUR])
  })

  it('is not said to be published or not while the responder does not answer, and nothing is skipped', async (t) => {
    const scene = await Scene.of(t)
    await scene.look()
    for (const serial of ['a1', 'a2', 'a3', 'a4', 'a5']) scene.revoke(serial, NOW - HOUR)
    await scene.look()
    for (const serial of ['2b', '2c', '2d', '2e']) scene.revoke(serial, NOW - MINUTE)
    scene.status = 503
    const down = await scene.run()
    assert.deepEqual([down.facts.ocspRevocations, scene.asked.length], [undefined, 3])
    scene.status = 200
    const up = await scene.look()
    assert.deepEqual([up.behind, up.unpublished], [0, 9])
  })

  it('is not said to be published by a responder that never answered', async (t) => {
    const scene = await Scene.of(t)
    scene.status = 503
    assert.equal((await scene.run()).facts.ocspRevocations, undefined)
  })

  it('that has no answer keeps its turn, and those after it theirs', async (t) => {
    const scene = await Scene.of(t)
    await scene.look()
    for (const serial of ['2b', '2c', '2d']) scene.revoke(serial, NOW - HOUR)
    scene.silentAbout = '2c'
    const some = await scene.look()
    assert.deepEqual([some.unpublished, some.behind, some.through], [1, 2, 'vigil.test/0/2/0'])
    scene.silentAbout = ''
    const all = await scene.look()
    assert.deepEqual([all.unpublished, all.behind], [3, 0])
  })

  it('waits for its turn when there are many, and comes in the order of the log', async (t) => {
    const scene = await Scene.of(t)
    await scene.look()
    const serials = Array.from({ length: 50 }, (_, i) => (0x100 + i).toString(16))
    for (const serial of serials) scene.revoke(serial, NOW - MINUTE).revoked.set(serial, NOW - MINUTE)
    const runs = [await scene.look(), await scene.look(), await scene.look()]
    assert.deepEqual(
      runs.map(({ behind, published }) => [behind, published]),
      [
        [30, 20],
        [10, 40],
        [0, 50],
      ],
    )
    for (const serial of serials) scene.revoked.delete(serial)
    for (let i = 0; i < 50; i++) scene.revoke((0x200 + i).toString(16), NOW - MINUTE)
    const full = await scene.look()
    assert.deepEqual([full.unpublished, full.behind], [20, 30])
    const still = await scene.look()
    assert.deepEqual([still.unpublished, still.behind, still.through], [20, 30, full.through])
  })

  it('is nobody’s business any more when the certificate was released from hold', async (t) => {
    const scene = await Scene.of(t)
    await scene.look()
    scene.revoke('2a', NOW - HOUR)
    assert.equal((await scene.look()).unpublished, 1)
    scene.events.push(revokedEvent('2a', NOW, 8))
    assert.equal((await scene.look()).unpublished, 0)
  })

  it('is not asked about when nobody knows the log', async (t) => {
    const scene = await Scene.of(t)
    scene.events.length = 0
    assert.deepEqual((await scene.run()).facts, { authority: { id: 'issuing-1', class: 'online' } })
    assert.deepEqual(scene.asked, [])
  })
})

describe('a revocation that only the responder knows', () => {
  it('is found among certificates in use, and again until it is over', async (t) => {
    const scene = await Scene.of(t)
    scene.revoked.set('1', NOW - HOUR)
    assert.deepEqual((await scene.look()).unlogged, [`1 ${toTimestamp(NOW - HOUR)}`])
    scene.status = 503
    assert.equal((await scene.look()).unlogged?.length, 1, 'silence takes nothing back')
    scene.status = 200
    scene.events.push(revokedEvent('1', NOW - HOUR))
    assert.deepEqual((await scene.look()).unlogged, [])
  })

  it('is asked about where another probe met it', async (t) => {
    const scene = await Scene.of(t)
    scene.revoked.set('bad', NOW - HOUR)
    const revoked = { serial: 'bad', status: 'revoked', revokedAt: toTimestamp(NOW - HOUR) }
    scene.served = { ocsp: revoked }
    assert.deepEqual((await scene.look()).unlogged, [`bad ${toTimestamp(NOW - HOUR)}`])
    scene.served = { ocsp: { ...revoked, revokedAt: toTimestamp(BEGIN - HOUR) } }
    scene.revoked.set('bad', BEGIN - HOUR)
    assert.deepEqual((await scene.look()).unlogged, [], 'it is from before the log begins')
  })
})
