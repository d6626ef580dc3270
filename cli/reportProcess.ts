import { EXIT } from './exit.ts'
import { runVigil } from './ownProcess.ts'

interface ReportRequest {
  readonly journal: string
  readonly month: string
  readonly output: string
  /** Certificates of the authority that timestamps the journal. */
  readonly tsa?: string | undefined
}

/**
 * Writes a report in a process of its own: it reads the whole journal and drives a browser.
 * Resolves with what is missing: '' or why there is no PDF. Rejects when there is no report.
 */
export async function writeReportInProcess(request: ReportRequest, signal: AbortSignal): Promise<string> {
  const { journal, month, output, tsa } = request
  const args = ['report', '--month', month, '--journal', journal, '--output', output]
  if (tsa !== undefined) args.push('--tsa', tsa)
  const { code, said } = await runVigil(args, signal)
  if (code === EXIT.ok) return ''
  if (code === EXIT.noBrowser) return said
  throw new Error(`the report of ${month} was not written: ${said}`)
}
