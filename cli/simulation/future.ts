import { toTimestamp } from '../../model/time.ts'
import type { Pack, Rule } from '../../rules/pack.ts'
import type { FutureChange, FutureGroup, Transition } from '../../rules/simulation/future.ts'
import { humanDuration } from '../../rules/summary.ts'
import { printLine } from '../output.ts'
import { paint, printable, table } from '../terminal.ts'
import { bySeverity, listed, ruleHead, second, section } from './print.ts'
import type { RulesUnderTest } from './rulesUnderTest.ts'
import type { Future } from './simulate.ts'

/** What makes an operator act before the date. What machines renew all the time does not, and what is mended neither. */
export function needsAction({ group, routine }: FutureChange): boolean {
  return group !== 'mended' && !routine
}

/** As `--json` prints it. */
export function futureDocument({ now, at, changes, transitions }: Future, { then }: RulesUnderTest) {
  return {
    kind: 'future',
    at: toTimestamp(at),
    evidence: toTimestamp(now),
    packs: packList(then.packs),
    transitions,
    changes: changes.map((change) => ({
      ...change,
      now: change.now ?? null,
      from: change.from === undefined ? null : toTimestamp(change.from),
      target: change.target ?? null,
      waiver: change.waiver ?? null,
    })),
  }
}

export function packList(
  packs: readonly Pack[],
): readonly { readonly id: string; readonly version: string }[] {
  return packs.map(({ id, version }) => ({ id, version }))
}

/** Those whose subjects are listed, in this order. */
const LISTED = [
  'wrong',
  'not_renewable',
  'unmuted',
  'lapsed',
  'mended',
] as const satisfies readonly FutureGroup[]

const HEADINGS = {
  wrong: ['red', 'Wrong then, and renewing it alike does not help'],
  not_renewable: ['red', 'Right then as it is served now, but could not be issued like this any more'],
  unmuted: ['yellow', 'Wrong now under a waiver that will have ended'],
  lapsed: ['yellow', 'Out of date then, unless renewed before'],
  mended: ['green', 'Wrong now, and not then'],
} as const satisfies Record<(typeof LISTED)[number], readonly [string, string]>

/** For people: differences first, what stays as counts. */
export function printFuture(
  future: Future,
  { then }: RulesUnderTest,
  { all }: { readonly all: boolean },
): void {
  const { now, at, changes, transitions } = future
  const rules = new Map(then.packs.flatMap((pack) => pack.rules.map((rule) => [rule.id, rule])))
  printLine(
    `What is known up to ${second(now)}, judged as of ${paint(process.stdout, 'bold', second(at))}, in ${humanDuration(at - now)}.`,
  )
  printLine(
    paint(
      process.stdout,
      'dim',
      'Probes are taken to go on and to see then what they see now; objectives stay as they are.',
    ),
  )
  for (const group of LISTED) {
    const own = changes.filter((change) => change.group === group && !change.routine)
    const [colour, text] = HEADINGS[group]
    printGroup({ changes: own, rules, all, heading: paint(process.stdout, colour, text) })
  }
  printFolded({
    heading: paint(process.stdout, 'yellow', 'Nobody can say: nothing in the evidence to judge by'),
    changes: changes.filter(({ group }) => group === 'unjudged'),
    words: ([first]) => printable(first?.summary ?? ''),
  })
  printFolded({
    heading: paint(
      process.stdout,
      'dim',
      'Lives so short that it is renewed all the time: wrong only if that stops',
    ),
    changes: changes.filter(({ routine }) => routine),
    words: (own) => {
      const first = Math.min(...own.map(({ from }) => from ?? Infinity))
      return `lapses at ${second(first)}  ${printable(rules.get(own[0]?.rule ?? '')?.title ?? '')}`
    },
  })
  printLine()
  printLine(`${changes.some(needsAction) ? 'Else as now' : 'As now'}: ${unchanged(transitions)}.`)
}

interface Group {
  readonly changes: readonly FutureChange[]
  readonly rules: ReadonlyMap<string, Rule>
  readonly all: boolean
  readonly heading: string
}

function printGroup({ changes, rules, all, heading }: Group): void {
  if (changes.length === 0) return
  const byRule = [...Map.groupBy(changes, ({ rule }) => rule)].toSorted(
    ([, [a]], [, [b]]) => bySeverity(a?.severity, b?.severity) || (a?.from ?? 0) - (b?.from ?? 0),
  )
  section(heading, changes.length, byRule.length)
  for (const [id, own] of byRule) {
    printLine(`  ${ruleHead(id, rules.get(id), own[0]?.severity)}`)
    const rows = own
      .toSorted((a, b) => (a.from ?? 0) - (b.from ?? 0))
      .map(({ subject, from, summary, waiver }) => {
        const muted = waiver === undefined ? '' : ` (waived until ${waiver.expires} by ${waiver.owner})`
        return [
          `    ${subject}`,
          from === undefined ? 'already now' : `from ${second(from)}`,
          printable(`${summary}${muted}`),
        ]
      })
    listed(rows, all)
  }
}

interface Folded {
  readonly heading: string
  readonly changes: readonly FutureChange[]
  readonly words: (changes: readonly FutureChange[]) => string
}

/** One line for each rule. */
function printFolded({ heading, changes, words }: Folded): void {
  if (changes.length === 0) return
  const byRule = [...Map.groupBy(changes, ({ rule }) => rule)]
  section(heading, changes.length, byRule.length)
  const rows = byRule.map(([id, own]) => {
    const subjects = own.length === 1 ? (own[0]?.subject ?? '') : `${own.length} subjects`
    return [`  ${id}`, subjects, words(own)]
  })
  printLine(table(rows))
}

/** `120 pass, 3 fail, 2 unknown`. */
function unchanged(transitions: readonly Transition[]): string {
  const same = transitions.filter(({ now, then }) => now === then)
  const words = same.map(({ then, pairs }) => `${pairs} ${WORDS[then]}`)
  return words.length === 0 ? 'nothing' : words.join(', ')
}

const WORDS = {
  pass: 'pass',
  fail: 'fail',
  pending: 'are pending',
  unknown: 'are unknown',
  not_applicable: 'do not apply',
} as const satisfies Record<Transition['then'], string>
