import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeDisk } from '../../journal/disk.ts'
import { parseVerifierKeys } from '../../journal/note.ts'
import { proveRecord } from '../../journal/proof/prove.ts'
import { needs } from '../support/needs.ts'
import { FakeClock, makePlace, numbered, openTestJournal } from './support.ts'

const run = promisify(execFile)
const SOURCE = fileURLToPath(new URL('./peer/', import.meta.url))

/** A second implementation: Go's own transparency log client (golang.org/x/mod/sumdb), given nothing but the directory. */
describe('a Go client of tiled logs', needs('go'), () => {
  let work: string
  let unavailable: string | undefined

  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'vigil-peer-'))
    try {
      await run('go', ['mod', 'download'], { cwd: SOURCE })
    } catch (error) {
      unavailable = `Go cannot get golang.org/x/mod here: ${String(error).slice(0, 200)}`
      if (process.env['VIGIL_REQUIRE'] === 'all') throw error
      return
    }
    await run('go', ['build', '-o', join(work, 'peer'), '.'], { cwd: SOURCE })
  })
  after(() => rm(work, { recursive: true, force: true }))

  for (const size of [1, 2, 255, 256, 257, 600])
    test(`verifies signature, root, entries and proofs of ${size} entries`, async (t) => {
      if (unavailable !== undefined) {
        t.skip(unavailable)
        return
      }
      const place = await makePlace(t)
      const clock = new FakeClock()
      const journal = await openTestJournal(place, { now: clock.now })
      while (journal.size < size) {
        clock.ms += 60_000
        await journal.append([numbered(journal.size)])
      }
      const { origin, root } = await journal.publish()
      await journal.close()
      const args = [place.directory, join(place.directory, 'vkey'), String(Math.floor(size / 2))]
      const { stdout } = await run(join(work, 'peer'), args)
      const vkey = await readFile(join(place.directory, 'vkey'), 'utf8')
      const [log, postQuantum] = parseVerifierKeys(vkey).map(({ id }) => id)
      const history = await readdir(join(place.directory, 'checkpoints/2026'))
      // Those of each hour have both signatures, the newest the first.
      const ids = [...history.map(() => `${log} ${postQuantum}`), log].join(' ')
      assert.equal(stdout, `${ids} ${origin} ${size} ${root} ${size}\n`)

      const proof = join(place.directory, '..', 'record.tlog-proof')
      await writeFile(proof, await proveRecord(nodeDisk, place.directory, { entry: size - 1, n: 0 }))
      const checked = await run(join(work, 'peer'), ['proof', proof, join(place.directory, 'vkey')])
      assert.match(checked.stdout, size === 1 ? /"kind":"epoch"/ : new RegExp(`"id":"action-${size - 1}"`))
    })

  test('refuses a directory in which a tile was changed', async (t) => {
    if (unavailable !== undefined) {
      t.skip(unavailable)
      return
    }
    const place = await makePlace(t)
    const journal = await openTestJournal(place)
    await journal.append([numbered(1)])
    await journal.close()
    const tile = join(place.directory, 'tile/entries/000.p/2')
    const bytes = await readFile(tile)
    bytes[20] = (bytes[20] ?? 0) ^ 1
    await writeFile(tile, bytes)
    const args = [place.directory, join(place.directory, 'vkey'), '0']
    await assert.rejects(run(join(work, 'peer'), args), /does not hash to its leaf/)
  })
})
