import { readFileSync, statSync } from 'node:fs'
import { Command } from 'commander'
import { verifyJournal, type VerifyReport } from '../../journal/verify.ts'
import { unreadable } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { printJson, printLine } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { paint, printable, table } from '../terminal.ts'

const HELP = `
Without --trust the verdict can at best be "self-consistent": the files fit together, but whoever can write them could have
written all of them. The trusted key is the journal's vkey file, obtained on another way than the journal itself.

Examples:
  $ vigil verify journal
  $ vigil verify journal --trust vkey-from-the-ceremony
  $ vigil verify journal --trust vkey --json

Exit codes: 0 authenticated, 4 self-consistent but not authenticated, 1 broken, 3 could not be read`

export function verifyCommand(): Command {
  return new Command('verify')
    .description('re-derive everything in a journal from its files, and say whether it holds')
    .argument('<dir>', 'journal directory')
    .option('--trust <file>', 'verifier keys that you trust, one a line')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action(async (directory: string, options: { trust?: string; json?: true }) => {
      const trust = options.trust === undefined ? undefined : readTrust(options.trust)
      requireDirectory(directory)
      const progress = new ProgressLine(process.stderr, 'verifying')
      const report = await verifyJournal(directory, {
        ...(trust === undefined ? {} : { trust }),
        onProgress: ({ done, total }) => progress.update(done, total),
      }).finally(() => progress.end())
      if (options.json === true) printJson(report)
      else printReport(directory, report)
      process.exitCode = {
        authenticated: EXIT.ok,
        self_consistent: EXIT.notAuthenticated,
        broken: EXIT.findings,
      }[report.verdict]
    })
}

function requireDirectory(directory: string): void {
  let isDirectory: boolean
  try {
    isDirectory = statSync(directory).isDirectory()
  } catch (error) {
    throw new CommandError(EXIT.failed, `${directory}: ${unreadable(error)}`)
  }
  if (!isDirectory)
    throw new CommandError(EXIT.failed, `${directory}: expected a journal directory, got a file`)
}

function readTrust(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandError(EXIT.usage, `${file}: ${unreadable(error)}`)
  }
}

function printReport(directory: string, report: VerifyReport): void {
  const verdict = {
    authenticated: paint(process.stdout, 'green', 'authenticated'),
    self_consistent: `${paint(process.stdout, 'yellow', 'self-consistent, not authenticated')} (give a trusted key with --trust)`,
    broken: paint(process.stdout, 'red', 'BROKEN'),
  }[report.verdict]
  const kinds = Object.entries(report.records).map(([kind, count]) => `${count} ${kind}`)
  printLine(`${directory}: ${verdict}`)
  const rows = [
    ['origin', printable(report.origin)],
    ['entries', `${report.size}, of which ${report.published} under the signed checkpoint`],
    ['root', report.root],
    ['records', kinds.join(', ')],
    ['artifacts', String(report.artifacts)],
    ['anchored', `${report.anchored} entries; unanchored tail: ${report.unanchored}`],
  ]
  printLine(table(rows.map(([name = '', value = '']) => [`  ${name}`, value])))
  for (const note of report.notes) printLine(`  note: ${printable(note)}`)
  if (report.fault === undefined) return
  const { file, location, expected, got } = report.fault
  printLine(
    `  ${paint(process.stdout, 'red', 'first fault')}: ${printable(`${file}, ${location}: expected ${expected}, got ${got}`)}`,
  )
}
