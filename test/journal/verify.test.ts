import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { decodeFrames, encodeFrame, SEAL_MARK } from '../../journal/frame.ts'
import { JournalError } from '../../journal/error.ts'
import { verifyFiles, verifyJournal, type VerifyReport } from '../../journal/verify.ts'
import type { NewRecord } from '../../model/record.ts'
import {
  FakeClock,
  loadFiles,
  newPlace,
  makePlace,
  memorySource,
  numbered,
  openTestJournal,
  type Place,
} from './support.ts'

const HOUR = 3_600_000

/**
 * A small journal with a file of every kind: a sealed and a pending segment, two packs (one with its index), a large
 * artifact, partial tiles, two checkpoints in history, and a record after the checkpoint.
 */
async function makeJournal(place: Place): Promise<void> {
  const clock = new FakeClock()
  const journal = await openTestJournal(place, { now: clock.now })
  const artifact = async (bytes: Uint8Array, mediaType = 'application/pkix-crl') =>
    await journal.putArtifact({ mediaType, bytes })
  const observation = (artifacts: readonly Awaited<ReturnType<typeof artifact>>[]): NewRecord => ({
    kind: 'observation',
    time: '2026-11-22T06:44:00.000Z',
    body: {
      subject: 'ca_crl[issuing-1]',
      probe: 'crl',
      target: 'http://127.0.0.1/a.crl',
      vantage: 'default',
      start: '2026-11-22T06:44:00.000Z',
      duration: 12,
      outcome: 'success',
      facts: {},
      artifacts,
    },
  })
  const small = await artifact(Buffer.from('a small artifact'))
  const large = await artifact(Buffer.alloc(70_000, 'a large artifact '))
  await journal.append([
    observation([small, large]),
    observation([{ ...small, digest: 'f'.repeat(64), kept: false }]),
  ])
  clock.ms += HOUR
  await journal.append([numbered(1)])
  await journal.append([observation([await artifact(Buffer.from('another one'))])])
  await journal.publish()
  // The second pack begins when the first is full; here it is closed early by what a full one has: its index.
  await journal.close()
  const again = await openTestJournal(place, { now: clock.now })
  await again.append([numbered(2)])
  const files = await loadFiles(place.directory)
  await again.close()
  // Files as they are with an unpublished record at the end: a process that was killed.
  for (const path of (await loadFiles(place.directory)).keys()) await rm(join(place.directory, path))
  for (const [path, bytes] of files) await writeFile(join(place.directory, path), bytes)
}

describe('verification', () => {
  let files: Map<string, Buffer>
  let place: Awaited<ReturnType<typeof newPlace>>

  before(async () => {
    place = await newPlace()
    await makeJournal(place)
    files = await loadFiles(place.directory)
  })
  after(() => place.remove())

  const verifyChanged = async (
    changes: Record<string, Buffer | undefined>,
    trust?: string,
  ): Promise<VerifyReport> => {
    const changed = new Map(files)
    for (const [path, bytes] of Object.entries(changes)) {
      if (bytes === undefined) changed.delete(path)
      else changed.set(path, bytes)
    }
    return await verifyFiles(memorySource(changed), trust === undefined ? {} : { trust })
  }
  const fileAt = (path: string): Buffer =>
    files.get(path) ?? assert.fail(`no ${path} in ${[...files.keys()].join(' ')}`)

  test('of a whole journal: self-consistent, with what is in it', async () => {
    const report = await verifyJournal(place.directory)
    assert.equal(report.fault, undefined)
    assert.equal(report.verdict, 'self_consistent')
    assert.deepEqual(report.records, { epoch: 1, observation: 3, action: 2 })
    assert.deepEqual([report.size, report.published, report.artifacts], [5, 4, 3])
    assert.deepEqual([report.anchored, report.unanchored], [0, 5])
    assert.deepEqual(report.notes, ['1 entries after the signed checkpoint'])
  })

  test('with a trusted key: authenticated; with another key, or the same under another name: broken', async () => {
    const vkey = fileAt('vkey').toString()
    assert.equal((await verifyChanged({}, vkey)).verdict, 'authenticated')
    const other = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n'
    const report = await verifyChanged({}, other)
    assert.equal(report.verdict, 'broken')
    assert.equal(report.fault?.file, 'checkpoint')
    assert.equal((await verifyChanged({}, other + vkey)).verdict, 'authenticated')
    await assert.rejects(verifyChanged({}, ''), JournalError)
  })

  test('reports its progress up to the end', async () => {
    const seen: number[] = []
    let total = 0
    await verifyJournal(place.directory, {
      onProgress: (progress) => {
        seen.push(progress.done)
        total = progress.total
      },
    })
    assert.equal(seen.at(-1), total)
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    )
  })

  test('finds every single changed octet in every file', async () => {
    const kinds = [
      'checkpoint',
      'checkpoints/',
      'vkey',
      'tile/0/',
      'tile/entries/',
      'artifacts/packs/',
      'segments/00000000.zst',
      'segments/00000001.pending',
    ]
    for (const kind of kinds)
      assert.ok(
        [...files.keys()].some((path) => path.startsWith(kind)),
        kind,
      )
    assert.ok([...files.keys()].some((path) => /^artifacts\/[0-9a-f]{2}\//.test(path)))
    let checked = 0
    for (const [path, bytes] of files) {
      for (let at = 0; at < bytes.length; at++) {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
        const report = await verifyChanged({ [path]: changed })
        assert.equal(report.verdict, 'broken', `${path}: octet ${at} of ${bytes.length}`)
        checked++
      }
    }
    assert.ok(checked > 3000, `${checked} octets`)
  })

  test('finds every cut, and tells an unsealed end from it', async () => {
    for (const [path, bytes] of files) {
      if (bytes.length === 0) continue
      for (const end of new Set([0, 1, Math.floor(bytes.length / 2), bytes.length - 1])) {
        const report = await verifyChanged({ [path]: bytes.subarray(0, end) })
        // A record after the checkpoint has nothing that says it was there.
        if (path.endsWith('.pending') && report.verdict !== 'broken')
          assert.ok(report.published <= report.size)
        // Without its last mark, the last frame is still whole.
        else if (path.endsWith('.pack') && end === bytes.length - 1)
          assert.equal(report.verdict, 'self_consistent')
        else assert.equal(report.verdict, 'broken', `${path} cut at ${end}`)
      }
    }
  })

  test('finds every missing file', async () => {
    for (const path of files.keys()) {
      const report = await verifyChanged({ [path]: undefined })
      const spare = path === 'lock' || path.startsWith('checkpoints/') || /\.p\/[123]$/.test(path)
      assert.equal(report.verdict, spare ? 'self_consistent' : 'broken', path)
    }
  })

  test('finds files that do not belong there, and notes what was being written', async () => {
    for (const path of [
      'notes.txt',
      'segments/00000003.zst',
      'tile/0/001',
      'tile/1/000.p/1',
      'tile/0/000.p/9',
      'artifacts/packs/00000001.idx',
      'checkpoints/2026/today',
      'segments/x',
    ])
      assert.equal(
        (await verifyChanged({ [path]: Buffer.from('x') })).fault?.file.split('/')[0],
        path.split('/')[0],
        path,
      )
    assert.equal((await verifyChanged({ lock: Buffer.from('x') })).verdict, 'broken')
    const report = await verifyChanged({ 'checkpoint.tmp': Buffer.from('x') })
    assert.equal(report.verdict, 'self_consistent')
    assert.ok(report.notes.some((note) => note.startsWith('checkpoint.tmp')))
  })

  test('names the record that was altered, though everything else was made to fit', async () => {
    // Somebody rewrites the unpublished and published records in the pending segment, with right digests.
    const path = 'segments/00000001.pending'
    const { frames } = decodeFrames(fileAt(path))
    const forged = Buffer.concat(
      frames.flatMap((frame) => {
        const text = frame.payload.toString().replace('"outcome":"success"', '"outcome":"failure"')
        return [encodeFrame(frame.sequence, Buffer.from(text)), SEAL_MARK]
      }),
    )
    const report = await verifyChanged({ [path]: forged })
    assert.equal(report.verdict, 'broken')
    assert.equal(report.fault?.file, path)
    assert.equal(report.fault.location, 'entry 3, record 0')
    assert.match(report.fault.expected, /^digest [0-9a-f]{64}$/)
  })

  test('says what a crash left at the end, and nothing more', async () => {
    const path = 'segments/00000001.pending'
    const report = await verifyChanged({ [path]: Buffer.concat([fileAt(path), Buffer.from('VGLF\0\0')]) })
    assert.equal(report.verdict, 'self_consistent')
    assert.ok(report.notes.includes(`${path}: 6 octets of an unsealed frame at the end`))
  })

  test('finds a checkpoint that was put back to an older one', async () => {
    const [older, newer] = [...files.keys()].filter((path) => path.startsWith('checkpoints/'))
    assert.ok(older !== undefined && newer !== undefined)
    const report = await verifyChanged({ checkpoint: fileAt(older) })
    assert.deepEqual(
      [report.verdict, report.fault?.file, report.fault?.location],
      ['broken', 'checkpoint', 'size'],
    )
    assert.match(report.fault?.expected ?? '', new RegExp(newer))
  })

  test('finds what a checkpoint that somebody kept shows to be cut off or written anew', async (t) => {
    const known = (text: string): Promise<VerifyReport> =>
      verifyFiles(memorySource(files), { known: [{ name: 'kept', text }] })
    const [older] = [...files.keys()].filter((path) => path.startsWith('checkpoints/'))
    assert.equal((await known(fileAt(older ?? '').toString())).verdict, 'self_consistent')

    /** The same journal, gone on elsewhere. */
    const continued = async (...numbers: readonly number[]) => {
      const elsewhere = await makePlace(t)
      await cp(place.directory, elsewhere.directory, { recursive: true })
      for (const ending of ['', '.ml-dsa-44']) await cp(place.keyFile + ending, elsewhere.keyFile + ending)
      const journal = await openTestJournal(elsewhere, { now: new FakeClock().now })
      for (const number of numbers) await journal.append([numbered(number)])
      const { text } = await journal.publish()
      await journal.close()
      return { text, files: await loadFiles(elsewhere.directory) }
    }
    const one = await continued(7, 8)
    const two = await continued(9, 10)
    const cut = await known(one.text)
    assert.deepEqual([cut.verdict, cut.fault?.file, cut.fault?.location], ['broken', 'kept', 'size'])
    const forked = await verifyFiles(memorySource(two.files), { known: [{ name: 'kept', text: one.text }] })
    assert.deepEqual([forked.verdict, forked.fault?.file], ['broken', 'kept'])
    assert.match(forked.fault?.location ?? '', /^root at \d+ entries$/)
    assert.equal((await known(fileAt('checkpoint').toString().replace('\n4\n', '\n3\n'))).fault?.file, 'kept')
    assert.match((await known('nonsense')).fault?.expected ?? '', /a text, a blank line/)
  })

  test('finds no fault while a writer is at work', async (t) => {
    const busy = await makePlace(t)
    const clock = new FakeClock()
    const journal = await openTestJournal(busy, { now: clock.now })
    const state = { writing: true }
    const write = async (): Promise<void> => {
      for (let i = 0; i < 300; i++) {
        clock.ms += 100_000
        const bytes = Buffer.from(`artifact ${i} `.repeat(i % 20 === 0 ? 6000 : 1))
        const artifact = await journal.putArtifact({ mediaType: 'text/plain', bytes })
        const body = { by: 'test', product: '0', artifacts: [{ ...artifact, name: 'pack' }] }
        await journal.append([{ kind: 'configuration', time: numbered(0).time, body }])
        if (i % 2 === 0) await journal.publish()
      }
      state.writing = false
    }
    const written = write()
    let runs = 0
    for (; state.writing; runs++) {
      const report = await verifyJournal(busy.directory)
      assert.equal(report.fault, undefined)
    }
    await written
    await journal.close()
    assert.ok(runs > 3)
  })

  test('is not misled by names that lead elsewhere', async () => {
    const digest = randomBytes(32).toString('hex')
    const report = await verifyChanged({ [`artifacts/00/00/${digest}.zst`]: Buffer.from('x') })
    assert.equal(report.verdict, 'broken')
  })

  test('rejects when there is nothing to read', async () => {
    await assert.rejects(verifyJournal(join(place.directory, 'missing')))
    assert.equal((await verifyFiles(memorySource(new Map()))).verdict, 'broken')
  })

  test('takes the key from the directory only to see whether things fit', async () => {
    const vkey = (await readFile(join(place.directory, 'vkey'), 'utf8')).trimEnd()
    assert.equal((await verifyChanged({ vkey: Buffer.from(`${vkey}\n\n`) })).verdict, 'broken')
    assert.equal((await verifyChanged({ vkey: Buffer.from(vkey) })).verdict, 'broken')
  })
})
