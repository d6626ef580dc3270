import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test, type TestContext } from 'node:test'
import { backUp } from '../../../journal/backup.ts'
import { directoryTarget } from '../../../journal/backupDirectory.ts'
import { nodeDisk } from '../../../journal/disk.ts'
import { JournalError } from '../../../journal/error.ts'
import type { Journal } from '../../../journal/journal.ts'
import { openReader } from '../../../journal/reader.ts'
import { findOutstanding } from '../../../journal/retention/apply.ts'
import { planRetention, type RetentionRequest } from '../../../journal/retention/plan.ts'
import { outstandingInThread, planInThread } from '../../../journal/retention/thread.ts'
import { verifyJournal, type VerifyReport } from '../../../journal/verify.ts'
import { makePlace, numberOf, openTestJournal, readAll, type FakeClock, type Place } from '../support.ts'
import { DAY, fiveDays, observation, START } from './support.ts'

const REQUEST: RetentionRequest = {
  by: 'vigil',
  reason: 'policy',
  before: START + 2 * DAY,
  kinds: [{ kind: 'action', before: START + 4 * DAY }],
}

type TimedPlace = Place & { readonly clock: FakeClock }

async function verified(directory: string): Promise<VerifyReport> {
  const trust = await readFile(join(directory, 'vkey'), 'utf8')
  const report = await verifyJournal(directory, { trust })
  assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
  return report
}

const here = ({ directory }: Place) => ({
  plan: () => planRetention(nodeDisk, directory, REQUEST),
  outstanding: () => findOutstanding(nodeDisk, directory),
})

const inThread = ({ directory }: Place, signal = new AbortController().signal) => ({
  plan: async () => (await planInThread(directory, REQUEST, signal)).planned,
  outstanding: () => outstandingInThread(directory, signal),
})

const numbersIn = async (directory: string) =>
  (await readAll(await openReader(directory))).flatMap((record) => numberOf(record) ?? [])

async function running(t: TestContext): Promise<{ readonly place: TimedPlace; readonly journal: Journal }> {
  const place = await fiveDays(await makePlace(t))
  const journal = await openTestJournal(place, { now: place.clock.now })
  t.after(() => journal.close())
  return { place, journal }
}

test('a policy takes out old segments, and some kinds sooner, while records, readers, backups and verifiers are at work', async (t) => {
  const { place, journal } = await running(t)
  const { directory } = place
  const done = new AbortController()
  let written = 0
  const fresh = new Set<string>()
  const writer = (async () => {
    for (; !done.signal.aborted || written < 30; written++) {
      const bytes = written % 2 === 0 ? randomBytes(200) : Buffer.alloc(70_000, randomBytes(1))
      const record = await observation(journal, [bytes])
      if (record.kind === 'observation') for (const { digest } of record.body.artifacts) fresh.add(digest)
      await journal.append([record])
    }
  })()
  const work = async (each: (round: number) => Promise<unknown>): Promise<void> => {
    for (let round = 0; !done.signal.aborted; round++) await each(round)
  }
  const others = [
    work(() => verified(directory)),
    work(async () => {
      const records = await readAll(await openReader(directory))
      for (const [i, { position }] of records.entries())
        assert.ok(i === 0 || position.entry >= (records[i - 1]?.position.entry ?? 0))
    }),
    work(async (round) => {
      await backUp(directory, directoryTarget(`${directory}.${round}`))
      await verified(`${directory}.${round}`)
    }),
  ]
  const { removed } = await journal.retain(inThread(place))
  assert.deepEqual(removed, { segments: 2, records: 4, artifacts: 4 })
  done.abort()
  await Promise.all([writer, ...others])
  for (const digest of fresh) assert.ok(await journal.getArtifact(digest), digest)
  assert.deepEqual((await journal.retain(inThread(place))).records, [])
  await journal.close()
  const report = await verified(directory)
  assert.deepEqual([report.retention.pruned, report.retention.erased], [5, 4])
  assert.ok((report.records.observation ?? 0) >= 3 + written)
  assert.deepEqual(await numbersIn(directory), [4, 14])
})

test('an artifact that comes again while it is decided what goes, or while it goes, stays', async (t) => {
  const { place, journal } = await running(t)
  const [small, large] = [Buffer.from('small 0'), Buffer.alloc(70_000, 'large 0')]
  const work = here(place)
  const [early, late] = [[small], [large]]
  let pending: Promise<unknown> | undefined
  await journal.retain({
    plan: async () => {
      const planned = await work.plan()
      await observation(journal, early)
      return planned
    },
    outstanding: async () => {
      const found = await work.outstanding()
      // Put in time, and named by a record that comes when all is over.
      pending = observation(journal, late)
      return found
    },
  })
  await pending
  await journal.append([await observation(journal, [...early, ...late])])
  await journal.close()
  await verified(place.directory)
})

test('a disk that ends at any write leaves a journal that verifies, and the next run finishes', async (t) => {
  const place = await fiveDays(await makePlace(t))
  const saved = `${place.directory}.saved`
  await cp(place.directory, saved, { recursive: true })
  let changes = 0
  for (; ; changes++) {
    await rm(place.directory, { recursive: true })
    await cp(saved, place.directory, { recursive: true })
    let left = changes
    const count = (): void => {
      if (left-- <= 0) throw new Error('killed')
    }
    const journal = await openTestJournal(place, {
      now: place.clock.now,
      disk: {
        ...nodeDisk,
        replace: async (path, bytes) => {
          count()
          await nodeDisk.replace(path, bytes)
        },
        remove: async (path) => {
          count()
          await nodeDisk.remove(path)
        },
      },
    }).catch(() => undefined)
    const isDone = await journal?.retain(here(place)).then(
      () => true,
      () => false,
    )
    left = isDone === true ? Infinity : 0
    await journal?.close().catch(() => undefined)
    const before = await verified(place.directory)
    const again = await openTestJournal(place, { now: place.clock.now })
    await again.retain(here(place))
    await again.close()
    const report = await verified(place.directory)
    assert.deepEqual([report.retention.pruned, report.retention.erased, report.artifacts], [5, 4, 8])
    assert.deepEqual(
      report.notes.filter((note) => /still there/.test(note)),
      [],
      `after ${changes}`,
    )
    assert.ok(before.retention.pruned <= 5)
    if (isDone === true) break
  }
  assert.ok(changes > 8, `${changes}`)
})

test('a process that is killed while it takes out what is old loses nothing else', async (t) => {
  const place = await fiveDays(await makePlace(t))
  const saved = `${place.directory}.saved`
  await cp(place.directory, saved, { recursive: true })
  const program = fileURLToPath(new URL('./child.ts', import.meta.url))
  for (const wait of [0, 5, 20]) {
    await rm(place.directory, { recursive: true })
    await cp(saved, place.directory, { recursive: true })
    const child = spawn(
      process.execPath,
      [program, JSON.stringify({ ...place, now: place.clock.ms, request: REQUEST })],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    await once(child.stdout, 'data')
    const exited = once(child, 'exit')
    setTimeout(() => child.kill('SIGKILL'), wait)
    await exited
    await verified(place.directory)
    const again = await openTestJournal(place, { now: place.clock.now })
    await again.retain(here(place))
    await again.close()
    const { retention } = await verified(place.directory)
    assert.deepEqual([retention.pruned, retention.erased], [5, 4])
    assert.deepEqual(await numbersIn(place.directory), [4, 14])
  }
})

test('a run that is given up changes nothing, and says so', async (t) => {
  const { place, journal } = await running(t)
  const stop = new AbortController()
  const run = journal.retain(inThread(place, stop.signal))
  stop.abort()
  await assert.rejects(
    run,
    (error) => error instanceof JournalError && /vigil stops|aborted/.test(error.message),
  )
  await journal.close()
  assert.equal((await verified(place.directory)).retention.records.length, 0)
})
