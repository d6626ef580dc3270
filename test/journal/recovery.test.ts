import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { decodeFrames } from '../../journal/frame.ts'
import { JournalError } from '../../journal/error.ts'
import { filesOf, makeBench, open, restore, verify, type Bench, type Files } from './bench.ts'
import { numbered, numberOf, readAll } from './support.ts'

const PENDING = 'segments/00000000.pending'
const HOUR = 3_600_000

/** A journal as kill -9 leaves it: records 1 to 3 published, 4 and 5 not. */
async function killed(t: TestContext): Promise<{ bench: Bench; files: Files }> {
  const bench = await makeBench(t)
  const journal = await open(bench)
  for (let i = 1; i <= 3; i++) await journal.append([numbered(i)])
  await journal.publish()
  for (let i = 4; i <= 5; i++) await journal.append([numbered(i)])
  const files = filesOf(bench)
  await journal.close()
  return { bench, files }
}

async function reopenedNumbers(bench: Bench): Promise<(number | undefined)[]> {
  const journal = await open(bench)
  const numbers = (await readAll(journal)).map(numberOf)
  await journal.append([numbered(99)])
  await journal.close()
  const report = await verify(bench)
  assert.equal(report.fault, undefined)
  return numbers
}

const isAltered = (error: unknown) => error instanceof JournalError && error.code === 'altered'

describe('recovery', () => {
  test('after kill -9 keeps everything that was acknowledged', async (t) => {
    const { bench, files } = await killed(t)
    restore(bench, files)
    assert.deepEqual(await reopenedNumbers(bench), [undefined, 1, 2, 3, 4, 5])
  })

  test('cuts a torn last frame at whatever octet it ends, and keeps the frames before it', async (t) => {
    const { bench, files } = await killed(t)
    const pending = files.get(PENDING) ?? assert.fail()
    const last = decodeFrames(pending).frames.at(-1) ?? assert.fail()
    for (let end = last.start; end < pending.length; end++) {
      restore(bench, new Map([...files, [PENDING, pending.subarray(0, end)]]))
      const journal = await open(bench)
      const kept = end < last.end ? [undefined, 1, 2, 3, 4] : [undefined, 1, 2, 3, 4, 5]
      assert.deepEqual((await readAll(journal)).map(numberOf), kept, `cut at ${end}`)
      await journal.close()
    }
    assert.deepEqual((await verify(bench)).notes, [])
  })

  test('cuts a last frame whose end was lost to zeros', async (t) => {
    const { bench, files } = await killed(t)
    const pending = files.get(PENDING) ?? assert.fail()
    const last = decodeFrames(pending).frames.at(-1) ?? assert.fail()
    for (let from = last.start; from < last.end; from += 7) {
      const bytes = Buffer.from(pending)
      bytes.fill(0, from)
      restore(bench, new Map([...files, [PENDING, bytes]]))
      const journal = await open(bench)
      assert.deepEqual((await readAll(journal)).map(numberOf), [undefined, 1, 2, 3, 4], `zeros from ${from}`)
      await journal.close()
    }
  })

  test('writes the next records where the torn ones were, also when they are shorter', async (t) => {
    const { bench } = await killed(t)
    const journal = await open(bench)
    await journal.append(Array.from({ length: 50 }, (_, i) => numbered(i)))
    const files = filesOf(bench)
    await journal.close()
    const pending = files.get(PENDING) ?? assert.fail()
    restore(bench, new Map([...files, [PENDING, pending.subarray(0, pending.length - 60)]]))
    assert.deepEqual(await reopenedNumbers(bench), [undefined, 1, 2, 3, 4, 5])
    assert.deepEqual(await reopenedNumbers(bench), [undefined, 1, 2, 3, 4, 5, 99])
  })

  test('removes a pending segment that was compressed but not yet removed, if it holds the same', async (t) => {
    const bench = await makeBench(t)
    const journal = await open(bench)
    await journal.append([numbered(1)])
    const early = filesOf(bench)
    bench.clock.ms += HOUR
    let last: Files = new Map()
    bench.disk.before = (operation, path) => {
      if (operation === 'remove' && path.endsWith(PENDING)) last = filesOf(bench)
    }
    await journal.append([numbered(2)])
    await journal.close()
    assert.ok(last.has('segments/00000000.zst') && last.has(PENDING))

    restore(bench, last)
    assert.ok((await verify(bench)).notes.some((note) => note.includes(PENDING)))
    assert.deepEqual(await reopenedNumbers(bench), [undefined, 1, 2])
    assert.ok(!filesOf(bench).has(PENDING))

    restore(bench, new Map([...last, [PENDING, early.get(PENDING) ?? assert.fail()]]))
    assert.equal((await verify(bench)).fault?.file, PENDING)
    await assert.rejects(open(bench), isAltered)
  })

  test('rebuilds what was sealed but not published, across segments and full tiles', async (t) => {
    const bench = await makeBench(t)
    const { clock } = bench
    const journal = await open(bench)
    for (let i = 1; i < 300; i++) await journal.append([numbered(i)])
    await journal.publish()
    for (let i = 300; i < 600; i++) {
      if (i % 90 === 0) clock.ms += HOUR
      await journal.append([numbered(i)])
    }
    const files = filesOf(bench)
    await journal.close()
    assert.ok([...files.keys()].filter((f) => f.endsWith('.zst')).length > 2)
    const expected = Array.from({ length: 599 }, (_, i) => i + 1)
    restore(bench, files)
    assert.deepEqual((await reopenedNumbers(bench)).slice(1), expected)

    // The same, had the process died before it wrote the full tiles.
    const checkpointed = new Map([...files].filter(([path]) => !/^tile\/(0|entries)\/001$/.test(path)))
    restore(bench, checkpointed)
    assert.deepEqual((await reopenedNumbers(bench)).slice(1), expected)
  })

  test('opens where the full tile is there, its partial ones gone, and the checkpoint still of the partial', async (t) => {
    const bench = await makeBench(t)
    const journal = await open(bench)
    for (let i = 1; i < 250; i++) await journal.append([numbered(i)])
    await journal.publish()
    bench.clock.ms += HOUR
    for (let i = 250; i < 260; i++) await journal.append([numbered(i)])
    const files = filesOf(bench)
    await journal.close()
    assert.ok(files.has('tile/0/000') && !files.has('tile/0/000.p/250'))
    restore(bench, files)
    assert.equal((await verify(bench)).fault, undefined)
    assert.equal((await reopenedNumbers(bench)).length, 260)
  })

  test('begins anew where a crash came before anything was sealed', async (t) => {
    const { bench, files } = await killed(t)
    restore(bench, new Map([['vkey', files.get('vkey') ?? assert.fail()]]))
    assert.deepEqual(await reopenedNumbers(bench), [undefined])
    restore(bench, new Map([['vkey.tmp', Buffer.from('x')]]))
    assert.deepEqual(await reopenedNumbers(bench), [undefined])
  })

  test('removes what was being written when the crash came', async (t) => {
    const { bench, files } = await killed(t)
    const temporary = [
      'checkpoint.tmp',
      'segments/00000000.zst.tmp',
      'tile/0/000.p/6.tmp',
      'tile/entries/000.p/6.tmp',
      'artifacts/packs/00000000.idx.tmp',
    ]
    restore(bench, new Map([...files, ...temporary.map((path) => [path, Buffer.from('x')] as const)]))
    await reopenedNumbers(bench)
    assert.deepEqual((await verify(bench)).notes, [])
  })
})

describe('opening is refused when', () => {
  const cases: readonly (readonly [string, (files: Map<string, Buffer>) => void])[] = [
    [
      'a sealed octet of the pending segment was changed',
      (files) => void ((files.get(PENDING) ?? Buffer.of())[100]! ^= 1),
    ],
    [
      'the published checkpoint has another signature',
      (files) => {
        // Another letter of base64, so that it is still a signature line.
        const note = files.get('checkpoint') ?? Buffer.of()
        note.write(note[150] === 0x41 ? 'B' : 'A', 150)
      },
    ],
    [
      'a published tile was changed',
      (files) => void ((files.get('tile/entries/000.p/4') ?? Buffer.of())[40]! ^= 1),
    ],
    ['published records are missing', (files) => void files.delete(PENDING)],
    [
      'the pending segment ends before the checkpoint',
      (files) => {
        const pending = files.get(PENDING) ?? Buffer.of()
        files.set(PENDING, pending.subarray(0, decodeFrames(pending).frames[2]?.start))
      },
    ],
  ]
  for (const [name, change] of cases)
    test(name, async (t) => {
      const { bench, files } = await killed(t)
      change(files)
      restore(bench, files)
      if (name.includes('tile')) {
        // The pending segment has everything, so the tile is not needed to open; the verifier finds it.
        await (await open(bench)).close()
        const report = await verify(bench)
        assert.equal(report.fault?.file, 'tile/entries/000.p/4')
        return
      }
      await assert.rejects(open(bench), isAltered)
      const report = await verify(bench)
      assert.equal(report.verdict, 'broken')
    })

  test('the right edge of the tree was changed after its segment was compressed', async (t) => {
    const bench = await makeBench(t)
    const { clock } = bench
    const journal = await open(bench)
    await journal.append([numbered(1)])
    clock.ms += HOUR
    await journal.append([numbered(2)])
    await journal.close()
    const files = filesOf(bench)
    for (const path of ['tile/0/000.p/3', 'tile/entries/000.p/3']) {
      const changed = Buffer.from(files.get(path) ?? assert.fail(path))
      changed[10] = (changed[10] ?? 0) ^ 4
      restore(bench, new Map([...files, [path, changed]]))
      await assert.rejects(open(bench), isAltered, path)
    }
    restore(bench, files)
    await (await open(bench)).close()
  })
})
