import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { JournalError, type JournalErrorCode } from '../../journal/error.ts'
import { openReader } from '../../journal/reader.ts'
import { verifyJournal } from '../../journal/verify.ts'
import type { SealedRecord } from '../../model/record.ts'
import {
  FakeClock,
  listFiles,
  makePlace,
  numbered,
  numberOf,
  openTestJournal,
  ORIGIN,
  readAll,
} from './support.ts'

const isCode = (code: JournalErrorCode) => (error: unknown) =>
  error instanceof JournalError && error.code === code
const HOUR = 3_600_000

async function expectSound(directory: string): Promise<void> {
  const report = await verifyJournal(directory)
  assert.equal(report.verdict, 'self_consistent', JSON.stringify(report.fault))
}

describe('journal', () => {
  test('begins with an epoch record, a key, a verifier key and a checkpoint', async (t) => {
    const place = await makePlace(t)
    const clock = new FakeClock()
    const journal = await openTestJournal(place, { now: clock.now })
    assert.equal(journal.epoch, Math.floor(clock.ms / 1000))
    assert.equal(journal.checkpoint.size, 1)
    const [first] = await readAll(journal)
    assert.ok(first !== undefined)
    assert.equal(first.id, `${ORIGIN}/${journal.epoch}/0/0`)
    assert.deepEqual(first.body, { reason: 'new', previous: null })
    assert.equal((await stat(place.keyFile)).mode & 0o777, 0o600)
    await journal.close()
    const vkey = await readFile(join(place.directory, 'vkey'), 'utf8')
    assert.ok(vkey.startsWith(`${ORIGIN}/${journal.epoch}+`))
    assert.equal((await verifyJournal(place.directory, { trust: vkey })).verdict, 'authenticated')
  })

  test('acknowledges records in order with their place, and reads the same back', async (t) => {
    const place = await makePlace(t)
    const clock = new FakeClock()
    const journal = await openTestJournal(place, { now: clock.now })
    const sealed = await journal.append([numbered(1, 5), numbered(2)])
    assert.deepEqual(
      sealed.map((r) => [r.id, r.position, r.recorded, r.time]),
      [
        [
          `${ORIGIN}/${journal.epoch}/1/0`,
          { entry: 1, n: 0 },
          '2026-11-22T06:44:00.000Z',
          '1970-01-01T00:00:00.005Z',
        ],
        [
          `${ORIGIN}/${journal.epoch}/1/1`,
          { entry: 1, n: 1 },
          '2026-11-22T06:44:00.000Z',
          '1970-01-01T00:00:00.000Z',
        ],
      ],
    )
    assert.deepEqual((await readAll(journal)).slice(1), sealed)
    await journal.close()
  })

  test('continues the same epoch after it was closed', async (t) => {
    const place = await makePlace(t)
    const clock = new FakeClock()
    const first = await openTestJournal(place, { now: clock.now })
    await first.append([numbered(1)])
    await first.close()
    clock.ms += HOUR
    const second = await openTestJournal(place, { now: clock.now })
    assert.equal(second.epoch, first.epoch)
    assert.equal(second.size, 2)
    await second.append([numbered(2)])
    assert.deepEqual((await readAll(second)).map(numberOf), [undefined, 1, 2])
    await second.close()
    await expectSound(place.directory)
  })

  test('seals what came in together as one entry', async (t) => {
    const journal = await openTestJournal(await makePlace(t))
    const batches = await Promise.all([
      journal.append([numbered(1)]),
      journal.append([numbered(2), numbered(3)]),
    ])
    assert.deepEqual(
      batches.flat().map((r) => r.position),
      [
        { entry: 1, n: 0 },
        { entry: 1, n: 1 },
        { entry: 1, n: 2 },
      ],
    )
    await journal.close()
  })

  test('waits for the seal interval, and not for a full entry', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const opening = openTestJournal(await makePlace(t), { sealInterval: 1000 })
    const journal = await opening
    const one = journal.append([numbered(1)])
    const many = journal.append(Array.from({ length: 1023 }, (_, i) => numbered(i)))
    assert.equal((await many).length, 1023)
    await one
    let sealed = false
    const late = journal.append([numbered(2)]).then(() => (sealed = true))
    t.mock.timers.tick(999)
    await new Promise(setImmediate)
    assert.equal(sealed, false)
    t.mock.timers.tick(1)
    await late
    await journal.close()
  })

  test('cuts what does not fit one entry, in order', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    const sealed = await journal.append(Array.from({ length: 2100 }, (_, i) => numbered(i)))
    assert.deepEqual(
      sealed.map(numberOf),
      Array.from({ length: 2100 }, (_, i) => i),
    )
    assert.deepEqual([...new Set(sealed.map((r) => r.position.entry))], [1, 2, 3])
    const large = { ...numbered(0), body: { ...numbered(0).body, detail: 'x'.repeat(1_000_000) } } as const
    const big = await journal.append([large, large, large, large, large, large] as Parameters<
      typeof journal.append
    >[0])
    assert.deepEqual(
      big.map((r) => r.position.entry),
      [4, 4, 4, 4, 5, 5],
    )
    await journal.close()
    await expectSound(place.directory)
  })

  test('refuses records that are too large or not JSON, and goes on', async (t) => {
    const journal = await openTestJournal(await makePlace(t))
    const record = numbered(1)
    const bad = (detail: string) => ({ ...record, body: { ...record.body, detail } }) as typeof record
    await assert.rejects(journal.append([bad('x'.repeat(1024 * 1024))]), isCode('invalid_record'))
    await assert.rejects(journal.append([bad('\ud800')]), isCode('invalid_record'))
    await assert.rejects(journal.append([{ ...record, time: 'yesterday' }]), isCode('invalid_record'))
    assert.deepEqual(await journal.append([]), [])
    await journal.append([record])
    assert.equal(journal.size, 2)
    await journal.close()
  })

  test('reads from any position', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    await journal.append([numbered(1), numbered(2), numbered(3)])
    await journal.append([numbered(4)])
    const reader = await openReader(place.directory)
    for (const source of [journal, reader]) {
      assert.deepEqual((await readAll(source, { entry: 1, n: 0 })).map(numberOf), [2, 3, 4])
      assert.deepEqual((await readAll(source, { entry: 1, n: 2 })).map(numberOf), [4])
      assert.deepEqual((await readAll(source, { entry: 2, n: 0 })).map(numberOf), [])
    }
    await journal.close()
  })

  test('compresses the pending segment after an hour, and reads across segments', async (t) => {
    const place = await makePlace(t)
    const clock = new FakeClock()
    const journal = await openTestJournal(place, { now: clock.now })
    for (let i = 1; i <= 6; i++) {
      await journal.append([numbered(i)])
      clock.ms += HOUR / 2
    }
    await journal.append([numbered(7)])
    const reader = await openReader(place.directory)
    for (const source of [journal, reader]) {
      assert.deepEqual((await readAll(source)).map(numberOf), [undefined, 1, 2, 3, 4, 5, 6, 7])
      for (let entry = 0; entry < 7; entry++)
        assert.equal((await readAll(source, { entry, n: 0 }))[0]?.position.entry, entry + 1)
    }
    await journal.close()
    const segments = (await listFiles(place.directory)).filter((f) => f.startsWith('segments/'))
    assert.deepEqual(segments, [
      'segments/00000000.zst',
      'segments/00000001.zst',
      'segments/00000002.pending',
    ])
    await expectSound(place.directory)
    const again = await openTestJournal(place, { now: clock.now })
    assert.deepEqual((await readAll(again)).map(numberOf), [undefined, 1, 2, 3, 4, 5, 6, 7])
    await again.close()
  })

  test('follows: first what is sealed, then what is being sealed, each record once', async (t) => {
    const journal = await openTestJournal(await makePlace(t))
    for (let i = 1; i <= 100; i++) await journal.append([numbered(i)])
    const stop = new AbortController()
    const seen: (number | undefined)[] = []
    for await (const batch of journal.follow({ entry: 0, n: 0 }, stop.signal)) {
      seen.push(...batch.map(numberOf))
      if (seen.length < 150) void journal.append([numbered(seen.length + 100)])
      if (seen.length >= 200) stop.abort()
    }
    const order = seen.slice(0, 200)
    assert.equal(new Set(order).size, 200)
    assert.deepEqual(
      order.slice(0, 100),
      Array.from({ length: 100 }, (_, i) => i + 1),
    )
    await journal.close()
  })

  test('follow ends when aborted while waiting, and when the journal closes', async (t) => {
    const journal = await openTestJournal(await makePlace(t))
    const drain = async (signal: AbortSignal): Promise<SealedRecord[]> => {
      const records: SealedRecord[] = []
      for await (const batch of journal.follow(undefined, signal)) records.push(...batch)
      return records
    }
    const stop = new AbortController()
    const aborted = drain(stop.signal)
    const closed = drain(new AbortController().signal)
    await new Promise(setImmediate)
    stop.abort()
    assert.equal((await aborted).length, 1)
    await journal.append([numbered(1)])
    await journal.close()
    assert.equal((await closed).length, 2)
  })

  test('publishes on demand only what is new, with all tiles that the checkpoint needs', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    const before = await journal.publish()
    assert.equal(await journal.publish(), before)
    const appended = journal.append([numbered(1)])
    const after = await journal.publish()
    assert.equal(after.size, 2)
    await appended
    assert.equal(await readFile(join(place.directory, 'checkpoint'), 'utf8'), after.text)
    assert.deepEqual(
      (await listFiles(place.directory)).filter((f) => f.startsWith('tile/')),
      ['tile/0/000.p/1', 'tile/0/000.p/2', 'tile/entries/000.p/1', 'tile/entries/000.p/2'],
    )
    await journal.close()
  })

  test('publishes by itself after the publish interval', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const place = await makePlace(t)
    const published = Promise.withResolvers<undefined>()
    const journal = await openTestJournal(place, { publishInterval: 60_000 })
    const appended = journal.append([numbered(1)])
    t.mock.timers.tick(0)
    await appended
    await new Promise(setImmediate)
    t.mock.timers.tick(60_000)
    const poll = async (): Promise<void> => {
      while (journal.checkpoint.size < 2) await new Promise(setImmediate)
      published.resolve(undefined)
    }
    void poll()
    await published.promise
    await journal.close()
  })

  test('keeps partial tiles until the full tile is there, and then removes them', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    const appendUpTo = async (size: number) => {
      while (journal.size < size) await journal.append([numbered(journal.size)])
    }
    const tiles = async () => (await listFiles(place.directory)).filter((f) => f.startsWith('tile/0/'))
    await appendUpTo(255)
    await journal.publish()
    assert.deepEqual(await tiles(), ['tile/0/000.p/1', 'tile/0/000.p/255'])
    await appendUpTo(260)
    await journal.publish()
    assert.deepEqual(await tiles(), ['tile/0/000', 'tile/0/001.p/4'])
    await expectSound(place.directory)
    await journal.close()
    const again = await openTestJournal(place)
    await again.append([numbered(0)])
    await again.close()
    assert.deepEqual(await tiles(), ['tile/0/000', 'tile/0/001.p/4', 'tile/0/001.p/5'])
    await expectSound(place.directory)
  })

  test('keeps the first checkpoint of each hour, also when the clock is set back', async (t) => {
    const place = await makePlace(t)
    const clock = new FakeClock()
    const journal = await openTestJournal(place, { now: clock.now })
    for (const step of [1000, HOUR, HOUR, -3 * HOUR, 1000, 5 * HOUR]) {
      clock.ms += step
      await journal.append([numbered(1)])
      await journal.publish()
    }
    await journal.close()
    assert.deepEqual(
      (await listFiles(place.directory)).filter((f) => f.startsWith('checkpoints/')),
      [
        'checkpoints/2026/2026-11-22T06Z',
        'checkpoints/2026/2026-11-22T07Z',
        'checkpoints/2026/2026-11-22T08Z',
        'checkpoints/2026/2026-11-22T10Z',
      ],
    )
    await expectSound(place.directory)
  })

  test('names the checkpoint of the epoch before when it is begun after a loss', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place, { start: { reason: 'loss', previous: 'x\n1\n' } })
    assert.deepEqual((await readAll(journal))[0]?.body, { reason: 'loss', previous: 'x\n1\n' })
    await journal.close()
  })

  test('acknowledges nothing once somebody has removed its files, and puts no others in their place', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    await journal.append([numbered(1)])
    const segments = join(place.directory, 'segments')
    const [pending = assert.fail()] = await readdir(segments)
    await rm(join(segments, pending))
    for (const attempt of [2, 3])
      await assert.rejects(journal.append([numbered(attempt)]), {
        code: 'storage',
        message: /the file was removed while it was written/,
      })
    assert.equal(journal.state, 'failing')
    assert.deepEqual(await readdir(segments), [])
    await journal.close().catch(() => undefined)
    await assert.rejects(openTestJournal(place), isCode('altered'))
  })

  test('does nothing more once closed', async (t) => {
    const journal = await openTestJournal(await makePlace(t))
    const waiting = journal.append([numbered(1)])
    await Promise.all([journal.close(), journal.close()])
    assert.equal((await waiting).length, 1)
    assert.equal(journal.state, 'closed')
    await assert.rejects(journal.append([numbered(2)]), isCode('closed'))
    await assert.rejects(journal.publish(), isCode('closed'))
  })
})

describe('opening a journal is refused', () => {
  async function closedJournal(t: TestContext) {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    await journal.append([numbered(1)])
    await journal.close()
    return place
  }

  test('while another has it open', async (t) => {
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    await assert.rejects(openTestJournal(place), isCode('locked'))
    await verifyJournal(place.directory)
    await assert.rejects(openTestJournal(place), isCode('locked'), 'verifying must not release the lock')
    await journal.close()
    await (await openTestJournal(place)).close()
  })

  test('for another origin', async (t) => {
    const place = await closedJournal(t)
    await assert.rejects(openTestJournal(place, { origin: 'other.test' }), isCode('origin'))
  })

  test('with another key, a key of another kind, or a key in the directory', async (t) => {
    const { directory, keyFile } = await closedJournal(t)
    await (await openTestJournal({ directory: `${directory}-2`, keyFile: `${keyFile}.other` })).close()
    await assert.rejects(openTestJournal({ directory, keyFile: `${keyFile}.other` }), isCode('key'))
    await assert.rejects(openTestJournal({ directory, keyFile: join(directory, 'key.pem') }), isCode('key'))
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await writeFile(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }))
    await assert.rejects(openTestJournal({ directory, keyFile }), isCode('key'))
    await writeFile(keyFile, 'no key')
    await assert.rejects(openTestJournal({ directory, keyFile }), isCode('key'))
  })

  test('without its key, and none is made in its place', async (t) => {
    const { directory, keyFile } = await closedJournal(t)
    const missing = `${keyFile}.gone`
    await assert.rejects(openTestJournal({ directory, keyFile: missing }), {
      code: 'key',
      message: `${missing}: expected the key of the journal ${directory}, got no file`,
    })
    assert.equal(existsSync(missing), false)
  })

  test('where something else is', async (t) => {
    const place = await makePlace(t)
    await mkdir(place.directory)
    await writeFile(join(place.directory, 'photo.jpg'), '')
    await assert.rejects(openTestJournal(place), isCode('format'))
    await assert.rejects(openReader(place.directory), isCode('format'))
  })

  test('and the lock is free again after each refusal', async (t) => {
    const place = await closedJournal(t)
    await assert.rejects(openTestJournal(place, { origin: 'other.test' }))
    await (await openTestJournal(place)).close()
  })
})
