import { createPublicKey, type KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { Command, InvalidArgumentError, Option } from 'commander'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import { exportPeriod } from '../../journal/archive/export.ts'
import { openJournal } from '../../journal/journal.ts'
import { readIdentity, refuseKeyInside } from '../../journal/identity.ts'
import { loadOrCreateKey, loadPublicKey } from '../../journal/key.ts'
import { POST_QUANTUM_ENDING } from '../../journal/keys.ts'
import { keysOfType } from '../../journal/rotation.ts'
import { nodeDisk } from '../../journal/disk.ts'
import { JournalError } from '../../journal/error.ts'
import { proveConsistency, proveRecord } from '../../journal/proof/prove.ts'
import { openReader, type JournalReader } from '../../journal/reader.ts'
import { isRecordKind, RECORD_KINDS } from '../../journal/record.ts'
import type { RecordKind, SealedRecord } from '../../model/record.ts'
import { toTimestamp } from '../../model/time.ts'
import { parseRecordId } from '../../model/recordId.ts'
import { messageOf } from '../../model/thrown.ts'
import { currentUser } from '../currentUser.ts'
import { CommandError, EXIT } from '../exit.ts'
import { readGiven } from '../givenFile.ts'
import { instantOf } from '../instant.ts'
import { isSelected, summaryOf } from '../journal/select.ts'
import { journalOptions } from '../journalOptions.ts'
import { printLine } from '../output.ts'
import { paint, printable } from '../terminal.ts'
import { requireConfig } from './checkConfig.ts'
import { retentionCommands } from './journalRetention.ts'

const CAT_HELP = `
One line a record: when it was journaled, kind, id, what it says. With --json the whole record, one JSON document a line. --from and --to are about when it was
journaled. --subject is about observations, findings (decision) and actions; runs that only repeat an observation (unchanged) have none.

Examples:
  $ vigil journal cat journal --kind decision --from 2026-11-01
  $ vigil journal cat journal --subject 'ca_crl[issuing-1]' --json | jq .body.facts.crl.number

Exit codes: 0 fine, 2 usage, 3 could not be read`

const PROVE_HELP = `
A proof is one file that anybody checks without the journal, with the journal's key alone: vigil verify FILE --trust VKEY. Of a record it holds the
record, the entry that has its digest, the path from there to the root, and the signed checkpoint (C2SP tlog-proof). With --since it shows that the
journal still begins with all that an earlier checkpoint covers: nothing of that was removed, reordered or altered.

Examples:
  $ vigil journal prove journal --record vigil.example.org/1763794800/42/0 --out crl.tlog-proof
  $ vigil journal prove journal --since checkpoint-of-last-year --out year.proof

Exit codes: 0 written, 1 the journal does not hold what must be proven, 2 usage, 3 could not be read`

const EXPORT_HELP = `
A period archive is one file that anybody checks without the journal: vigil verify FILE --trust VKEY. It holds every entry of the period and the ones before and
after it, the hashes that lead from there to the root of a signed checkpoint, the records, and the artifacts that they name: nothing of the period can be left
out unnoticed. An entry is whole: it may begin or end a second outside of the period. What --kind and --subject leave out is there as digests, and counted.

Examples:
  $ vigil journal export journal --from 2026-10-01 --to 2026-11-01 --out october.archive
  $ vigil journal export journal --from 2026-10-01 --to 2026-11-01 --kind decision --kind action --out findings.archive

Exit codes: 0 written, 1 the journal does not hold what it should, 2 usage, 3 could not be read or written`

const ROTATE_HELP = `
The key in force signs the next one, and this becomes a record: whoever trusts the key from before trusts the next. Both keys can be handed over, the Ed25519 key that
signs every checkpoint and the ML-DSA-44 key that signs the one of each hour besides: each by the one before of its type. --to makes both where they are
missing, beside each other as journal.key_file wants them; --next takes the public key of one that is kept elsewhere, in an HSM. Afterwards put what signs
from now on into the configuration: journal.key_file, or sign_command and public_key_file. The post-quantum key stands beside key_file in either case, with
the ending .ml-dsa-44.

Examples:
  $ vigil journal rotate-key --to next.key
  $ vigil journal rotate-key --next hsm.pub

Exit codes: 0 done, 2 usage or configuration, 3 could not be done`

interface CatOptions {
  readonly kind: readonly RecordKind[]
  readonly subject?: string
  readonly from?: string
  readonly to?: string
  readonly json?: true
}

interface ProveOptions {
  readonly record?: string
  readonly since?: string
  readonly out?: string
}

interface ExportOptions {
  readonly kind: readonly RecordKind[]
  readonly subject?: string
  readonly from: string
  readonly to: string
  readonly out: string
}

interface RotateOptions {
  readonly to?: string
  readonly next: readonly string[]
  readonly config: string
}

export function journalCommand(): Command {
  const cat = new Command('cat')
    .description('print records, all or some')
    .argument('<dir>', 'journal directory; a vigil may be writing it')
    .addOption(kindOption())
    .option('--subject <subject>', 'only about this: ca_crl[issuing-1]')
    .option('--from <time>', 'journaled at or after this: 2026-11-20, or 2026-11-20T12:00:00Z')
    .option('--to <time>', 'journaled before this')
    .option('--json', 'whole records, one JSON document a line')
    .addHelpText('after', CAT_HELP)
    .action(async (directory: string, options: CatOptions) => {
      await tell(async () => printRecords(await openReader(directory), options))
    })
  const prove = new Command('prove')
    .description('write a proof that stands without the journal')
    .argument('<dir>', 'journal directory; a vigil may be writing it')
    .option('--record <id>', 'id of the record, as cat, findings and reports name it')
    .option('--since <file>', 'a checkpoint of this journal, kept from before')
    .option('--out <file>', 'where it goes; default: standard output')
    .addHelpText('after', PROVE_HELP)
    .action(async (directory: string, options: ProveOptions) => {
      const proof = await tell(() => proofOf(directory, options))
      if (options.out === undefined) process.stdout.write(proof)
      else writeOut(options.out, proof)
    })
  const period = new Command('export')
    .description('write an archive of a period, which stands without the journal')
    .argument('<dir>', 'journal directory; a vigil may be writing it')
    .requiredOption('--from <time>', 'journaled at or after this: 2026-10-01, or 2026-10-01T12:00:00Z')
    .requiredOption('--to <time>', 'journaled before this')
    .requiredOption('--out <file>', 'where it goes')
    .addOption(kindOption())
    .option('--subject <subject>', 'records only about this: ca_crl[issuing-1]')
    .addHelpText('after', EXPORT_HELP)
    .action(async (directory: string, options: ExportOptions) => {
      await tell(() => writeArchive(directory, options))
    })
  const rotate = new Command('rotate-key')
    .description('hand over to other keys; vigil must be stopped')
    .option(
      '--to <file>',
      'private key that signs from now on, the post-quantum one beside it; made where missing',
    )
    .addOption(
      new Option(
        '--next <file>',
        'public key that signs from now on: Ed25519 or ML-DSA-44, PEM; may be repeated',
      )
        .argParser((file: string, files: readonly string[]) => [...files, file])
        .default([], 'none'),
    )
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .addHelpText('after', ROTATE_HELP)
    .action(async (options: RotateOptions) => {
      await tell(() => rotateKeys(options))
    })
  const journal = new Command('journal')
    .description(
      'what the journal holds: print records, prove them, hand over a period; who signs it; what is kept',
    )
    .addCommand(cat)
    .addCommand(prove)
    .addCommand(period)
    .addCommand(rotate)
  for (const command of retentionCommands()) journal.addCommand(command)
  return journal
}

async function rotateKeys({ to, next, config }: RotateOptions): Promise<void> {
  if ((to === undefined) === (next.length === 0))
    throw new CommandError(EXIT.usage, 'expected either --to KEY_FILE or --next PUBLIC_KEY')
  const writing = journalOptions(requireConfig(config), Date.now)
  const { directory } = writing
  const keys =
    to === undefined
      ? await Promise.all(next.map((file) => loadPublicKey(file, ['ed25519', 'ml-dsa-44'])))
      : await nextKeys(to, directory)
  const journal = await openJournal(writing)
  await journal.rotateKeys(keys, currentUser()).finally(() => journal.close())
  // As the configuration wants it: relative to itself.
  const signs =
    to === undefined
      ? 'what signs with it'
      : `key_file: ${isAbsolute(to) ? to : relative(dirname(resolve(config)), resolve(to))}`
  printLine(`${directory}: handed over; put ${signs} into ${config}, journal, before vigil is started`)
}

/** Public keys of a key file and of what stands beside it, made where they are missing. */
async function nextKeys(file: string, directory: string): Promise<readonly KeyObject[]> {
  refuseKeyInside(directory, file)
  const { keys } = await readIdentity(nodeDisk, directory)
  const made = [createPublicKey(await loadOrCreateKey(file, 'ed25519'))]
  if (keysOfType(keys, 'ml_dsa_44_cosigner').length > 0)
    made.push(createPublicKey(await loadOrCreateKey(`${file}${POST_QUANTUM_ENDING}`, 'ml-dsa-44')))
  return made
}

function kindOption(): Option {
  return new Option('--kind <kind>', `${RECORD_KINDS.join(', ')}; may be repeated`)
    .argParser((text: string, kinds: readonly RecordKind[]) => [...kinds, recordKind(text)])
    .default([], 'all')
}

function recordKind(text: string): RecordKind {
  if (isRecordKind(text)) return text
  throw new InvalidArgumentError(`expected one of ${RECORD_KINDS.join(', ')}`)
}

async function printRecords(reader: JournalReader, options: CatOptions): Promise<void> {
  const selection = {
    kinds: options.kind,
    subject: options.subject,
    from: options.from === undefined ? undefined : instantOf('--from', options.from),
    to: options.to === undefined ? undefined : instantOf('--to', options.to),
  }
  for await (const batch of reader.read()) {
    const lines = batch.filter((record) => isSelected(record, selection)).map(options.json ? jsonLine : line)
    // A pager takes its time: the journal may be larger than memory.
    if (lines.length > 0 && !process.stdout.write(lines.join(''))) await once(process.stdout, 'drain')
  }
}

async function writeArchive(directory: string, options: ExportOptions): Promise<void> {
  const [from, to] = [instantOf('--from', options.from), instantOf('--to', options.to)]
  if (from >= to) throw new CommandError(EXIT.usage, '--from: expected a time before --to')
  const filters = {
    from: toTimestamp(from),
    to: toTimestamp(to),
    kinds: [...options.kind],
    subject: options.subject ?? null,
  }
  const { period, notes } = await exportPeriod(nodeDisk, directory, filters, options.out)
  const { total = 0, withheld = 0, erased = 0 } = period?.records ?? {}
  const left = withheld === 0 ? '' : `; ${withheld} that the filters leave out are there as digests`
  const gone = erased === 0 ? '' : `; ${erased} were erased, which is proven in their place`
  printLine(
    `${options.out}: ${total - withheld - erased} of ${total} records, ${period?.artifacts.count ?? 0} artifacts${left}${gone}`,
  )
  for (const note of notes) printLine(`  note: ${printable(note)}`)
}

function jsonLine(record: SealedRecord): string {
  const { id, kind, time, recorded, body } = record
  return `${JSON.stringify({ id, kind, time, recorded, body })}\n`
}

function line(record: SealedRecord): string {
  const said = printable(summaryOf(record)).replaceAll(/[\n\t]/g, ' ')
  return `${record.recorded}  ${record.kind.padEnd(13)}  ${paint(process.stdout, 'dim', printable(record.id))}  ${said}\n`
}

async function proofOf(directory: string, { record, since }: ProveOptions): Promise<string> {
  if ((record === undefined) === (since === undefined))
    throw new CommandError(EXIT.usage, 'expected either --record ID or --since CHECKPOINT')
  if (since !== undefined)
    return await proveConsistency(nodeDisk, directory, readGiven(since).toString('utf8'))
  const at = parseRecordId(record ?? '')
  if (at === undefined)
    throw new CommandError(
      EXIT.usage,
      `--record: expected origin/epoch/entry/n, got ${JSON.stringify(record)}`,
    )
  const { origin, epoch } = await openReader(directory)
  if (at.origin !== origin || at.epoch !== epoch)
    throw new CommandError(
      EXIT.usage,
      `--record: expected a record of ${origin}/${epoch}, whose journal this is, got one of ${at.origin}/${at.epoch}`,
    )
  return await proveRecord(nodeDisk, directory, at)
}

function writeOut(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    const why = messageOf(error)
    throw new CommandError(EXIT.failed, `${file}: cannot be written: ${why}`)
  }
}

async function tell<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    throw new CommandError(error.code === 'altered' ? EXIT.findings : EXIT.failed, error.message)
  }
}
