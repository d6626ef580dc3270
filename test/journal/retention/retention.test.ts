import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { exportPeriod } from '../../../journal/archive/export.ts'
import { verifyArchive } from '../../../journal/archive/verify.ts'
import { encodeBlock } from '../../../journal/block.ts'
import { nodeDisk } from '../../../journal/disk.ts'
import { JournalError } from '../../../journal/error.ts'
import type { JournalOptions } from '../../../journal/journal.ts'
import { proveRecord } from '../../../journal/proof/prove.ts'
import { openReader } from '../../../journal/reader.ts'
import { planErase, planPrune, type PruneRequest } from '../../../journal/retention/plan.ts'
import { retain } from '../../../journal/retention/retain.ts'
import type { Retained } from '../../../journal/retention/takeOut.ts'
import { encodeSealed } from '../../../journal/sealedFile.ts'
import { listSegments, readSealedSegment, readTrailer, segmentPath } from '../../../journal/segments.ts'
import { verifyFiles, verifyJournal, type VerifyReport } from '../../../journal/verify.ts'
import type { NewRecord, Retention, SealedRecord } from '../../../model/record.ts'
import { toTimestamp } from '../../../model/time.ts'
import {
  type FakeClock,
  listFiles,
  loadFiles,
  makePlace,
  memorySource,
  numberOf,
  openTestJournal,
  ORIGIN,
  readAll,
  type Place,
} from '../support.ts'
import { DAY, fiveDays, observation, START } from './support.ts'

const BASIS = { by: 'auditor@host', reason: 'policy' }

const makeJournal = async (t: TestContext) => fiveDays(await makePlace(t))

const optionsOf = (place: Place & { readonly clock: FakeClock }): JournalOptions => ({
  directory: place.directory,
  keyFile: place.keyFile,
  origin: ORIGIN,
  now: place.clock.now,
  random: randomBytes,
  sealInterval: 0,
})

const prune = (
  place: Place & { readonly clock: FakeClock },
  request: Partial<PruneRequest> = {},
): Promise<Retained> =>
  retain(optionsOf(place), () =>
    planPrune(nodeDisk, place.directory, { ...BASIS, before: START + 2 * DAY, kinds: [], ...request }),
  )

const erase = (place: Place & { readonly clock: FakeClock }, entry: number, n: number): Promise<Retained> =>
  retain(optionsOf(place), () => planErase(nodeDisk, place.directory, { entry, n }, BASIS))

const note = (place: Place & { readonly clock: FakeClock }, retention: Retention): Promise<Retained> =>
  retain(optionsOf(place), () => Promise.resolve([retention]))

async function verified(directory: string): Promise<VerifyReport> {
  const trust = await readFile(join(directory, 'vkey'), 'utf8')
  const report = await verifyJournal(directory, { trust })
  assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
  return report
}

/** Puts empty lines in the place of records, as whoever can write the files could. */
async function blank(directory: string, segment: number, entry: number, n: number): Promise<void> {
  const trailer = await readTrailer(nodeDisk, directory, segment)
  const blocks = (await readSealedSegment(nodeDisk, directory, segment)).map((block) => ({
    entry: block.entry,
    records: block.records.map((record, i) => (block.entry === entry && i === n ? Buffer.alloc(0) : record)),
  }))
  const content = Buffer.concat(blocks.map(encodeBlock))
  const file = join(directory, segmentPath(segment, 'zst'))
  await writeFile(file, await encodeSealed('segment', trailer, content))
}

describe('pruning', () => {
  test('removes the oldest segments and what only they name; the log stays whole, and goes on', async (t) => {
    const place = await makeJournal(t)
    const { records, removed } = await prune(place)
    assert.deepEqual(removed, { segments: 2, records: 0, artifacts: 4 })
    assert.equal(records[0]?.kind, 'retention')
    const report = await verified(place.directory)
    assert.deepEqual([report.retention.pruned, report.retention.erased, report.artifacts], [5, 0, 8])
    assert.deepEqual(
      report.retention.records.map(({ action, by, reason, segments }) => ({ action, by, reason, segments })),
      [{ action: 'prune', ...BASIS, segments: 2 }],
    )
    const reader = await openReader(place.directory)
    const left = (await readAll(reader)).map(numberOf).filter((n) => n !== undefined && !Number.isNaN(n))
    assert.deepEqual(left, [2, 12, 3, 13, 4, 14])
    assert.equal((await readAll(reader, { entry: 1, n: 0 })).length, (await readAll(reader)).length)
    await assert.rejects(
      proveRecord(nodeDisk, place.directory, { entry: 1, n: 0 }),
      /got one that was pruned by auditor@host: policy/,
    )
    await proveRecord(nodeDisk, place.directory, { entry: 5, n: 0 })

    const journal = await openTestJournal(place, { now: place.clock.now })
    await journal.append([
      await observation(journal, [Buffer.from('small 0'), Buffer.alloc(70_000, 'large 0')]),
    ])
    const read = journal.follow(undefined, AbortSignal.timeout(10_000))
    const first = await read[Symbol.asyncIterator]().next()
    assert.equal(first.done === true ? undefined : first.value[0]?.position.entry, 5)
    await journal.close()
    assert.equal((await verified(place.directory)).artifacts, 10)
    // What was named again since is not removed again.
    assert.deepEqual((await prune(place)).removed, { segments: 0, records: 0, artifacts: 0 })
    await verified(place.directory)
    assert.deepEqual((await prune(place, { before: START + 4 * DAY })).removed.segments, 2)
    assert.equal((await verified(place.directory)).retention.pruned, 9)
  })

  test('by kind erases records wherever they stand, and keeps what the rest is read by', async (t) => {
    const place = await makeJournal(t)
    const { removed } = await prune(place, { kinds: ['action'], before: START + 3 * DAY })
    assert.deepEqual(removed, { segments: 0, records: 6, artifacts: 0 })
    const report = await verified(place.directory)
    assert.deepEqual([report.retention.erased, report.records.action, report.records.epoch], [6, 4, 1])
    assert.deepEqual((await prune(place, { kinds: ['observation'], before: START + DAY })).removed, {
      segments: 0,
      records: 1,
      artifacts: 2,
    })
    await verified(place.directory)
  })

  test('of a rotated journal keeps what says which key was in force', async (t) => {
    const place = await makeJournal(t)
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const next = { ...place, keyFile: `${place.keyFile}.next` }
    await writeFile(next.keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }) as string)
    await copyFile(`${place.keyFile}.ml-dsa-44`, `${next.keyFile}.ml-dsa-44`)
    await rotate(place, publicKey)
    place.clock.ms += DAY
    const journal = await openTestJournal(next, { now: place.clock.now })
    await journal.finishSegment()
    await journal.close()
    // First the newest segment holds the handing over; then it is pruned, and then what said so.
    for (const days of [6, 7, 8]) {
      await prune(next, { before: START + days * DAY })
      place.clock.ms += DAY
      await note(next, { action: 'hold', ...BASIS, from: toTimestamp(0), to: toTimestamp(1) })
      const report = await verified(place.directory)
      assert.equal(report.records.key, days === 6 ? 1 : undefined)
    }
  })

  test('stops at a legal hold, until that is released', async (t) => {
    const place = await makeJournal(t)
    const period = { from: toTimestamp(START + DAY), to: toTimestamp(START + 2 * DAY) }
    const { records } = await note(place, { action: 'hold', ...BASIS, ...period })
    assert.equal((await prune(place, { before: START + 4 * DAY })).removed.segments, 1)
    assert.equal((await prune(place, { kinds: ['action'], before: START + 3 * DAY })).removed.records, 2)
    await assert.rejects(
      erase(place, 3, 1),
      (error) => error instanceof JournalError && error.code === 'held' && /legal hold/.test(error.message),
    )
    await note(place, { action: 'release', ...BASIS, hold: records[0]?.id ?? '' })
    assert.equal((await prune(place, { before: START + 4 * DAY })).removed.segments, 3)
    await verified(place.directory)
  })

  test('that was recorded and then interrupted is finished by the next call', async (t) => {
    const place = await makeJournal(t)
    const bodies = await planPrune(nodeDisk, place.directory, {
      ...BASIS,
      before: START + 2 * DAY,
      kinds: [],
    })
    const journal = await openTestJournal(place, { now: place.clock.now })
    await journal.append(bodies.map((body) => ({ kind: 'retention', time: toTimestamp(START), body })))
    await journal.finishSegment()
    await journal.close()
    assert.match((await verified(place.directory)).notes.join(), /2 recorded as pruned are still there/)
    await rm(join(place.directory, segmentPath(0, 'zst')))
    assert.match((await verified(place.directory)).notes.join(), /1 recorded as pruned are still there/)
    const { removed } = await prune(place)
    assert.deepEqual(removed, { segments: 1, records: 0, artifacts: 4 })
    assert.deepEqual((await verified(place.directory)).notes, [])
  })

  test('is refused while a writer is at work', async (t) => {
    const place = await makeJournal(t)
    const journal = await openTestJournal(place, { now: place.clock.now })
    await assert.rejects(prune(place), (error) => error instanceof JournalError && error.code === 'locked')
    await journal.close()
  })
})

describe('erasing a record', () => {
  test('leaves an empty line, the digest in the log, and the reason', async (t) => {
    const place = await makeJournal(t)
    const secret = Buffer.from('"id":"action-1"')
    const { removed } = await erase(place, 3, 1)
    assert.deepEqual(removed, { segments: 0, records: 1, artifacts: 0 })
    const report = await verified(place.directory)
    assert.equal(report.retention.erased, 1)
    const records = await readAll(await openReader(place.directory))
    assert.equal(
      records.some((record) => numberOf(record) === 1),
      false,
    )
    assert.ok(records.some(({ position }) => position.entry === 3 && position.n === 0))
    for (const block of await readSealedSegment(nodeDisk, place.directory, 1))
      assert.ok(block.records.every((record) => !record.includes(secret)))
    await assert.rejects(
      proveRecord(nodeDisk, place.directory, { entry: 3, n: 1 }),
      /got one that was erased by .*: .*says so; backups, mirrors/,
    )
    await assert.rejects(erase(place, 3, 1), /none, or one that is gone/)
    await assert.rejects(erase(place, 0, 0), /expected a record of kind .*, got epoch/)
    assert.deepEqual((await erase(place, 3, 0)).removed, { segments: 0, records: 1, artifacts: 2 })
    await verified(place.directory)
  })

  test('shows in an archive of the period, with proof', async (t) => {
    const place = await makeJournal(t)
    await erase(place, 3, 1)
    const out = `${place.directory}.archive`
    const filters = {
      from: toTimestamp(START + DAY),
      to: toTimestamp(START + 2 * DAY),
      kinds: [],
      subject: null,
    }
    await exportPeriod(nodeDisk, place.directory, filters, out)
    const trust = await readFile(join(place.directory, 'vkey'), 'utf8')
    const verify = (text: string) => verifyArchive(one(Buffer.from(text)), { trust })
    const text = await readFile(out, 'utf8')
    const report = await verify(text)
    assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
    assert.deepEqual([report.period?.records.erased, report.period?.records.withheld], [1, 0])
    const { fault } = await verify(text.replace('record 0 ', 'erased 0 '))
    assert.match(fault?.location ?? '', /entry 3, record 0$/)
    const [erased = ''] = /^erased 1 .*$/m.exec(text) ?? []
    const moved = text.replace(/^record 0 .*$/m, erased.replace('erased 1', 'erased 0'))
    assert.match((await verify(moved)).fault?.expected ?? '', /a retention record that says it was erased/)

    const { records } = await prune(place, { before: START + 2 * DAY })
    assert.equal(records.length, 1)
    const refused = await exportPeriod(
      nodeDisk,
      place.directory,
      { ...filters, from: toTimestamp(START) },
      out,
    ).then(
      () => '',
      (error: unknown) => String(error),
    )
    // The last of the days that are gone is named, nothing is left behind, and what is asked for then is there.
    const [, possible = ''] =
      /a period from (2026-01-02T\S+) on.*whose segment was pruned/.exec(refused) ?? []
    assert.notEqual(possible, '', refused)
    assert.ok(!(await nodeDisk.list(dirname(out))).some((name) => name.endsWith('.tmp')))
    const left = { ...filters, from: possible, to: toTimestamp(START + 5 * DAY) }
    assert.equal((await exportPeriod(nodeDisk, place.directory, left, out)).fault, undefined)
  })
})

test('any removal that no record names is found', async (t) => {
  const place = await makeJournal(t)
  await prune(place, { before: START + DAY })
  await erase(place, 3, 1)
  const { directory } = place
  await verified(directory)
  const files = await loadFiles(directory)
  const without = new Map(files)
  for (const path of await listFiles(directory)) {
    // Kept checkpoints, tiles that a larger one replaced, and what can be made again may be missing.
    if (!/^(?:segments|artifacts|checkpoint$|vkey$)/.test(path) || path.endsWith('.idx')) continue
    without.delete(path)
    const { verdict } = await verifyFiles(memorySource(without))
    assert.equal(verdict, 'broken', path)
    without.set(path, files.get(path) ?? assert.fail())
  }
  let count = 0
  for (const segment of (await listSegments(nodeDisk, directory)).sealed)
    for (const { entry, records } of await readSealedSegment(nodeDisk, directory, segment))
      for (const [n, record] of records.entries()) {
        if (record.length === 0) continue
        await blank(directory, segment, entry, n)
        const { verdict, fault } = await verifyJournal(directory)
        assert.equal(verdict, 'broken', `entry ${entry}, record ${n}`)
        assert.ok(fault !== undefined)
        const path = segmentPath(segment, 'zst')
        await writeFile(join(directory, path), files.get(path) ?? assert.fail())
        count++
      }
  assert.ok(count > 10)
  await verified(directory)
})

async function rotate(place: Place & { readonly clock: FakeClock }, next: KeyObject): Promise<void> {
  const journal = await openTestJournal(place, { now: place.clock.now })
  await journal.rotateKeys([next], 'auditor@host')
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes)
}

const verdict = (rule: string, state: 'pass' | 'fail', day: number): NewRecord => ({
  kind: 'decision',
  time: toTimestamp(START + day * DAY),
  body: {
    ...{ rule, state, pack: 'own', subject: 'ca_crl[a]', severity: 'warning', summary: `${state} ${day}` },
    ...{ since: toTimestamp(START + day * DAY), facts: {}, parameters: {}, evidence: [] },
  },
})

test('a verdict that holds is not gone with its record; one that holds no longer is, and one that is erased', async (t) => {
  const place = await fiveDays(await makePlace(t))
  place.clock.ms = START + 6 * DAY
  const write = async (records: readonly NewRecord[]): Promise<void> => {
    const journal = await openTestJournal(place, { now: place.clock.now })
    await journal.append(records)
    await journal.finishSegment()
    await journal.close()
  }
  await write([verdict('one', 'fail', 1), verdict('two', 'fail', 1), verdict('three', 'fail', 1)])
  place.clock.ms += DAY
  await write([verdict('two', 'pass', 2)])
  place.clock.ms += DAY
  const decisions = async (): Promise<readonly SealedRecord[]> =>
    (await readAll(await openReader(place.directory))).filter(({ kind }) => kind === 'decision')
  const [, , third] = await decisions()
  await erase(place, third?.position.entry ?? 0, third?.position.n ?? 0)
  const told = async (): Promise<readonly string[]> =>
    (await decisions()).map((d) => (d.kind === 'decision' ? `${d.body.rule} ${d.body.summary}` : ''))
  assert.deepEqual(await told(), ['one fail 1', 'two fail 1', 'two pass 2'])
  const request = { ...BASIS, before: START + 6.5 * DAY, kinds: ['decision' as const] }
  for (let round = 0; round < 2; round++) {
    await retain(optionsOf(place), () => planPrune(nodeDisk, place.directory, request), 'verdicts')
    assert.deepEqual(await told(), ['two pass 2', 'one fail 1'])
  }
  const everything = { ...BASIS, before: place.clock.ms + DAY, kinds: [] }
  await retain(optionsOf(place), () => planPrune(nodeDisk, place.directory, everything), 'verdicts')
  assert.deepEqual((await told()).toSorted(), ['one fail 1', 'two pass 2'])
  const report = await verified(place.directory)
  assert.ok(report.retention.pruned > 0)
})
