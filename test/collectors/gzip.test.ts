import assert from 'node:assert/strict'
import {
  appendFileSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { asFile, auditLines, TailedLog } from './support.ts'

/** As gzip does it: the packed file bears the times of the one that it replaces. */
function pack(path: string): void {
  const { atime, mtime } = statSync(path)
  writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)))
  utimesSync(`${path}.gz`, atime, mtime)
  rmSync(path)
}

/** Files that are rotated within a moment have times that tell them apart. */
function rotate(log: TailedLog, name: string, second: number): string {
  const rotated = `${log.path}.${name}`
  renameSync(log.path, rotated)
  utimesSync(rotated, 2_000_000_000 + second, 2_000_000_000 + second)
  return rotated
}

describe('a log that was gzipped after its rotation', () => {
  it('is read on from where it was left, and those after it that nobody read follow in order', async (t) => {
    // A chunk of 512 octets: the place lies in the midst of one.
    const log = new TailedLog(t, { chunk: 512, batch: 512 })
    writeFileSync(log.path, asFile(auditLines(0, 7)))
    await log.settle()
    await log.source.close()
    appendFileSync(log.path, asFile(auditLines(7, 20)))
    pack(rotate(log, '3', 1))
    writeFileSync(log.path, asFile(auditLines(20, 30)))
    pack(rotate(log, '2', 2))
    writeFileSync(log.path, asFile(auditLines(30, 40)))
    rotate(log, '1', 3)
    writeFileSync(log.path, asFile(auditLines(40, 45)))
    await log.restart()
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 45))
    assert.deepEqual(log.journal.actions(), ['log_rotated', 'log_rotated', 'log_rotated'])
    assert.deepEqual(log.problems, [])
    await log.restart()
    await log.settle()
    assert.equal(log.journal.records().length, 45, 'nothing twice')
  })

  it('and that was read before it was packed is not read again', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 3)))
    await log.settle()
    const rotated = rotate(log, '1', 1)
    writeFileSync(log.path, asFile(auditLines(3, 5)))
    await log.settle()
    pack(rotated)
    appendFileSync(log.path, asFile(auditLines(5, 6)))
    await log.restart()
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 6))
  })

  it('gives its records the ids that they have in the file as it was', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 4)))
    await log.settle()
    const plain = log.journal.records().map(({ place }) => place)
    const other = new TailedLog(t)
    writeFileSync(other.path, asFile(auditLines(0, 2)))
    await other.settle()
    await other.source.close()
    appendFileSync(other.path, asFile(auditLines(2, 4)))
    pack(rotate(other, '1', 1))
    writeFileSync(other.path, asFile(auditLines(50, 51)))
    await other.restart()
    await other.settle()
    assert.deepEqual(
      other.journal
        .records()
        .slice(0, 4)
        .map(({ place }) => place),
      plain,
    )
  })

  it('is waited for while it is being packed', async (t) => {
    const log = new TailedLog(t, { chunk: 64 })
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    await log.settle()
    await log.source.close()
    appendFileSync(log.path, asFile(auditLines(2, 900)))
    const packed = gzipSync(readFileSync(log.path))
    rmSync(log.path)
    writeFileSync(log.path, asFile(auditLines(900, 902)))
    writeFileSync(`${log.path}.1.gz`, packed.subarray(0, packed.length - 200))
    log.clock.ms = statSync(`${log.path}.1.gz`).ctimeMs
    await log.restart()
    await log.poll()
    assert.deepEqual(
      log.problems.map(({ code }) => code),
      ['read_failed'],
    )
    writeFileSync(`${log.path}.1.gz`, packed)
    await log.settle()
    assert.deepEqual(log.journal.texts(), auditLines(0, 902))
    assert.deepEqual(log.journal.actions(), ['log_rotated'])
  })

  it('that stays damaged is said to be so, and does not keep the live log waiting for ever', async (t) => {
    const log = new TailedLog(t, { chunk: 64 })
    writeFileSync(log.path, asFile(auditLines(0, 2)))
    await log.settle()
    await log.source.close()
    appendFileSync(log.path, asFile(auditLines(2, 900)))
    const packed = gzipSync(readFileSync(log.path))
    rmSync(log.path)
    writeFileSync(log.path, asFile(auditLines(900, 902)))
    writeFileSync(`${log.path}.1.gz`, packed.subarray(0, packed.length - 200))
    log.clock.ms = statSync(`${log.path}.1.gz`).ctimeMs + 61_000
    await log.restart()
    await log.settle()
    assert.deepEqual(log.journal.actions(), ['log_truncated'])
    assert.deepEqual(log.journal.texts().slice(-2), auditLines(900, 902))
    assert.ok(log.journal.records().length > 100, 'what could be read is there')
  })

  it('that unfolds to very much is read in pieces', async (t) => {
    const log = new TailedLog(t)
    writeFileSync(log.path, asFile(auditLines(0, 1)))
    await log.settle()
    await log.source.close()
    appendFileSync(log.path, Buffer.alloc(100 * 1024 * 1024, 'x'))
    pack(rotate(log, '1', 1))
    writeFileSync(log.path, asFile(auditLines(1, 2)))
    await log.restart()
    await log.settle()
    const [, cut, last] = log.journal.records()
    assert.equal(cut?.damage, 'cut')
    assert.equal(cut.position.end - cut.position.offset, 100 * 1024 * 1024)
    assert.equal(cut.bytes.length, 512 * 1024)
    assert.equal(Buffer.from(last?.bytes ?? []).toString(), auditLines(1, 2)[0])
  })
})
