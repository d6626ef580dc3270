import { escapeXml } from './svg.ts'
import type { Report, ReportDeviation } from './schema.ts'

/** Rows of the chart: a page holds about 40. */
const MAX_ROWS = 36

const WIDTH = 656
const LABEL = 232
const ROW = 19
const TOP = 16
const PLOT = WIDTH - LABEL - 8

const STEPS_MS = [1, 5, 10, 30, 60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400].map((s) => s * 1000)
const DAYS = [2, 5, 7, 14, 28, 91, 182, 364].map((d) => d * 86_400_000)

/**
 * When each rule failed for each subject. Solid: fail. Hollow with a line through it: unknown. Grey: the monitor was not
 * watching. An arrow: it began before, or lasts beyond, what the chart shows.
 */
export function timeline(report: Report): { svg: string; rows: number; more: number } {
  const rows = new Map<string, ReportDeviation[]>()
  for (const d of report.deviations.items) {
    const key = `${d.subject}\0${d.rule}`
    const there = rows.get(key)
    if (there === undefined) rows.set(key, [d])
    else there.push(d)
  }
  const shown = [...rows.values()].slice(0, MAX_ROWS)
  const [from, to] = [Date.parse(report.chart.from), Date.parse(report.chart.to)]
  const x = (at: number) =>
    LABEL + (PLOT * (Math.min(to, Math.max(from, at)) - from)) / Math.max(1, to - from)
  const height = TOP + shown.length * ROW + 16
  const bottom = TOP + shown.length * ROW
  let body = ''
  for (const gap of report.completeness.gaps.items) {
    const [left, right] = [x(Date.parse(gap.from)), x(Date.parse(gap.to))]
    if (right - left < 0.3) continue
    body += `<rect x="${n(left)}" y="${TOP}" width="${n(right - left)}" height="${bottom - TOP}" fill="#e3e7ec"/>`
  }
  for (const tick of ticks(from, to))
    body +=
      `<path d="M${n(x(tick.at))} ${TOP}V${bottom + 3}" stroke="#c9d1d9" stroke-width=".6"/>` +
      `<text x="${n(x(tick.at))}" y="${bottom + 12}" text-anchor="${x(tick.at) > WIDTH - 24 ? 'end' : 'middle'}" class="tick">${tick.label}</text>`
  shown.forEach((spells, i) => {
    const y = TOP + i * ROW
    const [first] = spells
    if (first === undefined) return
    body +=
      `<path d="M0 ${y + ROW}H${WIDTH - 8}" stroke="#e3e7ec" stroke-width=".6"/>` +
      `<text x="0" y="${y + 8}" class="name">${escapeXml(shorten(first.subject, 46))}</text>` +
      `<text x="0" y="${y + 15.4}" class="rule">${escapeXml(shorten(first.rule, 50))}</text>`
    for (const d of spells)
      body += spell(d, x, y + 5.5, { from, to, until: Date.parse(report.covered?.to ?? report.chart.to) })
  })
  const label = `Timeline of ${report.deviations.items.length} deviations in ${rows.size} rows; the table that follows has the same content`
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escapeXml(label)}" class="timeline" ` +
    `width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">${body}</svg>`
  return { svg, rows: shown.length, more: rows.size - shown.length }
}

function spell(
  d: ReportDeviation,
  x: (at: number) => number,
  y: number,
  chart: { from: number; to: number; until: number },
): string {
  const start = Date.parse(d.start.time)
  const end = d.end === null ? chart.until : Date.parse(d.end.time)
  const [left, right] = [x(start), Math.max(x(end), x(start) + 1.6)]
  const width = n(right - left)
  let shape =
    d.state === 'fail'
      ? `<rect x="${n(left)}" y="${y}" width="${width}" height="8" fill="#a4161a"/>`
      : `<rect x="${n(left)}" y="${y + 0.5}" width="${width}" height="7" fill="#fff" stroke="#5b4300" stroke-width="1"/>` +
        `<path d="M${n(left)} ${y + 4}h${width}" stroke="#5b4300" stroke-width=".8"/>`
  const ink = d.state === 'fail' ? '#a4161a' : '#5b4300'
  if (start < chart.from) shape += `<path d="M${n(left - 5)} ${y + 4}l4.2 -4v8z" fill="${ink}"/>`
  if (d.end === null || end > chart.to)
    shape += `<path d="M${n(right + 5)} ${y + 4}l-4.2 -4v8z" fill="${ink}"/>`
  return shape
}

/** At most ten, at round times. */
function ticks(from: number, to: number): { at: number; label: string }[] {
  const span = to - from
  const step = [...STEPS_MS, ...DAYS].find((s) => span / s <= 10) ?? span
  const day = 86_400_000
  const first = step > day ? Math.ceil(from / day) * day : Math.ceil(from / step) * step
  const marks = []
  for (let at = first; at <= to; at += step) {
    const text = new Date(at).toISOString()
    const label = step >= day ? text.slice(5, 10) : step >= 60_000 ? text.slice(11, 16) : text.slice(11, 19)
    marks.push({ at, label })
  }
  return marks
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}

function n(value: number): string {
  return String(Math.round(value * 100) / 100)
}
