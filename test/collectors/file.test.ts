import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { rmSync, rmdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import assert from 'node:assert/strict'
import { sha256 } from '../../collectors/sources/identity.ts'
import { needs } from '../support/needs.ts'
import { asFile, auditLine, auditLines, TailedLog, temporaryDirectory } from './support.ts'

describe('tailing a file', () => {
  it('reads what is there, then what is appended, with exact positions', async (t) => {
    const log = new TailedLog(t)
    const lines = auditLines(0, 5)
    writeFileSync(log.path, asFile(lines.slice(0, 3)))
    await log.poll()
    assert.deepEqual(log.journal.texts(), lines.slice(0, 2), 'the last one may still be continued')
    appendFileSync(log.path, asFile(lines.slice(3)))
    await log.settle()
    assert.deepEqual(log.journal.texts(), lines)
    const content = readFileSync(log.path)
    for (const { bytes, position } of log.journal.records()) {
      assert.equal(position.source, 'ejbca-vm')
      assert.equal(position.fingerprint, sha256(lines[0]!))
      assert.deepEqual(content.subarray(position.offset, position.end - 1), Buffer.from(bytes))
    }
  })

  it('gives out the last record only after a quiet time, counted from the last octet', async (t) => {
    const log = new TailedLog(t, { quiet: 1000 })
    writeFileSync(log.path, asFile([auditLine(0)]))
    await log.poll()
    log.clock.advance(999)
    await log.poll()
    assert.equal(log.journal.items.length, 0)
    appendFileSync(log.path, '\tat Foo.java\n')
    await log.poll()
    log.clock.advance(999)
    await log.poll()
    assert.equal(log.journal.items.length, 0)
    log.clock.advance(1)
    await log.poll()
    assert.deepEqual(log.journal.texts(), [`${auditLine(0)}\n\tat Foo.java`])
  })

  it('keeps a partial line back at every split', async (t) => {
    const directory = temporaryDirectory(t)
    const lines = [auditLine(0), `${auditLine(1)}\ncontinued`, auditLine(2)]
    const text = asFile(lines)
    for (let at = 0; at < text.length; at += 3) {
      const log = new TailedLog(t, { path: join(directory, `audit-${at}.log`) })
      writeFileSync(log.path, text.slice(0, at))
      await log.poll()
      const complete = text.slice(0, text.slice(0, at).lastIndexOf('\n') + 1)
      assert.ok(log.journal.records().every((r) => r.position.end <= complete.length))
      appendFileSync(log.path, text.slice(at))
      await log.settle()
      assert.deepEqual(log.journal.texts(), lines, `split at ${at}`)
      await log.source.close()
    }
  })

  it('hands over nothing of a file whose first line is incomplete, since it has no identity yet', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, auditLine(0))
    await log.settle()
    await log.restart()
    await log.settle()
    assert.deepEqual(log.journal.items, [])
    appendFileSync(log.path, '\n')
    await log.settle()
    assert.deepEqual(log.journal.texts(), [auditLine(0)])
  })

  it('identifies a file with an endless first line by its beginning', async (t) => {
    const log = new TailedLog(t, { maxRecord: 1000 })
    writeFileSync(log.path, 'x'.repeat(100_000))
    await log.poll()
    appendFileSync(log.path, `${'x'.repeat(100_000)}\n${asFile(auditLines(0, 2))}`)
    await log.settle()
    assert.deepEqual(
      log.journal.records().map((r) => [r.bytes.length, r.damage]),
      [
        [1000, 'cut'],
        [auditLine(0).length, undefined],
        [auditLine(1).length, undefined],
      ],
    )
    await log.restart()
    await log.settle()
    assert.equal(log.journal.items.length, 3)
  })

  it('keeps memory flat on an 8 MB line, and goes on after it', async (t) => {
    const log = new TailedLog(t, { maxRecord: 64 * 1024 })
    writeFileSync(log.path, `${auditLine(0)}\n`)
    const piece = 'y'.repeat(1024 * 1024)
    for (let i = 0; i < 8; i++) appendFileSync(log.path, piece)
    appendFileSync(log.path, `\n${asFile(auditLines(1, 3))}`)
    await log.settle()
    const records = log.journal.records()
    assert.deepEqual(
      records.map((r) => [r.bytes.length, r.damage]),
      [
        [auditLine(0).length, undefined],
        [64 * 1024, 'cut'],
        [auditLine(1).length, undefined],
        [auditLine(2).length, undefined],
      ],
    )
    assert.equal(records[1]!.position.end - records[1]!.position.offset, 8 * 1024 * 1024 + 1)
  })

  it('goes on after a NUL-filled tail, as a crash leaves it', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile([auditLine(0)]) + auditLine(1).slice(0, 30))
    appendFileSync(log.path, Buffer.alloc(100_000))
    await log.settle()
    assert.deepEqual(log.journal.texts(), [auditLine(0)], 'nobody knows yet what follows')
    await log.restart()
    await log.settle()
    appendFileSync(log.path, asFile(auditLines(2, 4)))
    await log.settle()
    await log.restart()
    await log.settle()
    assert.deepEqual(
      log.journal.records().map((r) => r.damage),
      [undefined, 'torn', 'nul', undefined, undefined],
    )
    assert.deepEqual(log.journal.texts().slice(3), auditLines(2, 4))
    assert.deepEqual(log.journal.notices(), [])
  })
})

describe('when the log cannot be read', () => {
  it('waits for a file that is missing at start, and reports it once', async (t) => {
    const log = new TailedLog(t)
    for (let i = 0; i < 3; i++) await log.poll()
    assert.deepEqual(
      log.problems.map((p) => p.code),
      ['file_missing'],
    )
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 2))
    assert.deepEqual(log.source.problems, [])
  })

  it('waits while a directory stands in its place, and keeps the open file', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    await log.settle()
    renameSync(log.path, `${log.path}.1`)
    mkdirSync(log.path)
    appendFileSync(`${log.path}.1`, asFile(auditLines(2, 3)))
    await log.settle()
    assert.deepEqual(
      log.source.problems.map((p) => p.code),
      ['not_a_file'],
    )
    await log.restart()
    await log.settle()
    assert.deepEqual(
      log.source.problems.map((p) => p.code),
      ['not_a_file'],
    )
    rmdirSync(log.path)
    writeFileSync(log.path, asFile(auditLines(3, 5)))
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 5))
  })

  it('does not block on a named pipe', needs('mkfifo'), async (t) => {
    const log = new TailedLog(t)
    execFileSync('mkfifo', [log.path])
    await log.poll()
    assert.deepEqual(
      log.problems.map((p) => p.code),
      ['not_a_file'],
    )
  })

  it('reports a file it may not read, and reads it when it may', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    chmodSync(dirname(log.path), 0o755)
    chmodSync(log.path, 0)
    // Root may read everything, so root polls as nobody.
    const root = process.geteuid?.() === 0
    if (root) process.seteuid?.(65_534)
    try {
      await log.poll()
    } finally {
      if (root) process.seteuid?.(0)
    }
    assert.deepEqual(
      log.problems.map((p) => p.code),
      ['permission_denied'],
    )
    chmodSync(log.path, 0o600)
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 2))
  })

  it('follows a symbolic link as the log, but not one among the rotated files', async (t) => {
    const log = new TailedLog(t)
    const elsewhere = join(temporaryDirectory(t), 'audit-real.log')
    writeFileSync(elsewhere, asFile(auditLines(0, 2)))
    symlinkSync(elsewhere, log.path)
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 2))
    rmSync(log.path)
    symlinkSync(elsewhere, `${log.path}.1`)
    writeFileSync(log.path, asFile(auditLines(2, 4)))
    await log.restart()
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 4))
    assert.deepEqual(log.journal.actions(), ['log_missing'])
  })

  it('hands the same records over again when they could not be recorded', async (t) => {
    const log = new TailedLog(t, { chunk: 200, batch: 400 })
    writeFileSync(log.path, asFile(auditLines(0, 20)))
    log.journal.refuse = 1
    await log.poll()
    assert.deepEqual(
      log.problems.map((p) => p.code),
      ['not_recorded'],
    )
    assert.deepEqual(log.journal.items, [])
    await log.poll()
    appendFileSync(log.path, asFile(auditLines(20, 22)))
    log.journal.refuse = 2
    await log.poll()
    await log.settle()
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 22))
  })

  it('says a notice again that could not be recorded', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    await log.settle()
    truncateSync(log.path)
    log.journal.refuse = 2
    for (let i = 0; i < 3; i++) await log.poll()
    appendFileSync(log.path, asFile(auditLines(2, 3)))
    await log.settle()
    assert.deepEqual(log.journal.actions(), ['log_truncated'])
    assert.deepEqual(log.journal.texts(), auditLines(0, 3))
  })
})
