import type { FindingState } from '../../model/finding.ts'
import { formatDuration } from '../../model/time.ts'
import { printLine } from '../output.ts'
import { paint, printable, table } from '../terminal.ts'
import type { Explained } from './explain.ts'

const COLOURS = {
  pass: 'green',
  fail: 'red',
  pending: 'yellow',
  unknown: 'yellow',
  not_applicable: 'dim',
} as const satisfies Record<FindingState, string>

/** An explanation for people, from the verdict down to the bytes that it rests on. */
export function printExplanation(explained: Explained): void {
  const { state, source } = explained
  const colour = COLOURS[state]
  const said = paint(process.stdout, colour, state.replace('_', ' '))
  const since = explained.since === null ? '' : ` since ${explained.since}`
  printLine(`${paint(process.stdout, 'bold', explained.rule)} ${explained.subject}: ${said}${since}`)
  printLine(`  ${printable(explained.summary)}`)
  if (explained.waiver !== null) {
    const { owner, reason, expires } = explained.waiver
    printLine(
      `  ${paint(process.stdout, 'yellow', 'waived')} until ${expires} by ${printable(owner)}: ${printable(reason)}`,
    )
  }
  const from = [source.document, source.version, source.section]
    .filter((part) => part !== undefined)
    .join(', ')
  const { effective, judgedBy } = explained
  const inForce = [
    ...(effective.from === null ? [] : [`from ${effective.from}`]),
    ...(effective.until === null ? [] : [`until ${effective.until}`]),
  ]
  section('rule', [
    ['title', explained.title],
    ['why', explained.rationale],
    [
      'source',
      `${from} (${source.basis}${source.advisory ? ', advisory: not seen in the document itself' : ''})`,
    ],
    ...(inForce.length === 0 ? [] : [['in force', inForce.join(' ')]]),
    [
      'judged by',
      judgedBy.what === 'now' ? 'now' : `${judgedBy.what}, ${judgedBy.date ?? 'which was not established'}`,
    ],
    [
      'severity',
      `${explained.severity}; ${explained.timing.for === 0 ? 'fails at once' : `fails after ${formatDuration(explained.timing.for)}`}, unknown alerts after ${formatDuration(explained.timing.unknownFor)}`,
    ],
    ['as of', `${explained.asOf}, with the configuration of ${explained.configuration}`],
    ...(explained.decision === null ? [] : [['decided in', explained.decision]]),
    ...(explained.remediation === null ? [] : [['repair', explained.remediation]]),
    ...(explained.runbook === null ? [] : [['runbook', explained.runbook]]),
  ])
  section(
    'parameters',
    explained.parameters.map(({ name, value, origin, from: begin, until }) => [
      name,
      String(value),
      origin === 'pack' ? `pack ${explained.pack}` : 'vigil.yaml',
      [...(begin === null ? [] : [`from ${begin}`]), ...(until === null ? [] : [`until ${until}`])].join(' '),
    ]),
  )
  section(
    explained.target === null ? 'facts' : `facts, from ${explained.target}`,
    Object.entries(explained.facts).flatMap(([group, facts]) =>
      Object.entries(facts).map(([name, value]) => [`${group}.${name}`, JSON.stringify(value)]),
    ),
  )
  for (const { name, parts } of explained.traces)
    section(
      name,
      parts.map((part) => [
        `${'  '.repeat(part.depth)}${part.source}`,
        'value' in part ? part.value : 'missing' in part ? `${part.missing} was not established` : part.error,
      ]),
    )
  if (explained.reason !== '') section('because', [[explained.reason]])
  section(
    'evidence',
    explained.targets.flatMap(({ address, verdict, reason, evidence }) => [
      [address, verdict, evidence?.record ?? reason, evidence?.observed ?? ''],
      ...(evidence?.artifacts ?? []).map(({ digest, mediaType, kept }) => [
        '',
        '',
        `sha256 ${digest}`,
        `${mediaType}${kept ? '' : ', digest only'}`,
      ]),
    ]),
  )
}

function section(name: string, rows: readonly (readonly string[])[]): void {
  if (rows.length === 0) return
  printLine()
  printLine(paint(process.stdout, 'dim', printable(name)))
  printLine(table(rows.map((row) => row.map((cell, i) => `${i === 0 ? '  ' : ''}${printable(cell)}`))))
}
