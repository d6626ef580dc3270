import { appendFileSync, copyFileSync, renameSync } from 'node:fs'
import { rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import assert from 'node:assert/strict'
import { closedMark, sha256 } from '../../collectors/sources/identity.ts'
import { isRotatedName } from '../../collectors/sources/siblings.ts'
import { asFile, auditLine, auditLines, TailedLog, temporaryDirectory } from './support.ts'

describe('rotation', () => {
  it('by rename: reads the old file to its end through the open descriptor, then the new one', async (t) => {
    const log = new TailedLog(t)
    const lines = auditLines(0, 8)
    writeFileSync(log.path, asFile(lines.slice(0, 2)))
    await log.poll()
    appendFileSync(log.path, asFile(lines.slice(2, 4)))
    renameSync(log.path, `${log.path}.2026-11-22`)
    // The writer has not noticed yet.
    appendFileSync(`${log.path}.2026-11-22`, asFile(lines.slice(4, 5)))
    await log.poll()
    appendFileSync(`${log.path}.2026-11-22`, asFile(lines.slice(5, 6)))
    writeFileSync(log.path, asFile(lines.slice(6)))
    await log.settle()
    assert.deepEqual(log.journal.texts(), lines)
    assert.deepEqual(log.journal.actions(), ['log_rotated'])
    assert.equal(log.journal.notices()[0]!.details['recorded'], String(asFile(lines.slice(0, 6)).length))
  })

  it('does not leave the old file while the new one is empty', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    await log.settle()
    renameSync(log.path, `${log.path}.1`)
    writeFileSync(log.path, '')
    await log.settle()
    appendFileSync(`${log.path}.1`, asFile(auditLines(2, 3)))
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 3))
    assert.deepEqual(log.journal.actions(), [])
    appendFileSync(log.path, asFile(auditLines(3, 4)))
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 4))
    assert.deepEqual(log.journal.actions(), ['log_rotated'])
  })

  it('while stopped: the rest of the old file is found by its fingerprint, whatever its name', async (t) => {
    for (const name of ['audit.log.1', 'audit.log.2026-11-22', 'old-stuff']) {
      const log = new TailedLog(t)
      writeFileSync(log.path, asFile(auditLines(0, 3)))
      await log.settle()
      appendFileSync(log.path, asFile(auditLines(3, 5)))
      renameSync(log.path, join(dirname(log.path), name))
      writeFileSync(log.path, asFile(auditLines(5, 7)))
      await log.restart()
      await log.settle()
      assert.deepEqual(log.journal.texts(), auditLines(0, 7), name)
      assert.deepEqual(log.journal.actions(), ['log_rotated'])
    }
  })

  it('several times while stopped: the files in between are read in order', async (t) => {
    const log = new TailedLog(t)
    const directory = dirname(log.path)
    // Read by nobody, because it is older than the first start.
    writeFileSync(join(directory, 'audit.log.0'), asFile([auditLine(99)]))
    utimesSync(join(directory, 'audit.log.0'), 1, 1)
    writeFileSync(join(directory, 'audit.log.gz'), 'not a log')
    writeFileSync(join(directory, 'audit.logger'), asFile([auditLine(98)]))
    writeFileSync(log.path, asFile(auditLines(0, 3)))
    await log.settle()
    for (let i = 1; i <= 4; i++) {
      appendFileSync(log.path, asFile(auditLines(i * 3, i * 3 + 2)))
      const rotated = `${log.path}.${5 - i}`
      renameSync(log.path, rotated)
      utimesSync(rotated, 2_000_000_000 + i, 2_000_000_000 + i)
      writeFileSync(log.path, asFile([auditLine(i * 3 + 2)]))
    }
    await log.restart()
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 15))
    assert.deepEqual(log.journal.actions(), Array(4).fill('log_rotated'))
    await log.restart()
    await log.settle()
    assert.equal(log.journal.items.length, 19, 'nothing twice')
  })

  it('stopped between two rotated files: the next start goes on with the second', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    await log.settle()
    renameSync(log.path, `${log.path}.2`)
    utimesSync(`${log.path}.2`, 2_000_000_001, 2_000_000_001)
    writeFileSync(`${log.path}.1`, asFile(auditLines(2, 4)))
    utimesSync(`${log.path}.1`, 2_000_000_002, 2_000_000_002)
    writeFileSync(log.path, asFile(auditLines(4, 6)))
    await log.restart()
    let deliveries = 0
    await log.source.poll((items) => {
      if (++deliveries > 1) return Promise.reject(new Error('power cut'))
      return log.journal.sink(items)
    })
    assert.deepEqual(log.journal.actions(), ['log_rotated'])
    await log.restart()
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 6))
    assert.deepEqual(log.journal.actions(), ['log_rotated', 'log_rotated'])
  })

  it('twice between two polls: the file in between is read too', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    await log.settle()
    renameSync(log.path, `${log.path}.2`)
    writeFileSync(`${log.path}.1`, asFile(auditLines(2, 4)))
    writeFileSync(log.path, asFile(auditLines(4, 6)))
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 6))
  })

  it('says so when the old file was removed after it was read', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    await log.poll()
    rmSync(log.path)
    writeFileSync(log.path, asFile(auditLines(2, 4)))
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 4))
    assert.deepEqual(log.journal.actions(), ['log_removed'])
  })

  it('says so when the file that was read is gone after a restart', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    await log.settle()
    rmSync(log.path)
    writeFileSync(log.path, asFile(auditLines(2, 4)))
    for (let i = 0; i < 2; i++) {
      await log.restart()
      await log.settle()
    }
    assert.deepEqual(log.journal.texts(), auditLines(0, 4))
    assert.deepEqual(log.journal.actions(), ['log_missing'])
  })

  it('concludes nothing while the log itself is missing, as before its volume is mounted', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    await log.settle()
    const elsewhere = join(temporaryDirectory(t), 'moved')
    copyFileSync(log.path, elsewhere)
    rmSync(log.path)
    await log.restart()
    await log.settle()
    assert.deepEqual(log.journal.actions(), [])
    assert.deepEqual(
      log.source.problems.map((p) => p.code),
      ['file_missing'],
    )
    copyFileSync(elsewhere, log.path)
    appendFileSync(log.path, asFile(auditLines(2, 3)))
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 3))
    assert.deepEqual(log.journal.actions(), [])
  })

  it('goes on in a copy of the same content under another inode', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 3)))
    await log.settle()
    copyFileSync(log.path, `${log.path}.new`)
    renameSync(`${log.path}.new`, log.path)
    appendFileSync(log.path, asFile(auditLines(3, 5)))
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 5))
    assert.deepEqual(log.journal.actions(), [])
  })

  it('gives out a last line without line feed as torn', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile([auditLine(0)]) + auditLine(1).slice(0, 40))
    await log.poll()
    renameSync(log.path, `${log.path}.1`)
    writeFileSync(log.path, asFile([auditLine(2)]))
    await log.settle()
    assert.deepEqual(log.journal.texts(), [auditLine(0), auditLine(1).slice(0, 40), auditLine(2)])
    assert.equal(log.journal.records()[1]!.damage, 'torn')
  })

  it('does not read a file again that is over without a record of it', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    await log.settle()
    writeFileSync(`${log.path}.1`, asFile(auditLines(50, 52)))
    const over = closedMark(sha256(auditLine(50)))
    await log.journal.sink([
      {
        kind: 'notice',
        action: 'log_truncated',
        position: { source: 'ejbca-vm', fingerprint: over, offset: 0, end: 0 },
        message: '',
        details: {},
      },
    ])
    renameSync(log.path, `${log.path}.2`)
    writeFileSync(log.path, asFile(auditLines(2, 4)))
    await log.restart()
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 4))
  })

  it('knows rotated files by their names', () => {
    const rotated = ['audit.log.1', 'audit.log.2026-11-22', 'audit.log.2026-11-22.1', 'audit-20261122.log']
    const other = ['audit.log.gz', 'audit.log.1.xz', 'audit.log', 'audit2.log', 'audit-boot.log', 'a', '.log']
    for (const name of rotated)
      for (const stored of [name, `${name}.gz`]) assert.ok(isRotatedName('audit.log', stored), stored)
    for (const name of other) assert.ok(!isRotatedName('audit.log', name), name)
    assert.ok(isRotatedName('messages', 'messages.1'))
  })
})

describe('truncation', () => {
  it('to a shorter file is journaled once, and reading starts at 0', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 4)))
    await log.settle()
    truncateSync(log.path)
    await log.settle()
    assert.deepEqual(log.journal.actions(), ['log_truncated'])
    appendFileSync(log.path, asFile(auditLines(4, 6)))
    await log.settle()
    await log.restart()
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 6))
    assert.deepEqual(log.journal.actions(), ['log_truncated'])
    assert.equal(log.journal.records().at(-2)!.position.offset, 0)
  })

  it('is noticed when the file has grown beyond the old position since', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 3)))
    await log.settle()
    writeFileSync(log.path, asFile(auditLines(3, 12)))
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 12))
    assert.deepEqual(log.journal.actions(), ['log_truncated'])
  })

  it('is noticed when the first line stayed the same, also across restarts', async (t) => {
    for (const when of ['running', 'stopped']) {
      const log = new TailedLog(t)
      writeFileSync(log.path, asFile(auditLines(0, 6)))
      await log.settle()
      writeFileSync(log.path, asFile([auditLine(0), auditLine(7)]))
      if (when === 'stopped') await log.restart()
      for (let i = 0; i < 2; i++) {
        await log.settle()
        await log.restart()
      }
      appendFileSync(log.path, asFile(auditLines(8, 20)))
      await log.settle()
      await log.restart()
      await log.settle()
      assert.deepEqual(log.journal.actions(), ['log_truncated'], when)
      assert.deepEqual(
        log.journal.texts(),
        [...auditLines(0, 6), auditLine(0), auditLine(7), ...auditLines(8, 20)],
        when,
      )
    }
  })

  it('by another file with the same first line (sed -i) is noticed', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 6)))
    await log.settle()
    writeFileSync(`${log.path}.tmp`, asFile([...auditLines(0, 2), ...auditLines(3, 9)]))
    renameSync(`${log.path}.tmp`, log.path)
    await log.settle()
    assert.deepEqual(log.journal.actions(), ['log_truncated'])
    assert.deepEqual(log.journal.texts().slice(6), [...auditLines(0, 2), ...auditLines(3, 9)])
  })

  it('after a copy (copytruncate) loses nothing: the rest is read from the copy', async (t) => {
    for (const when of ['running', 'stopped']) {
      const log = new TailedLog(t)
      writeFileSync(log.path, asFile(auditLines(0, 3)))
      await log.settle()
      appendFileSync(log.path, asFile(auditLines(3, 5)))
      copyFileSync(log.path, `${log.path}.1`)
      truncateSync(log.path)
      appendFileSync(log.path, asFile(auditLines(5, 7)))
      if (when === 'stopped') await log.restart()
      await log.settle()
      await log.restart()
      await log.settle()
      assert.deepEqual(log.journal.texts(), auditLines(0, 7), when)
      assert.deepEqual(log.journal.actions(), [when === 'running' ? 'log_truncated' : 'log_rotated'], when)
    }
  })

  it('gives out what was read and held back before', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 2)) + auditLine(2).slice(0, 20))
    await log.poll()
    truncateSync(log.path)
    await log.poll()
    assert.deepEqual(log.journal.texts(), [...auditLines(0, 2), auditLine(2).slice(0, 20)])
    assert.deepEqual(log.journal.actions(), ['log_truncated'])
  })
})
