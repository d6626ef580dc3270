import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeReportInProcess } from '../../cli/reportProcess.ts'
import { openJournal } from '../../journal/journal.ts'
import { temporaryDirectory } from '../support/vigil.ts'

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
    const missing = await writeReportInProcess(
      { journal: journalDirectory, month: '2026-10', output },
      signal,
    )
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
