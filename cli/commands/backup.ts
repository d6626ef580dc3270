import { Command } from 'commander'
import { JournalError } from '../../journal/error.ts'
import { StoreError } from '../../store/error.ts'
import { CommandError, EXIT } from '../exit.ts'
import { readGiven } from '../givenFile.ts'
import { printJson, printLine } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { backUpAll, drill, restore } from '../restore.ts'
import { humanDuration } from '../terminal.ts'
import { requireConfig } from './checkConfig.ts'

const BACKUP_HELP = `
Copies the journal, with the epochs before it, into DIR/<epoch>. vigil may be running. Made again into the same place, it copies only what is new.
Each of these directories is a journal: vigil verify DIR/<epoch> verifies it. Keys are not copied: keep them apart.

Examples:
  $ vigil backup /mnt/backup/vigil -c /etc/vigil/vigil.yaml
  $ vigil backup /mnt/backup/vigil && rclone sync /mnt/backup/vigil remote:vigil

Exit codes: 0 done, 2 usage or configuration, 3 could not be done`

const RESTORE_HELP = `
The journal that the configuration names must be gone, and vigil stopped. What is restored is verified first and kept as earlier epochs in <journal>.epochs; a new epoch
begins, whose first record names the last known checkpoint. The store is made anew. What was sealed after the backup is lost, and the journal shows that.

Example:
  $ vigil restore /mnt/backup/vigil -c /etc/vigil/vigil.yaml --trust vkey

Exit codes: 0 done, 1 the backup is broken, 2 usage or configuration, 3 could not be done`

const DRILL_HELP = `
Restores a backup into a scratch place, verifies every octet, makes a store of it, and removes it again. Do it every quarter, and have it in the report:
  $ vigil attest restore_drill --subject pki_governance --by jane.doe --key jane.key --expires 2027-02-22 --statement "$(vigil restore-drill /mnt/backup/vigil)"

Exit codes: 0 it holds, 1 it does not, 2 usage, 3 could not be done`

export function backupCommand(): Command {
  return new Command('backup')
    .description('copy the journal, or what of it is new, into a directory')
    .argument('<dir>', 'where the copies of all epochs are')
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--json', 'print one JSON document')
    .addHelpText('after', BACKUP_HELP)
    .action(async (place: string, options: { config: string; json?: true }) => {
      const { journalDirectory } = requireConfig(options.config, { endedWaivers: 'warn' })
      const reports = await withProgress((progress) => backUpAll(journalDirectory, place, progress))
      if (options.json === true) printJson(reports)
      else
        for (const { epoch, files, copied, octets, checkpoint } of reports)
          printLine(
            `epoch ${epoch}: ${checkpoint.size} entries under the checkpoint; copied ${copied} of ${files} files, ${octets} octets`,
          )
    })
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('put a backup in the place of a journal that is lost')
    .argument('<dir>', 'the backup')
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--trust <file>', 'verifier keys that you trust, one a line')
    .option('--json', 'print one JSON document')
    .addHelpText('after', RESTORE_HELP)
    .action(async (place: string, options: { config: string; trust?: string; json?: true }) => {
      const loaded = requireConfig(options.config, { endedWaivers: 'warn' })
      const trust = readTrust(options.trust)
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
    .argument('<dir>', 'the backup')
    .option('--trust <file>', 'verifier keys that you trust, one a line')
    .option('--json', 'print one JSON document')
    .addHelpText('after', DRILL_HELP)
    .action(async (place: string, options: { trust?: string; json?: true }) => {
      const trust = readTrust(options.trust)
      const done = await withProgress((onProgress) => drill(place, { trust, now: Date.now, onProgress }))
      if (options.json === true) printJson(done)
      else {
        const epochs = done.epochs.map(
          ({ epoch, report }) => `${epoch} ${report.verdict}, ${report.size} entries, root ${report.root}`,
        )
        printLine(
          `restored in ${humanDuration(done.duration)}: epoch ${epochs.join('; epoch ')}; ${done.compared} documents, ${done.differences} differ`,
        )
      }
      process.exitCode = done.differences === 0 ? EXIT.ok : EXIT.findings
    })
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
    if (error instanceof JournalError || error instanceof StoreError)
      throw new CommandError(EXIT.failed, error.message)
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new CommandError(EXIT.failed, `${error.message}: no journal, or no backup, is there`)
    throw error
  } finally {
    line?.end()
  }
}
