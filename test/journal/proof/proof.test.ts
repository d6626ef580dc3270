import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { JournalError } from '../../../journal/error.ts'
import { nodeDisk } from '../../../journal/disk.ts'
import { parseVerifierKeys } from '../../../journal/note.ts'
import { formatProof, parseProof } from '../../../journal/proof/format.ts'
import { proveConsistency, proveRecord } from '../../../journal/proof/prove.ts'
import { verifyProof } from '../../../journal/proof/verify.ts'
import { FakeClock, makePlace, newPlace, numbered, openTestJournal, type Place } from '../support.ts'

/** More than a full tile on level 0 and one hash on level 1, and a partial tile after it. */
const ENTRIES = 300

async function vkeyOf(place: Place): Promise<string> {
  return await readFile(join(place.directory, 'vkey'), 'utf8')
}

const isJournalError = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof JournalError && error.code === code && message.test(error.message)

describe('a proof', () => {
  let place: Awaited<ReturnType<typeof newPlace>>
  let vkey: string
  /** Checkpoints by the size that they cover. */
  const checkpoints = new Map<number, string>()
  const checkpointOf = (size: number): string => checkpoints.get(size) ?? assert.fail()
  const prove = (entry: number, n = 0): Promise<string> =>
    proveRecord(nodeDisk, place.directory, { entry, n })

  before(async () => {
    place = await newPlace()
    const clock = new FakeClock()
    const journal = await openTestJournal(place, { now: clock.now })
    while (journal.size < ENTRIES) {
      clock.ms += 1000
      await journal.append([numbered(journal.size), numbered(-journal.size)])
      if (journal.size % 37 === 0 || journal.size === ENTRIES)
        checkpoints.set(journal.size, (await journal.publish()).text)
    }
    await journal.close()
    vkey = await vkeyOf(place)
  })
  after(() => place.remove())

  test('of any record holds, with nothing but the trusted key', async () => {
    for (const entry of [1, 36, 100, 255, 256, 298, ENTRIES - 1]) {
      const report = verifyProof(await prove(entry, 1), parseVerifierKeys(vkey))
      assert.equal(report.verdict, 'authenticated', report.fault?.expected)
      assert.equal(report.record?.id, `${report.origin}/${entry}/1`)
      assert.match(report.record.text, new RegExp(`"id":"action--${entry}"`))
      assert.equal(report.size, ENTRIES)
    }
    const first = verifyProof(await prove(0), parseVerifierKeys(vkey))
    assert.equal(first.record?.kind, 'epoch')
  })

  test('without a trusted key is only self-consistent; of another key it is broken', async (t) => {
    const proof = await prove(7)
    assert.equal(verifyProof(proof, undefined).verdict, 'self_consistent')
    const other = await makePlace(t)
    const clock = new FakeClock(Date.UTC(2026, 10, 23))
    await (await openTestJournal(other, { now: clock.now })).close()
    const report = verifyProof(proof, parseVerifierKeys(await vkeyOf(other)))
    assert.equal(report.verdict, 'broken')
    assert.match(report.fault?.expected ?? '', /^a checkpoint signed by /)
  })

  test('with any character changed is broken, or no proof at all', async () => {
    const proof = await prove(200, 1)
    const keys = parseVerifierKeys(vkey)
    for (let i = 0; i < proof.length; i++) {
      const other = proof[i] === 'A' ? 'B' : 'A'
      const changed = proof.slice(0, i) + other + proof.slice(i + 1)
      let verdict: string
      try {
        verdict = verifyProof(changed, keys).verdict
      } catch (error) {
        assert.ok(error instanceof JournalError && error.code === 'format', String(error))
        verdict = 'none'
      }
      assert.notEqual(
        verdict,
        'authenticated',
        `character ${i} of line ${proof.slice(0, i).split('\n').length}`,
      )
    }
  })

  test('of one record does not prove another', async () => {
    const keys = parseVerifierKeys(vkey)
    const [one, two] = [parseProof(await prove(10)), parseProof(await prove(11))]
    assert.ok(one.kind === 'inclusion' && two.kind === 'inclusion')
    assert.equal(verifyProof(formatProof({ ...one, extra: two.extra }), keys).verdict, 'broken')
    assert.equal(verifyProof(formatProof({ ...one, index: 11 }), keys).verdict, 'broken')
    const extra = Buffer.from(one.extra.toString().replace('"n":0', '"n":1'))
    assert.equal(verifyProof(formatProof({ ...one, extra }), keys).verdict, 'broken')
  })

  test('of what is not published, or not there, is refused', async (t) => {
    await assert.rejects(prove(ENTRIES), isJournalError('format', /published within a minute/))
    await assert.rejects(prove(5, 2), isJournalError('format', /expected record 2, got 2 records in entry 5/))
    const empty = await makePlace(t)
    await assert.rejects(proveRecord(nodeDisk, empty.directory, { entry: 0, n: 0 }), JournalError)
  })

  test('of consistency holds between any two checkpoints', async () => {
    const keys = parseVerifierKeys(vkey)
    for (const [size, earlier] of checkpoints) {
      const proof = await proveConsistency(nodeDisk, place.directory, earlier)
      const report = verifyProof(proof, keys)
      assert.equal(report.verdict, 'authenticated', JSON.stringify(report.fault))
      assert.deepEqual([report.earlier?.size, report.size], [size, ENTRIES])
      const parsed = parseProof(proof)
      assert.ok(parsed.kind === 'consistency')
      const other = checkpointOf(size === 37 ? 74 : 37)
      assert.equal(verifyProof(formatProof({ ...parsed, earlier: other }), keys).verdict, 'broken')
    }
  })

  test('of consistency is not to be had from a journal that is another, or was put back', async (t) => {
    const fork = await makePlace(t)
    const copy = async (path: string): Promise<void> =>
      await writeFile(join(fork.directory, path), await readFile(join(place.directory, path)))
    const journal = await openTestJournal(fork)
    await journal.append([numbered(1)])
    await journal.close()
    await assert.rejects(
      proveConsistency(nodeDisk, fork.directory, checkpointOf(37)),
      isJournalError('altered', /expected at least the 37 entries/),
    )
    await copy('checkpoint')
    await assert.rejects(
      proveConsistency(nodeDisk, fork.directory, checkpointOf(37)),
      isJournalError('altered', /tile/),
    )
    const foreign = checkpointOf(37).replace('vigil.test/', 'other.test/')
    await assert.rejects(
      proveConsistency(nodeDisk, place.directory, foreign),
      isJournalError('format', /expected a checkpoint of vigil.test/),
    )
  })

  test('as text is read back only as it is written', async () => {
    const proof = await prove(10)
    assert.equal(formatProof(parseProof(proof)), proof)
    for (const [from, to] of [
      ['index 10', 'index 010'],
      ['index 10', 'index -1'],
      ['index 10', 'index 99999999999999999999'],
      ['c2sp.org/tlog-proof@v1', 'c2sp.org/tlog-proof@v2'],
      ['\n\n', '\n'],
      ['index 10\n', `index 10\n${'AAAA\n'.repeat(70)}`],
    ] as const)
      assert.throws(() => parseProof(proof.replace(from, to)), isJournalError('format', /expected/))
  })
})
