import assert from 'node:assert/strict'
import { it } from 'node:test'
import { renderPdf, sectionPages } from '../../reports/pdf.ts'
import { SECTIONS } from '../../reports/render.ts'
import { unlessNoBrowser, useScratch } from './browserTest.ts'
import { MemoryJournal } from './records.ts'

const scratch = useScratch()

it('a PDF can be made by the browser that comes as a package', async (t) => {
  const report = await new MemoryJournal().report('2026-11-01T00:00', '2026-12-01T00:00')
  const pdf = await unlessNoBrowser(t, () => renderPdf(report, { search: ['packaged'] }))
  if (pdf === undefined) return
  assert.equal(sectionPages(pdf).size, SECTIONS.length)
  assert.deepEqual(scratch.leftovers(), [])
})
