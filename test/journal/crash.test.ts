import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { verifyJournal } from '../../journal/verify.ts'
import { makePlace, numberOf, openTestJournal, readAll, seeded } from './support.ts'

/** Deaths; VIGIL_KILLS asks for more. */
const KILLS = Number(process.env['VIGIL_KILLS'] ?? 10)
const CHILD = fileURLToPath(new URL('./crashChild.ts', import.meta.url))

describe('kill -9', () => {
  test(`at ${KILLS} moments loses nothing that was acknowledged, and repeats nothing`, async (t) => {
    const place = await makePlace(t)
    const acknowledged = new Set<number>()
    let next = 1
    let killed = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const random = seeded(kill)
      const operations = 1 + Math.floor(random() * 150)
      const args = [CHILD, place.directory, place.keyFile, next, operations].map(String)
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      const [output, [, signal]] = await Promise.all([
        text(child.stdout),
        once(child, 'exit') as Promise<[number, string]>,
      ])
      assert.equal(signal, 'SIGKILL')
      killed++
      for (const number of output.split(/\s+/).filter((word) => word !== '')) acknowledged.add(Number(number))

      const before = await verifyJournal(place.directory)
      const journal = await openTestJournal(place)
      const found = (await readAll(journal)).map(numberOf).filter((n) => n !== undefined)
      assert.equal(new Set(found).size, found.length, `kill ${kill}: something is twice`)
      assert.deepEqual(
        [...acknowledged].filter((n) => !found.includes(n)),
        [],
        `kill ${kill}: something is missing`,
      )
      next = Math.max(0, ...found) + 1
      await journal.close()
      const report = await verifyJournal(place.directory)
      assert.equal(report.fault, undefined, `kill ${kill}`)
      // Before it was opened again, too, unless it died before the journal had begun.
      if (before.published > 0) assert.equal(before.fault, undefined, `kill ${kill}, as it was left`)
    }
    assert.equal(killed, KILLS)
    assert.ok(acknowledged.size > KILLS)
  })
})
