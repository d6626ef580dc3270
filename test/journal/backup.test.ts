import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { backUp, type BackupTarget } from '../../journal/backup.ts'
import { directoryTarget } from '../../journal/backupDirectory.ts'
import { JournalError } from '../../journal/error.ts'
import type { Journal } from '../../journal/journal.ts'
import { verifyJournal } from '../../journal/verify.ts'
import type { NewRecord } from '../../model/record.ts'
import { FakeClock, listFiles, loadFiles, makePlace, numbered, openTestJournal } from './support.ts'

const HOUR = 3_600_000

async function makeTarget(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-backup-'))
  t.after(() => rm(directory, { recursive: true }))
  return join(directory, 'copy')
}

/** A record that names an artifact of this many octets. */
async function withArtifact(journal: Journal, number: number, size: number): Promise<NewRecord> {
  const bytes = Buffer.from(`${number} `.repeat(size).slice(0, size))
  const artifact = { ...(await journal.putArtifact({ mediaType: 'text/plain', bytes })), name: 'pack' }
  return {
    kind: 'configuration',
    time: numbered(1).time,
    body: { by: 'test', product: '0', artifacts: [artifact] },
  }
}

describe('a backup', () => {
  test('is a journal that verifies, and holds what the first does', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    for (let i = 0; i < 300; i++) await journal.append([numbered(i)])
    await journal.append([await withArtifact(journal, 1, 100), await withArtifact(journal, 2, 100_000)])
    await journal.close()
    const copy = await makeTarget(t)
    const report = await backUp(place.directory, directoryTarget(copy))
    const [one, two] = [await loadFiles(place.directory), await loadFiles(copy)]
    one.delete('lock')
    assert.deepEqual([...two.keys()].sort(), [...one.keys()].sort())
    for (const [path, octets] of one) assert.deepEqual(two.get(path), octets, path)
    assert.equal(report.files, one.size)
    const verified = await verifyJournal(copy, { trust: one.get('vkey')?.toString() ?? '' })
    assert.deepEqual([verified.verdict, verified.size], ['authenticated', report.checkpoint.size])
  })

  test('made again copies only what is new, and takes away what was replaced', async (t) => {
    const place = await makePlace(t)
    const clock = new FakeClock()
    const journal = await openTestJournal(place, { now: clock.now })
    const copy = await makeTarget(t)
    for (let i = 0; i < 400; i++) await journal.append([numbered(i)])
    await journal.publish()
    await backUp(place.directory, directoryTarget(copy))
    const before = await listFiles(copy)
    // The segment is compressed, and partial tiles give way to full ones.
    clock.ms += 2 * HOUR
    for (let i = 0; i < 200; i++) await journal.append([numbered(i)])
    await journal.publish()
    const again = await backUp(place.directory, directoryTarget(copy))
    await journal.close()
    assert.ok(before.some((path) => path.endsWith('.pending') && path.includes('00000000')))
    assert.ok(!(await listFiles(copy)).includes('segments/00000000.pending'))
    assert.ok(again.copied < again.files, `${again.copied} of ${again.files}`)
    assert.ok(again.files - again.copied >= 3)
    assert.equal((await verifyJournal(copy)).fault, undefined)
    const idle = await backUp(place.directory, directoryTarget(copy))
    assert.ok(idle.octets < 1_000_000)
  })

  test('may be made while a writer is at work', async (t) => {
    const place = await makePlace(t)
    const clock = new FakeClock()
    const journal = await openTestJournal(place, { now: clock.now })
    const copy = await makeTarget(t)
    const state = { writing: true }
    const writing = (async () => {
      for (let i = 0; state.writing; i++) {
        clock.ms += 60_000
        const more = i % 7 === 0 ? [await withArtifact(journal, i, i % 3 === 0 ? 70_000 : 300)] : []
        await journal.append([numbered(i), ...more])
        if (i % 5 === 0) await journal.publish()
      }
    })()
    try {
      for (let round = 0; round < 12; round++) {
        const { checkpoint } = await backUp(place.directory, directoryTarget(copy))
        const report = await verifyJournal(copy)
        assert.equal(report.fault, undefined, JSON.stringify(report.fault))
        assert.ok(report.size >= checkpoint.size)
      }
    } finally {
      state.writing = false
      await writing
      await journal.close()
    }
  })

  test('that breaks off is made whole by the next', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    for (let i = 0; i < 50; i++) await journal.append([numbered(i)])
    await journal.close()
    const copy = await makeTarget(t)
    const whole = directoryTarget(copy)
    for (let allowed = 0; ; allowed++) {
      let left = allowed
      const failing: BackupTarget = {
        ...whole,
        write: (path, octets, fate) =>
          left-- <= 0 ? Promise.reject(new Error('full')) : whole.write(path, octets, fate),
      }
      const failure = await backUp(place.directory, failing).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (failure === undefined) break
      assert.ok(failure instanceof Error && failure.message === 'full')
    }
    assert.equal((await verifyJournal(copy)).fault, undefined)
  })

  test('of what is no journal is refused', async (t) => {
    const place = await makePlace(t)
    await assert.rejects(
      backUp(join(place.directory, '..'), directoryTarget(await makeTarget(t))),
      JournalError,
    )
  })
})
