import { toTimestamp } from '../../model/time.ts'
import type {
  Difference,
  PastReport,
  RuleComparison,
  RuleStatus,
  SubjectComparison,
} from '../../rules/simulation/past.ts'
import type { SideTotals } from '../../rules/simulation/tally.ts'
import { humanDuration } from '../../rules/summary.ts'
import { printLine } from '../output.ts'
import { paint, printable } from '../terminal.ts'
import { packList } from './future.ts'
import { andMore, bySeverity, counted, MAX_LISTED, ruleHead, second, section } from './print.ts'
import type { RulesUnderTest } from './rulesUnderTest.ts'
import type { Period } from './simulate.ts'

/** Something would have failed that did not, or nobody can say. */
export function isWorse({ rules }: PastReport): boolean {
  return rules.some(({ said }) =>
    said.some(({ difference }) => difference === 'more' || difference === 'unjudged'),
  )
}

/** As `--json` prints it; durations in milliseconds. */
export function pastDocument(report: PastReport, { tested }: RulesUnderTest, period: Period) {
  return {
    kind: 'past',
    period: range(period),
    judged: range(report.judged),
    records: report.records,
    packs: packList(tested.packs),
    rules: report.rules.map(({ rule, status, definition, severity, subjects, said }) => ({
      rule,
      status,
      pack: definition?.pack ?? null,
      title: definition?.title ?? null,
      severity: severity ?? null,
      subjects,
      simulated: sums(said, 'simulated'),
      recorded: sums(said, 'recorded'),
      said: said.map(({ subject, difference, simulated, recorded, bothFailing, ...rest }) => ({
        subject,
        difference,
        simulated: side(simulated, rest.summary),
        recorded: side(recorded, rest.recordedSummary),
        bothFailing,
      })),
    })),
    goneSubjects: report.goneSubjects,
  }
}

function range({ from, to }: Period): { from: string; to: string } {
  return { from: toTimestamp(from), to: toTimestamp(to) }
}

function sums(said: readonly SubjectComparison[], name: 'simulated' | 'recorded') {
  const sides = said.map((one) => one[name])
  return {
    subjectsFailed: sides.filter(({ failures }) => failures > 0).length,
    failing: sides.reduce((sum, { failing }) => sum + failing, 0),
    subjectsUnknown: sides.filter(({ unknown }) => unknown > 0).length,
  }
}

function side({ failures, failing, unknown, first, last }: SideTotals, summary: string) {
  return {
    failures,
    failing,
    unknown,
    first: first === undefined ? null : toTimestamp(first),
    last: last === undefined ? null : toTimestamp(last),
    summary,
  }
}

/** For people: differences first, what was the same as counts. */
export function printPast(
  report: PastReport,
  { inForce, tested }: RulesUnderTest,
  { period, all }: { readonly period: Period; readonly all: boolean },
): void {
  const { judged, records, goneSubjects } = report
  const known = new Map(inForce.packs.flatMap((pack) => pack.rules.map((rule) => [rule.id, rule])))
  const rules = report.rules.map((one) => ({ ...one, definition: one.definition ?? known.get(one.rule) }))
  const packs = tested.packs.map(({ id, version }) => `${id} ${version}`).join(', ')
  const { stdout } = process
  const length = humanDuration(judged.to - judged.from)
  printLine(
    `${second(judged.from)} to ${second(judged.to)}, by ${paint(stdout, 'bold', packs)}: ${counted(records, 'record')} in ${length}.`,
  )
  if (judged.from > period.from)
    printLine(paint(stdout, 'dim', `Asked for was ${second(period.from)} on; the journal begins later.`))
  printDifferences(rules, 'more', paint(stdout, 'red', 'Would have failed, or longer than it did'), all)
  printDifferences(
    rules,
    'unjudged',
    paint(stdout, 'yellow', 'Nobody can say: nothing in the evidence to judge by'),
    all,
  )
  printDifferences(
    rules,
    'less',
    paint(stdout, 'green', 'Would not have failed, or not as long as it did'),
    all,
  )
  const without = rules.filter(
    ({ status, subjects }) => subjects === 0 && (status === 'new' || status === 'tested'),
  )
  if (without.length > 0) {
    printLine()
    printLine(`About nothing that is watched: ${without.map(({ rule }) => rule).join(', ')}`)
  }
  printLine()
  for (const [status, text] of STATUSES)
    printSame(
      rules.filter((rule) => rule.status === status),
      text,
    )
  if (goneSubjects.length > 0)
    printLine(
      `Not in the inventory any more, so not compared: ${goneSubjects.slice(0, 5).join(', ')}${goneSubjects.length > 5 ? ` and ${goneSubjects.length - 5} more` : ''}`,
    )
}

const STATUSES = [
  ['tested', 'As it was'],
  ['new', 'New, and without a failure'],
  ['left_out', 'Left out, and without a failure'],
  ['kept', 'Not under test'],
] as const satisfies readonly (readonly [RuleStatus, string])[]

/** `As it was: 12 rules; 2 of them failed, 3 findings.` */
function printSame(rules: readonly RuleComparison[], what: string): void {
  const same = rules.filter(({ said }) => said.every(({ difference }) => difference === 'none'))
  if (same.length === 0) return
  const failed = same.map(({ said }) => said.filter(({ recorded }) => recorded.failures > 0).length)
  const rulesFailed = failed.filter((n) => n > 0).length
  const findings = failed.reduce((sum, n) => sum + n, 0)
  const detail = rulesFailed === 0 ? '' : `; ${rulesFailed} of them failed, ${counted(findings, 'finding')}`
  printLine(`${what}: ${counted(same.length, 'rule')}${detail}.`)
}

function printDifferences(
  rules: readonly RuleComparison[],
  difference: Difference,
  heading: string,
  all: boolean,
): void {
  const concerned = rules
    .map((rule) => ({ rule, said: rule.said.filter((one) => one.difference === difference) }))
    .filter(({ said }) => said.length > 0)
    .toSorted((a, b) => bySeverity(a.rule.severity, b.rule.severity))
  if (concerned.length === 0) return
  section(
    heading,
    concerned.reduce((sum, { said }) => sum + said.length, 0),
    concerned.length,
  )
  for (const { rule, said } of concerned) {
    const note = NOTES[rule.status]
    printLine(`  ${ruleHead(rule.rule, rule.definition, rule.severity)}${note === '' ? '' : `, ${note}`}`)
    const byLength = said.toSorted((a, b) => lost(b) - lost(a))
    const shown = all ? byLength : byLength.slice(0, MAX_LISTED)
    for (const one of shown) printSubject(one, rule.status)
    andMore(byLength.length - shown.length)
  }
}

const NOTES = { new: 'new', left_out: 'left out', tested: '', kept: '' } as const satisfies Record<
  RuleStatus,
  string
>

function lost({ simulated, recorded }: SubjectComparison): number {
  return Math.abs(simulated.failing - recorded.failing)
}

function printSubject(one: SubjectComparison, status: RuleStatus): void {
  const { subject, difference, simulated, recorded, summary, recordedSummary } = one
  const would = status === 'left_out' ? [] : [spells(simulated)]
  const did = status === 'new' ? [] : [`did: ${spells(recorded)}`]
  const said =
    difference === 'unjudged'
      ? `unknown for ${humanDuration(simulated.unknown)}`
      : [...would, ...did].join('; ')
  printLine(`    ${subject}  ${said}`)
  const text = simulated.failures > 0 || difference === 'unjudged' ? summary : recordedSummary
  printLine(`      ${paint(process.stdout, 'dim', printable(text))}`)
}

/** `3 times, 2h 4m in all, from 2026-11-03T10:00:00Z to 2026-11-09` */
function spells({ failures, failing, first, last }: SideTotals): string {
  if (failures === 0 || first === undefined) return 'never'
  const often = failures === 1 ? 'once, for' : `${failures} times,`
  const end = last === undefined ? 'on' : `to ${second(last)}`
  return `${often} ${humanDuration(failing)}${failures === 1 ? '' : ' in all'}, from ${second(first)} ${end}`
}
