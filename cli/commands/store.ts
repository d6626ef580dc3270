import { Argument, Command, Option } from 'commander'
import { JournalError } from '../../journal/error.ts'
import { StoreError } from '../../store/error.ts'
import { CommandError, EXIT } from '../exit.ts'
import { printJson, printLine } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { compareProjection, PROJECTIONS, rebuildProjection, type ProjectionName } from '../projection.ts'
import { paint, printable } from '../terminal.ts'
import { requireConfig } from './checkConfig.ts'

/** Differences that are shown to people; --json has them all. */
const MAX_SHOWN = 20

const COMPARE_HELP = `
The journal is applied to an empty store as far as this one got, and everything that can be asked of the two must be equal. The embedded store is compared as of
one moment, vigil may be running; for Elasticsearch it must be stopped.

Examples:
  $ vigil store compare
  $ vigil store compare elasticsearch --json

Exit codes: 0 equal, 1 they differ, 2 usage, 3 could not be done`

const REBUILD_HELP = `
vigil must be stopped. The embedded store is replaced when the new one is whole; the indices in Elasticsearch are removed first.

Examples:
  $ vigil rebuild --store
  $ vigil rebuild --store elasticsearch -c /etc/vigil/vigil.yaml

Exit codes: 0 done, 2 usage, 3 could not be done`

interface Options {
  readonly config: string
  readonly json?: true
}

export function storeCommand(): Command {
  const compare = new Command('compare')
    .description('say where a store differs from what its journal gives')
    .addArgument(new Argument('[store]', 'which one').choices(PROJECTIONS).default('sqlite'))
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--json', 'print one JSON document')
    .addHelpText('after', COMPARE_HELP)
    .action(async (name: ProjectionName, options: Options) => {
      const loaded = requireConfig(options.config, { endedWaivers: 'warn' })
      const comparison = await withProgress('comparing', (onProgress) =>
        compareProjection(loaded, name, onProgress),
      )
      const { compared, behind, differences } = comparison
      if (options.json === true) printJson({ store: name, ...comparison })
      else {
        const verdict =
          differences.length === 0
            ? paint(process.stdout, 'green', 'equal to the journal')
            : paint(process.stdout, 'red', `${differences.length} differences`)
        printLine(`${name}: ${verdict}; ${compared} documents compared, ${behind} records not yet applied`)
        for (const { kind, id, how } of differences.slice(0, MAX_SHOWN))
          printLine(`  ${how}: ${kind} ${printable(id)}`)
        if (differences.length > MAX_SHOWN) printLine(`  and ${differences.length - MAX_SHOWN} more`)
      }
      process.exitCode = differences.length === 0 ? EXIT.ok : EXIT.findings
    })
  return new Command('store').description('the stores that the journal is projected into').addCommand(compare)
}

export function rebuildCommand(): Command {
  return new Command('rebuild')
    .description('make a store anew from the journal')
    .addOption(
      new Option('--store [store]', 'which one').choices(PROJECTIONS).preset('sqlite').makeOptionMandatory(),
    )
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--json', 'print one JSON document')
    .addHelpText('after', REBUILD_HELP)
    .action(async (options: Options & { store: ProjectionName }) => {
      const loaded = requireConfig(options.config, { endedWaivers: 'warn' })
      const applied = await withProgress('rebuilding', (onProgress) =>
        rebuildProjection(loaded, options.store, onProgress),
      )
      if (options.json === true) printJson({ store: options.store, records: applied })
      else printLine(`${options.store}: made anew from ${applied} records`)
    })
}

async function withProgress<T>(
  label: string,
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const progress = new ProgressLine(process.stderr, label)
  try {
    return await work((done, total) => progress.update(done, total))
  } catch (error) {
    if (error instanceof JournalError || error instanceof StoreError)
      throw new CommandError(EXIT.failed, error.message)
    throw error
  } finally {
    progress.end()
  }
}
