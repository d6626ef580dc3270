import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { withBrowser } from '../../reports/browser.ts'
import type { BrowserOptions } from '../../reports/browser.ts'
import { printHtml, renderPdf, sectionPages } from '../../reports/pdf.ts'
import { SECTIONS } from '../../reports/render.ts'
import type { Report, ReportAuditClass } from '../../reports/schema.ts'
import { writeReport } from '../../reports/write.ts'
import { needs } from '../support/needs.ts'
import { unlessNoBrowser, useScratch } from './browserTest.ts'
import { realisticMonth } from './month.ts'
import { MemoryJournal } from './records.ts'

const scratch = useScratch()

describe('the PDF', () => {
  let report: Report
  let pdf: Uint8Array | undefined
  before(async () => {
    const month = await realisticMonth().report('2026-10-01T00:00', '2026-11-01T00:00')
    // Fewer pages of routine, so that the test takes less time.
    const few = ({ failures, events }: ReportAuditClass) => ({
      failures,
      events: { total: events.total, more: events.total - 3, items: events.items.slice(0, 3) },
    })
    const { issuance, crlCreations } = month.audit
    report = { ...month, audit: { ...month.audit, issuance: few(issuance), crlCreations: few(crlCreations) } }
  })

  it('is tagged, titled, in English, with bookmarks and A4 pages', async (t) => {
    pdf = await unlessNoBrowser(t, () => renderPdf(report))
    if (pdf === undefined) return
    const text = Buffer.from(pdf).toString('latin1')
    assert.match(text, /^%PDF-1\.\d/)
    assert.match(text, /\/Marked true/)
    assert.match(text, /\/Lang \(en\)/)
    assert.match(text, /\/Title \(PKI monitoring report, October 2026, vigil\.bank\.example\/zone-a\/\d+\)/)
    assert.match(text, /\/Outlines \d+ 0 R/)
    assert.match(text, /\/MediaBox \[0 0 59[45]\.\d+ 84[12]\.\d+\]/)
    assert.doesNotMatch(text, /\/JavaScript|\/JS /)
    assert.deepEqual(scratch.leftovers(), [])
  })

  it('tells the right pages in its contents', needs('pdftotext'), (t) => {
    if (pdf === undefined) {
      t.skip('no PDF was made')
      return
    }
    const file = join(scratch.directory, 'report.pdf')
    writeFileSync(file, pdf)
    const pages = spawnSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' }).stdout.split('\f')
    const found = sectionPages(pdf)
    assert.deepEqual(
      [...found.keys()],
      SECTIONS.map(([id]) => id),
    )
    for (const [i, [id, title]] of SECTIONS.entries()) {
      const page = found.get(id) ?? 0
      assert.match(pages[page - 1] ?? '', new RegExp(`^ *${i + 1}\\s+${title}`, 'm'), title)
      assert.match(pages[1] ?? '', new RegExp(`${title}\\s+${page}$`, 'm'), title)
    }
    const all = pages.join('\n')
    assert.match(pages[4] ?? '', /vigil\.bank\.example\/zone-a\/\d+, checkpoint of size \d+/)
    assert.match(pages[4] ?? '', new RegExp(`5 / ${pages.length - 1}`))
    assert.ok(all.includes(report.checkpoint.root))
    assert.doesNotMatch(all, /\u001b|\u202e/)
  })
})

describe('the browser', () => {
  it('loads nothing and runs no script, whatever a document asks for', async (t) => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    const html = `<!doctype html><html lang="en"><head><title>before</title>
      <link rel="stylesheet" href="${url}/style.css"><style>@import "${url}/import.css"; body { background: url(${url}/bg.png) }</style></head>
      <body><p>text</p><img src="${url}/image.png"><img src="file:///etc/hostname"><iframe src="${url}/frame"></iframe>
      <object data="${url}/object"></object><script>document.title = 'after'; fetch('${url}/fetch')</script></body></html>`
    try {
      const pdf = await unlessNoBrowser(t, () => printHtml(html))
      if (pdf === undefined) return
      assert.match(Buffer.from(pdf).toString('latin1'), /\/Title \(before\)/)
      assert.deepEqual(asked, [])
    } finally {
      server.close()
    }
  })

  it('is ended, and what it wrote removed, when its user fails', async (t) => {
    let pid: number | undefined
    const failing = withBrowser({}, (browser) => {
      pid = browser.process()?.pid
      throw new Error('of the user')
    })
    await unlessNoBrowser(t, () => assert.rejects(failing, /of the user/).catch(() => failing))
    if (pid === undefined) return
    assert.throws(() => process.kill(pid ?? 0, 0), { code: 'ESRCH' })
    assert.deepEqual(scratch.leftovers(), [])
  })

  it('that is missing is an error that says what was tried', async () => {
    const none: BrowserOptions = { env: { PATH: '/nonexistent:relative' }, search: ['system'] }
    await assert.rejects(
      withBrowser(none, () => Promise.resolve()),
      { code: 'no_browser', message: /none of chromium, .* is on PATH/ },
    )
    const named = { env: { VIGIL_CHROMIUM: '/nonexistent/chromium' } }
    await assert.rejects(
      withBrowser(named, () => Promise.resolve()),
      { code: 'no_browser', message: /\/nonexistent\/chromium/ },
    )
    assert.deepEqual(scratch.leftovers(), [])
  })

  it('that is named and is none is not replaced by another', async () => {
    const executable = join(scratch.directory, 'no-browser')
    writeFileSync(executable, '#!/bin/sh\necho "not a browser" >&2\nexit 7\n')
    chmodSync(executable, 0o755)
    await assert.rejects(
      withBrowser({ executable }, () => Promise.resolve()),
      { code: 'no_browser' },
    )
    assert.deepEqual(scratch.leftovers(), [])
  })

  it('that is too slow is an error, not a wait', async (t) => {
    const report = await new MemoryJournal().report('2026-11-01T00:00', '2026-12-01T00:00')
    await unlessNoBrowser(t, async () => {
      const slow = renderPdf(report, { timeout: 1 })
      await assert.rejects(slow, { code: 'browser_failed' }).catch(() => slow)
    })
    assert.deepEqual(scratch.leftovers(), [])
  })
})

describe('writing', () => {
  const missing: BrowserOptions = { env: { PATH: '' }, search: ['system'] }

  it('gives HTML and JSON without any browser, and says why there is no PDF', async () => {
    const report = await new MemoryJournal().report('2026-11-01T00:00', '2026-12-01T00:00')
    const to = join(scratch.directory, 'out', 'nested')
    const written = await writeReport({ directory: to, report, pdf: missing })
    assert.equal(written.pdf.state, 'no_browser')
    assert.deepEqual(readdirSync(to).sort(), ['report.html', 'report.json'])
    assert.deepEqual(written.files, [join(to, 'report.json'), join(to, 'report.html')])
    assert.deepEqual(JSON.parse(readFileSync(join(to, 'report.json'), 'utf8')), report)
    assert.equal(statSync(join(to, 'report.html')).mode & 0o777, 0o644)
  })

  it('replaces what was there, and leaves no PDF of an earlier report', async () => {
    const report = await new MemoryJournal().report('2026-11-01T00:00', '2026-12-01T00:00')
    const to = mkdtempSync(join(scratch.directory, 'again-'))
    writeFileSync(join(to, 'report.pdf'), 'old')
    writeFileSync(join(to, 'report.json'), 'old')
    await writeReport({ directory: to, report, pdf: missing })
    assert.deepEqual(readdirSync(to).sort(), ['report.html', 'report.json'])
    assert.notEqual(readFileSync(join(to, 'report.json'), 'utf8'), 'old')
  })

  it('makes only what was asked for', async () => {
    const report = await new MemoryJournal().report('2026-11-01T00:00', '2026-12-01T00:00')
    const to = mkdtempSync(join(scratch.directory, 'json-'))
    const written = await writeReport({ directory: to, report, formats: ['json'] })
    assert.deepEqual(written, { files: [join(to, 'report.json')], pdf: { state: 'not_asked' } })
    assert.deepEqual(readdirSync(to), ['report.json'])
  })

  it('to a place that can not be written is an error that names it', async () => {
    const report = await new MemoryJournal().report('2026-11-01T00:00', '2026-12-01T00:00')
    const file = join(scratch.directory, 'a-file')
    writeFileSync(file, '')
    await assert.rejects(writeReport({ directory: join(file, 'x'), report, formats: ['json'] }), {
      code: 'write_failed',
      message: /a-file/,
    })
  })
})
