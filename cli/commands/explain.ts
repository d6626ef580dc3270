import { Command } from 'commander'
import { openHistory } from '../../journal/epochs.ts'
import { JournalError } from '../../journal/error.ts'
import { CommandError, EXIT } from '../exit.ts'
import { explain } from '../explain/explain.ts'
import { printExplanation } from '../explain/print.ts'
import { instantOf } from '../instant.ts'
import { printJson } from '../output.ts'
import { requireConfig } from './checkConfig.ts'

const HELP = `
Read from the journal alone, with the packs, parameters and waivers that were in force then; vigil may be running meanwhile. Subjects and targets
are those of the configuration.

Examples:
  $ vigil explain 'ca_crl[issuing-1]' crl_freshness_ok
  $ vigil explain 'deployed_service_cert[shop,prod]' cert_max_lifetime_policy --at 2026-11-20T12:00:00Z --json

Exit codes: 0 it passes or does not apply, 1 it fails or is unknown, 2 usage, 3 could not be done`

interface Options {
  readonly config: string
  readonly at?: string
  readonly json?: true
}

export function explainCommand(): Command {
  return new Command('explain')
    .description('why a finding is what it is: facts, condition, parameters, source, evidence, since when')
    .argument('<subject>', 'such as ca_crl[issuing-1]')
    .argument('<rule>', 'such as crl_freshness_ok')
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--at <time>', 'as of this time: 2026-11-20, or 2026-11-20T12:00:00Z')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action(async (subject: string, rule: string, options: Options) => {
      const at = options.at === undefined ? undefined : instantOf('--at', options.at)
      const loaded = requireConfig(options.config, { endedWaivers: 'warn' })
      const explained = await openHistory(loaded.journalDirectory)
        .then((reader) => explain({ reader, loaded, subject, rule, at }))
        .catch((error: unknown) => {
          if (error instanceof JournalError) throw new CommandError(EXIT.failed, error.message)
          throw error
        })
      if (options.json === true) printJson(explained)
      else printExplanation(explained)
      process.exitCode = ['pass', 'not_applicable'].includes(explained.state) ? EXIT.ok : EXIT.findings
    })
}
