import type { Finding, FindingState, Severity, Waiver } from '../model/finding.ts'
import type { Facts } from '../model/facts.ts'
import type { SealedRecord } from '../model/record.ts'
import type { RecordId } from '../model/recordId.ts'
import { toTimestamp } from '../model/time.ts'
import { clip, listing, Statistics } from './listing.ts'
import { instant, overlap } from './period.ts'
import type { Period } from './period.ts'
import type { Report, ReportDeviation } from './schema.ts'

/** Spells in one report; one a minute for eight hours. What is left out stays in the counts by rule. */
const MAX_DEVIATIONS = 500
/**
 * A subject that nobody looked at yet is unknown from the first tick on. Until its first run, which comes within the
 * probe's interval, that is no deviation.
 */
const FIRST_LOOK_MS = 5 * 60_000
const MAX_STANDING = 1000
const MAX_EVIDENCE = 20
const MAX_TEXT = 500
/** Waivers told of one spell. */
const MAX_WAIVERS = 20

/** What a finding was at one moment. */
interface Verdict {
  readonly finding: Finding
  readonly record: RecordId
  readonly since: number
  /** The one in force, which may come and go while the verdict stays. */
  readonly waiver: Waiver | undefined
}

interface History {
  readonly rule: string
  readonly subject: string
  atStart: Verdict | undefined
  current: Verdict
  open: Spell | undefined
  /** The newest spell, open or not, for the actions that answer it. */
  latest: Spell | undefined
  /** Last moment at which it was seen to pass, once it does no longer. */
  lastGood: number | undefined
}

/** Time in which a rule was `fail` or `unknown` for a subject. */
export interface Spell {
  readonly verdict: Verdict
  readonly decided: number
  readonly detectedWithin: number | undefined
  end: Verdict | undefined
  readonly actions: string[]
  readonly waivers: (Waiver & { readonly record: RecordId })[]
  /** The first verdict of all, without evidence. */
  readonly beforeFirstLook: boolean
  /** In the report, from 1; undefined until the end of the journal, and when the list is full. */
  number: number | undefined
}

interface RuleCount {
  pack: string
  severity: Severity
  readonly failing: { spells: number; duration: number }
  readonly unknown: { spells: number; duration: number }
}

/** Where the history looks up what it does not see itself. */
interface Evidence {
  evidence(id: RecordId): { recorded: number; runBefore: number | undefined } | undefined
  ticksUpTo(at: number): number[]
}

/**
 * Follows every rule and subject through its states. Memory: one state for each, and the spells of the period (the
 * first MAX_DEVIATIONS whole, of the others only those that still last).
 */
export class FindingHistory {
  /** Spells in the period by subject. Complete after `report`, like the statistics. */
  readonly spells = new Map<string, { failing: number; unknown: number }>()
  readonly detected = new Statistics()
  readonly repaired = new Statistics()
  readonly #period: Period
  readonly #look: Evidence
  readonly #histories = new Map<string, History>()
  readonly #rules = new Map<string, RuleCount>()
  /** Spells that are over and touch the period, in order of their end, and how many more there were. */
  readonly #ended: Spell[] = []
  #endedMore = 0

  constructor(period: Period, look: Evidence) {
    this.#period = period
    this.#look = look
  }

  add(record: SealedRecord & { kind: 'decision' }): void {
    const finding = record.body
    const decided = instant(record.time, instant(record.recorded, 0))
    const { waiver } = finding
    const verdict = { finding, record: record.id, since: instant(finding.since, decided), waiver }
    if (verdict.since >= this.#period.to) return
    const key = `${finding.rule}\0${finding.subject}`
    const history = this.#histories.get(key)
    if (history === undefined) {
      const { rule, subject } = finding
      const made: History = {
        rule,
        subject,
        atStart: verdict.since < this.#period.from ? verdict : undefined,
        current: verdict,
        open: undefined,
        latest: undefined,
        lastGood: undefined,
      }
      this.#histories.set(key, made)
      this.#open(made, verdict, decided, finding.evidence.length === 0)
      return
    }
    // A decision that repeats the state (after a restart, say) continues the spell.
    if (finding.state === history.current.finding.state) {
      this.#note(history, verdict, instant(record.recorded, decided))
      return
    }
    if (history.current.finding.state === 'pass')
      history.lastGood = this.#lastGood(finding.evidence, verdict.since)
    if (finding.state === 'pass') history.lastGood = undefined
    if (history.open !== undefined) this.#close(history.open, verdict)
    history.open = undefined
    history.current = verdict
    if (verdict.since < this.#period.from) history.atStart = verdict
    this.#open(history, verdict, decided, false)
  }

  /** The spell that an action of now answers. */
  spell(rule: string, subject: string): Spell | undefined {
    return this.#histories.get(`${rule}\0${subject}`)?.latest
  }

  report(covered: Period): {
    deviations: Report['deviations']
    rules: Report['rules']
    standing: Report['standing']
  } {
    const spells = [...this.#ended]
    for (const { open } of this.#histories.values()) if (open !== undefined) spells.push(open)
    spells.sort((a, b) => a.verdict.since - b.verdict.since || (key(a) < key(b) ? -1 : 1))
    for (const spell of spells)
      if (spell.end === undefined) this.#tally(spell, overlap(this.#period, spell.verdict.since, covered.to))
    const kept = spells.slice(0, MAX_DEVIATIONS)
    kept.forEach((spell, i) => (spell.number = i + 1))
    const total = spells.length + this.#endedMore
    return {
      deviations: {
        total,
        more: total - kept.length,
        items: kept.map((s, i) => deviation(s, i + 1, this.#period, covered)),
      },
      rules: this.#ruleSummaries(),
      standing: this.#standing(),
    }
  }

  /** Current states, for the summary: what is not in the lists counts too. */
  *current(): Generator<{ subject: string; state: FindingState; severity: Severity }> {
    for (const { subject, current } of this.#histories.values())
      yield { subject, state: current.finding.state, severity: current.finding.severity }
  }

  /** What stands beside a verdict that stays. */
  #note(history: History, { waiver, record }: Verdict, recorded: number): void {
    const noted = { ...history.current, waiver }
    if (history.atStart === history.current && recorded < this.#period.from) history.atStart = noted
    history.current = noted
    if (history.open !== undefined) addWaiver(history.open, waiver, record)
  }

  #open(history: History, verdict: Verdict, decided: number, first: boolean): void {
    const { finding } = verdict
    this.#rules.set(finding.rule, {
      ...(this.#rules.get(finding.rule) ?? {
        failing: { spells: 0, duration: 0 },
        unknown: { spells: 0, duration: 0 },
      }),
      pack: finding.pack,
      severity: finding.severity,
    })
    if (finding.state !== 'fail' && finding.state !== 'unknown') return
    const { lastGood } = history
    const detectedWithin =
      finding.state === 'fail' && lastGood !== undefined ? Math.max(0, decided - lastGood) : undefined
    const beforeFirstLook = first && finding.state === 'unknown'
    history.open = {
      verdict,
      decided,
      detectedWithin,
      beforeFirstLook,
      end: undefined,
      actions: [],
      waivers: [],
      number: undefined,
    }
    addWaiver(history.open, verdict.waiver, verdict.record)
    history.latest = history.open
  }

  #close(spell: Spell, end: Verdict): void {
    spell.end = end
    if (spell.beforeFirstLook && end.since - spell.verdict.since <= FIRST_LOOK_MS) return
    const inPeriod = overlap(this.#period, spell.verdict.since, end.since)
    // Over before the period began. One that lasted no time at all, within the period, is told nevertheless.
    if (end.since < this.#period.from || (inPeriod === 0 && spell.verdict.since < this.#period.from)) return
    this.#tally(spell, inPeriod)
    if (this.#ended.length < MAX_DEVIATIONS) this.#ended.push(spell)
    else this.#endedMore++
  }

  #tally(spell: Spell, inPeriod: number): void {
    const { finding, since } = spell.verdict
    const count = finding.state === 'fail' ? 'failing' : 'unknown'
    const rule = this.#rules.get(finding.rule)
    if (rule !== undefined) {
      rule[count].spells++
      rule[count].duration += inPeriod
    }
    const subject = this.spells.get(finding.subject) ?? { failing: 0, unknown: 0 }
    this.spells.set(finding.subject, subject)
    subject[count]++
    if (spell.detectedWithin !== undefined && since >= this.#period.from)
      this.detected.add(spell.detectedWithin)
    if (finding.state === 'fail' && spell.end?.finding.state === 'pass')
      this.repaired.add(spell.end.since - since)
  }

  /**
   * The last moment at which the fault was certainly not there. A verdict that a new run brought: the start of the run
   * before it. A verdict that time alone brought (no run since the last tick): the tick before.
   */
  #lastGood(evidence: readonly RecordId[], since: number): number | undefined {
    let newest: { recorded: number; runBefore: number | undefined } | undefined
    for (const id of evidence) {
      const found = this.#look.evidence(id)
      if (found !== undefined && (newest === undefined || found.recorded > newest.recorded)) newest = found
    }
    if (newest === undefined) return undefined
    const [tick, before] = this.#look.ticksUpTo(since)
    if (tick !== undefined && tick >= newest.recorded) return Math.max(newest.recorded, before ?? 0)
    return newest.runBefore
  }

  #ruleSummaries(): Report['rules'] {
    const states = () => ({ not_applicable: 0, pass: 0, pending: 0, fail: 0, unknown: 0 })
    const counts = new Map<string, { subjects: number; atStart: States; atEnd: States }>()
    for (const { rule, atStart, current } of this.#histories.values()) {
      const count = counts.get(rule) ?? { subjects: 0, atStart: states(), atEnd: states() }
      counts.set(rule, count)
      count.subjects++
      if (atStart !== undefined) count.atStart[atStart.finding.state]++
      count.atEnd[current.finding.state]++
    }
    return [...this.#rules]
      .map(([rule, summary]) => ({
        rule,
        pack: summary.pack,
        severity: summary.severity,
        failing: summary.failing,
        unknown: summary.unknown,
        ...(counts.get(rule) ?? { subjects: 0, atStart: states(), atEnd: states() }),
      }))
      .sort((a, b) => (a.rule < b.rule ? -1 : 1))
  }

  #standing(): Report['standing'] {
    const quiet = (state: FindingState | undefined) => state === 'pass' || state === 'not_applicable'
    const items = [...this.#histories.values()]
      .filter(
        ({ atStart, current }) =>
          !quiet(current.finding.state) || (atStart !== undefined && !quiet(atStart.finding.state)),
      )
      .sort((a, b) => (a.subject + '\0' + a.rule < b.subject + '\0' + b.rule ? -1 : 1))
    const at = (verdict: Verdict | undefined) =>
      verdict === undefined
        ? null
        : {
            state: verdict.finding.state,
            since: toTimestamp(verdict.since),
            summary: clip(verdict.finding.summary, MAX_TEXT),
            record: verdict.record,
            waiver: verdict.waiver === undefined ? null : clipped(verdict.waiver),
          }
    const { total, more, items: kept } = listing(items, MAX_STANDING)
    return {
      total,
      more,
      items: kept.map(({ rule, subject, atStart, current }) => ({
        rule,
        pack: current.finding.pack,
        subject,
        severity: current.finding.severity,
        atStart: at(atStart),
        atEnd: at(current),
      })),
    }
  }
}

function addWaiver(spell: Spell, waiver: Waiver | undefined, record: RecordId): void {
  const last = spell.waivers.at(-1)
  if (waiver === undefined || spell.waivers.length >= MAX_WAIVERS) return
  const told = { ...clipped(waiver), record }
  if (last?.owner === told.owner && last.reason === told.reason && last.expires === told.expires) return
  spell.waivers.push(told)
}

function clipped({ owner, reason, expires }: Waiver): Waiver {
  return { owner: clip(owner, MAX_TEXT), reason: clip(reason, MAX_TEXT), expires }
}

type States = Record<FindingState, number>

function key({ verdict: { finding } }: Spell): string {
  return `${finding.subject}\0${finding.rule}`
}

function deviation(spell: Spell, number: number, period: Period, covered: Period): ReportDeviation {
  const { verdict, end } = spell
  const { finding } = verdict
  const until = end?.since ?? covered.to
  const duration = Math.max(0, until - verdict.since)
  return {
    number,
    state: finding.state === 'fail' ? 'fail' : 'unknown',
    rule: finding.rule,
    pack: finding.pack,
    subject: finding.subject,
    severity: finding.severity,
    target: finding.target === undefined ? null : clip(finding.target, MAX_TEXT),
    summary: clip(finding.summary, MAX_TEXT),
    start: { time: toTimestamp(verdict.since), record: verdict.record },
    end: end === undefined ? null : { time: toTimestamp(end.since), record: end.record },
    ended:
      end === undefined
        ? null
        : {
            state: end.finding.state,
            summary: clip(end.finding.summary, MAX_TEXT),
            evidence: listing(end.finding.evidence, MAX_EVIDENCE),
          },
    duration,
    inPeriod: overlap(period, verdict.since, until),
    startedBefore: verdict.since < period.from,
    facts: boundedFacts(finding.facts),
    parameters: { ...finding.parameters },
    evidence: listing(finding.evidence, MAX_EVIDENCE),
    detectedWithin: spell.detectedWithin ?? null,
    repairedAfter: end?.finding.state === 'pass' ? duration : null,
    remediation: spell.actions,
    waivers: spell.waivers,
  }
}

type JsonFact = string | number | boolean | string[]

function boundedFacts(facts: Facts): Record<string, Record<string, JsonFact>> {
  const bounded: Record<string, Record<string, JsonFact>> = {}
  for (const [group, values] of Object.entries(facts)) {
    const copy: Record<string, JsonFact> = {}
    const entries: [string, unknown][] = Object.entries(values)
    for (const [name, value] of entries) {
      if (typeof value === 'string') copy[name] = clip(value, MAX_TEXT)
      else if (typeof value === 'number' || typeof value === 'boolean') copy[name] = value
      else if (Array.isArray(value))
        copy[name] = listing(value.map(String), MAX_EVIDENCE).items.map((item) => clip(item, MAX_TEXT))
    }
    bounded[group] = copy
  }
  return bounded
}
