import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { backUp, type BackupReport } from '../../journal/backup.ts'
import { BundledBackup, CURRENT, type ObjectStore } from '../../journal/backupBundles.ts'
import { fetchBackup, type FetchObject } from '../../journal/backupFetch.ts'
import { JournalError } from '../../journal/error.ts'
import type { Journal } from '../../journal/journal.ts'
import { tarMember, TAR_END } from '../../journal/tar.ts'
import { verifyJournal } from '../../journal/verify.ts'
import { FakeClock, makePlace, numbered, openTestJournal } from './support.ts'

const EPOCH = 1_763_794_800
const MADE = '2026-11-22T06:44:00.000Z'

/** Objects in memory. */
class Objects implements ObjectStore {
  readonly content = new Map<string, Buffer>()
  readonly put = (name: string, content: readonly Buffer[]): Promise<void> => {
    this.content.set(name, Buffer.concat(content))
    return Promise.resolve()
  }
  readonly fetch: FetchObject = async (name, file, limit) => {
    const octets = this.content.get(name)
    if (octets === undefined) throw new JournalError('storage', `${name}: there is no such object`)
    if (octets.length > limit) throw new JournalError('storage', `${name}: expected at most ${limit} octets`)
    await writeFile(file, octets)
  }
}

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-bundles-'))
  t.after(() => rm(directory, { recursive: true }))
  return directory
}

async function backUpTo(store: ObjectStore, directory: string, memory: string): Promise<BackupReport> {
  const backup = await BundledBackup.open(store, memory, MADE)
  const report = await backUp(directory, backup.target(EPOCH))
  await backup.commit(report.origin)
  return report
}

async function restored(t: TestContext, objects: Objects): Promise<string> {
  const place = join(await scratch(t), 'restored')
  await fetchBackup(objects.fetch, place)
  return join(place, String(EPOCH))
}

async function append(journal: Journal, clock: FakeClock, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    clock.ms += 30_000
    await journal.append([numbered(i)])
  }
  await journal.publish()
}

describe('a backup in an object store', () => {
  test('gives back a journal that verifies; made again it sends only what is new', async (t) => {
    const place = await makePlace(t)
    const clock = new FakeClock()
    const journal = await openTestJournal(place, { now: clock.now })
    const [objects, memory] = [new Objects(), join(await scratch(t), 'memory.jsonl')]
    await append(journal, clock, 600)
    await backUpTo(objects, place.directory, memory)
    const first = new Map(objects.content)
    await append(journal, clock, 200)
    const report = await backUpTo(objects, place.directory, memory)
    await journal.close()
    for (const [name, octets] of first) if (name !== CURRENT) assert.equal(objects.content.get(name), octets)
    const sizes = [...objects.content.values()].map((octets) => octets.length)
    assert.ok(objects.content.size > first.size, 'a new bundle')
    assert.ok(
      sizes.every((size) => size < 1_000_000),
      String(sizes),
    )
    const trust = (await readFile(join(place.directory, 'vkey'))).toString()
    const verified = await verifyJournal(await restored(t, objects), { trust })
    assert.equal(verified.fault, undefined, JSON.stringify(verified.fault))
    assert.deepEqual([verified.verdict, verified.published], ['authenticated', report.checkpoint.size])
    assert.deepEqual(verified.notes, [])
  })

  test('can be restored whenever it breaks off, and goes on where it did', async (t) => {
    const place = await makePlace(t)
    const clock = new FakeClock()
    const journal = await openTestJournal(place, { now: clock.now })
    const [objects, memory] = [new Objects(), join(await scratch(t), 'memory.jsonl')]
    await append(journal, clock, 300)
    let covered = (await backUpTo(objects, place.directory, memory)).checkpoint.size
    for (let allowed = 0; allowed < 3; allowed++) {
      await append(journal, clock, 300)
      let left = allowed
      const failing: ObjectStore = {
        put: (name, content) =>
          left-- <= 0 ? Promise.reject(new Error('gone')) : objects.put(name, content),
      }
      const done = await backUpTo(failing, place.directory, memory).catch(() => undefined)
      covered = done?.checkpoint.size ?? covered
      const verified = await verifyJournal(await restored(t, objects))
      assert.equal(verified.fault, undefined, JSON.stringify(verified.fault))
      assert.ok(verified.published >= covered)
    }
    const sent: string[] = []
    const watched: ObjectStore = {
      put: (name, content) => {
        sent.push(name)
        return objects.put(name, content)
      },
    }
    await journal.close()
    await backUpTo(watched, place.directory, memory)
    await backUpTo(watched, place.directory, memory)
    assert.equal(sent.filter((name) => name === CURRENT).length, 2)
    assert.ok(sent.length <= 3, `sent again: ${sent.join(', ')}`)
  })

  test('sends again what a torn line of its memory was about', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    for (let i = 0; i < 300; i++) await journal.append([numbered(i)])
    await journal.close()
    const [objects, memory] = [new Objects(), join(await scratch(t), 'memory.jsonl')]
    await backUpTo(objects, place.directory, memory)
    const whole = await readFile(memory, 'utf8')
    await writeFile(memory, whole.slice(0, -20))
    await backUpTo(objects, place.directory, memory)
    assert.equal((await verifyJournal(await restored(t, objects))).fault, undefined)
    await appendFile(memory, '{"name":"bundle-')
    await backUpTo(objects, place.directory, memory)
    assert.equal(await readFile(memory, 'utf8'), whole)
  })

  test('is refused when an object is missing, another, or leads out of its place', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    for (let i = 0; i < 300; i++) await journal.append([numbered(i)])
    await journal.close()
    const objects = new Objects()
    await backUpTo(objects, place.directory, join(await scratch(t), 'memory.jsonl'))
    const [bundle = ''] = [...objects.content.keys()].filter((name) => name !== CURRENT)
    const good = objects.content.get(bundle) ?? Buffer.alloc(0)
    const bad = Buffer.from(good)
    bad[600] = (bad[600] ?? 0) ^ 1
    objects.content.set(bundle, bad)
    await assert.rejects(restored(t, objects), /expected [0-9a-f]{64}, got [0-9a-f]{64} at bundle-000001/)
    objects.content.delete(bundle)
    await assert.rejects(restored(t, objects), /there is no such object/)
    const listing = { format: 'pki-vigil-backup/1', origin: 'x', made: MADE, bundles: [] }
    const hostile = (name: string): Buffer =>
      Buffer.concat([
        ...tarMember('backup.json', Buffer.from(JSON.stringify(listing)), 0),
        ...tarMember(name, Buffer.from('x'), 0),
        TAR_END,
      ])
    for (const name of ['1/../../x', '/etc/x', '../x', '1/.ssh', 'x']) {
      objects.content.set(CURRENT, hostile(name))
      await assert.rejects(restored(t, objects), /expected a file of a journal, got/, name)
    }
    objects.content.set(CURRENT, Buffer.from('not an archive'))
    await assert.rejects(restored(t, objects), JournalError)
  })
})
