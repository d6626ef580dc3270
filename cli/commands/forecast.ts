import { Command } from 'commander'
import { JournalError } from '../../journal/error.ts'
import { openHistory } from '../../journal/epochs.ts'
import { fromTimestamp, toTimestamp } from '../../model/time.ts'
import { LatestRuns } from '../../rules/latestRuns.ts'
import { forecast, type Forecast } from '../../rules/simulation/forecast.ts'
import { CommandError, EXIT } from '../exit.ts'
import { printForecast } from '../forecast/print.ts'
import { printJson } from '../output.ts'
import { rulesOf } from '../rulesOf.ts'
import { replay } from '../simulation/simulate.ts'
import { withinOf } from '../within.ts'
import { requireConfig } from './checkConfig.ts'

const HELP = `
What is observed now is judged at later times, as if the same CRLs, answers and certificates were still served: when each rule stops to pass, to the second. Error
budgets are taken to be spent on at the rate of the last day. What is renewed by machines within ten days is only counted, unless --all is given.
The journal is only read; vigil may be running meanwhile.

Examples:
  $ vigil forecast
  $ vigil forecast --within 400d --json

Exit codes: 0 nothing breaks, 1 something does (what only --all lists does not count), 2 usage, 3 could not be done`

interface Options {
  readonly config: string
  readonly within: string
  readonly all?: true
  readonly json?: true
}

export function forecastCommand(): Command {
  return new Command('forecast')
    .description('when rules and error budgets will break if nothing changes')
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--within <duration>', 'how far ahead to look', '90d')
    .option('--all', 'also what machines renew all the time')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const within = withinOf(options.within)
      const loaded = requireConfig(options.config, { endedWaivers: 'warn' })
      const runs = new LatestRuns()
      let now: number | undefined
      try {
        await replay(await openHistory(loaded.journalDirectory), (batch) => {
          for (const record of batch) {
            runs.add(record)
            now = fromTimestamp(record.recorded)
          }
          return true
        })
      } catch (error) {
        if (error instanceof JournalError) throw new CommandError(EXIT.failed, error.message)
        throw error
      }
      if (now === undefined) throw new CommandError(EXIT.usage, 'the journal holds nothing yet')
      const until = now + within
      const found = forecast({ options: rulesOf(loaded), latest: runs.latest(), now, until })
      if (options.json === true) printJson(document(found, now, until))
      else printForecast(found, loaded.packs, { now, until, all: options.all === true })
      const breaks = found.budgets.length > 0 || found.prospects.some(({ routine }) => !routine)
      process.exitCode = breaks ? EXIT.findings : EXIT.ok
    })
}

function document({ prospects, budgets }: Forecast, now: number, until: number) {
  return {
    evidence: toTimestamp(now),
    until: toTimestamp(until),
    findings: prospects.map(({ at, target, waiver, ...rest }) => ({
      at: toTimestamp(at),
      ...rest,
      target: target ?? null,
      waiver: waiver ?? null,
    })),
    budgets: budgets.map(({ at, ...rest }) => ({ at: toTimestamp(at), ...rest })),
  }
}
