import { Command } from 'commander'
import { openHistory } from '../../journal/epochs.ts'
import { ReportError } from '../../reports/error.ts'
import { buildReport } from '../../reports/model.ts'
import { monthPeriod } from '../../reports/period.ts'
import { writeReport, type Written } from '../../reports/write.ts'
import { CommandError, EXIT } from '../exit.ts'
import { printJson, printLine } from '../output.ts'
import { paint } from '../terminal.ts'
import { productVersion } from '../version.ts'
import { requireConfig } from './checkConfig.ts'

const HELP = `
A report counts the journal up to its newest checkpoint; the same journal, month and checkpoint give the same content.
The PDF needs a browser: the system's Chromium or Chrome, the one in VIGIL_CHROMIUM, or the packaged one.

Examples:
  $ vigil report --month 2026-11 -c vigil.yaml
  $ vigil report --month 2026-11 --journal /evidence/journal --output /reports/2026-11

Exit codes: 0 written, 5 HTML and JSON were written but no browser could make the PDF, 2 usage, 3 could not be done`

interface Options {
  readonly month: string
  readonly config: string
  readonly journal?: string
  readonly output: string
  readonly json?: true
}

export function reportCommand(): Command {
  return new Command('report')
    .description('write the report of a month as PDF, HTML and JSON, from the journal alone')
    .requiredOption('--month <YYYY-MM>', 'calendar month, UTC')
    .option('-c, --config <file>', 'configuration file that names the journal', 'vigil.yaml')
    .option('--journal <dir>', 'journal directory, instead of a configuration')
    .option('--output <dir>', 'where report.pdf, report.html and report.json go', '.')
    .option('--json', 'print one JSON document about what was written')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const directory = options.journal ?? requireConfig(options.config).journalDirectory
      const written = await reportMonth({ journal: directory, month: options.month, output: options.output })
      if (options.json === true) printJson(written)
      else printWritten(written)
      process.exitCode = written.pdf.state === 'written' ? EXIT.ok : EXIT.noBrowser
    })
}

/** Writes the report of a month. Throws CommandError. */
export async function reportMonth(request: {
  journal: string
  month: string
  output: string
}): Promise<Written> {
  try {
    const period = monthPeriod(request.month)
    const reader = await openHistory(request.journal)
    const checkpoint = await reader.checkpoint()
    const report = await buildReport(reader.read(), { period, checkpoint, version: productVersion() })
    return await writeReport({ directory: request.output, report })
  } catch (error) {
    if (!(error instanceof ReportError)) throw error
    throw new CommandError(error.code === 'bad_period' ? EXIT.usage : EXIT.failed, error.message)
  }
}

function printWritten(written: Written): void {
  for (const file of written.files) printLine(file)
  if ('reason' in written.pdf) printLine(paint(process.stdout, 'yellow', `no PDF: ${written.pdf.reason}`))
}
