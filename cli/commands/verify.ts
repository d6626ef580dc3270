import { createReadStream, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { isArchive } from '../../journal/archive/format.ts'
import { verifyArchive, type ArchiveReport } from '../../journal/archive/verify.ts'
import { JournalError } from '../../journal/error.ts'
import { parseVerifierKeys } from '../../journal/note.ts'
import { verifyProof, type ProofReport } from '../../journal/proof/verify.ts'
import type { Anchor } from '../../journal/verify/anchors.ts'
import { verifyJournal, type VerifyReport } from '../../journal/verify.ts'
import { unreadable } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { readGiven } from '../givenFile.ts'
import { printJson, printLine } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { paint, printable, table } from '../terminal.ts'

const HELP = `
Without --trust the verdict can at best be "self-consistent": the files fit together, but whoever can write them could have
written all of them. The trusted key is the journal's vkey file, obtained on another way than the journal itself. A checkpoint kept
from before (--checkpoint) shows besides that nothing it covers was cut off or written anew. A proof (vigil journal prove) and an
archive of a period (vigil journal export) are verified from their one file.

--replay shows besides that what was said follows from the evidence: kept CRLs, OCSP answers and certificates are decoded and verified again, raw log records
read again, and every decision made again with the configuration and the rule packs that were in force; all is compared with what was recorded.

Examples:
  $ vigil verify journal
  $ vigil verify journal --trust vkey-from-the-ceremony --checkpoint checkpoint-of-last-year
  $ vigil verify crl.tlog-proof --trust vkey
  $ vigil verify october.archive --trust vkey --tsa tsa-root.pem
  $ vigil verify journal --trust vkey --tsa tsa-root.pem --json
  $ vigil verify journal --trust vkey --replay

Exit codes: 0 authenticated, 4 self-consistent but not authenticated, 1 broken or not what follows (--replay), 3 could not be read`

interface Options {
  readonly trust?: string
  readonly checkpoint: readonly string[]
  readonly tsa?: string
  readonly replay?: true
  readonly json?: true
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description(
      're-derive everything in a journal, a period archive or a proof from its files, and say whether it holds',
    )
    .argument('<path>', 'journal directory, period archive, or proof')
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
    .option('--replay', 'of a journal: make facts, events and decisions again, and compare them')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action(async (path: string, options: Options) => {
      const report = isDirectory(path)
        ? await verifyDirectory(path, options)
        : await verifyFile(path, options)
      const replayed = await replayOf(path, report, options)
      if (options.json === true)
        printJson(replayed === undefined ? report : { ...report, replay: replayed.report })
      else if (!('kind' in report)) printReport(path, report)
      else if (report.kind === 'archive') printArchive(path, report)
      else printProof(path, report)
      if (options.json !== true) replayed?.print()
      const differs = replayed !== undefined && replayed.differences > 0
      process.exitCode = {
        authenticated: EXIT.ok,
        self_consistent: EXIT.notAuthenticated,
        broken: EXIT.findings,
      }[differs ? 'broken' : report.verdict]
    })
}

/** undefined where it was not asked for, or where the files cannot be believed. What judges is loaded only here. */
async function replayOf(path: string, report: VerifyReport | ProofReport | ArchiveReport, options: Options) {
  if (options.replay !== true || 'kind' in report || report.verdict === 'broken') return undefined
  const { replayDirectory } = await import('../replay/directory.ts')
  return await replayDirectory(path, { size: report.size, ...readTrusted(options) })
}

async function verifyDirectory(directory: string, options: Options): Promise<VerifyReport> {
  const known = options.checkpoint.map((name) => ({ name, text: readGiven(name).toString('utf8') }))
  const progress = new ProgressLine(process.stderr, 'verifying')
  return await verifyJournal(directory, {
    ...readTrusted(options),
    known,
    onProgress: ({ done, total }) => progress.update(done, total),
  }).finally(() => progress.end())
}

function readTrusted({ trust, tsa }: Options): { trust?: string; timestampAuthorities?: Uint8Array } {
  return {
    ...(trust === undefined ? {} : { trust: readGiven(trust).toString('utf8') }),
    ...(tsa === undefined ? {} : { timestampAuthorities: readGiven(tsa) }),
  }
}

async function verifyFile(file: string, options: Options): Promise<ProofReport | ArchiveReport> {
  const { trust, checkpoint, replay: isReplayed } = options
  if (isReplayed === true)
    throw new CommandError(EXIT.usage, '--replay: is for journals, which hold all that decisions follow from')
  if (checkpoint.length > 0)
    throw new CommandError(EXIT.usage, '--checkpoint: is for journals; what is one file brings its own')
  try {
    if (isArchive(await beginningOf(file))) {
      const { size } = statSync(file)
      const progress = new ProgressLine(process.stderr, 'verifying')
      const octets = counted(createReadStream(file), (done) => progress.update(done, size))
      return await verifyArchive(octets, readTrusted(options)).finally(() => progress.end())
    }
    return verifyProof(
      readGiven(file).toString('utf8'),
      trust === undefined ? undefined : parseVerifierKeys(readGiven(trust).toString('utf8')),
    )
  } catch (error) {
    if (error instanceof JournalError) throw new CommandError(EXIT.failed, `${file}: ${error.message}`)
    throw error
  }
}

/** Enough of a file to tell what it is. */
async function beginningOf(file: string): Promise<string> {
  await using handle = await open(file)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(100), 0, 100, 0)
  return buffer.toString('latin1', 0, bytesRead)
}

async function* counted(
  chunks: AsyncIterable<Buffer>,
  onProgress: (done: number) => void,
): AsyncGenerator<Buffer> {
  let done = 0
  for await (const chunk of chunks) {
    onProgress((done += chunk.length))
    yield chunk
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    throw new CommandError(EXIT.failed, `${path}: ${unreadable(error)}`)
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
    ...(signedBy.length === 0 ? [] : [['signed by', [...new Set(signedBy)].join(', ')]]),
  ]
  printLine(table(rows.map(([name = '', value = '']) => [`  ${name}`, value])))
  if (record !== undefined) printLine(printable(record.text))
}

function printArchive(file: string, report: ArchiveReport): void {
  const { verdict, origin, size, root, signedBy, period, earlier, anchors, notes, fault } = report
  printLine(`${file}: ${verdictText(verdict)}`)
  if (fault !== undefined) {
    printLine(`  ${printable(`${fault.location}: expected ${fault.expected}, got ${fault.got}`)}`)
    return
  }
  const { filters, entries, records, artifacts } = period ?? {}
  const kinds = Object.entries(records?.kinds ?? {}).map(([kind, count]) => `${count} ${kind}`)
  const gone = records?.erased ?? 0
  const erased = gone === 0 ? [] : [`${gone} erased, each with the proof of the record that says why`]
  const chosen = [
    ...(filters?.kinds ?? []),
    ...(filters?.subject === null || filters === undefined ? [] : [filters.subject]),
  ]
  const rows = [
    ['origin', printable(origin)],
    ['period', `${filters?.from ?? ''} to ${filters?.to ?? ''}`],
    ['filters', chosen.length === 0 ? 'none: everything of the period' : printable(chosen.join(', '))],
    ['entries', `${(entries?.end ?? 0) - (entries?.first ?? 0)} from ${entries?.first ?? 0}`],
    [
      'records',
      `${records?.total ?? 0}: ${[...kinds, `${records?.withheld ?? 0} as digests only`, ...erased].join(', ')}`,
    ],
    ['artifacts', `${artifacts?.count ?? 0}, ${artifacts?.octets ?? 0} octets`],
    ['checkpoint', `${size} entries under root ${root}`],
    ...(signedBy.length === 0 ? [] : [['signed by', [...new Set(signedBy)].join(', ')]]),
    ...(earlier === undefined
      ? []
      : [['begins with', `the ${earlier} entries of the checkpoint kept before the period`]]),
    ...anchors.map(anchorRow),
  ]
  printLine(table(rows.map(([name = '', value = '']) => [`  ${name}`, value])))
  for (const note of notes) printLine(`  note: ${printable(note)}`)
}

function anchorRow({ kind, by, size, time }: Anchor): [string, string] {
  return [kind, `${printable(by)}: ${size} entries${time === undefined ? '' : `, ${time}`}`]
}

function retentionRows({ retention: { pruned, erased, records } }: VerifyReport): [string, string][] {
  if (records.length === 0) return []
  return [
    ['taken out', `${pruned} entries with their segments, ${erased} single records; the log is whole`],
    ...records.map((said): [string, string] => [
      said.action,
      printable(
        `${said.recorded}, by ${said.by}: ${said.reason} (${said.segments === 0 ? `${said.records} records` : `segments below ${said.segments}`}, ${said.artifacts} artifacts)`,
      ),
    ]),
  ]
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
    ...report.anchors.map(anchorRow),
    ...retentionRows(report),
  ]
  printLine(table(rows.map(([name = '', value = '']) => [`  ${name}`, value])))
  for (const note of report.notes) printLine(`  note: ${printable(note)}`)
  if (report.fault === undefined) return
  const { file, location, expected, got } = report.fault
  printLine(
    `  ${paint(process.stdout, 'red', 'first fault')}: ${printable(`${file}, ${location}: expected ${expected}, got ${got}`)}`,
  )
}
