import { formatDuration } from './format.ts'
import type { Report, ReportSubject } from './schema.ts'

// Charts as SVG, written by hand: small, the same bytes for the same report, real text. What they show never hangs on
// colour: failures are taller, unknown is hollow, "not observed" is empty.

const INK = '#1b2a41'
const OK = '#7a93b4'
const BAD = '#a4161a'
const GREY = '#8b949e'

type Slots = ReportSubject['slots']

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** Numbers in paths: at most two decimals, so that the same report gives the same bytes. */
function n(value: number): string {
  return String(Math.round(value * 100) / 100)
}

function image(width: number, height: number, label: string, content: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escapeXml(label)}" ` +
    `width="${n(width)}" height="${n(height)}" viewBox="0 0 ${n(width)} ${n(height)}">${content}</svg>`
  )
}

function slotCount(chart: Report['chart']): number {
  return Math.max(1, Math.round((Date.parse(chart.to) - Date.parse(chart.from)) / chart.slot))
}

const STRIP = { width: 168, height: 16 }

/** One bar a slot: low when all runs succeeded, tall when some failed (the taller, the more), none without runs. */
export function availabilityStrip(slots: Slots, chart: Report['chart'], name: string): string {
  const count = slotCount(chart)
  const step = STRIP.width / count
  const bar = Math.max(0.6, step - Math.min(1, step / 4))
  let good = ''
  let bad = ''
  let failing = 0
  for (const [index, runs, failures] of slots) {
    const x = n(index * step)
    if (failures === 0) good += `M${x} ${STRIP.height - 1}v-5h${n(bar)}v5z`
    else {
      failing++
      bad += `M${x} ${STRIP.height - 1}v-${n(8 + 6.5 * (failures / runs))}h${n(bar)}v${n(8 + 6.5 * (failures / runs))}z`
    }
  }
  const label = `Availability of ${name}: runs in ${slots.length} of ${count} intervals, failures in ${failing}`
  return image(
    STRIP.width,
    STRIP.height,
    label,
    `<path d="M0 ${STRIP.height - 0.5}H${STRIP.width}" stroke="${GREY}" stroke-width=".5" stroke-dasharray="1 1.5"/>` +
      (good === '' ? '' : `<path d="${good}" fill="${OK}"/>`) +
      (bad === '' ? '' : `<path d="${bad}" fill="${BAD}"/>`),
  )
}

const SPARK = { width: 120, height: 16 }

/** Mean duration of the runs in each slot, from 0 to the highest of them. */
export function durationSparkline(slots: Slots, chart: Report['chart'], name: string): string {
  const count = slotCount(chart)
  const most = Math.max(...slots.map((s) => s[3]), 0.1)
  const x = (index: number) => n(((index + 0.5) / count) * SPARK.width)
  const y = (ms: number) => n(SPARK.height - 1.5 - (SPARK.height - 3.5) * (ms / most))
  let line = ''
  let before = -2
  for (const [index, , , mean] of slots) {
    // A slot alone has no line to either side: a point of no length still shows with a round cap.
    line += index === before + 1 ? `L${x(index)} ${y(mean)}` : `M${x(index)} ${y(mean)}h0`
    before = index
  }
  return image(
    SPARK.width,
    SPARK.height,
    `Mean durations of ${name}: at most ${formatDuration(most)}`,
    `<path d="M0 ${SPARK.height - 0.5}H${SPARK.width}" stroke="${GREY}" stroke-width=".5" stroke-dasharray="1 1.5"/>` +
      `<path d="${line}" fill="none" stroke="${INK}" stroke-width="1.1" stroke-linecap="round" stroke-linejoin="round"/>`,
  )
}

/** A bar of the share `part` of `whole`. */
export function shareBar(part: number, whole: number, failed: number): string {
  const width = 70
  const scale = whole === 0 ? 0 : width / whole
  const all = Math.max(part > 0 ? 0.8 : 0, part * scale)
  const bad = failed > 0 ? Math.max(0.8, failed * scale) : 0
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true" width="${width}" height="9" viewBox="0 0 ${width} 9">` +
    `<path d="M0 2.5h${n(all)}v4h-${n(all)}z" fill="${OK}"/>` +
    (bad > 0 ? `<path d="M0 .5h${n(bad)}v8h-${n(bad)}z" fill="${BAD}"/>` : '') +
    `</svg>`
  )
}
