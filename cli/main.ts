import { Command, CommanderError } from 'commander'
import { messageOf } from '../model/thrown.ts'
import { COMMANDS } from './commands.ts'
import { CommandError, EXIT } from './exit.ts'
import { printError } from './output.ts'
import { productVersion } from './version.ts'

const HELP = `
Examples:
  $ vigil demo                                        a real PKI in miniature, watched, broken, repaired and reported
  $ vigil probe crl http://crl.example.org/ca.crl --issuer ca.pem
  $ vigil inspect crl ca.crl --issuer ca.pem          what is in a file, and is it valid
  $ vigil run -c vigil.yaml                           the monitor; page and metrics on 127.0.0.1:9480
  $ vigil explain 'ca_crl[issuing-1]' crl_freshness_ok  why a finding is what it is
  $ vigil forecast --within 90d                       what breaks if nothing changes
  $ vigil rules lint own-rules.yaml                   check a rule pack without a configuration
  $ vigil verify journal --trust vkey                 check the evidence without trusting this machine
  $ vigil report --month 2026-11 -c vigil.yaml

Exit codes: 0 fine, 1 findings fail, 2 usage or configuration, 3 could not be done,
            4 not authenticated (verify without a trusted key, inspect without an issuer), 5 report: no browser for the PDF`

/** With the command that is asked for, or with all of them, which the help lists and errors suggest. */
async function program([asked = '']: readonly string[]): Promise<Command> {
  const vigil = new Command('vigil')
    .description(
      'Watches a PKI that already exists: CRLs, OCSP, TLS endpoints and CA audit logs, with evidence that can be checked.',
    )
    .version(productVersion())
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', HELP)
  const one = COMMANDS.get(asked)
  for (const load of one === undefined ? COMMANDS.values() : [one]) vigil.addCommand(inherit(await load()))
  return vigil
}

/** commander does not hand these settings down to commands that were built apart. */
function inherit(command: Command): Command {
  command.exitOverride().showSuggestionAfterError()
  for (const sub of command.commands) inherit(sub)
  return command
}

/** Runs one command line (without `node` and the script) and returns its exit code. */
// Called by bin/vigil.js.
// ts-unused-exports:disable-next-line
export async function main(args: readonly string[]): Promise<number> {
  try {
    await (await program(args)).parseAsync(args, { from: 'user' })
    return process.exitCode === undefined ? EXIT.ok : Number(process.exitCode)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    if (error instanceof CommandError) {
      printError(error, args.includes('--json'))
      return error.exitCode
    }
    printError(new CommandError(EXIT.failed, describe(error)), args.includes('--json'))
    if (process.env['VIGIL_DEBUG'] !== undefined) console.error(error)
    return EXIT.failed
  }
}

function describe(error: unknown): string {
  const message = messageOf(error)
  return `${message} (set VIGIL_DEBUG=1 for details)`
}
