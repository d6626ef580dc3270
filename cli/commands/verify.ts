import { readFileSync, statSync } from 'node:fs'
import { Command, Option } from 'commander'
import { JournalError } from '../../journal/error.ts'
import { parseVerifierKeys } from '../../journal/note.ts'
import { verifyProof, type ProofReport } from '../../journal/proof/verify.ts'
import { verifyJournal, type VerifyReport } from '../../journal/verify.ts'
import { unreadable } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { printJson, printLine } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { paint, printable, table } from '../terminal.ts'

const HELP = `
Without --trust the verdict can at best be "self-consistent": the files fit together, but whoever can write them could have
written all of them. The trusted key is the journal's vkey file, obtained on another way than the journal itself. A checkpoint kept
from before (--checkpoint) shows besides that nothing it covers was cut off or written anew. A proof (vigil journal prove) is
verified from its one file.

Examples:
  $ vigil verify journal
  $ vigil verify journal --trust vkey-from-the-ceremony --checkpoint checkpoint-of-last-year
  $ vigil verify crl.tlog-proof --trust vkey
  $ vigil verify journal --trust vkey --tsa tsa-root.pem --json

Exit codes: 0 authenticated, 4 self-consistent but not authenticated, 1 broken, 3 could not be read`

interface Options {
  readonly trust?: string
  readonly checkpoint: readonly string[]
  readonly tsa?: string
  readonly json?: true
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description('re-derive everything in a journal, or in a proof, from its files, and say whether it holds')
    .argument('<path>', 'journal directory, or proof')
    .option('--trust <file>', 'verifier keys that you trust, one a line')
    .addOption(
      new Option(
        '--checkpoint <file>',
        'kept from before; the journal must still begin with all that it covers; may be repeated',
      )
        .argParser((file: string, files: readonly string[]) => [...files, file])
        .default([], 'none'),
    )
    .option('--tsa <file>', 'certificates of timestamping authorities that you trust, PEM or DER')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action(async (path: string, options: Options) => {
      const report = isDirectory(path) ? await verifyDirectory(path, options) : verifyFile(path, options)
      if (options.json === true) printJson(report)
      else if ('kind' in report) printProof(path, report)
      else printReport(path, report)
      process.exitCode = {
        authenticated: EXIT.ok,
        self_consistent: EXIT.notAuthenticated,
        broken: EXIT.findings,
      }[report.verdict]
    })
}

async function verifyDirectory(directory: string, options: Options): Promise<VerifyReport> {
  const { trust, tsa, checkpoint: files } = options
  const trusted = {
    ...(trust === undefined ? {} : { trust: readGiven(trust).toString('utf8') }),
    ...(tsa === undefined ? {} : { timestampAuthorities: readGiven(tsa) }),
  }
  const known = files.map((name) => ({ name, text: readGiven(name).toString('utf8') }))
  const progress = new ProgressLine(process.stderr, 'verifying')
  return await verifyJournal(directory, {
    ...trusted,
    known,
    onProgress: ({ done, total }) => progress.update(done, total),
  }).finally(() => progress.end())
}

function verifyFile(file: string, { trust, checkpoint }: Options): ProofReport {
  if (checkpoint.length > 0)
    throw new CommandError(EXIT.usage, '--checkpoint: is for journals; a proof brings its own')
  try {
    return verifyProof(
      readGiven(file).toString('utf8'),
      trust === undefined ? undefined : parseVerifierKeys(readGiven(trust).toString('utf8')),
    )
  } catch (error) {
    if (error instanceof JournalError) throw new CommandError(EXIT.failed, `${file}: ${error.message}`)
    throw error
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    throw new CommandError(EXIT.failed, `${path}: ${unreadable(error)}`)
  }
}

function readGiven(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new CommandError(EXIT.usage, `${file}: ${unreadable(error)}`)
  }
}

function verdictText(verdict: VerifyReport['verdict']): string {
  return {
    authenticated: paint(process.stdout, 'green', 'authenticated'),
    self_consistent: `${paint(process.stdout, 'yellow', 'self-consistent, not authenticated')} (give a trusted key with --trust)`,
    broken: paint(process.stdout, 'red', 'BROKEN'),
  }[verdict]
}

function printProof(
  file: string,
  { verdict, origin, size, root, signedBy, record, earlier, fault }: ProofReport,
): void {
  printLine(`${file}: ${verdictText(verdict)}`)
  if (fault !== undefined) {
    const where = fault.where === undefined ? '' : `${fault.where}: `
    printLine(`  ${printable(`${where}expected ${fault.expected}, got ${fault.got}`)}`)
    return
  }
  const rows = [
    ['origin', printable(origin)],
    ...(record === undefined
      ? []
      : [['record', `${printable(record.id)}, ${record.kind}, journaled ${record.recorded}`]]),
    ...(earlier === undefined
      ? []
      : [['begins with', `the ${earlier.size} entries under root ${earlier.root}`]]),
    ['checkpoint', `${size} entries under root ${root}`],
    ...(signedBy.length === 0 ? [] : [['signed by', signedBy.join(', ')]]),
  ]
  printLine(table(rows.map(([name = '', value = '']) => [`  ${name}`, value])))
  if (record !== undefined) printLine(printable(record.text))
}

function printReport(directory: string, report: VerifyReport): void {
  const kinds = Object.entries(report.records).map(([kind, count]) => `${count} ${kind}`)
  printLine(`${directory}: ${verdictText(report.verdict)}`)
  const rows = [
    ['origin', printable(report.origin)],
    ['entries', `${report.size}, of which ${report.published} under the signed checkpoint`],
    ['root', report.root],
    ['records', kinds.join(', ')],
    ['artifacts', String(report.artifacts)],
    ['anchored', `${report.anchored} entries; unanchored tail: ${report.unanchored}`],
    ...report.anchors.map(({ kind, by, size, time }) => [
      kind,
      `${printable(by)}: ${size} entries${time === undefined ? '' : `, ${time}`}`,
    ]),
  ]
  printLine(table(rows.map(([name = '', value = '']) => [`  ${name}`, value])))
  for (const note of report.notes) printLine(`  note: ${printable(note)}`)
  if (report.fault === undefined) return
  const { file, location, expected, got } = report.fault
  printLine(
    `  ${paint(process.stdout, 'red', 'first fault')}: ${printable(`${file}, ${location}: expected ${expected}, got ${got}`)}`,
  )
}
