import { Command } from 'commander'
import { JournalError } from '../../journal/error.ts'
import { openHistory } from '../../journal/epochs.ts'
import type { Facts } from '../../model/facts.ts'
import { toTimestamp } from '../../model/time.ts'
import { calendar, type CalendarEntry, type KnownTarget } from '../../rules/calendar.ts'
import { humanDuration } from '../../rules/summary.ts'
import { icsCalendar } from '../calendar/ics.ts'
import { CommandError, EXIT } from '../exit.ts'
import type { LoadedConfig } from '../load.ts'
import { printJson, printLine } from '../output.ts'
import { second } from '../simulation/print.ts'
import { replay } from '../simulation/simulate.ts'
import { paint, printable, table } from '../terminal.ts'
import { productVersion } from '../version.ts'
import { withinOf } from '../within.ts'
import { requireConfig } from './checkConfig.ts'

const HELP = `
Certificates as last seen at the endpoints, authorities of the configuration with the day by which each has to be renewed (so that it outlives what it issues), OCSP
signers, CRLs of offline authorities, dates of the rule packs in force, waivers, signed statements. What has ended stays until it is replaced.
The journal is only read; vigil may be running meanwhile, and need not have run before.

Examples:
  $ vigil calendar
  $ vigil calendar --within 3650d --json
  $ vigil calendar --ics > pki.ics

Exit codes: 0 done, 2 usage, 3 could not be done`

interface Options {
  readonly config: string
  readonly within: string
  readonly ics?: true
  readonly json?: true
}

export function calendarCommand(): Command {
  return new Command('calendar')
    .description(
      'what expires and what comes into force: certificates, CRL ceremonies, policies, waivers, statements',
    )
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--within <duration>', 'how far ahead to look', '400d')
    .option('--ics', 'write an iCalendar file (RFC 5545) to standard output')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const within = withinOf(options.within)
      if (options.ics === true && options.json === true)
        throw new CommandError(EXIT.usage, 'expected either --ics or --json')
      const loaded = requireConfig(options.config, { endedWaivers: 'warn' })
      const { config, issuers, packs } = loaded
      const { parameters, waivers } = config.rules
      const known = await knownTargets(loaded)
      const now = Date.now()
      const until = now + within
      const input = { inventory: config.inventory, issuers, known, packs, parameters, waivers }
      const entries = calendar(input, now, until)
      if (options.json === true)
        printJson({
          from: toTimestamp(now),
          until: toTimestamp(until),
          entries: entries.map(({ at, ...rest }) => ({ at: toTimestamp(at), ...rest })),
        })
      else if (options.ics === true)
        process.stdout.write(
          icsCalendar({ entries, origin: config.origin, version: productVersion(), now, until }),
        )
      else printEntries(entries, now, until)
    })
}

/** What the journal knows of every target that is declared, and of every statement: each group of facts as last established. */
async function knownTargets({ journalDirectory, watched }: LoadedConfig): Promise<readonly KnownTarget[]> {
  const declared = new Set(watched.map(({ subject, probe, address }) => `${subject} ${probe} ${address}`))
  const known = new Map<string, KnownTarget & { readonly facts: Facts }>()
  try {
    await replay(await openHistory(journalDirectory), (batch) => {
      for (const record of batch) {
        if (record.kind !== 'observation') continue
        const { subject, probe, target, facts } = record.body
        const key = `${subject} ${probe} ${target}`
        if (probe !== 'attestation' && !declared.has(key)) continue
        known.set(key, { subject, probe, target, facts: { ...known.get(key)?.facts, ...facts } })
      }
      return true
    })
  } catch (error) {
    // Before the first run there is no journal; what the configuration says stands all the same.
    if (!(error instanceof JournalError)) throw error
    if (error.code !== 'format') throw new CommandError(EXIT.failed, error.message)
  }
  return [...known.values()]
}

function printEntries(entries: readonly CalendarEntry[], now: number, until: number): void {
  if (entries.length === 0) {
    printLine(`Nothing ends up to ${second(until)}.`)
    return
  }
  printLine(
    table(
      entries.map(({ at, summary, detail }) => {
        const isOver = at <= now
        const when = isOver ? `${humanDuration(now - at)} ago` : `in ${humanDuration(at - now)}`
        return [
          second(at),
          isOver ? paint(process.stdout, 'red', when) : when,
          printable(summary),
          paint(process.stdout, 'dim', printable(detail)),
        ]
      }),
    ),
  )
}
