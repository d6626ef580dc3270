import { appendFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { Collector } from '../../collectors/collector.ts'
import type { CollectorOptions } from '../../collectors/collector.ts'
import { fileError } from '../../collectors/error.ts'
import { ejbca } from '../../collectors/formats/ejbca.ts'
import { parseLog } from '../../collectors/parse.ts'
import { chokidarHint } from '../../collectors/sources/wake.ts'
import { MAX_RECORD_BYTES } from '../../journal/record.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { NewRecord } from '../../model/record.ts'
import { asFile, auditLine, auditLines, FakeClock, temporaryDirectory } from './support.ts'

const AUDIT_LOG = readFileSync(new URL('../fixtures/ejbca-real/audit.log', import.meta.url))

/** A collector over a log, whose journal is a list. */
class Bound {
  readonly clock = new FakeClock()
  readonly records: NewRecord[] = []
  readonly path: string
  readonly #t: TestContext
  readonly #options: Partial<CollectorOptions>
  refuse: Error | undefined

  constructor(t: TestContext, options: Partial<CollectorOptions> = {}) {
    this.path = join(temporaryDirectory(t), 'audit.log')
    this.#t = t
    this.#options = options
  }

  start(): Collector {
    const collector = new Collector({
      log: { id: 'ejbca-vm', format: 'ejbca', path: this.path, authorities: [] },
      authorities: [{ id: 'issuing-1', subject: 'CN=Issuing CA 1,O=Example PKI,C=SE' }],
      positions: this.events().map((e) => e.position),
      record: (records) => {
        if (this.refuse !== undefined) return Promise.reject(this.refuse)
        this.records.push(...records)
        return Promise.resolve(records)
      },
      now: this.clock.now,
      onProblem: () => undefined,
      ...this.#options,
    })
    this.#t.after(() => collector.close())
    return collector
  }

  events(): AuditEvent[] {
    return this.records.flatMap((record) => (record.kind === 'audit' ? [record.body] : []))
  }

  async settle(collector: Collector): Promise<void> {
    await collector.poll()
    this.clock.advance(1000)
    await collector.poll()
  }
}

describe('a collector', () => {
  it('makes the recorded audit.log 193 records of kind audit', async (t) => {
    const bound = new Bound(t)
    writeFileSync(bound.path, AUDIT_LOG)
    const collector = bound.start()
    await bound.settle(collector)
    assert.equal(bound.records.length, 193)
    assert.deepEqual(collector.counts, { records: 193, unparsed: 0, duplicates: 0, notices: 0 })
    assert.deepEqual(
      bound.records.map((r) => r.time),
      bound.events().map((e) => e['@timestamp']),
    )
    assert.ok(bound.events().some((e) => e.pki?.caId === 'issuing-1'))
  })

  it('reads the same events as the parser that works without a journal', async (t) => {
    const bound = new Bound(t, { authorities: [] })
    writeFileSync(bound.path, AUDIT_LOG)
    await bound.settle(bound.start())
    const alone: AuditEvent[] = []
    const pieces = Array.from({ length: 60 }, (_, i) => AUDIT_LOG.subarray(i * 1000, i * 1000 + 1000))
    for await (const batch of parseLog(pieces, { format: ejbca, source: 'ejbca-vm', now: bound.clock.now }))
      alone.push(...batch)
    assert.deepEqual(alone, bound.events())
  })

  it('maps only the authorities that the log names', async (t) => {
    const bound = new Bound(t)
    const collector = new Collector({
      log: { id: 'x', format: 'ejbca', path: bound.path, authorities: ['management'] },
      authorities: [
        { id: 'issuing-1', subject: 'CN=Issuing CA 1,O=Example PKI,C=SE' },
        { id: 'management', subject: 'C=SE,O=EJBCA Sample,CN=ManagementCA' },
      ],
      positions: [],
      record: (records) => {
        bound.records.push(...records)
        return Promise.resolve(records)
      },
      now: bound.clock.now,
      onProblem: () => undefined,
    })
    t.after(() => collector.close())
    writeFileSync(bound.path, AUDIT_LOG)
    await bound.settle(collector)
    const ids = new Set(bound.events().map((e) => e.pki?.caId))
    assert.ok(ids.has('management') && ids.has('-73217329') && !ids.has('issuing-1'))
  })

  it('says what happened to the log as events of its own', async (t) => {
    const bound = new Bound(t)
    writeFileSync(bound.path, asFile(auditLines(0, 2)))
    const collector = bound.start()
    await bound.settle(collector)
    renameSync(bound.path, `${bound.path}.1`)
    writeFileSync(bound.path, asFile(auditLines(2, 4)))
    await bound.settle(collector)
    truncateSync(bound.path)
    await bound.settle(collector)
    assert.equal(collector.counts.notices, 2)
    const [rotated, truncated] = bound.events().filter((e) => e.event.module === 'vigil')
    assert.equal(rotated?.event.action, 'log_rotated')
    assert.equal(rotated.event.outcome, 'success')
    assert.equal(truncated?.event.action, 'log_truncated')
    assert.equal(truncated.event.outcome, 'unknown')
    assert.deepEqual(truncated.event.category, ['file'])
    assert.match(
      truncated.message ?? '',
      /^audit\.log was truncated or overwritten: lines may be missing; \d+ octets/,
    )
    assert.equal(truncated.pki?.details?.['recorded'], String(asFile(auditLines(2, 4)).length))
  })

  it('goes on after a restart where the journal ends, and after a refusal', async (t) => {
    const bound = new Bound(t)
    writeFileSync(bound.path, asFile(auditLines(0, 3)))
    bound.refuse = new Error('disk full')
    let collector = bound.start()
    await bound.settle(collector)
    assert.deepEqual(
      collector.problems.map((p) => p.code),
      ['not_recorded'],
    )
    assert.equal(collector.counts.records, 0)
    bound.refuse = undefined
    await bound.settle(collector)
    appendFileSync(bound.path, asFile(auditLines(3, 5)))
    await collector.close()
    collector = bound.start()
    await bound.settle(collector)
    assert.deepEqual(
      bound.events().map((e) => e.event.original),
      auditLines(0, 5),
    )
    assert.deepEqual(collector.problems, [])
  })

  it('takes a batch that was accepted in part, or not at all without a word, as what it is', async (t) => {
    const bound = new Bound(t)
    const lines = auditLines(0, 3000)
    writeFileSync(bound.path, asFile(lines))
    let calls = 0
    let waiting = 0
    const collector = new Collector({
      log: { id: 'ejbca-vm', format: 'ejbca', path: bound.path, authorities: [] },
      authorities: [],
      positions: [],
      record: async (records) => {
        assert.equal(++waiting, 1, 'one at a time')
        await Promise.resolve()
        waiting--
        calls++
        if (calls === 2) throw new Error('disk full')
        if (calls === 4) return []
        bound.records.push(...records)
        return records
      },
      now: bound.clock.now,
      onProblem: () => undefined,
    })
    t.after(() => collector.close())
    for (let i = 0; i < 3; i++) await bound.settle(collector)
    assert.deepEqual(
      bound.events().map((e) => e.event.original),
      lines,
    )
    assert.equal(collector.counts.records, 3000)
    assert.ok(collector.counts.duplicates > 0)
  })

  it('counts what it does not understand, and keeps it', async (t) => {
    const bound = new Bound(t, { file: { maxRecord: 300 } })
    const long = auditLine(1, 'x'.repeat(1000))
    writeFileSync(bound.path, `nonsense\n${asFile([auditLine(0), long])}`)
    appendFileSync(bound.path, Buffer.concat([Buffer.alloc(5000), Buffer.from(`${auditLine(2)}\n`)]))
    const collector = bound.start()
    await bound.settle(collector)
    assert.deepEqual(collector.counts, { records: 5, unparsed: 3, duplicates: 0, notices: 0 })
    const unparsed = bound.events().filter((e) => e.event.action === 'unparsed')
    assert.deepEqual(
      unparsed.map((e) => [e.event.original.length, e.event.reason]),
      [
        [8, 'not an audit message of EJBCA'],
        [300, `cut: ${long.length + 1} octets, the first 300 kept`],
        [64, 'nul: 5000 octets, nearly all of them NUL'],
      ],
    )
  })

  it('makes every record small enough for the journal, with all its octets', async (t) => {
    const bound = new Bound(t)
    const filler = [
      'x'.repeat(500_000),
      '\u0001'.repeat(100_000),
      '\u0001'.repeat(500_000),
      '\\"'.repeat(250_000),
    ]
    const lines = filler.map((text, i) => auditLine(i, text).replace('SUCCESS', 'FAILURE'))
    writeFileSync(bound.path, asFile(lines))
    appendFileSync(bound.path, Buffer.concat([Buffer.from(auditLine(9)), Buffer.alloc(500_000, 0xff)]))
    appendFileSync(bound.path, '\n')
    await bound.settle(bound.start())
    assert.equal(bound.records.length, 5)
    for (const record of bound.records)
      assert.ok(Buffer.byteLength(JSON.stringify(record)) < MAX_RECORD_BYTES - 200)
    const originals = bound.events().map(({ event }) => Buffer.from(event.original, event.encoding ?? 'utf8'))
    assert.deepEqual(
      originals.slice(0, 4).map((o) => o.toString()),
      lines,
    )
    assert.equal(originals[4]!.length, auditLine(9).length + 500_000)
    assert.ok(bound.events().every((e) => e.event.action === 'CA_USERAUTH'))
  })

  it('runs until it is told to stop, woken by the file system', async (t) => {
    const bound = new Bound(t)
    const stop = new AbortController()
    const { promise: four, resolve } = Promise.withResolvers<undefined>()
    writeFileSync(bound.path, asFile(auditLines(0, 2)))
    const collector = new Collector({
      log: { id: 'ejbca-vm', format: 'ejbca', path: bound.path, authorities: [] },
      authorities: [],
      positions: [],
      record: (records) => {
        bound.records.push(...records)
        if (bound.records.length === 1) appendFileSync(bound.path, asFile(auditLines(2, 5)))
        if (bound.records.length === 4) resolve(undefined)
        return Promise.resolve(records)
      },
      now: bound.clock.now,
      onProblem: () => undefined,
      // Long enough to fail the test if only the poll worked, had the hint been lost.
      file: { pollInterval: 60_000, quiet: 60_000, hint: chokidarHint },
    })
    const running = collector.run(stop.signal)
    const { promise: late, reject } = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => reject(new Error('not woken')), 8000)
    await Promise.race([four, late])
    clearTimeout(timer)
    stop.abort()
    await running
    assert.deepEqual(
      bound.events().map((e) => e.event.original),
      auditLines(0, 4),
    )
  })

  it('runs on by polling alone where nothing wakes it', async (t) => {
    const bound = new Bound(t)
    const stop = new AbortController()
    writeFileSync(bound.path, asFile(auditLines(0, 2)))
    let closed = 0
    const collector = new Collector({
      log: { id: 'ejbca-vm', format: 'ejbca', path: bound.path, authorities: [] },
      authorities: [],
      positions: [],
      record: (records) => {
        bound.records.push(...records)
        if (bound.records.length < 4)
          appendFileSync(bound.path, asFile([auditLine(bound.records.length + 1)]))
        else stop.abort()
        return Promise.resolve(records)
      },
      now: bound.clock.now,
      onProblem: () => undefined,
      file: {
        pollInterval: 1,
        hint: () => ({
          close: () => {
            closed++
            return Promise.resolve()
          },
        }),
      },
    })
    await collector.run(stop.signal)
    assert.equal(bound.records.length, 4)
    assert.equal(closed, 1)
  })
})

describe('the parser without a journal', () => {
  it('takes a last line without line feed, and a file that is shorter than a line', async () => {
    for (const text of [auditLine(0), `${auditLine(0)}\n`]) {
      const events: AuditEvent[] = []
      for await (const batch of parseLog([Buffer.from(text)], { format: ejbca, source: 'x', now: () => 0 }))
        events.push(...batch)
      assert.deepEqual(
        events.map((e) => e.event.action),
        ['CA_USERAUTH'],
      )
    }
  })
})

describe('errors of the operating system', () => {
  it('get a code each', () => {
    const codes = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EISDIR', 'ELOOP', 'ENXIO', 'EIO']
    assert.deepEqual(
      codes.map((code) => fileError('/x', Object.assign(new Error(code), { code })).code),
      [
        'file_missing',
        'file_missing',
        'permission_denied',
        'permission_denied',
        'not_a_file',
        'not_a_file',
        'not_a_file',
        'read_failed',
      ],
    )
  })
})
