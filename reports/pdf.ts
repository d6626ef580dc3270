import type { Browser } from 'puppeteer'
import { messageOf } from '../model/thrown.ts'
import { withBrowser } from './browser.ts'
import type { BrowserOptions } from './browser.ts'
import { ReportError } from './error.ts'
import { renderHtml, SECTIONS } from './render.ts'
import type { Report } from './schema.ts'

/** A report of a hundred pages takes some seconds on a small machine. */
const DEFAULT_TIMEOUT_MS = 120_000

export interface PdfOptions extends BrowserOptions {
  /** Longest time for both passes, without the start of the browser, in ms. */
  readonly timeout?: number
}

/**
 * The report as a tagged PDF with bookmarks. Two passes: the contents tell page numbers, which only a laid out document
 * has. Throws ReportError (no_browser, browser_failed).
 */
export async function renderPdf(report: Report, options: PdfOptions = {}): Promise<Uint8Array> {
  const deadline = performance.now() + (options.timeout ?? DEFAULT_TIMEOUT_MS)
  return withBrowser(options, async (browser) => {
    try {
      const first = await print(browser, renderHtml(report), deadline)
      const pages = sectionPages(first)
      if (pages.size < SECTIONS.length) return first
      return await print(browser, renderHtml(report, { pages }), deadline)
    } catch (cause) {
      if (cause instanceof ReportError) throw cause
      const message = messageOf(cause)
      throw new ReportError('browser_failed', `the browser made no PDF: ${message}`, { cause })
    }
  })
}

/** One document as PDF, under the same rules: no script runs, nothing is loaded. For tests of these rules. */
export function printHtml(html: string, options: PdfOptions = {}): Promise<Uint8Array> {
  const deadline = performance.now() + (options.timeout ?? DEFAULT_TIMEOUT_MS)
  return withBrowser(options, (browser) => print(browser, html, deadline))
}

async function print(browser: Browser, html: string, deadline: number): Promise<Uint8Array> {
  const left = () => Math.max(1, Math.round(deadline - performance.now()))
  const page = await browser.newPage()
  try {
    await page.setJavaScriptEnabled(false)
    await page.setRequestInterception(true)
    // The document is complete in itself; whatever asks for more was smuggled in.
    page.on('request', (request) => void request.abort('blockedbyclient').catch(() => undefined))
    await page.setContent(html, { waitUntil: 'load', timeout: left() })
    const pdf = await page.pdf({
      tagged: true,
      outline: true,
      preferCSSPageSize: true,
      printBackground: true,
      timeout: left(),
    })
    // Without any font Chromium draws everything but the text, and says nothing.
    if (!Buffer.from(pdf).includes('/FontFile'))
      throw new ReportError('browser_failed', 'the browser found no font: its PDF has no text')
    return pdf
  } finally {
    await page.close().catch(() => undefined)
  }
}

/**
 * Pages of the sections by id, from the named destinations of a PDF that Chromium wrote: its objects stand in the file
 * as text. Anything else gives an empty map, and contents without page numbers.
 */
export function sectionPages(pdf: Uint8Array): Map<string, number> {
  const text = Buffer.from(pdf).toString('latin1')
  const order = new Map<string, number>()
  collectPages(
    text,
    /\/Type\s*\/Catalog[^]*?\/Pages (\d+) 0 R/.exec(text)?.[1] ?? /\/Pages (\d+) 0 R/.exec(text)?.[1],
    order,
    0,
  )
  const pages = new Map<string, number>()
  for (const [id] of SECTIONS) {
    const object = new RegExp(`/${id} \\[(\\d+) 0 R /XYZ`).exec(text)?.[1]
    const page = object === undefined ? undefined : order.get(object)
    if (page !== undefined) pages.set(id, page)
  }
  return pages
}

/** Walks the page tree: a node has /Kids, a page has not. */
function collectPages(
  text: string,
  object: string | undefined,
  order: Map<string, number>,
  depth: number,
): void {
  if (object === undefined || depth > 20) return
  const body = new RegExp(`(?:^|\\n)${object} 0 obj\\s*<<([^]*?)endobj`).exec(text)?.[1]
  if (body === undefined) return
  const kids = /\/Kids \[([^\]]*)\]/.exec(body)?.[1]
  if (kids === undefined) {
    order.set(object, order.size + 1)
    return
  }
  for (const kid of kids.matchAll(/(\d+) 0 R/g)) collectPages(text, kid[1], order, depth + 1)
}
