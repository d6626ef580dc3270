import {
  formatCount,
  formatDuration,
  formatGone,
  formatPercent,
  formatSome,
  formatTime,
  formatWatched,
} from './format.ts'
import type { Report } from './schema.ts'

/** The result in words, one sentence a line, from the figures of the report alone. */
export function narrative({ summary, covered, completeness, audit, custody }: Report): string[] {
  const gone = formatGone(custody)
  const left =
    gone === ''
      ? []
      : [`Records of the period were taken out of the journal (${gone}): the figures are of what is left.`]
  if (covered === null)
    return [
      'The journal holds no record of this period: nothing is said about it, neither good nor bad.',
      ...left,
    ]
  const lines: string[] = []
  lines.push(
    summary.availability === null
      ? `No subject was looked at between ${formatTime(covered.from)} and ${formatTime(covered.to)}.`
      : `${formatSome(summary.subjects, 'subject')} ${summary.subjects === 1 ? 'was' : 'were'} looked at ${formatSome(summary.runs, 'time')} between ` +
          `${formatTime(covered.from)} and ${formatTime(covered.to)}; ` +
          `${formatPercent(summary.availability)} of these runs succeeded.`,
  )
  const { fail, unknown } = summary.deviations
  lines.push(
    fail + unknown === 0
      ? 'No rule failed, and no verdict was missing, at any time.'
      : `${formatSome(fail, 'time')} a rule failed, and ${formatSome(unknown, 'time')} a verdict was missing; ${atEnd(summary)}`,
  )
  if (summary.detectedWithin !== null)
    lines.push(
      `Faults were detected within ${formatDuration(summary.detectedWithin.mean)} on average, ` +
        `${formatDuration(summary.detectedWithin.longest)} at most.`,
    )
  if (summary.repairedAfter !== null)
    lines.push(
      `Repair took ${formatDuration(summary.repairedAfter.mean)} on average, ` +
        `${formatDuration(summary.repairedAfter.longest)} at most, until an observation showed it.`,
    )
  if (audit.events > 0)
    lines.push(
      `The CAs logged ${formatSome(audit.events, 'event')}, of which ${formatCount(audit.outcomes.failure)} failed; ` +
        `${formatSome(audit.failedAuthentications.events.total, 'failed authentication')}.`,
    )
  lines.push(
    `The monitor watched ${formatDuration(completeness.observed)} of the period's ` +
      `${formatDuration(completeness.period)} (${formatWatched(completeness)}).`,
  )
  return [...lines, ...left]
}

/** What is worth knowing about an area, in a few words. */
export function remark(area: Report['summary']['areas'][number], { audit, completeness }: Report): string {
  const parts: string[] = []
  if (area.area === 'audit' && audit.events > 0)
    parts.push(`${formatSome(audit.events, 'event')}, ${formatCount(audit.outcomes.failure)} failed`)
  if (area.area === 'monitoring')
    parts.push(`${formatSome(completeness.gaps.total, 'gap')}, watched ${formatWatched(completeness)}`)
  if (area.deviations > 0) parts.push(formatSome(area.deviations, 'deviation'))
  if (area.failingAtEnd > 0) parts.push(`${formatCount(area.failingAtEnd)} failing`)
  if (area.unknownAtEnd > 0) parts.push(`${formatCount(area.unknownAtEnd)} unknown`)
  if (area.unobserved > 0) parts.push(`${formatSome(area.unobserved, 'subject')} not looked at`)
  if (area.area === 'certificates' && area.subjects > 0 && area.runs === 0)
    parts.push('as seen at TLS services')
  return parts.join(', ')
}

function atEnd({ failingAtEnd, unknownAtEnd }: Report['summary']): string {
  if (failingAtEnd + unknownAtEnd === 0) return 'none of this lasts at the end of the period.'
  return `at the end of the period ${formatCount(failingAtEnd)} still fail and ${formatCount(unknownAtEnd)} are unknown.`
}
