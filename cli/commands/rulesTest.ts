import { Command } from 'commander'
import { JournalError } from '../../journal/error.ts'
import { openHistory } from '../../journal/epochs.ts'
import { fromTimestamp } from '../../model/time.ts'
import { ReportError } from '../../reports/error.ts'
import { monthPeriod } from '../../reports/period.ts'
import { RulesError } from '../../rules/error.ts'
import { CommandError, EXIT } from '../exit.ts'
import { instantOf } from '../instant.ts'
import { printJson } from '../output.ts'
import { packMistakes, withoutPlace } from '../packs.ts'
import { futureDocument, needsAction, printFuture } from '../simulation/future.ts'
import { isWorse, pastDocument, printPast } from '../simulation/past.ts'
import { rulesUnderTest } from '../simulation/rulesUnderTest.ts'
import { futureOf, pastOf, type Period } from '../simulation/simulate.ts'
import { requireConfig } from './checkConfig.ts'

const HELP = `
With --at: what is known now, judged as of a time to come: what expires or grows too old unless it is renewed, which rules, values, waivers and
statements begin or end by then, and what is served could not be issued like this any more.
With a period: what the rules would have said about it, beside what was said. Without --pack that is the configuration as it stands now.
The journal is only read; vigil may be running meanwhile. Subjects, targets, parameters and waivers are those of the configuration.

Examples:
  $ vigil rules test --at 2027-03-15
  $ vigil rules test --at 2027-03-15 --pack cabf-tls-br
  $ vigil rules test --pack own-rules.yaml                    the 30 days up to now
  $ vigil rules test --pack own-rules.yaml --only --month 2026-10 --json

Exit codes: 0 nothing fails that does not fail now (then), 1 something does, or cannot be judged, 2 usage, 3 could not be done`

/** Without a month, in milliseconds: any of 31 days would miss a weekly job at times, and 30 is what people call a month. */
const DEFAULT_PERIOD = 30 * 86_400_000

interface Options {
  readonly config: string
  readonly at?: string
  readonly month?: string
  readonly from?: string
  readonly to?: string
  readonly pack: readonly string[]
  readonly only?: true
  readonly all?: true
  readonly json?: true
}

export function rulesTestCommand(): Command {
  return new Command('test')
    .description('what rules will say at a time to come, or would have said about a past one')
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--at <time>', 'judge what is known now as of this time: 2027-03-15, or 2027-03-15T12:00:00Z')
    .option('--month <YYYY-MM>', 'judge this calendar month, UTC')
    .option('--from <time>', 'judge from this time on')
    .option('--to <time>', 'judge up to this time; default: now')
    .option(
      '--pack <file>',
      'a pack beside those in force, or in the place of the one with its id; may be repeated',
      (name: string, before: readonly string[]) => [...before, name],
      [],
    )
    .option('--only', 'nothing but the packs of --pack')
    .option('--all', 'list every subject')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const asked = questionOf(options, Date.now())
      const loaded = requireConfig(options.config, { endedWaivers: 'warn' })
      const rules = rulesUnderTest(loaded, { names: options.pack, only: options.only === true })
      const all = options.all === true
      const json = options.json === true
      await explained(async () => {
        const reader = await openHistory(loaded.journalDirectory)
        if (asked.at !== undefined) {
          const future = await futureOf(reader, rules, asked.at)
          if (json) printJson(futureDocument(future, rules))
          else printFuture(future, rules, { all })
          process.exitCode = future.changes.some(needsAction) ? EXIT.findings : EXIT.ok
          return
        }
        const report = await pastOf(reader, rules, asked.period)
        if (json) printJson(pastDocument(report, rules, asked.period))
        else printPast(report, rules, { period: asked.period, all })
        process.exitCode = isWorse(report) ? EXIT.findings : EXIT.ok
      })
    })
}

type Question =
  { readonly at: number; readonly period?: never } | { readonly at?: never; readonly period: Period }

/** Throws CommandError(usage). `now` in milliseconds. */
function questionOf({ at, month, from, to, pack, only }: Options, now: number): Question {
  const usage = (message: string): CommandError => new CommandError(EXIT.usage, message)
  const hasPeriod = month !== undefined || from !== undefined || to !== undefined
  if (only === true && pack.length === 0) throw usage('--only: expected --pack, whose rules it leaves alone')
  if (at !== undefined) {
    if (hasPeriod) throw usage('expected either --at or a period (--month, or --from and --to)')
    return { at: instantOf('--at', at) }
  }
  if (month !== undefined) {
    if (from !== undefined || to !== undefined) throw usage('expected either --month, or --from and --to')
    return { period: calendarMonth(month) }
  }
  if (!hasPeriod && pack.length === 0)
    throw usage('expected what to test: --at TIME, --pack FILE, or a period (--month, or --from and --to)')
  const end = to === undefined ? now : instantOf('--to', to)
  const start = from === undefined ? end - DEFAULT_PERIOD : instantOf('--from', from)
  if (start >= end) throw usage(`--from: expected a time before ${new Date(end).toISOString()}`)
  return { period: { from: start, to: end } }
}

function calendarMonth(month: string): Period {
  try {
    const { from, to } = monthPeriod(month)
    return { from: fromTimestamp(from), to: fromTimestamp(to) }
  } catch (error) {
    if (error instanceof ReportError) throw new CommandError(EXIT.usage, `--month: ${error.message}`)
    throw error
  }
}

async function explained(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof JournalError) throw new CommandError(EXIT.failed, error.message)
    if (error instanceof RulesError) throw packMistakes(error.problems.map(withoutPlace))
    throw error
  }
}
