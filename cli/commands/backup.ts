import { Command } from 'commander'
import { JournalError } from '../../journal/error.ts'
import { VERIFIER_KEYS } from '../../journal/identity.ts'
import { nodeDisk } from '../../journal/disk.ts'
import { epochDirectories } from '../../journal/epochs.ts'
import { messageOf, systemCode } from '../../model/thrown.ts'
import { join } from 'node:path'
import { StoreError } from '../../store/error.ts'
import { withOutcome } from '../backupOutcomes.ts'
import {
  backUpAll,
  namesObject,
  OBJECT_TIMEOUT,
  placeText,
  type BackedUp,
  type BackupPlace,
} from '../backupPlace.ts'
import { CommandError, EXIT } from '../exit.ts'
import { readGiven } from '../givenFile.ts'
import type { LoadedConfig } from '../load.ts'
import { printJson, printLine } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { drill, restore, type Drill } from '../restore.ts'
import { humanDuration } from '../terminal.ts'
import { requireConfig } from './checkConfig.ts'

const BACKUP_HELP = `
Copies the journal, with the epochs before it, into DIR/<epoch>. vigil may be running. Made again into the same place, it copies only what is new.
Each of these directories is a journal: vigil verify DIR/<epoch> verifies it. Keys are not copied: keep them apart.

With --to-command it goes to an object store, by the store's own client: PROGRAM is run for each object, without a shell, {name} in its arguments stands for the
object's name, the content comes on its standard input, and exit code 0 says that it is stored. Bundles are written once; then vigil-backup.tar is replaced, which
names them. What is stored can be restored at every moment. What was sent already is remembered in <journal>.backups.

Without DIR and program it goes where vigil.yaml says (backup:).

Examples:
  $ vigil backup /mnt/backup/vigil -c /etc/vigil/vigil.yaml
  $ vigil backup --to-command -- rclone rcat remote:vigil/{name}
  $ vigil backup --to-command -- aws s3 cp - s3://bucket/vigil/{name}
  $ vigil backup --to-command -- mc pipe store/bucket/vigil/{name}
  $ vigil backup

Exit codes: 0 done, 2 usage or configuration, 3 could not be done`

const RESTORE_HELP = `
The journal that the configuration names must be gone, and vigil stopped. What is restored is verified first and kept as earlier epochs in <journal>.epochs; a new epoch
begins, whose first record names the last known checkpoint. The store is made anew. What was sealed after the backup is lost, and the journal shows that.

DIR is what vigil backup made, or where all objects of a store were fetched to. With --from-command the store's own client fetches: PROGRAM is run for each object,
{name} in its arguments stands for the object's name, and the content comes on its standard output. Without both it comes from where vigil.yaml says (backup:).

Examples:
  $ vigil restore /mnt/backup/vigil -c /etc/vigil/vigil.yaml --trust vkey
  $ vigil restore --from-command --trust vkey -- rclone cat remote:vigil/{name}
  $ vigil restore --from-command --trust vkey -- aws s3 cp s3://bucket/vigil/{name} -

Exit codes: 0 done, 1 the backup is broken, 2 usage or configuration, 3 could not be done`

const DRILL_HELP = `
Restores a backup into a scratch place, verifies every octet, makes a store of it, compares that with a second one, and removes it all again.
Without DIR and program it tries the backup that vigil.yaml names, requires that the journal begins with it, and leaves beside the journal how it went: the running
vigil records that, and the next report shows it. A running vigil does this by itself every quarter (restore_drill:).

Examples:
  $ vigil restore-drill
  $ vigil restore-drill /mnt/backup/vigil --trust vkey
  $ vigil restore-drill --from-command --trust vkey -- mc cat store/bucket/vigil/{name}

Of a drill on another machine, let its line be signed and shown in the report:
  $ vigil attest restore_drill --subject pki_governance --by jane.doe --key jane.key --expires 2027-02-22 --statement "$(vigil restore-drill /mnt/backup/vigil)"

Exit codes: 0 it holds, 1 it does not, 2 usage, 3 could not be done`

interface Options {
  readonly config: string
  readonly json?: true
}

export function backupCommand(): Command {
  return new Command('backup')
    .description('copy the journal, or what of it is new, to another place')
    .argument('[dir|program...]', 'where the copies of all epochs are, or after --: what stores an object')
    .option('--to-command', 'store each object by a program')
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--json', 'print one JSON document')
    .addHelpText('after', BACKUP_HELP)
    .action(async (words: readonly string[], options: Options & { toCommand?: true }) => {
      const loaded = requireConfig(options.config, { endedWaivers: 'warn' })
      const { journalDirectory } = loaded
      const given = placeOf(words, options.toCommand === true ? 'to' : undefined)
      const make = (place: BackupPlace): Promise<BackedUp> =>
        withProgress((onProgress) => backUpAll(journalDirectory, place, { now: Date.now, onProgress }))
      const done = given === undefined ? await backUpConfigured(loaded, make) : await make(given)
      if (options.json === true) printJson(done)
      else printBackedUp(done)
    })
}

async function backUpConfigured(
  loaded: LoadedConfig,
  make: (place: BackupPlace) => Promise<BackedUp>,
): Promise<BackedUp> {
  const { place } = configured(loaded)
  const began = Date.now()
  const { done } = await withOutcome(loaded.journalDirectory, 'backup', Date.now, async () => {
    const made = await make(place)
    return {
      done: made,
      outcome: {
        place: placeText(place),
        entries: made.epochs.at(-1)?.checkpoint.size ?? 0,
        octets: made.sent?.octets ?? made.epochs.reduce((sum, { octets }) => sum + octets, 0),
        duration: Date.now() - began,
      },
    }
  })
  return done
}

function printBackedUp({ epochs, sent }: BackedUp): void {
  for (const { epoch, files, copied, octets, checkpoint } of epochs)
    printLine(
      `epoch ${epoch}: ${checkpoint.size} entries under the checkpoint; copied ${copied} of ${files} files, ${octets} octets`,
    )
  if (sent !== undefined) printLine(`sent ${sent.objects} objects, ${sent.octets} octets`)
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('put a backup in the place of a journal that is lost')
    .argument('[dir|program...]', 'the backup, or after --: what fetches an object')
    .option('--from-command', 'fetch each object by a program')
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--trust <file>', 'verifier keys that you trust, one a line')
    .option('--json', 'print one JSON document')
    .addHelpText('after', RESTORE_HELP)
    .action(async (words: readonly string[], options: Options & { trust?: string; fromCommand?: true }) => {
      const loaded = requireConfig(options.config, { endedWaivers: 'warn' })
      const trust = readTrust(options.trust)
      const place =
        placeOf(words, options.fromCommand === true ? 'from' : undefined) ?? configured(loaded).place
      const done = await withProgress((onProgress) =>
        restore(place, loaded, { trust, now: Date.now, onProgress }),
      )
      if (options.json === true) printJson(done)
      else
        printLine(
          `${loaded.journalDirectory}: epoch ${done.epoch} begins after ${done.epochs.join(', ')}; store made from ${done.records} records`,
        )
    })
}

export function restoreDrillCommand(): Command {
  return new Command('restore-drill')
    .description('prove that a backup can be restored')
    .argument('[dir|program...]', 'the backup, or after --: what fetches an object')
    .option('--from-command', 'fetch each object by a program')
    .option('-c, --config <file>', 'configuration file, where neither is given', 'vigil.yaml')
    .option('--trust <file>', 'verifier keys that you trust, one a line')
    .option('--scratch <dir>', 'where there is room for the journal and two stores')
    .option('--json', 'print one JSON document')
    .addHelpText('after', DRILL_HELP)
    .action(
      async (
        words: readonly string[],
        options: Options & { trust?: string; scratch?: string; fromCommand?: true },
      ) => {
        const trust = readTrust(options.trust)
        const { scratch } = options
        const given = placeOf(words, options.fromCommand === true ? 'from' : undefined)
        const done =
          given === undefined
            ? await drillConfigured(requireConfig(options.config, { endedWaivers: 'warn' }), {
                trust,
                scratch,
              })
            : await withProgress((onProgress) => drill(given, { trust, scratch, now: Date.now, onProgress }))
        if (options.json === true) printJson(done)
        else printDrill(done)
        process.exitCode = done.differences === 0 ? EXIT.ok : EXIT.findings
      },
    )
}

async function drillConfigured(
  loaded: LoadedConfig,
  given: { readonly trust: string | undefined; readonly scratch: string | undefined },
): Promise<Drill> {
  const { place, drill: plan } = configured(loaded)
  const { journalDirectory } = loaded
  const trust = given.trust ?? plan?.trust ?? (await ownKeys(journalDirectory))
  const scratch = given.scratch ?? plan?.scratch
  const { done } = await withOutcome(journalDirectory, 'drill', Date.now, async () => {
    const made = await withProgress((onProgress) =>
      drill(place, { trust, scratch, of: journalDirectory, now: Date.now, onProgress }),
    )
    if (made.differences > 0)
      throw new CommandError(EXIT.findings, `of ${made.compared} documents ${made.differences} differ`)
    const sum = (of: (epoch: Drill['epochs'][number]) => number): number =>
      made.epochs.reduce((total, epoch) => total + of(epoch), 0)
    return {
      done: made,
      outcome: {
        place: placeText(place),
        epochs: made.epochs.length,
        entries: sum(({ report }) => report.size),
        records: made.records,
        artifacts: sum(({ report }) => report.artifacts),
        documents: made.compared,
        duration: made.duration,
      },
    }
  })
  return done
}

function printDrill(done: Drill): void {
  const epochs = done.epochs.map(
    ({ epoch, report }) => `${epoch} ${report.verdict}, ${report.size} entries, root ${report.root}`,
  )
  printLine(
    `restored in ${humanDuration(done.duration)}: epoch ${epochs.join('; epoch ')}; ${done.compared} documents, ${done.differences} differ`,
  )
}

function configured({ backup, file }: LoadedConfig): NonNullable<LoadedConfig['backup']> {
  if (backup !== undefined) return backup
  throw new CommandError(EXIT.usage, `expected a directory or a program, or "backup" in ${file}`)
}

/** undefined: none was given. */
function placeOf(words: readonly string[], kind: 'to' | 'from' | undefined): BackupPlace | undefined {
  const [directory, ...more] = words
  if (kind === undefined) {
    if (more.length > 0)
      throw new CommandError(EXIT.usage, `expected one directory, got ${words.length}: ${words.join(' ')}`)
    return directory === undefined ? undefined : { kind: 'directory', directory }
  }
  if (!namesObject(words))
    throw new CommandError(
      EXIT.usage,
      `--${kind}-command: expected -- PROGRAM ARGUMENTS with {name} in an argument, got "${words.join(' ')}"`,
    )
  return {
    kind: 'objects',
    to: kind === 'to' ? words : undefined,
    from: kind === 'from' ? words : undefined,
    timeout: OBJECT_TIMEOUT,
  }
}

/** Keys of all epochs. */
async function ownKeys(journalDirectory: string): Promise<string> {
  const directories = await epochDirectories(journalDirectory)
  const texts = await Promise.all(
    directories.map((directory) => nodeDisk.read(join(directory, VERIFIER_KEYS))),
  )
  return texts.map((text) => text?.toString('utf8') ?? '').join('')
}

function readTrust(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readGiven(file).toString('utf8')
}

async function withProgress<T>(
  work: (onProgress: (label: string, done: number, of: number) => void) => Promise<T>,
): Promise<T> {
  let line: ProgressLine | undefined
  let shown = ''
  try {
    return await work((label, done, of) => {
      if (label !== shown) {
        line?.end()
        line = new ProgressLine(process.stderr, label)
        shown = label
      }
      line?.update(done, of)
    })
  } catch (error) {
    if (error instanceof JournalError && error.code === 'altered')
      throw new CommandError(EXIT.findings, error.message)
    if (error instanceof JournalError || error instanceof StoreError)
      throw new CommandError(EXIT.failed, error.message)
    if (systemCode(error) === 'ENOENT')
      throw new CommandError(EXIT.failed, `${messageOf(error)}: no journal, or no backup, is there`)
    // The disk is full, a place may not be written: what the system refuses.
    if (error instanceof Error && 'syscall' in error) throw new CommandError(EXIT.failed, error.message)
    throw error
  } finally {
    line?.end()
  }
}
