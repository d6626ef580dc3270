import { Command, CommanderError } from 'commander'
import { attestCommand } from './commands/attest.ts'
import { calendarCommand } from './commands/calendar.ts'
import { checkConfigCommand } from './commands/checkConfig.ts'
import { demoCommand } from './commands/demo.ts'
import { explainCommand } from './commands/explain.ts'
import { forecastCommand } from './commands/forecast.ts'
import { inspectCommand } from './commands/inspect.ts'
import { incidentCommand } from './commands/incident.ts'
import { labCommand } from './commands/lab.ts'
import { probeCommand } from './commands/probe.ts'
import { reportCommand } from './commands/report.ts'
import { rulesCommand } from './commands/rules.ts'
import { runCommand } from './commands/run.ts'
import { verifyCommand } from './commands/verify.ts'
import { CommandError, EXIT } from './exit.ts'
import { printError } from './output.ts'
import { productVersion } from './version.ts'

/** Every command there is. */
const COMMANDS = [
  demoCommand,
  runCommand,
  checkConfigCommand,
  incidentCommand,
  probeCommand,
  inspectCommand,
  rulesCommand,
  explainCommand,
  forecastCommand,
  calendarCommand,
  attestCommand,
  labCommand,
  reportCommand,
  verifyCommand,
]

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

function program(): Command {
  const vigil = new Command('vigil')
    .description(
      'Watches a PKI that already exists: CRLs, OCSP, TLS endpoints and CA audit logs, with evidence that can be checked.',
    )
    .version(productVersion())
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', HELP)
  for (const command of COMMANDS) vigil.addCommand(inherit(command()))
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
    await program().parseAsync(args, { from: 'user' })
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
  const message = error instanceof Error ? error.message : String(error)
  return `${message} (set VIGIL_DEBUG=1 for details)`
}
