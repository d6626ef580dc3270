import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import type { TestContext } from 'node:test'
import { ReportError } from '../../reports/error.ts'

/** A temporary directory for all tests of a file, below which the browser keeps its own, so that leftovers show. */
export function useScratch(): { readonly directory: string; leftovers: () => string[] } {
  const scratch = {
    directory: '',
    leftovers: () => readdirSync(scratch.directory).filter((name) => name.startsWith('vigil-pdf-')),
  }
  const outer = process.env['TMPDIR']
  before(() => {
    scratch.directory = mkdtempSync(join(tmpdir(), 'vigil-reports-test-'))
    process.env['TMPDIR'] = scratch.directory
  })
  after(() => {
    if (outer === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = outer
    rmSync(scratch.directory, { recursive: true, force: true })
  })
  return scratch
}

/** Skips where no browser starts; in CI that is a failure. */
export async function unlessNoBrowser<T>(t: TestContext, act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof ReportError) || error.code !== 'no_browser') throw error
    if (process.env['VIGIL_REQUIRE'] === 'all') throw error
    t.skip(error.message)
    return undefined
  }
}
