import { toTimestamp } from '../../model/time.ts'
import { humanDuration, paint, printable, table } from '../terminal.ts'
import { isUndecided, type FactTree, type Inspection, type Json } from './document.ts'

/** Items of a list that are shown to people; `--json` has them all. */
const MAX_SHOWN = 8
/** Characters of one value. A subject can have 16,000. */
const MAX_VALUE = 300

export interface View {
  /** File and, where it holds several, number of the object. */
  readonly title: string
  /** `--at`, milliseconds: times are shown relative to it. */
  readonly now: number
  /** Decides about colours. */
  readonly stream: NodeJS.WriteStream
}

/** For people: the verdict first, then why, then the facts in aligned columns. */
export function render(inspection: Inspection, view: View): string {
  const { error, lints, facts } = inspection
  const lines = [`${oneLine(view.title)}: ${verdictText(inspection, view)}`]
  if (error !== undefined)
    lines.push(`  ${paint(view.stream, 'red', `${error.phase}: ${error.code}`)}: ${oneLine(error.message)}`)
  for (const { id, source, message } of lints)
    lines.push(
      `  ${paint(view.stream, 'yellow', `lint ${oneLine(id)}`)}: ${oneLine(message)} (${oneLine(source)})`,
    )
  const rows = rowsOf(facts, 1, view)
  if (rows.length > 0) lines.push(table(rows.map(({ level, name, value }) => [indented(level, name), value])))
  return lines.join('\n')
}

function verdictText({ verdict, error }: Inspection, { stream, now }: View): string {
  const at = ` at ${toTimestamp(now)}`
  switch (verdict) {
    case 'valid':
      return paint(stream, 'green', 'valid') + at
    case 'invalid':
      return `${paint(stream, 'red', 'INVALID')}${at}; what follows are its own claims`
    case 'malformed':
      return paint(stream, 'red', 'MALFORMED')
    case 'unverified': {
      const why = error !== undefined && isUndecided(error) ? '' : ' (give the CA with --issuer)'
      return `${paint(stream, 'yellow', 'unverified')}${why}; what follows are its own claims`
    }
  }
}

/** One line: how deep, what it is, and its value; a heading has none. */
interface Row {
  readonly level: number
  readonly name: string
  readonly value: string
}

function rowsOf(tree: FactTree, level: number, view: View): Row[] {
  return Object.entries(tree).flatMap(([name, value]) =>
    value === undefined ? [] : rowsFor(name, value, level, view),
  )
}

function rowsFor(name: string, value: Json, level: number, view: View): Row[] {
  const row = (text: string): Row[] => [{ level, name: label(name), value: text }]
  if (typeof value !== 'object') return row(scalar(value, view))
  if (isList(value)) return rowsOfList(name, value, level, view)
  if (name === 'reasons') return row(pairs(value))
  const inner = rowsOf(value, level + 1, view)
  return inner.length === 0 ? row('none') : [...row(''), ...inner]
}

/** Short items share a line, others have one each; what is more than that stands in blocks. */
function rowsOfList(name: string, list: readonly Json[], level: number, view: View): Row[] {
  const row = (text: string, title = label(name)): Row => ({ level, name: title, value: text })
  if (list.length === 0) return [row('none')]
  const shown = list.slice(0, MAX_SHOWN)
  const rest = list.length - shown.length
  const more = rest === 0 ? [] : [`… and ${rest} more`]
  if (shown.every((item) => typeof item !== 'object'))
    return [row([...shown.map((item) => scalar(item, view)), ...more].join(', '))]
  const summarize = SUMMARIES[name]
  if (summarize !== undefined)
    return [...shown.map(summarize), ...more].map((text, i) => row(text, i === 0 ? label(name) : ''))
  const blocks = shown.flatMap((item, i) => rowsFor(`${name} ${i + 1}`, item, level, view))
  return [...blocks, ...more.map((text) => row(text, ''))]
}

/** Lists of which a line an item says enough. */
const SUMMARIES: Readonly<Record<string, (item: Json) => string>> = {
  extensions: (item) => {
    const name = field(item, 'name') || field(item, 'oid')
    return field(item, 'critical') === 'true' ? `${name} (critical)` : name
  },
  path: (item) => field(item, 'subject') || `serial ${field(item, 'serial')}`,
  rejected: (item) => {
    const { path, error } = isTree(item) ? item : {}
    const subjects = path !== undefined && isList(path) ? path.map((step) => field(step, 'subject')) : []
    return oneLine(
      `${subjects.join(' < ')}: ${field(error, 'phase')}: ${field(error, 'code')}: ${field(error, 'message')}`,
    )
  },
  ...Object.fromEntries(
    ['added', 'removed', 'changedDate', 'changedReason'].map((name) => [name, (item: Json) => pairs(item)]),
  ),
}

/** `keyCompromise 3, none 12`. */
function pairs(item: Json): string {
  if (!isTree(item)) return oneLine(JSON.stringify(item))
  const entries = Object.entries(item).filter(([, value]) => value !== undefined && typeof value !== 'object')
  return entries.length === 0
    ? 'none'
    : entries.map(([name]) => `${oneLine(name)} ${field(item, name)}`).join(', ')
}

/** A simple value inside an item, safe to print; empty when there is none. */
function field(item: Json | undefined, name: string): string {
  const value = item !== undefined && isTree(item) ? item[name] : undefined
  return value === undefined || typeof value === 'object' ? '' : oneLine(String(value))
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function isTree(value: Json): value is FactTree {
  return typeof value === 'object' && !isList(value)
}

function indented(level: number, name: string): string {
  return `${'  '.repeat(level)}${name}`
}

/** `thisUpdate` is `this update`. */
function label(name: string): string {
  return oneLine(name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, ' ')).toLowerCase()
}

function scalar(value: string | number | boolean, { now }: View): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  const shown = oneLine(String(value))
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return shown
  const ms = Date.parse(value) - now
  return `${shown} (${ms < 0 ? `${humanDuration(-ms)} ago` : `in ${humanDuration(ms)}`})`
}

/** Foreign text on one line: what an object says neither drives the terminal nor forges a line. */
function oneLine(value: string): string {
  const cut = value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}… (${value.length} characters)` : value
  return printable(cut).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}
