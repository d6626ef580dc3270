import assert from 'node:assert/strict'
import { cp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { nodeDisk } from '../../../journal/disk.ts'
import { findOutstanding } from '../../../journal/retention/apply.ts'
import { planErase, planRetention } from '../../../journal/retention/plan.ts'
import { listSegments } from '../../../journal/segments.ts'
import { verifyJournal, type VerifyReport } from '../../../journal/verify.ts'
import type { ProbeResult } from '../../../model/observation.ts'
import { killedAfter, startFollowed, type Followed } from './support.ts'

const HOUR = 3_600_000
const BASIS = { by: 'vigil', reason: 'policy' }

/** Five hours, a segment each. */
async function fiveHours(f: Followed): Promise<number> {
  const start = f.clock.ms
  for (let hour = 0; hour < 5; hour++) {
    await f.grow(4)
    await f.journal.finishSegment()
    f.clock.ms += HOUR
  }
  return start
}

async function prune(f: Followed, before: number): Promise<void> {
  const { removed } = await f.journal.retain({
    plan: () => planRetention(nodeDisk, f.directory, { ...BASIS, before, kinds: [] }),
    outstanding: () => findOutstanding(nodeDisk, f.directory),
  })
  assert.ok(removed.segments > 0)
}

async function erase(f: Followed, entry: number): Promise<void> {
  await f.journal.retain({
    plan: () => planErase(nodeDisk, f.directory, { entry, n: 0 }, BASIS),
    outstanding: () => findOutstanding(nodeDisk, f.directory),
  })
}

async function mirrored(f: Followed): Promise<VerifyReport> {
  const report = await verifyJournal(f.mirrorDirectory, { trust: await f.trust() })
  assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
  assert.equal(report.size, f.journal.checkpoint.size)
  return report
}

const saidBy = ({ observation: { outcome, error } }: ProbeResult) =>
  error === undefined ? outcome : `${error.code}: ${error.message}`

test('a mirror keeps what was pruned or erased since, and goes on', async (t) => {
  const f = await startFollowed(t)
  const start = await fiveHours(f)
  assert.equal(saidBy(await f.look()), 'success')
  await prune(f, start + 2 * HOUR)
  await erase(f, 10)
  await f.grow(3)
  assert.equal(saidBy(await f.look()), 'success')
  await f.reopenMirror()
  await f.grow(3)
  assert.equal(saidBy(await f.look()), 'success')
  const { retention, notes } = await mirrored(f)
  assert.deepEqual([retention.pruned, retention.erased, retention.records.length], [0, 0, 2])
  assert.match(notes.join(), /recorded as pruned are still there.*recorded as erased are still there/)
})

test('a new mirror of a pruned journal begins with what is left; what is not there is accounted for', async (t) => {
  const f = await startFollowed(t)
  const start = await fiveHours(f)
  await prune(f, start + 2 * HOUR)
  await erase(f, 10)
  await f.grow(3)
  assert.equal(saidBy(await f.look()), 'success')
  const { retention } = await mirrored(f)
  assert.deepEqual([retention.pruned > 4, retention.erased], [true, 1])
  assert.deepEqual(
    (await listSegments(nodeDisk, f.mirrorDirectory)).sealed,
    (await listSegments(nodeDisk, f.directory)).sealed,
  )
  await f.reopenMirror()
  f.clock.ms += HOUR
  await f.grow(3)
  assert.equal(saidBy(await f.look()), 'success')
  await mirrored(f)
})

test('a record that was erased while the mirror had part of its segment is no contradiction', async (t) => {
  const f = await startFollowed(t)
  await f.grow(4)
  assert.equal(saidBy(await f.look()), 'success')
  await erase(f, 2)
  await f.grow(3)
  assert.equal(saidBy(await f.look()), 'success')
  assert.equal((await mirrored(f)).retention.erased, 1)
})

test('a journal that was pruned before it was fetched is explained, and a mirror that is made anew goes on', async (t) => {
  const f = await startFollowed(t)
  await f.grow(2)
  await f.journal.finishSegment()
  assert.equal(saidBy(await f.look()), 'success')
  const start = await fiveHours(f)
  await prune(f, start + 2 * HOUR)
  const size = (await verifyJournal(f.mirrorDirectory)).size
  assert.match(
    saidBy(await f.look()),
    /^journal_pruned: .*pruned it before it was fetched, or lost it.*move it away/,
  )
  // What it has stays evidence.
  const old = await verifyJournal(f.mirrorDirectory, { trust: await f.trust() })
  assert.deepEqual([old.verdict, old.size], ['authenticated', size])
  await f.closeMirror()
  await cp(f.mirrorDirectory, `${f.mirrorDirectory}.until`, { recursive: true })
  await rm(f.mirrorDirectory, { recursive: true })
  assert.equal(saidBy(await f.look()), 'success')
  await mirrored(f)
})

test('segments that are gone without a record are not passed over', async (t) => {
  const f = await startFollowed(t)
  await fiveHours(f)
  await rm(join(f.directory, 'segments/00000000.zst'))
  assert.match(
    saidBy(await f.look()),
    /^journal_pruned: expected the segments below 1, or a retention record/,
  )
  assert.equal(f.asked.includes('/checkpoint'), true)
  await assert.rejects(readFile(join(f.mirrorDirectory, 'checkpoint')), { code: 'ENOENT' })
})

test('a new mirror of a pruned journal that is killed at any write begins again', async (t) => {
  const f = await startFollowed(t)
  const start = await fiveHours(f)
  await prune(f, start + 2 * HOUR)
  let writes = 0
  for (; ; writes += 2) {
    await f.closeMirror()
    for (const ending of ['', '.incoming'])
      await rm(f.mirrorDirectory + ending, { recursive: true, force: true })
    await f.reopenMirror(killedAfter(writes))
    const isDone = await f.look().then(
      ({ observation }) => observation.outcome === 'success',
      () => false,
    )
    if (isDone) break
    await f.reopenMirror()
    assert.equal(saidBy(await f.look()), 'success', `after ${writes} writes`)
    await mirrored(f)
  }
  assert.ok(writes > 10, `${writes}`)
})
