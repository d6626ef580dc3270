import { SEVERITIES, type Severity } from '../../model/finding.ts'
import { formatInstant } from '../../model/time.ts'
import type { Rule } from '../../rules/pack.ts'
import { printLine } from '../output.ts'
import { paint, printable, table } from '../terminal.ts'

/** Subjects that are listed for a rule, unless all are asked for. */
export const MAX_LISTED = 5

export function section(heading: string, subjects: number, rules: number): void {
  printLine()
  printLine(`${heading}: ${counted(subjects, 'finding')} of ${counted(rules, 'rule')}`)
}

/** `br_val_01 critical  The certificate … (CA/Browser Forum TLS BR 2.2.6, 6.3.2)` */
export function ruleHead(id: string, rule: Rule | undefined, severity: Severity | undefined): string {
  const name = `${paint(process.stdout, 'bold', id)}${severity === undefined ? '' : ` ${severity}`}`
  if (rule === undefined) return name
  const { document, version, section: part, advisory } = rule.source
  const source = [version === undefined ? document : `${document} ${version}`, part]
    .filter((text) => text !== undefined)
    .join(', ')
  const from = printable(`(${source}${advisory ? '; advisory' : ''})`)
  return `${name}  ${printable(rule.title)} ${paint(process.stdout, 'dim', from)}`
}

/** Rows of subjects as a table: some of them, and how many more there are. */
export function listed(rows: readonly (readonly string[])[], all: boolean): void {
  const shown = all ? rows : rows.slice(0, MAX_LISTED)
  printLine(table(shown))
  andMore(rows.length - shown.length)
}

export function andMore(rest: number): void {
  if (rest > 0) printLine(`    and ${rest} more: --all, or --json`)
}

/** The most severe first; what has none last. */
export function bySeverity(a: Severity | undefined, b: Severity | undefined): number {
  const rank = (severity: Severity | undefined): number =>
    severity === undefined ? -1 : SEVERITIES.indexOf(severity)
  return rank(b) - rank(a)
}

export function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

/** A time to the second: people read it. */
export function second(ms: number): string {
  return formatInstant(Math.floor(ms / 1000) * 1000)
}
