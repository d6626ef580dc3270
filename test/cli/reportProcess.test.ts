import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeReportInProcess } from '../../cli/reportProcess.ts'
import { openJournal } from '../../journal/journal.ts'
import { inJson, temporaryDirectory } from '../support/vigil.ts'

test('a report is written by a process of its own, beside the journal that is open here', async () => {
  using directory = temporaryDirectory()
  const journalDirectory = join(directory.path, 'journal')
  const journal = await openJournal({
    directory: journalDirectory,
    origin: 'vigil.test',
    keyFile: `${journalDirectory}.key`,
    now: Date.now,
    random: randomBytes,
  })
  try {
    const output = join(directory.path, '2026-10')
    const signal = new AbortController().signal
    await journal.publish()
    const checkpoints = [join(journalDirectory, 'checkpoint')]
    const trust = join(journalDirectory, 'vkey')
    const missing = await writeReportInProcess(
      { journal: journalDirectory, month: '2026-10', output, trust, checkpoints },
      signal,
    )
    const custody: unknown = inJson(
      readFileSync(join(output, 'report.json'), 'utf8'),
      'custody.anchors.items',
    )
    assert.deepEqual(custody, [{ kind: 'kept', by: checkpoints[0], size: 1, time: null }])
    assert.ok(existsSync(join(output, 'report.json')))
    assert.equal(existsSync(join(output, 'report.pdf')), missing === '', missing)
  } finally {
    await journal.close()
  }
})

test('a report that cannot be written says why', async () => {
  using directory = temporaryDirectory()
  const request = { journal: join(directory.path, 'nowhere'), month: '2026-10', output: directory.path }
  await assert.rejects(
    writeReportInProcess(request, new AbortController().signal),
    /the report of 2026-10 was not written: /,
  )
})

test('a report that is given up leaves no process behind', async () => {
  using directory = temporaryDirectory()
  const request = { journal: directory.path, month: '2026-10', output: directory.path }
  await assert.rejects(writeReportInProcess(request, AbortSignal.abort()), { name: 'AbortError' })
})
