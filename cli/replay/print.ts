import { compareRecordIds, type RecordId } from '../../model/recordId.ts'
import { printLine } from '../output.ts'
import { paint, printable, table } from '../terminal.ts'
import { differencesIn, type ReplayReport } from './replay.ts'

/** Differences that are listed; `--json` has up to a hundred of each sort. */
const MAX_LISTED = 10
/** Characters of a value. */
const MAX_VALUE = 200

/** For people: what was made again, what could not be, and where it is otherwise. */
export function printReplay(report: ReplayReport): void {
  const { decisions, notes } = report
  const found = differencesIn(report)
  const verdict =
    found === 0
      ? decisions.unjudged === 0
        ? paint(process.stdout, 'green', 'what was recorded is what follows from the evidence')
        : paint(
            process.stdout,
            'yellow',
            `nothing differs of what can be made again; ${decisions.unjudged} decisions cannot`,
          )
      : paint(process.stdout, 'red', `${found} records are NOT what follows from the evidence`)
  const rows = [
    ['replay', verdict],
    ['facts', factsText(report)],
    ['events', eventsText(report)],
    ['decisions', decisionsText(report)],
    ['runs', `starts: ${decisions.starts}, reloads: ${decisions.reloads}`],
  ]
  printLine(table(rows.map(([name = '', value = '']) => [`  ${name}`, value])))
  for (const note of notes) printLine(`  note: ${printable(note)}`)
  const listed = differencesOf(report)
  for (const [i, line] of listed.slice(0, MAX_LISTED).entries())
    printLine(
      `  ${paint(process.stdout, 'red', i === 0 ? 'first difference' : 'difference')}: ${printable(line)}`,
    )
  if (listed.length > MAX_LISTED)
    printLine(`  and ${listed.length - MAX_LISTED} more; --json has up to a hundred of each sort`)
}

function factsText({ facts }: ReplayReport): string {
  const kinds = Object.entries(facts.kinds)
  const made = kinds.filter(([, { recomputed }]) => recomputed > 0)
  const without = kinds.flatMap(([kind, { notRecomputable }]) =>
    notRecomputable === 0 ? [] : [`${kind} ${notRecomputable}`],
  )
  const notKept = kinds.flatMap(([kind, counts]) =>
    counts.notKept === 0 ? [] : [`${kind} ${counts.notKept}`],
  )
  return [
    `made again: ${made.map(([kind, counts]) => `${kind} ${counts.recomputed} of ${counts.observations}`).join(', ') || 'none'}`,
    ...(notKept.length === 0 ? [] : [`artifact not kept: ${notKept.join(', ')}`]),
    ...(without.length === 0 ? [] : [`nothing is kept to make them from: ${without.join(', ')}`]),
  ].join('; ')
}

function eventsText({ events: { recomputed, different, damaged, notRecomputable } }: ReplayReport): string {
  return [
    `${recomputed - different} of ${recomputed} read again from their raw record`,
    ...(damaged === 0 ? [] : [`${damaged} of them damaged`]),
    ...(notRecomputable === 0 ? [] : [`${notRecomputable} without one`]),
  ].join('; ')
}

function decisionsText({ decisions }: ReplayReport): string {
  const { compared, same, missing, cutOff, unjudged } = decisions
  return [
    `${same} of ${compared} made again the same`,
    ...(missing === 0 ? [] : [`${missing} more follow and are missing`]),
    ...(cutOff === 0 ? [] : [`${cutOff} were still to come where a run ends`]),
    ...(unjudged === 0 ? [] : [`${unjudged} could not be made again`]),
  ].join('; ')
}

/** In the order of the journal. */
function differencesOf({ facts, events, decisions }: ReplayReport): readonly string[] {
  const all: readonly { readonly record: RecordId; readonly line: string }[] = [
    ...facts.differences.map(({ record, probe, subject, target, fact, recorded, recomputed }) => ({
      record,
      line: `${record}: ${probe} ${subject} ${target}, ${fact}: ${pair(recorded, recomputed)}`,
    })),
    ...events.differences.map(({ record, log, member, recorded, recomputed }) => ({
      record,
      line: `${record}: event of ${log}, ${member}: ${pair(recorded, recomputed)}`,
    })),
    ...decisions.differences.map(({ kind, record, rule, subject, members }) => {
      const what = {
        differs: `${record}: decision of ${rule} on ${subject}`,
        extra: `${record}: decision of ${rule} on ${subject}, which does not follow`,
        missing: `after ${record}: a decision of ${rule} on ${subject} is missing`,
      }[kind]
      const said = members.map(
        ({ member, recorded, recomputed }) => `${member}: ${pair(recorded, recomputed)}`,
      )
      return { record, line: `${what}, ${said.join('; ')}` }
    }),
  ]
  return all.toSorted((a, b) => compareRecordIds(a.record, b.record)).map(({ line }) => line)
}

function pair(recorded: unknown, recomputed: unknown): string {
  return `recorded ${shown(recorded)}, follows ${shown(recomputed)}`
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE - 1)}…`
}
