import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { it } from 'node:test'
import puppeteer from 'puppeteer'
import { needs } from '../support/needs.ts'
import { FakeJournal, T0, audit, decision } from '../store/records.ts'
import { startServer } from './support.ts'

it(
  'an open page follows the store, keeps what the reader opened, and breaks no policy',
  needs('chromium'),
  async (t) => {
    const s = await startServer(t)
    const journal = new FakeJournal()
    await s.store.apply(journal.seal(audit({ user: 'alice', time: T0 - 2000 }), decision()))
    const browser = await puppeteer.launch({
      executablePath: spawnSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).stdout.trim(),
      args: ['--no-sandbox', '--disable-gpu'],
    })
    t.after(() => browser.close())
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    /** Resolves when the page's text holds this. */
    const shows = (text: string) =>
      page.waitForFunction(`document.body.innerText.includes(${JSON.stringify(text)})`, { timeout: 20_000 })

    await page.goto(`${s.url}/audit`)
    await shows('● live')
    await page.click('details summary')
    await s.store.apply(journal.seal(audit({ user: '<b>mallory</b>', time: T0 - 1000 })))
    s.server.changed()
    await shows('<b>mallory</b>')
    const rows = `[...document.querySelectorAll('tbody')].map((b) => [b.rows[0].cells[1].innerText, b.querySelector('details').open])`
    assert.deepEqual(await page.evaluate(rows), [
      ['<b>mallory</b>', false],
      ['alice', true],
    ])

    await page.goto(s.url)
    await shows('All 1 check pass')
    await s.store.apply(journal.seal(decision({ state: 'fail' })))
    s.server.changed()
    await shows('1 check fails, 1 critical')

    await page.setViewport({ width: 420, height: 900 })
    for (const path of ['/', '/audit', '/subject/ca_crl%5Bissuing-1%5D']) {
      await page.goto(`${s.url}${path}`)
      assert.equal(
        await page.evaluate('document.documentElement.scrollWidth'),
        420,
        `${path} fits a telephone`,
      )
    }
    assert.deepEqual(complaints, [])
    await s.server.close()
    await shows('○ connection lost')
  },
)
