import Handlebars from 'handlebars'
import type { Listing } from './listing.ts'
import type { Report, ReportArea, ReportAuditClass, ReportSubject } from './schema.ts'
import {
  formatCount,
  formatDuration,
  formatFact,
  formatGone,
  formatPercent,
  formatSome,
  formatTime,
  formatWatched,
} from './format.ts'
import { availabilityStrip, durationSparkline, escapeXml, shareBar } from './svg.ts'
import { ANCHOR_NAMES, AREA_NAMES, GAP_NAMES, MARKS, SHAPES } from './words.ts'

const { SafeString } = Handlebars
const NOTHING = '–'
/** Characters that stay on one line, if a name has no place to break before. */
const LONG_PART = 24

/** Helpers that return text are escaped by Handlebars; those that return SafeString escape what they take in. */
export const HELPERS = {
  time: (time: string | null) =>
    time === null
      ? NOTHING
      : new SafeString(`<time datetime="${escapeXml(time)}">${escapeXml(formatTime(time))}</time>`),
  durationOrNone: (ms: number) => (ms === 0 ? NOTHING : formatDuration(ms)),
  countOrNone: (n: number) => (n === 0 ? NOTHING : formatCount(n)),
  duration: (ms: number | null) => (ms === null ? NOTHING : formatDuration(ms)),
  count: (n: number) => formatCount(n),
  some: formatSome,
  watched: formatWatched,
  tookOut: formatGone,
  percent: (percent: number | null) => (percent === null ? NOTHING : formatPercent(percent)),
  /** Of a share, rounded down. */
  portion: (share: number | null) =>
    share === null ? NOTHING : formatPercent(Math.floor(share * 100_000 + 1e-6) / 1000),
  budget: (ms: number | null) =>
    ms === null ? NOTHING : ms < 0 ? `${formatDuration(-ms)} overspent` : formatDuration(ms),
  times: (rate: number) => `${String(rate)} ×`,
  anchor: (kind: string) => ANCHOR_NAMES[kind] ?? kind,
  text: (value: string | null) => (value === null || value === '' ? NOTHING : value),
  join: (values: readonly string[]) => values.join(', '),
  area: (area: ReportArea) => AREA_NAMES[area],
  gap: (kind: string) => GAP_NAMES[kind] ?? kind,
  fact: formatFact,
  /** A subject, rule or action, which may break where it has parts. */
  label: (text: string | null) =>
    text === null
      ? '(not stated)'
      : new SafeString(
          text
            .split(/(?=\[)|(?<=[,_])/)
            .map((part) =>
              part.length > LONG_PART ? escapeXml(part) : `<span class="nb">${escapeXml(part)}</span>`,
            )
            .join('<wbr>'),
        ),
  eventCount: ({ failures, events }: ReportAuditClass) =>
    formatSome(events.total, 'event') +
    (failures > 0 && failures < events.total ? `, of which ${formatCount(failures)} failed.` : '.'),

  /** A state as shape and word. */
  mark: (state: string | null) => {
    const mark = state === null ? undefined : MARKS[state]
    if (mark === undefined) return state ?? NOTHING
    return new SafeString(
      `<span class="mark ${mark.tone}"><svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true" ` +
        `width="9" height="9" viewBox="0 0 8 8">${SHAPES[mark.shape]}</svg>${mark.word}</span>`,
    )
  },

  /** A record id without the name of the journal, which the page's foot tells. */
  record: (id: string, prefix: string) => recordSpan(id, prefix),
  records: (records: Listing<string>, prefix: string) => {
    if (records.total === 0) return NOTHING
    const ids = records.items.map((id) => recordSpan(id, prefix).toString()).join(', ')
    return new SafeString(records.more > 0 ? `${ids} and ${formatCount(records.more)} more` : ids)
  },
  /** Said below every list that leaves something out. */
  more: (list: Listing<unknown>, what: string) =>
    list.more === 0
      ? ''
      : new SafeString(
          `<p class="more">Shown are ${formatCount(list.items.length)} of ${formatCount(list.total)} ${escapeXml(what)}; ` +
            `${formatCount(list.more)} more are in report.json or the journal.</p>`,
        ),

  strip: (slots: ReportSubject['slots'], chart: Report['chart'], name: string) =>
    new SafeString(availabilityStrip(slots, chart, name)),
  spark: (slots: ReportSubject['slots'], chart: Report['chart'], name: string) =>
    new SafeString(durationSparkline(slots, chart, name)),
  share: (events: { success: number; failure: number; unknown: number }, whole: number) =>
    new SafeString(shareBar(events.success + events.failure + events.unknown, whole, events.failure)),
  events: (events: { success: number; failure: number; unknown: number }) =>
    formatCount(events.success + events.failure + events.unknown),
}

function recordSpan(id: string, prefix: string): Handlebars.SafeString {
  const short = id.startsWith(prefix) ? id.slice(prefix.length) : id
  return new SafeString(`<span class="id">${escapeXml(short)}</span>`)
}
