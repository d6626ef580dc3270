import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { exportPeriod } from '../../../journal/archive/export.ts'
import type { Filters } from '../../../journal/archive/format.ts'
import { verifyArchive, type ArchiveReport } from '../../../journal/archive/verify.ts'
import { sha256 } from '../../../journal/digest.ts'
import { nodeDisk } from '../../../journal/disk.ts'
import { JournalError } from '../../../journal/error.ts'
import { leafHash } from '../../../journal/tree.ts'
import { toTimestamp } from '../../../model/time.ts'
import { FakeClock, makePlace, newPlace, numbered, observed, openTestJournal } from '../support.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 10, 22, 6)
/** More than one line of an archive holds. */
const LARGE = 1024 * 1024 + 5

async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  // In pieces that end in the middle of lines.
  for (let at = 0; at < bytes.length; at += 1000) yield await Promise.resolve(bytes.subarray(at, at + 1000))
}

/** The archive with other lines, and an end that fits them: what somebody writes who knows the format. */
function rewritten(archive: Buffer, change: (lines: string[]) => void): Buffer {
  const lines = archive.toString().trimEnd().split('\n').slice(0, -1)
  change(lines)
  const text = `${lines.join('\n')}\n`
  return Buffer.from(`${text}end ${sha256(Buffer.from(text)).toString('hex')}\n`)
}

describe('a period archive', () => {
  let place: Awaited<ReturnType<typeof newPlace>>
  let vkey: string
  /** Of the hours 2 to 5, in which there are the entries 5 to 10. */
  const period: Filters = {
    from: toTimestamp(START + 2 * HOUR),
    to: toTimestamp(START + 5 * HOUR),
    kinds: [],
    subject: null,
  }
  let archive: Buffer

  const exported = async (filters: Partial<Filters> = {}): Promise<Buffer> => {
    const out = join(place.directory, '..', 'archive')
    await exportPeriod(nodeDisk, place.directory, { ...period, ...filters }, out)
    return await readFile(out)
  }
  const verify = (bytes: Buffer, trust: string | undefined = vkey): Promise<ArchiveReport> =>
    verifyArchive(chunksOf(bytes), { trust })
  const faultOf = async (bytes: Buffer): Promise<string> => {
    const { verdict, fault } = await verify(bytes)
    assert.equal(verdict, 'broken')
    return `${fault?.location ?? ''}: expected ${fault?.expected ?? ''}, got ${fault?.got ?? ''}`
  }

  before(async () => {
    place = await newPlace()
    const clock = new FakeClock(START)
    const journal = await openTestJournal(place, { now: clock.now })
    // Entry 0 is the epoch's; every hour has two, and a checkpoint that is kept.
    for (let hour = 0; hour < 8; hour++) {
      clock.ms = START + hour * HOUR + 60_000
      const artifact = { mediaType: 'application/pkix-crl', bytes: Buffer.from(`CRL of hour ${hour}`) }
      const crl = await journal.putArtifact(artifact)
      const large = { mediaType: 'text/plain', bytes: Buffer.alloc(hour === 3 ? LARGE : 0, 'large') }
      const refs = hour === 3 ? [crl, await journal.putArtifact(large)] : [crl]
      await journal.append([observed(`ca_crl[issuing-${hour % 2}]`, refs, START), numbered(hour)])
      await journal.append([numbered(-hour)])
      await journal.publish()
    }
    await journal.close()
    vkey = await readFile(join(place.directory, 'vkey'), 'utf8')
    archive = await exported()
  })
  after(() => place.remove())

  test('holds everything of the period, with the entries around it and what encloses it', async () => {
    const report = await verify(archive)
    assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
    assert.deepEqual(report.period?.entries, { first: 5, end: 11 })
    assert.deepEqual(report.period.records, {
      total: 9,
      withheld: 0,
      erased: 0,
      kinds: { action: 6, observation: 3 },
    })
    assert.equal(report.period.times?.first, toTimestamp(START + 2 * HOUR + 60_000))
    assert.deepEqual(report.period.artifacts, { count: 4, octets: LARGE + 3 * 'CRL of hour 2'.length })
    // The checkpoint that was kept in the hour after, not the newest one.
    assert.deepEqual([report.size, report.earlier], [13, 5])
    assert.deepEqual(report.notes, [])
    assert.equal((await verifyArchive(chunksOf(archive))).verdict, 'self_consistent')
  })

  test('of another journal than the trusted one is broken', async (t) => {
    const other = await makePlace(t)
    await (await openTestJournal(other)).close()
    const trust = await readFile(join(other.directory, 'vkey'), 'utf8')
    const { verdict, fault } = await verify(archive, trust)
    assert.deepEqual([verdict, fault?.location], ['broken', 'line 2, checkpoint'])
    await assert.rejects(verify(archive, ''), JournalError)
  })

  test('with filters holds the records chosen; the others are counted, and there as digests', async () => {
    const findings = await verify(await exported({ kinds: ['observation'], subject: 'ca_crl[issuing-1]' }))
    assert.equal(findings.verdict, 'authenticated')
    assert.deepEqual(findings.period?.records, {
      total: 9,
      withheld: 8,
      erased: 0,
      kinds: { observation: 1 },
    })
    assert.equal(findings.period.artifacts.count, 2)
    const none = await verify(await exported({ subject: 'ca_crl[other]' }))
    assert.equal(none.period?.records.withheld, 9)
  })

  test('of a time without records, before the log or after it, shows that there are none', async () => {
    const at = (ms: number) => toTimestamp(START + ms)
    const between = await verify(await exported({ from: at(2.5 * HOUR), to: at(2.6 * HOUR) }))
    assert.deepEqual([between.verdict, between.period?.entries], ['authenticated', { first: 7, end: 7 }])
    const before = await verify(await exported({ from: at(-2 * HOUR), to: at(-HOUR) }))
    assert.deepEqual(before.period?.entries, { first: 0, end: 0 })
    const past = await verify(await exported({ from: at(20 * HOUR), to: at(21 * HOUR) }))
    assert.deepEqual(past.period?.entries, { first: 17, end: 17 })
    assert.match(past.notes.join(), /nothing shows that no later one belongs to it/)
    const whole = await verify(await exported({ from: at(-HOUR), to: at(21 * HOUR) }))
    assert.deepEqual([whole.verdict, whole.period?.records.total], ['authenticated', 25])
  })

  test('says where a clock was put back', async (t) => {
    const other = await makePlace(t)
    const clock = new FakeClock(START + HOUR)
    const journal = await openTestJournal(other, { now: clock.now })
    for (const ms of [2 * HOUR, HOUR / 2, 3 * HOUR]) {
      clock.ms = START + ms
      await journal.append([numbered(1)])
    }
    await journal.close()
    const out = `${other.directory}.archive`
    const filters = { ...period, from: toTimestamp(START + 1.5 * HOUR) }
    const { period: shown, notes } = await exportPeriod(nodeDisk, other.directory, filters, out)
    assert.deepEqual(shown?.entries, { first: 1, end: 4 })
    assert.equal(shown.records.total, 2)
    assert.match(notes[0] ?? '', /put back before entry 2/)
  })

  test('names the record, entry or artifact that is missing, altered or in another place', async () => {
    const place = (lines: string[], pattern: RegExp): number => {
      const at = lines.findIndex((line) => pattern.test(line))
      return at === -1 ? assert.fail() : at
    }
    const cases: readonly [change: (lines: string[]) => void, fault: RegExp][] = [
      [
        (l) => l.splice(place(l, /^record 0 /), 1),
        /^line 5, entry 5, record 1: expected record 0, got record 1/,
      ],
      [(l) => l.splice(place(l, /^record 1 /), 1), /^line 5, entry 5: expected record 1 of 2, got none/],
      [(l) => l.splice(place(l, /^entry 6 /), 2), /expected entry 6, got entry 7/],
      [(l) => l.splice(place(l, /^entry 4 /), 1), /expected entry 4, got entry 5/],
      [(l) => l.splice(place(l, /^entry 11 /), 1), /expected entry 11, got artifact/],
      [
        (l) => {
          const [from, to] = [place(l, /^entry 6 /), place(l, /^entry 7 /)]
          l.splice(from, 0, ...l.splice(to, 3))
        },
        /expected entry 6, got entry 7/,
      ],
      [
        (l) => {
          const at = place(l, /^record 1 /)
          l.splice(at - 1, 2, l[at] ?? '', l[at - 1] ?? '')
        },
        /entry 5, record 1: expected record 0/,
      ],
      [
        (l) =>
          l.splice(
            place(l, /issuing-1.*crl/),
            1,
            l[place(l, /issuing-1.*crl/)]?.replace('issuing-1', 'issuing-2') ?? '',
          ),
        /entry 7, record 0: expected digest/,
      ],
      [
        (l) =>
          l.splice(place(l, /^entry 8 /), 1, l[place(l, /^entry 8 /)]?.replace('entry 8 ', 'entry 9 ') ?? ''),
        /expected entry 8, got entry 9/,
      ],
      [(l) => l.splice(place(l, /^artifact /), 2), /expected artifact .* 13, got artifact/],
      [(l) => l.splice(place(l, /^piece .{2000}/), 1), /octet 0: expected 1048576 octets, got 5/],
      [
        (l) => {
          const at = place(l, /^artifact /)
          l[at + 1] = `piece ${Buffer.from('CRL of hour 9').toString('base64')}`
        },
        /artifact [0-9a-f]{64}: expected octets with that digest/,
      ],
      [(l) => l.push(l.at(-1) ?? ''), /expected end/],
      [
        (l) => (l[1] = l[1]?.replace('"total":9', '"total":8') ?? ''),
        /^line 2, records: expected .*"total":9/,
      ],
      [(l) => (l[1] = l[1]?.replace('"withheld":0', '"withheld":1') ?? ''), /^line 2, records/],
      [(l) => (l[1] = l[1]?.replace('"action":6', '"action":5') ?? ''), /^line 2, records/],
      [(l) => (l[1] = l[1]?.replace('"count":4', '"count":3') ?? ''), /^line 2, artifacts/],
      [(l) => (l[1] = l[1]?.replace('"end":11', '"end":10') ?? ''), /^line 2, shown/],
      [(l) => (l[1] = l[1]?.replace('"kinds":[]', '"kinds":["action"]') ?? ''), /filters choose/],
      // A period that reaches further than what is shown.
      [
        (l) => (l[1] = l[1]?.replace(period.to, toTimestamp(START + 6 * HOUR)) ?? ''),
        /entry 11: expected an entry outside/,
      ],
      [
        (l) => (l[1] = l[1]?.replace(period.from, toTimestamp(START)) ?? ''),
        /entry 4: expected an entry outside/,
      ],
      [(l) => l.splice(-1, 1), /octet 0: expected a piece of it, got end /],
    ]
    for (const [change, expected] of cases) assert.match(await faultOf(rewritten(archive, change)), expected)
  })

  test('with an entry that was made anew, records and hash and all, does not give the signed root', async () => {
    const other = rewritten(archive, (lines) => {
      const at = lines.findIndex((line) => line.startsWith('entry 6 '))
      const octets = Buffer.from(lines[at]?.split(' ')[3] ?? '', 'base64')
      octets[28] = 9
      lines[at] = `entry 6 ${leafHash(octets).toString('hex')} ${octets.toString('base64')}`
    })
    assert.match(await faultOf(other), /^entries 4 to 11: expected the signed root/)
  })

  test('cut at any line, or with any octet of a small one changed, is broken', async () => {
    const lines = archive.toString().split('\n')
    for (let count = 1; count < lines.length - 1; count++)
      await faultOf(Buffer.from(`${lines.slice(0, count).join('\n')}\n`))
    const small = await exported({ from: toTimestamp(START + 7 * HOUR), kinds: ['observation'] })
    for (let at = 0; at < small.length; at++) {
      const changed = Buffer.from(small)
      changed[at] = (changed[at] ?? 0) ^ 1
      const { verdict } = await verifyArchive(chunksOf(changed))
      assert.equal(verdict, 'broken', `octet ${at}: ${small.toString('latin1', at - 20, at + 20)}`)
    }
  })

  test('is not read without end: a line may be so long', async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from('pki-vigil/period-archive@v1\nmanifest ')
      for (;;) yield await Promise.resolve(Buffer.alloc(65_536, ' '))
    }
    const { fault } = await verifyArchive(endless())
    assert.match(fault?.got ?? '', /^more than \d+ octets$/)
  })

  test('of a journal that was altered is not written', async (t) => {
    const other = await makePlace(t)
    const journal = await openTestJournal(other)
    await journal.append([numbered(1)])
    await journal.close()
    const bundle = join(other.directory, 'tile/entries/000.p/2')
    const octets = await readFile(bundle)
    octets[octets.length - 1] = (octets.at(-1) ?? 0) ^ 1
    await writeFile(bundle, octets)
    const out = `${other.directory}.archive`
    const filters = { ...period, from: toTimestamp(0), to: toTimestamp(START + 100 * HOUR) }
    await assert.rejects(exportPeriod(nodeDisk, other.directory, filters, out), JournalError)
    await assert.rejects(readFile(out))
  })
})
