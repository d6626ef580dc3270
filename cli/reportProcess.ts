import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { EXIT } from './exit.ts'

/** Octets of a failed report's own words that are kept. */
const MAX_WORDS = 2000

interface ReportRequest {
  readonly journal: string
  readonly month: string
  readonly output: string
}

/**
 * Writes a report in a process of its own: it reads the whole journal and drives a browser, and probes must not wait for that.
 * Resolves with what is missing: '' or why there is no PDF. Rejects when there is no report.
 */
export async function writeReportInProcess(request: ReportRequest, signal: AbortSignal): Promise<string> {
  const { journal, month, output } = request
  const args = [launcher(), 'report', '--month', month, '--journal', journal, '--output', output]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], signal })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-MAX_WORDS)
    })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code === EXIT.ok) return ''
  if (code === EXIT.noBrowser) return said.trim()
  throw new Error(`the report of ${month} was not written: ${said.trim()}`)
}

/** bin/ is one level up in a checkout and two in dist/. */
function launcher(): string {
  const [found] = ['../bin/vigil.js', '../../bin/vigil.js']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .filter((path) => existsSync(path))
  if (found === undefined) throw new Error('expected bin/vigil.js beside the program, found none')
  return found
}
