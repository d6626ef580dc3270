import { readFileSync } from 'node:fs'
import Handlebars from 'handlebars'
import { reportDigest } from './canonical.ts'
import { cssString, formatPeriod, isMonth, visibleIn } from './format.ts'
import { HELPERS } from './helpers.ts'
import { narrative, remark } from './narrative.ts'
import type { Report, ReportAuditClass } from './schema.ts'
import { PROBED } from './summary.ts'
import { timeline } from './timeline.ts'

/** Subjects shown with charts and targets, and subjects shown at all, one line each: some 40 pages. */
const MAX_DETAILED = 150
const MAX_LISTED = 2000
const MAX_JUDGED = 500
/** Deviations printed with facts and evidence, those that still last and critical ones first; all are in the table. */
const MAX_DETAILED_DEVIATIONS = 100

const MAX_OPEN = 50
const MAX_LOWEST = 5
/** Audit events printed in each class. */
const MAX_EVENTS = 60

const PARTIALS = [
  'cover',
  'contents',
  'summary',
  'deviations',
  'availability',
  'objectives',
  'states',
  'response',
  'audit',
  'auditClass',
  'configuration',
  'custody',
  'completeness',
  'checking',
] as const

/** Sections in their order: id, title. Both the contents and the headings are made of them. */
export const SECTIONS = [
  ['summary', 'Summary'],
  ['deviations', 'Deviations'],
  ['availability', 'Availability and response times'],
  ['objectives', 'Service level objectives'],
  ['states', 'Findings at the start and the end'],
  ['response', 'Alerts and remediation'],
  ['audit', 'CA audit trail'],
  ['configuration', 'Configuration of the monitor'],
  ['custody', 'Custody of the evidence'],
  ['completeness', 'Completeness of this report'],
  ['checking', 'How to check this report'],
] as const

interface RenderOptions {
  /** Page of each section by id, for the contents; they are known once a PDF was made. */
  readonly pages?: ReadonlyMap<string, number>
}

/** The report as one HTML document that loads nothing: styles and charts are inline, scripts there are none. */
export function renderHtml(report: Report, options: RenderOptions = {}): string {
  const shown = visibleIn(report)
  const prefix = `${shown.checkpoint.origin}/`
  const chart = timeline(shown)
  const sections = SECTIONS.map(([id, title], i) => ({
    id,
    title,
    number: i + 1,
    page: options.pages?.get(id) ?? null,
  }))
  const deviations = [...shown.deviations.items].sort(
    (a, b) =>
      Number(a.end !== null) - Number(b.end !== null) ||
      Number(a.severity !== 'critical') - Number(b.severity !== 'critical') ||
      a.number - b.number,
  )
  const detailed = deviations.slice(0, MAX_DETAILED_DEVIATIONS).sort((a, b) => a.number - b.number)
  const probed = shown.subjects.filter(isProbed)
  const judged = shown.subjects.filter((s) => !isProbed(s)).map((s) => s.subject)
  const byWeight = [...probed].sort((a, b) => weight(b) - weight(a))
  const detailedSubjects = new Set(byWeight.slice(0, MAX_DETAILED))
  const listedSubjects = new Set(byWeight.slice(MAX_DETAILED, MAX_LISTED))
  const { origin, size, root } = shown.checkpoint
  return template()({
    report: shown,
    css: css(),
    footer: `${cssString(`${origin}, checkpoint of size ${size}`)} "\\a " ${cssString(`root ${root}`)}`,
    header: cssString(`${shown.title}, ${formatPeriod(shown.period)}`),
    origin: cssString(shown.origin),
    period: formatPeriod(shown.period),
    digest: reportDigest(report),
    month: isMonth(report.period) ? report.period.from.slice(0, 7) : null,
    prefix,
    sections,
    section: Object.fromEntries(sections.map((s) => [s.id, s])),
    narrative: narrative(shown),
    areas: shown.summary.areas.map((area) => ({ ...area, remark: remark(area, shown) })),
    open: shown.deviations.items.filter((d) => d.end === null).slice(0, MAX_OPEN),
    lowest: lowest(shown.subjects),
    auditLists: auditLists(shown.audit),
    // A signed note has lines; they are its own, and nothing else in it may act.
    note: report.checkpoint.text
      .trimEnd()
      .split('\n')
      .map((line) => visibleIn(line)),
    timeline: { ...chart, svg: new Handlebars.SafeString(chart.svg) },
    deviations: { detailed, more: shown.deviations.total - detailed.length },
    subjects: {
      detailed: probed.filter((s) => detailedSubjects.has(s)),
      others: probed.filter((s) => listedSubjects.has(s)),
      more: Math.max(0, probed.length - MAX_LISTED),
      judged: judged.slice(0, MAX_JUDGED),
      moreJudged: Math.max(0, judged.length - MAX_JUDGED),
    },
  })
}

/** Others are judged by what was seen elsewhere, and have no runs to show. */
function isProbed(subject: Report['subjects'][number]): boolean {
  return subject.runs > 0 || PROBED.has(subject.kind)
}

function lowest(subjects: Report['subjects']): Report['subjects'] {
  return subjects
    .filter((s) => s.failures > 0)
    .sort((a, b) => (a.availability ?? 0) - (b.availability ?? 0) || b.failures - a.failures)
    .slice(0, MAX_LOWEST)
}

/** As much of each list as is printed; the JSON has more. */
function auditLists(audit: Report['audit']): Record<string, ReportAuditClass> {
  const { failedAuthentications, revocations, issuance, crlCreations, configuration, keys, log } = audit
  const lists = { failedAuthentications, revocations, issuance, crlCreations, configuration, keys, log }
  return Object.fromEntries(
    Object.entries(lists).map(([name, { failures, events }]) => {
      const items = events.items.slice(0, MAX_EVENTS)
      return [name, { failures, events: { total: events.total, more: events.total - items.length, items } }]
    }),
  )
}

function weight(subject: Report['subjects'][number]): number {
  return subject.deviations * 1e6 + subject.failures + (subject.runs === 0 ? 1e12 : 0)
}

const handlebars = Handlebars.create()
let compiled: HandlebarsTemplateDelegate | undefined

/** Templates are ours, compiled once; strict: a name that is not there is an error, never an empty cell. */
function template(): HandlebarsTemplateDelegate {
  if (compiled !== undefined) return compiled
  handlebars.registerHelper(HELPERS)
  const knownHelpers = Object.fromEntries(Object.keys(HELPERS).map((name) => [name, true]))
  const compile = (name: string) =>
    handlebars.compile(readTemplate(`${name}.hbs`), { strict: true, knownHelpers, knownHelpersOnly: true })
  for (const name of PARTIALS) handlebars.registerPartial(name, compile(name))
  compiled = compile('report')
  return compiled
}

let styles: string | undefined
function css(): string {
  styles ??= readTemplate('report.css')
  return styles
}

function readTemplate(name: string): string {
  return readFileSync(new URL(`templates/${name}`, import.meta.url), 'utf8')
}
