import assert from 'node:assert/strict'
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { benchAuthority, writeCrl } from '../../bench/crlFile.ts'
import { longestTurn } from '../../bench/turns.ts'
import { ObservationRecorder } from '../../journal/recorder.ts'
import type { ProbeResult } from '../../model/observation.ts'
import { probeCrl } from '../../probes/crl.ts'
import { makePlace, openTestJournal } from '../journal/support.ts'
import { declared } from './pki.ts'
import { bind, context, crlTarget, succeeded } from './support.ts'

/** 42 MB: to hash them alone takes 25 ms, to read them as a CRL 70 ms. bench/crlProbe.ts does it with five million. */
const ENTRIES = 1_000_000
/** Milliseconds that anything else may have to wait. */
const LONGEST_TURN = 20

test('while a big CRL is fetched, judged, compared and kept, nothing else waits for longer than 20 ms', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-crl-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const authority = await benchAuthority()
  const files = [join(folder, '0.crl'), join(folder, '1.crl')]
  for (const file of files) writeCrl(file, authority, ENTRIES)
  let next = 0
  const server = createServer((_request, response) => {
    const file = files[next++ % files.length] ?? ''
    response.setHeader('content-length', statSync(file).size)
    createReadStream(file).pipe(response)
  })
  const port = await bind(t, server)
  const target = { ...crlTarget(`http://127.0.0.1:${port}/`, declared('ca', authority)), timeout: 60_000 }
  const journal = await openTestJournal(await makePlace(t))
  const recorder = new ObservationRecorder({ journal, now: Date.now })
  const world = { now: Date.now, maxSize: 1e9, artifact: (digest: string) => journal.getArtifact(digest) }

  const first = await probeCrl(target, context(world))
  await recorder.record(first)
  const { facts } = succeeded(first)
  const memory = { of: () => facts, all: () => [], lastRun: () => undefined, servingKey: () => [] }
  let second: ProbeResult | undefined
  const longest = await longestTurn(async () => {
    second = await probeCrl(target, context({ ...world, memory }))
    await recorder.record(second)
  })
  await recorder.close()
  await journal.close()
  assert.ok(second !== undefined)
  assert.equal(succeeded(second).facts.crlSeries?.removed, ENTRIES)
  assert.ok(longest < LONGEST_TURN, `expected at most ${LONGEST_TURN} ms, got ${longest.toFixed(0)} ms`)
})
