import { EXIT } from './exit.ts'
import { runVigil } from './ownProcess.ts'

interface ReportRequest {
  readonly journal: string
  readonly month: string
  readonly output: string
  /** Certificates of the authority that timestamps the journal. */
  readonly tsa?: string | undefined
  /** Verifier keys of cosigners, and checkpoints that they cosigned. */
  readonly trust?: string | undefined
  readonly checkpoints?: readonly string[]
}

/**
 * Writes a report in a process of its own: it reads the whole journal and drives a browser.
 * Resolves with what is missing: '' or why there is no PDF. Rejects when there is no report.
 */
export async function writeReportInProcess(request: ReportRequest, signal: AbortSignal): Promise<string> {
  const { journal, month, output, tsa, trust, checkpoints = [] } = request
  const args = ['report', '--month', month, '--journal', journal, '--output', output]
  if (tsa !== undefined) args.push('--tsa', tsa)
  if (trust !== undefined) args.push('--trust', trust)
  for (const checkpoint of checkpoints) args.push('--checkpoint', checkpoint)
  const { code, said } = await runVigil(args, signal)
  if (code === EXIT.ok) return ''
  if (code === EXIT.noBrowser) return said
  throw new Error(`the report of ${month} was not written: ${said}`)
}
