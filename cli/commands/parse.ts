import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { FORMATS } from '../../collectors/formats/table.ts'
import { parseFile, type ParseCommandOptions } from '../parse/run.ts'

const HELP = `
FILE is a log, gzipped or not, or - for standard input. Nothing is recorded and no configuration is needed. With --json each event is one line on
standard output; what is not understood is an event too (unparsed), and is named on standard error with its line.

Examples:
  $ vigil parse ejbca /var/log/ejbca/audit.log
  $ vigil parse ejbca server.log.2026-11-22 --timezone Europe/Stockholm --json | jq 'select(.event.outcome == "failure")'
  $ vigil parse dogtag ca_audit --signing-key audit-signing.pem --json | jq 'select(.pki.signature == "bad")'
  $ zcat audit.json.gz | vigil parse json - --mapping step-ca.yaml --json

Exit codes: 0 everything was understood, 1 something was not, 2 usage, 3 could not be read`

export function parseCommand(): Command {
  const formats = Object.keys(FORMATS)
  return new Command('parse')
    .description('what a log says, as events in Elastic Common Schema')
    .addArgument(new Argument('<format>', 'of its lines').choices(formats))
    .argument('<file>', 'the log, or -')
    .option('--json', 'print each event as one line of JSON')
    .option('--timezone <zone>', 'IANA time zone of times without offset (default: UTC)')
    .addOption(
      repeatable(
        '--signing-key <file>',
        'dogtag: certificate or public key that signs the log; may be repeated',
      ),
    )
    .option('--mapping <file>', 'json: YAML file with what stands under `json` in a configuration')
    .addOption(
      new Option('--source <id>', 'id of the log in the inventory, of which ids of events are made')
        .argParser(parseSource)
        .default('log'),
    )
    .addHelpText('after', HELP)
    .action((format: string, file: string, options: ParseCommandOptions) => parseFile(format, file, options))
}

function repeatable(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((file: string, files: readonly string[]) => [...files, file])
    .default([], 'none')
}

function parseSource(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text))
    throw new InvalidArgumentError('expected the id of a log')
  return text
}
