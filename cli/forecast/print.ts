import { formatInstant } from '../../model/time.ts'
import type { Pack } from '../../rules/pack.ts'
import type { Forecast, Prospect } from '../../rules/simulation/forecast.ts'
import { humanDuration } from '../../rules/summary.ts'
import { printLine } from '../output.ts'
import { counted, second } from '../simulation/print.ts'
import { paint, printable, table } from '../terminal.ts'

interface Shown {
  /** When the newest evidence was recorded, and up to when it was looked, in milliseconds. */
  readonly now: number
  readonly until: number
  readonly all: boolean
}

export function printForecast({ prospects, budgets }: Forecast, packs: readonly Pack[], shown: Shown): void {
  const { now, until, all } = shown
  printLine(
    `If nothing changes after ${second(now)}, up to ${paint(process.stdout, 'bold', second(until))}, in ${humanDuration(until - now)}:`,
  )
  printLine()
  const listed = prospects.filter(({ routine }) => all || !routine)
  const titles = new Map(packs.flatMap((pack) => pack.rules.map(({ id, title }) => [id, title])))
  if (listed.length > 0) printLine(table(listed.map((prospect) => row(prospect, titles, now))))
  else printLine('No rule stops to pass.')
  const routine = prospects.length - listed.length
  if (routine > 0)
    printLine(
      paint(
        process.stdout,
        'dim',
        `And ${counted(routine, 'finding')} about what machines renew all the time: --all`,
      ),
    )
  if (budgets.length === 0) return
  printLine()
  printLine('Error budgets, at the rate of the last day:')
  printLine(
    table(
      budgets.map(({ at, subject, objective, remaining, burn }) => [
        second(at),
        `in ${humanDuration(at - now)}`,
        subject,
        `${objective}: ${Math.round(remaining * 1000) / 10} % are left, burning at ${burn}`,
      ]),
    ),
  )
}

const COLOURS = { critical: 'red', warning: 'yellow', info: 'dim' } as const

function row(prospect: Prospect, titles: ReadonlyMap<string, string>, now: number): readonly string[] {
  const { at, rule, subject, severity, state, waiver } = prospect
  const muted = waiver === undefined ? '' : `, waived until ${formatInstant(Date.parse(waiver.expires))}`
  return [
    second(at),
    `in ${humanDuration(at - now)}`,
    paint(process.stdout, COLOURS[severity], severity),
    `${rule} ${state}`,
    subject,
    printable(`no longer so: ${titles.get(rule) ?? ''}${muted}`),
  ]
}
