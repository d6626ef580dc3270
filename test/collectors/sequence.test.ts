import assert from 'node:assert/strict'
import { createHash, createPublicKey } from 'node:crypto'
import { appendFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { Collector } from '../../collectors/collector.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { Artifact } from '../../model/observation.ts'
import { fixture } from './parsing.ts'
import { FakeClock, temporaryDirectory } from './support.ts'

/** A log with everything that its collector hands to the journal. */
class Journaled {
  readonly clock = new FakeClock()
  readonly path: string
  readonly kept: Artifact[] = []
  events: AuditEvent[] = []
  /** How many hand-overs are refused. */
  refuse = 0
  readonly #t: TestContext

  constructor(t: TestContext) {
    this.path = join(temporaryDirectory(t), 'log')
    this.#t = t
  }

  start(format: 'ejbca' | 'dogtag' | 'ejbca-csv'): Collector {
    const collector = new Collector({
      log: { id: 'log', format, path: this.path, authorities: [] },
      authorities: [],
      positions: this.events.map((e) => e.position),
      record: (records) => {
        if (this.refuse-- > 0) return Promise.reject(new Error('disk full'))
        this.events.push(...records.flatMap((record) => (record.kind === 'audit' ? [record.body] : [])))
        return Promise.resolve(records)
      },
      keep: (artifact) => Promise.resolve(this.kept.push(artifact)),
      signers: [createPublicKey(fixture('dogtag-sample/signer.pub.pem'))],
      earlier: this.events,
      now: this.clock.now,
      onProblem: () => undefined,
    })
    this.#t.after(() => collector.close())
    return collector
  }

  async settle(collector: Collector): Promise<void> {
    await collector.poll()
    this.clock.advance(1000)
    await collector.poll()
  }

  signatures(): (string | undefined)[] {
    return this.events.filter((e) => e.event.action === 'AUDIT_LOG_SIGNING').map((e) => e.pki?.signature)
  }
}

const DOGTAG = fixture('dogtag-sample/ca_audit').toString().trimEnd().split('\n')
const lines = (from: number, to: number): string =>
  DOGTAG.slice(from, to)
    .map((line) => `${line}\n`)
    .join('')

describe('a signed log', () => {
  it('is verified across its files, and across restarts in the midst of a segment', async (t) => {
    const log = new Journaled(t)
    let collector = log.start('dogtag')
    writeFileSync(log.path, lines(0, 4))
    await log.settle(collector)
    renameSync(log.path, `${log.path}.20261122`)
    writeFileSync(log.path, lines(4, 6))
    await log.settle(collector)
    await collector.close()
    collector = log.start('dogtag')
    appendFileSync(log.path, lines(6, 10))
    await log.settle(collector)
    await collector.close()
    collector = log.start('dogtag')
    appendFileSync(log.path, lines(10, DOGTAG.length))
    await log.settle(collector)
    assert.deepEqual(log.signatures(), ['unverified', 'verified', 'verified'])
  })

  it('is not taken for bad because the journal refused for a while', async (t) => {
    const log = new Journaled(t)
    const collector = log.start('dogtag')
    writeFileSync(log.path, lines(0, 5))
    await log.settle(collector)
    appendFileSync(log.path, lines(5, DOGTAG.length))
    log.refuse = 2
    await collector.poll()
    await collector.poll()
    await log.settle(collector)
    assert.deepEqual(log.signatures(), ['unverified', 'verified', 'verified'])
    assert.equal(log.events.length, DOGTAG.length)
  })

  it('that lost the end of a file is bad where it goes on', async (t) => {
    const log = new Journaled(t)
    const collector = log.start('dogtag')
    writeFileSync(log.path, lines(0, 4))
    await log.settle(collector)
    renameSync(log.path, `${log.path}.20261122`)
    writeFileSync(log.path, lines(5, DOGTAG.length))
    await log.settle(collector)
    assert.deepEqual(log.signatures(), ['unverified', 'bad', 'verified'])
  })
})

describe('an export', () => {
  it('shows numbers that are missing over a restart', async (t) => {
    const row = (n: number): string =>
      `a-${n}\tca1\t${n}\t179532360${n}000\tLOG_VERIFY\tSUCCESS\tx\tCORE\tSECURITY_AUDIT\t\t\t\t\t\n`
    const log = new Journaled(t)
    writeFileSync(log.path, row(1) + row(2))
    await log.settle(log.start('ejbca-csv'))
    appendFileSync(log.path, row(5))
    const collector = log.start('ejbca-csv')
    await log.settle(collector)
    assert.deepEqual(
      log.events.map((e) => e.event.action),
      ['LOG_VERIFY', 'LOG_VERIFY', 'sequence_gap', 'LOG_VERIFY'],
    )
    assert.deepEqual(collector.counts, { records: 2, unparsed: 0, duplicates: 0, notices: 1 })
  })
})

describe('a certificate in the log', () => {
  it('is kept under the digest that its event names', async (t) => {
    const log = new Journaled(t)
    writeFileSync(log.path, fixture('ejbca-real/audit.log'))
    await log.settle(log.start('ejbca'))
    const named = log.events.flatMap((e) => e.pki?.sha256 ?? [])
    assert.equal(named.length, 5)
    assert.deepEqual(
      log.kept.map(({ bytes }) => createHash('sha256').update(bytes).digest('hex')),
      named,
    )
    assert.ok(log.kept.every(({ mediaType }) => mediaType === 'application/pkix-cert'))
  })
})
