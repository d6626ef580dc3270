import { Command, InvalidArgumentError, Option } from 'commander'
import { nodeDisk } from '../../journal/disk.ts'
import { JournalError } from '../../journal/error.ts'
import { planErase, planPrune, type PruneRequest } from '../../journal/retention/plan.ts'
import type { Retained } from '../../journal/retention/takeOut.ts'
import { retain } from '../../journal/retention/retain.ts'
import { PRUNABLE_KINDS, type PrunableKind, type Retention } from '../../model/record.ts'
import { parseRecordId } from '../../model/recordId.ts'
import { parseDuration, toTimestamp } from '../../model/time.ts'
import { currentUser } from '../currentUser.ts'
import { CommandError, EXIT } from '../exit.ts'
import { instantOf } from '../instant.ts'
import { journalOptions } from '../journalOptions.ts'
import { printLine } from '../output.ts'
import { requireConfig } from './checkConfig.ts'

const EXITS =
  'Exit codes: 0 done, 1 the journal is not as it must be, 2 usage or configuration, 3 could not be done'

const PRUNE_HELP = `
Without --kind the oldest segments go, as far as everything in them is older; with --kind single records of these kinds, and their digests stay in the log. With
them go the artifacts that no other record names. What goes is recorded first, with the reason and who did it, and vigil verify shows it; whatever else is
missing is a fault. What is under a legal hold stays (vigil journal hold), and so does everything after it in the oldest segments. The newest segment stays.
vigil must be stopped; a running one does the same by itself (journal.retention in the configuration). After a crash, the same command finishes what was begun.

Examples:
  $ vigil journal prune --older-than 400d --reason 'retention policy, section 4' --dry-run
  $ vigil journal prune --older-than 90d --kind tick --kind unchanged --reason 'retention policy, section 5'

${EXITS}`

const ERASE_HELP = `
An empty line stands in place of the record; its digest stays, so that the log is whole, and nobody can guess the record from it. Who erased it and why becomes a
record, so name no personal data in the reason. Backups, mirrors, archives and stores hold copies: erase there too (vigil rebuild --store).
vigil must be stopped.

Example:
  $ vigil journal erase --record vigil.example.org/1763794800/42/0 --reason 'request 2026-17'

${EXITS}`

const HOLD_HELP = `
What was journaled in the period is neither pruned nor erased until the hold is released. vigil must be stopped.

Examples:
  $ vigil journal hold --from 2026-03-01 --to 2026-04-01 --reason 'case 17'
  $ vigil journal hold --release vigil.example.org/1763794800/977/0 --reason 'case 17 is closed'

${EXITS}`

interface Common {
  readonly reason: string
  readonly config: string
}

interface PruneOptions extends Common {
  readonly olderThan: string
  readonly kind: readonly PrunableKind[]
  readonly dryRun?: true
}

interface HoldOptions extends Common {
  readonly from?: string
  readonly to?: string
  readonly release?: string
}

/** Commands that take something out of a journal, or see to it that it stays. */
export function retentionCommands(): readonly Command[] {
  return [pruneCommand(), eraseCommand(), holdCommand()]
}

function pruneCommand(): Command {
  return common('prune', 'remove what is old, and record that; vigil must be stopped', PRUNE_HELP)
    .requiredOption('--older-than <duration>', 'journaled longer ago than this: 400d')
    .addOption(
      new Option('--kind <kind>', `${PRUNABLE_KINDS.join(', ')}; may be repeated`)
        .argParser((text: string, kinds: readonly PrunableKind[]) => [...kinds, prunableKind(text)])
        .default([], 'whole segments'),
    )
    .option('--dry-run', 'only say what would go')
    .action(async (options: PruneOptions) => {
      const age = parseDuration(options.olderThan)
      if (age === undefined)
        throw new CommandError(
          EXIT.usage,
          `--older-than: expected a duration such as 400d, got "${options.olderThan}"`,
        )
      const request: PruneRequest = {
        by: currentUser(),
        reason: options.reason,
        before: Date.now() - age,
        kinds: options.kind,
      }
      const { journalDirectory } = requireConfig(options.config)
      if (options.dryRun === true) {
        const planned = await told(() => planPrune(nodeDisk, journalDirectory, request))
        printLine(`${journalDirectory}: ${planText(planned)}; nothing was removed (--dry-run)`)
      } else
        printRemoved(
          await carryOut(options, (directory) => planPrune(nodeDisk, directory, request), 'verdicts'),
        )
    })
}

function eraseCommand(): Command {
  return common('erase', 'erase one record, and record that; vigil must be stopped', ERASE_HELP)
    .requiredOption('--record <id>', 'id of the record, as cat, findings and reports name it')
    .action(async (options: Common & { readonly record: string }) => {
      const at = parseRecordId(options.record)
      if (at === undefined)
        throw new CommandError(
          EXIT.usage,
          `--record: expected origin/epoch/entry/n, got ${JSON.stringify(options.record)}`,
        )
      const request = { by: currentUser(), reason: options.reason }
      printRemoved(await carryOut(options, (directory) => planErase(nodeDisk, directory, at, request)))
    })
}

function holdCommand(): Command {
  return common(
    'hold',
    'keep a period from being pruned or erased, or no longer; vigil must be stopped',
    HOLD_HELP,
  )
    .option('--from <time>', 'journaled at or after this')
    .option('--to <time>', 'journaled before this')
    .option('--release <id>', 'the hold that ends: id of its record')
    .action(async (options: HoldOptions) => {
      const retention = holdOf(options)
      const { directory, records } = await carryOut(options, () => Promise.resolve([retention]))
      const what =
        retention.action === 'hold'
          ? `what was journaled from ${retention.from} to ${retention.to} is held`
          : 'the hold is released'
      for (const { id } of records) printLine(`${directory}: ${what}; recorded: ${id}`)
    })
}

function holdOf({
  from,
  to,
  release,
  reason,
}: HoldOptions): Retention & { readonly action: 'hold' | 'release' } {
  const by = currentUser()
  if (release !== undefined && from === undefined && to === undefined)
    return { action: 'release', by, reason, hold: release }
  if (release !== undefined || from === undefined || to === undefined)
    throw new CommandError(EXIT.usage, 'expected either --from and --to, or --release ID')
  const period = { from: instantOf('--from', from), to: instantOf('--to', to) }
  if (period.from >= period.to) throw new CommandError(EXIT.usage, '--from: expected a time before --to')
  return { action: 'hold', by, reason, from: toTimestamp(period.from), to: toTimestamp(period.to) }
}

function common(name: string, description: string, help: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--reason <text>', 'why; becomes part of the journal')
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .addHelpText('after', help)
}

async function carryOut(
  { config }: Common,
  plan: (directory: string) => Promise<readonly Retention[]>,
  keep?: 'verdicts',
): Promise<Retained & { readonly directory: string }> {
  const writing = journalOptions(requireConfig(config), Date.now)
  const { directory } = writing
  const retained = await told(() => retain({ ...writing, sealInterval: 0 }, () => plan(directory), keep))
  return { directory, ...retained }
}

function printRemoved({ directory, removed }: Awaited<ReturnType<typeof carryOut>>): void {
  const { segments, records, artifacts } = removed
  printLine(`${directory}: removed ${segments} segments, ${records} records, ${artifacts} artifacts`)
}

function planText(planned: readonly Retention[]): string {
  let [segments, records, artifacts] = [0, 0, 0]
  for (const retention of planned) {
    if (retention.action === 'prune') ({ segments } = retention)
    if (retention.action === 'erase') records += retention.records.length
    if (retention.action === 'prune' || retention.action === 'erase') artifacts += retention.artifacts.length
  }
  return `the segments below ${segments}, ${records} records, ${artifacts} artifacts would go`
}

function prunableKind(text: string): PrunableKind {
  const kind = PRUNABLE_KINDS.find((known) => known === text)
  if (kind === undefined) throw new InvalidArgumentError(`expected one of ${PRUNABLE_KINDS.join(', ')}`)
  return kind
}

async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    const hint =
      error.code === 'locked' ? ': stop vigil first, or let it do this by itself (journal.retention)' : ''
    throw new CommandError(error.code === 'altered' ? EXIT.findings : EXIT.failed, `${error.message}${hint}`)
  }
}
