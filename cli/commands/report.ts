import { Command, Option } from 'commander'
import { dirname, resolve } from 'node:path'
import { openHistory } from '../../journal/epochs.ts'
import { JournalError } from '../../journal/error.ts'
import { anchorsOf } from '../../journal/verify/anchored.ts'
import { FaultFound } from '../../journal/verify/fault.ts'
import { ReportError } from '../../reports/error.ts'
import { buildReport } from '../../reports/model.ts'
import { monthPeriod } from '../../reports/period.ts'
import { writeReport, type Written } from '../../reports/write.ts'
import { CommandError, EXIT } from '../exit.ts'
import { readGiven } from '../givenFile.ts'
import type { LoadedConfig } from '../load.ts'
import { printJson, printLine } from '../output.ts'
import { paint } from '../terminal.ts'
import { productVersion } from '../version.ts'
import { requireConfig } from './checkConfig.ts'

const HELP = `
A report counts the journal up to its newest checkpoint; the same journal, month and checkpoint give the same content.
What of the journal is anchored is what those have seen whom you believe: timestamping authorities (--tsa; else that of the configuration), and cosigners (--trust), such as a
vigil that follows this one: the checkpoint of its mirror (--checkpoint) has its cosignature. Without the options it is as reports: of the configuration says.
The PDF needs a browser: the system's Chromium or Chrome, the one in VIGIL_CHROMIUM, or the packaged one.

Examples:
  $ vigil report --month 2026-11 -c vigil.yaml
  $ vigil report --month 2026-11 --journal /evidence/journal --output /reports/2026-11
  $ vigil report --month 2026-11 --tsa tsa-root.pem --trust follower.vkey --checkpoint checkpoint-of-the-follower

Exit codes: 0 written, 5 HTML and JSON were written but no browser could make the PDF, 2 usage, 3 could not be done`

interface Options {
  readonly month: string
  readonly config: string
  readonly journal?: string
  readonly output: string
  readonly tsa?: string
  readonly trust?: string
  readonly checkpoint?: readonly string[]
  readonly json?: true
}

export function reportCommand(): Command {
  return new Command('report')
    .description('write the report of a month as PDF, HTML and JSON, from the journal alone')
    .requiredOption('--month <YYYY-MM>', 'calendar month, UTC')
    .option('-c, --config <file>', 'configuration file that names the journal', 'vigil.yaml')
    .option('--journal <dir>', 'journal directory, instead of a configuration')
    .option('--output <dir>', 'where report.pdf, report.html and report.json go', '.')
    .option('--tsa <file>', 'certificates of timestamping authorities that you trust, PEM or DER')
    .option('--trust <file>', 'verifier keys of cosigners that you trust, one a line')
    .addOption(
      new Option(
        '--checkpoint <file>',
        'of this journal, as somebody else has kept or cosigned it; may be repeated',
      ).argParser((file: string, before: readonly string[] | undefined) => [...(before ?? []), file]),
    )
    .option('--json', 'print one JSON document about what was written')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const { month, output } = options
      const loaded = options.journal === undefined ? requireConfig(options.config) : undefined
      const journal = options.journal ?? loaded?.journalDirectory ?? ''
      const tsa = options.tsa ?? (loaded === undefined ? undefined : timestampAuthorityFile(loaded))
      const trust = options.trust ?? loaded?.reports?.trust
      const checkpoints = options.checkpoint ?? loaded?.reports?.checkpoints
      const written = await reportMonth({ journal, month, output, tsa, trust, checkpoints })
      if (options.json === true) printJson(written)
      else printWritten(written)
      process.exitCode = written.pdf.state === 'written' ? EXIT.ok : EXIT.noBrowser
    })
}

/** The certificates of the authority that timestamps this journal; undefined where there is none. */
export function timestampAuthorityFile({
  file,
  config,
}: Pick<LoadedConfig, 'file' | 'config'>): string | undefined {
  const { timestamps } = config.journal
  return timestamps === undefined ? undefined : resolve(dirname(file), timestamps.ca_file)
}

/** Writes the report of a month. Throws CommandError. */
export async function reportMonth(request: {
  readonly journal: string
  readonly month: string
  readonly output: string
  /** Files of whom to believe as to what is anchored. */
  readonly tsa?: string | undefined
  readonly trust?: string | undefined
  readonly checkpoints?: readonly string[] | undefined
}): Promise<Written> {
  try {
    const period = monthPeriod(request.month)
    const reader = await openHistory(request.journal)
    const checkpoint = await reader.checkpoint()
    const anchors = await anchorsOf(request.journal, {
      ...(request.trust === undefined ? {} : { cosigners: readGiven(request.trust).toString('utf8') }),
      ...(request.tsa === undefined ? {} : { authorities: readGiven(request.tsa) }),
      known: (request.checkpoints ?? []).map((name) => ({ name, text: readGiven(name).toString('utf8') })),
    })
    const version = productVersion()
    const report = await buildReport(reader.read(), { period, checkpoint, anchors, version })
    return await writeReport({ directory: request.output, report })
  } catch (error) {
    if (error instanceof FaultFound || error instanceof JournalError)
      throw new CommandError(EXIT.failed, error.message)
    if (!(error instanceof ReportError)) throw error
    throw new CommandError(error.code === 'bad_period' ? EXIT.usage : EXIT.failed, error.message)
  }
}

function printWritten(written: Written): void {
  for (const file of written.files) printLine(file)
  if ('reason' in written.pdf) printLine(paint(process.stdout, 'yellow', `no PDF: ${written.pdf.reason}`))
}
