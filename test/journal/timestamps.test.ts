import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Journal } from '../../journal/journal.ts'
import { anchorsOf } from '../../journal/verify/anchored.ts'
import { verifyFiles, verifyJournal } from '../../journal/verify.ts'
import { buildTimestampRequest } from '../../pki/timestamp.ts'
import { needs } from '../support/needs.ts'
import { makeTimestampAuthority, type TimestampAuthority } from '../support/timestampAuthority.ts'
import {
  FakeClock,
  loadFiles,
  makePlace,
  memorySource,
  numbered,
  openTestJournal,
  type Place,
} from './support.ts'

const HOUR = 3_600_000

describe('timestamps of kept checkpoints', needs('openssl'), () => {
  let authority: TimestampAuthority
  before(() => {
    authority = makeTimestampAuthority()
  })
  after(() => authority[Symbol.dispose]())

  const stamp = (checkpoint: Buffer): Promise<Buffer> =>
    Promise.resolve(
      authority.reply(
        buildTimestampRequest(createHash('sha256').update(checkpoint).digest(), randomBytes(8)),
      ),
    )

  /** Two hours; the timestamps of both are there. */
  async function stamped(place: Place): Promise<void> {
    const clock = new FakeClock()
    const journal = await openTestJournal(place, { now: clock.now, stamp })
    await appended(journal, place, 1)
    clock.ms += HOUR
    await journal.append([numbered(2)])
    await journal.publish()
    await appended(journal, place, 2)
    await journal.append([numbered(3)])
    await journal.close()
  }

  /** Until so many files of timestamps are there, which nobody waits for but tests. */
  async function appended(journal: Journal, place: Place, count: number): Promise<void> {
    const there = async (): Promise<number> =>
      (await readdir(join(place.directory, 'checkpoints/2026'))).filter((name) => name.endsWith('.tsr'))
        .length
    while ((await there()) < count) await journal.publish()
  }

  test('are kept beside them, and OpenSSL verifies them too', async (t) => {
    const place = await makePlace(t)
    await stamped(place)
    const folder = join(place.directory, 'checkpoints/2026')
    const ca = join(place.directory, '..', 'ca.pem')
    await writeFile(ca, authority.ca)
    for (const name of (await readdir(folder)).filter((file) => file.endsWith('Z'))) {
      const files = ['-in', join(folder, `${name}.tsr`), '-data', join(folder, name), '-CAfile', ca]
      assert.match(
        execFileSync('openssl', ['ts', '-verify', ...files], { encoding: 'utf8', stdio: 'pipe' }),
        /OK/,
      )
    }
  })

  test('say up to where the journal is anchored, to whom trusts their authority', async (t) => {
    const place = await makePlace(t)
    await stamped(place)
    const timestampAuthorities = Buffer.from(authority.ca)
    const report = await verifyJournal(place.directory, { timestampAuthorities })
    assert.deepEqual([report.verdict, report.size, report.anchored], ['self_consistent', 3, 2])
    assert.deepEqual(
      report.anchors.map(({ kind, by, size }) => [kind, by, size]),
      [['timestamp', 'CN=TSA', 2]],
    )
    assert.equal((await verifyJournal(place.directory)).anchored, 0)
    // Reports read the checkpoints alone, and come to the same.
    const authorities = timestampAuthorities
    assert.deepEqual(await anchorsOf(place.directory, { authorities }), report.anchors)
    assert.deepEqual(await anchorsOf(place.directory, {}), [])
    using other = makeTimestampAuthority()
    // Its name is the same, its key is not: that is no authority that was replaced.
    const strange = await verifyJournal(place.directory, { timestampAuthorities: Buffer.from(other.ca) })
    assert.equal(strange.verdict, 'broken')
  })

  test('that are about something else, or do not belong, are faults', async (t) => {
    const place = await makePlace(t)
    await stamped(place)
    const files = await loadFiles(place.directory)
    const [first = '', second = ''] = [...files.keys()].filter((path) => path.endsWith('.tsr'))
    const verdictOf = async (changes: readonly (readonly [string, Buffer | undefined])[]) => {
      const changed = new Map(files)
      for (const [path, bytes] of changes) {
        if (bytes === undefined) changed.delete(path)
        else changed.set(path, bytes)
      }
      return (await verifyFiles(memorySource(changed))).fault?.file
    }
    assert.equal(await verdictOf([[first, files.get(second)]]), first)
    assert.equal(await verdictOf([[first, Buffer.from('nonsense')]]), first)
    assert.equal(await verdictOf([[first, undefined]]), undefined)
    assert.equal(
      await verdictOf([['checkpoints/2026/2026-01-01T00Z.tsr', files.get(first)]]),
      'checkpoints/2026/2026-01-01T00Z.tsr',
    )
  })

  test('are there once, also where the journal is opened again within the hour', async (t) => {
    const place = await makePlace(t)
    await stamped(place)
    const clock = new FakeClock()
    clock.ms += HOUR
    const journal = await openTestJournal(place, { now: clock.now, stamp })
    await journal.append([numbered(4)])
    await journal.publish()
    clock.ms += HOUR
    await journal.append([numbered(5)])
    await appended(journal, place, 3)
    await journal.close()
    const names = await readdir(join(place.directory, 'checkpoints/2026'))
    const kept = names.filter((name) => name.endsWith('Z'))
    assert.equal(kept.length, 3)
    assert.deepEqual(names.toSorted(), kept.flatMap((name) => [name, `${name}.tsr`]).toSorted())
    assert.equal((await verifyJournal(place.directory)).verdict, 'self_consistent')
  })

  test('that cannot be had hold nothing up, and are tried for again', async (t) => {
    const place = await makePlace(t)
    const errors: unknown[] = []
    let isAway = true
    const journal = await openTestJournal(place, {
      stamp: (checkpoint) => (isAway ? Promise.reject(new Error('away')) : stamp(checkpoint)),
      onStampError: (error) => errors.push(error),
    })
    await journal.append([numbered(1)])
    await journal.publish()
    isAway = false
    await appended(journal, place, 1)
    assert.ok(errors.length > 0)
    await journal.close()
    const name =
      (await readdir(join(place.directory, 'checkpoints/2026'))).find((file) => file.endsWith('.tsr')) ?? ''
    assert.ok((await readFile(join(place.directory, 'checkpoints/2026', name))).length > 500)
  })
})
