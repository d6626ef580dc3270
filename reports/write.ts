import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../model/thrown.ts'
import { reportJson } from './canonical.ts'
import { ReportError } from './error.ts'
import { renderPdf } from './pdf.ts'
import type { PdfOptions } from './pdf.ts'
import { renderHtml } from './render.ts'
import type { Report } from './schema.ts'

type ReportFormat = 'html' | 'json' | 'pdf'

interface WriteOptions {
  /** Made when missing. Files of an earlier report are replaced. */
  readonly directory: string
  readonly report: Report
  /** Default: all. */
  readonly formats?: readonly ReportFormat[]
  readonly pdf?: PdfOptions
}

type PdfResult =
  | { readonly state: 'written' }
  | { readonly state: 'not_asked' }
  /** The other formats were written; `reason` says what was tried. */
  | { readonly state: 'no_browser' | 'browser_failed'; readonly reason: string }

export interface Written {
  /** Paths of the files that were written. */
  readonly files: readonly string[]
  readonly pdf: PdfResult
}

/**
 * Writes report.json, report.html and report.pdf, each whole or not at all. The PDF comes last, so that without a
 * browser everything else is there. Throws ReportError (write_failed).
 */
export async function writeReport({ directory, report, formats, pdf }: WriteOptions): Promise<Written> {
  const wanted = new Set(formats ?? ['json', 'html', 'pdf'])
  const files: string[] = []
  const write = async (name: string, content: string | Uint8Array) => {
    const path = join(directory, name)
    await guard(directory, () => replaceFile(path, content))
    files.push(path)
  }
  await guard(directory, () => mkdir(directory, { recursive: true }))
  if (wanted.has('json')) await write('report.json', reportJson(report))
  if (wanted.has('html')) await write('report.html', renderHtml(report))
  if (!wanted.has('pdf')) return { files, pdf: { state: 'not_asked' } }
  let content: Uint8Array
  try {
    content = await renderPdf(report, pdf)
  } catch (error) {
    if (!(error instanceof ReportError)) throw error
    if (error.code !== 'no_browser' && error.code !== 'browser_failed') throw error
    // An older PDF would be taken for the one of this report.
    await guard(directory, () => rm(join(directory, 'report.pdf'), { force: true }))
    return { files, pdf: { state: error.code, reason: error.message } }
  }
  await write('report.pdf', content)
  return { files, pdf: { state: 'written' } }
}

async function guard(directory: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
  } catch (cause) {
    const message = messageOf(cause)
    throw new ReportError('write_failed', `the report can't be written to ${directory}: ${message}`, {
      cause,
    })
  }
}

/** A reader sees the old file or the new one, also after a crash. */
async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o644)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
