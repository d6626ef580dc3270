import type { Finding, FindingState, Waiver } from '../model/finding.ts'
import type { RecordId } from '../model/recordId.ts'
import { fromTimestamp, toTimestamp } from '../model/time.ts'
import type { ProbeErrorCode } from '../probes/observe.ts'
import type { Scope } from './cel.ts'
import type { Explanation } from './explanation.ts'
import { factValues } from './factValues.ts'
import { evaluate, factsRead, type Edition } from './evaluate.ts'
import { inForceNote, nextEdition } from './inForce.ts'
import type { MaintenancePlan } from './maintenance.ts'
import type { Rule } from './pack.ts'
import { versionAt, type ParameterVersion, type RuleSettings } from './parameters.ts'
import { besides, newsOf, signature, type News } from './news.ts'
import { nextStanding, standingOf, type RawVerdict, type Standing } from './standing.ts'
import type { applicability, WatchedSubject } from './subjects.ts'
import { humanDuration, oneLine, renderSummary } from './summary.ts'
import type { Run, TargetState } from './targetState.ts'

/** What probes call a failure of their own. */
const INTERNAL_ERROR: ProbeErrorCode = 'internal_error'

/** How many runs may be missed before evidence is too old, when a rule does not say. */
const DEFAULT_EVIDENCE_INTERVALS = 3

/**
 * Milliseconds by which times of records may run apart between processes. More means that a clock was set: what lies further in the
 * future would never grow old, and is no evidence.
 */
export const MAX_CLOCK_DIFFERENCE = 5 * 60_000

/** Facts of a run that differ each time, even when everything that was seen is the same. */
const RUN_FACTS: ReadonlySet<string> = new Set(['at', 'duration'])

/** Decisions that were returned and have not come back from the journal yet; more are not remembered. */
const MAX_AWAITED = 16

interface PairOptions {
  readonly rule: Rule
  readonly settings: RuleSettings
  readonly subject: WatchedSubject
  readonly applies: NonNullable<ReturnType<typeof applicability>>
  readonly targets: readonly TargetState[]
  readonly waiver: Waiver | undefined
  /** Default: none. */
  readonly maintenance?: MaintenancePlan | undefined
}

/**
 * What the evidence of one target says, or that of all of a subject's. Filled in place: there are hundreds of thousands of them, and each is made
 * anew every minute.
 */
interface Judgement {
  verdict: RawVerdict
  /** Why it is unknown or does not apply; '' otherwise. */
  reason: string
  /** Of the rule; undefined when the evidence does not show which. */
  edition: Edition | undefined
  target: TargetState | undefined
  run: Run | undefined
  /** A pass rests on every target, anything else on the one that decided. */
  evidence: readonly RecordId[]
  /** The rule was asked, and it was not the age of the evidence that decided. */
  isJudged: boolean
}

const RANK: Readonly<Record<RawVerdict, number>> = { fail: 3, unknown: 2, pass: 1, not_applicable: 0 }

/** One rule and one subject: the verdict on the newest evidence, and since when. */
export class Pair {
  readonly #rule: Rule
  readonly #settings: RuleSettings
  readonly #subject: WatchedSubject
  readonly #applies: PairOptions['applies']
  readonly #targets: readonly TargetState[]
  readonly #maxAge: readonly number[]
  readonly #timeDependent: boolean
  readonly #waiver: Waiver | undefined
  /** When it ends, in milliseconds; -Infinity without one. */
  readonly #waivedUntil: number
  readonly #maintenance: MaintenancePlan | undefined
  /** Neither time nor when and how long a run was can change the verdict: it holds as long as runs repeat. */
  readonly #holds: boolean
  #standing: Standing | undefined
  readonly #judged: Judgement = emptyJudgement()
  /** Undefined until it was judged. */
  #judgement: Judgement | undefined
  /** A decision that was loaded; it holds until new evidence is judged. */
  #adopted: Finding | undefined
  /** What the newest decision said. */
  #told: News | undefined
  /** Decisions that were returned and have not come back from the journal yet. */
  #awaited: string[] = []
  #lastBeside: { version: ParameterVersion | undefined; waiver: Waiver | undefined; text: string } | undefined
  #due = -Infinity

  constructor(options: PairOptions) {
    this.#rule = options.rule
    this.#settings = options.settings
    this.#subject = options.subject
    this.#applies = options.applies
    this.#targets = options.targets
    this.#maxAge = options.targets.map(
      (target) => options.settings.evidenceMaxAge ?? DEFAULT_EVIDENCE_INTERVALS * target.interval,
    )
    const { condition, given, when } = options.rule
    this.#timeDependent = [condition, given, when].some((expression) => expression?.mentionsNow === true)
    const reads = [condition, given, when].flatMap((expression) => expression?.reads ?? [])
    const readsRun = reads.some(({ group, name }) => group === 'probe' && RUN_FACTS.has(name))
    // A date that the object carries repeats with it.
    const changesByDate = options.settings.isDated && options.rule.datedBy === undefined
    this.#holds =
      !this.#timeDependent && !readsRun && !changesByDate && options.rule.attestation === undefined
    this.#waiver = options.waiver
    this.#maintenance = options.maintenance
    this.#waivedUntil = options.waiver === undefined ? -Infinity : fromTimestamp(options.waiver.expires)
  }

  /** Before this time, in milliseconds, the passing of time alone cannot change the finding. */
  get due(): number {
    return this.#due
  }

  /** Judges by the newest evidence. Returns the finding when there is something new to tell. */
  judge(now: number, date = new Date(now)): Finding | undefined {
    const judgement = this.#worst(now, date, this.#judged)
    const before = this.#standing
    this.#standing = nextStanding(before, judgement.verdict, this.#settings.for, now)
    this.#due = this.#nextDue(this.#standing, now)
    this.#adopted = undefined
    this.#judgement = judgement
    const { state } = this.#standing
    const beside = this.#beside(state, now)
    if (this.#told?.state === state && this.#told.beside === beside) return undefined
    this.#told = { state, beside }
    const finding = this.finding(now)
    this.#awaited = [...this.#awaited, signature(finding)].slice(-MAX_AWAITED)
    return finding
  }

  /** The finding as it stands. Before the first judgement it is unknown: there is no default that means good. */
  finding(now: number): Finding {
    return this.#adopted ?? this.#render(now)
  }

  /** Takes over a recorded decision. The next evidence or tick judges again. */
  adopt(decision: Finding): void {
    this.#standing = standingOf(decision.state, fromTimestamp(decision.since))
    this.#adopted = decision
    this.#told = newsOf(decision)
    this.#judgement = undefined
    this.#due = -Infinity
  }

  /** A decision came by in the journal: our own is not news, another's is taken over. */
  heard(decision: Finding): void {
    const own = this.#awaited.indexOf(signature(decision))
    if (own === -1) this.adopt(decision)
    else this.#awaited = this.#awaited.slice(own + 1)
  }

  /** False when another decision was made since. */
  tellAgain(decision: Finding): boolean {
    const { state, beside } = newsOf(decision)
    const isSame = this.#standing?.since === fromTimestamp(decision.since) && this.#told?.beside === beside
    if (!isSame || this.#told?.state !== state) return false
    this.#awaited = [...this.#awaited, signature(decision)].slice(-MAX_AWAITED)
    return true
  }

  /** Takes the place of another one for the same rule and subject, after a change of the configuration. */
  succeed(before: Pair): void {
    this.#standing = before.#standing
    this.#adopted = before.#adopted
    this.#told = before.#told
    this.#awaited = before.#awaited
  }

  /** Maintenance mutes what is in trouble; of what is well it would only be told that it comes and goes. */
  #waiverAt(now: number): Waiver | undefined {
    if (now < this.#waivedUntil) return this.#waiver
    const state = this.#standing?.state
    if (this.#maintenance === undefined || state === 'pass' || state === 'not_applicable') return undefined
    return this.#maintenance.at(now).waiver
  }

  #version(now: number): ParameterVersion {
    return this.#judgement?.edition?.version ?? versionAt(this.#settings, now)
  }

  /** What is news beside the state. Asked at every judgement and nearly always the same, so it is made once. */
  #beside(state: FindingState, now: number): string {
    const version = state === 'pass' ? undefined : this.#version(now)
    const waiver = this.#waiverAt(now)
    if (
      this.#lastBeside?.version !== version ||
      this.#lastBeside?.waiver !== waiver ||
      this.#lastBeside === undefined
    ) {
      const text = besides(this.#rule.severity, this.#rule.pack, version?.written ?? {}, waiver)
      this.#lastBeside = { version, waiver, text }
    }
    return this.#lastBeside.text
  }

  /** How the verdict comes about, for people. */
  explain(now: number): Explanation {
    const date = new Date(now)
    const judgement = this.#worst(now, date, emptyJudgement())
    const { run, edition } = judgement
    const scope: Scope = {
      facts: run?.values ?? factValues({}),
      parameters: (edition?.version ?? versionAt(this.#settings, now)).values,
      now: date,
    }
    const { given, when, condition } = this.#rule
    const applied = [
      ...(given === undefined ? [] : [{ name: 'given', expression: given } as const]),
      ...(when === undefined ? [] : [{ name: 'when', expression: when } as const]),
      { name: 'condition', expression: condition } as const,
    ]
    return {
      rule: this.#rule,
      settings: this.#settings,
      version: edition?.version ?? versionAt(this.#settings, now),
      date: edition?.date,
      verdict: judgement.verdict,
      reason: judgement.reason,
      target: judgement.target?.address,
      facts: run === undefined ? {} : factsRead(this.#rule, run.facts),
      targets: this.#applies.applies
        ? this.#targets.map((target, i) => {
            const own = this.#judgeTarget(i, now, date, emptyJudgement())
            return {
              address: target.address,
              verdict: own.verdict,
              reason: own.reason,
              observation: target.run?.observation,
            }
          })
        : [],
      traces:
        run === undefined
          ? []
          : applied.map(({ name, expression }) => ({ name, parts: expression.trace(scope) })),
      waiver: this.#waiverAt(now),
    }
  }

  /** Fills `into` with the worst of the targets. */
  #worst(now: number, date: Date, into: Judgement): Judgement {
    if (!this.#applies.applies)
      return fill(into, 'not_applicable', this.#applies.reason, undefined, undefined, undefined)
    if (this.#targets.length === 1) return this.#judgeTarget(0, now, date, into)
    const judgements = this.#targets
      .map((_, i) => this.#judgeTarget(i, now, date, emptyJudgement()))
      .toSorted(byWeight)
    const [worst] = judgements
    if (worst === undefined)
      return fill(into, 'unknown', 'nothing is observed', undefined, undefined, undefined)
    Object.assign(into, worst)
    if (worst.verdict === 'pass') into.evidence = judgements.flatMap(({ evidence }) => evidence)
    return into
  }

  #judgeTarget(index: number, now: number, date: Date, into: Judgement): Judgement {
    const target = this.#targets[index]
    const maxAge = this.#maxAge[index] ?? 0
    const run = target?.run
    const refusal = refusalOf(run, maxAge, now)
    if (refusal !== '' || run === undefined) return fill(into, 'unknown', refusal, undefined, target, run)
    if (this.#holds && into.run?.content === run.content && into.isJudged)
      return fill(into, into.verdict, into.reason, into.edition, target, run, true)
    const { verdict, reason, edition } = evaluate(this.#rule, this.#settings, run.values, date)
    const why = verdict === 'unknown' ? because(reason, run.error) : reason
    return fill(into, verdict, why, edition, target, run, true)
  }

  /** When time alone could next change the verdict: evidence is not future any more or grows old, a pending finding becomes a failing one. */
  #nextDue(standing: Standing, now: number): number {
    let due = Infinity
    if (now < this.#waivedUntil) due = this.#waivedUntil
    if (!this.#applies.applies) return due
    if (this.#timeDependent) return -Infinity
    if (this.#maintenance !== undefined) due = Math.min(due, this.#maintenance.at(now).until)
    due = Math.min(due, nextEdition(this.#rule, this.#settings, now), this.#nextExpiry(now))
    for (let i = 0; i < this.#targets.length; i++) {
      const start = this.#targets[i]?.run?.start ?? -Infinity
      const ripe = start - MAX_CLOCK_DIFFERENCE
      const stale = start + (this.#maxAge[i] ?? 0) + 1
      if (ripe > now && ripe < due) due = ripe
      if (stale > now && stale < due) due = stale
    }
    if (standing.state === 'pending' && standing.failingSince !== undefined)
      due = Math.min(due, standing.failingSince + this.#settings.for)
    return due
  }

  /** The next end of a statement that it is judged by. */
  #nextExpiry(now: number): number {
    if (this.#rule.attestation === undefined) return Infinity
    const ends = this.#targets.flatMap((target) => target.run?.facts.attestation?.expires ?? [])
    return Math.min(Infinity, ...ends.map((end) => Date.parse(end)).filter((end) => end > now))
  }

  #render(now: number): Finding {
    const judgement = this.#judgement
    const run = judgement?.run
    const target = judgement?.target
    const waiver = this.#waiverAt(now)
    return {
      rule: this.#rule.id,
      pack: this.#rule.pack,
      subject: this.#subject.subject,
      state: this.#standing?.state ?? 'unknown',
      severity: this.#rule.severity,
      since: toTimestamp(this.#standing?.since ?? now),
      summary: this.#summary(judgement, now),
      ...(target === undefined ? {} : { target: target.address }),
      facts: run === undefined ? {} : factsRead(this.#rule, run.facts),
      parameters: this.#version(now).written,
      evidence: judgement?.evidence ?? [],
      ...(waiver === undefined ? {} : { waiver }),
    }
  }

  #summary(judgement: Judgement | undefined, now: number): string {
    if (judgement === undefined) return `${this.#rule.title}: unknown, no observation yet`
    const { verdict, reason, run, target, edition } = judgement
    if (verdict === 'pass') return this.#rule.title
    if (verdict === 'not_applicable') return oneLine(`${this.#rule.title}: ${reason}`)
    if (verdict === 'unknown' || run === undefined) return oneLine(`${this.#rule.title}: unknown, ${reason}`)
    const text = renderSummary(this.#rule.summary, {
      facts: run.values,
      parameters: this.#version(now).values,
      now: new Date(now),
      texts: { subject: this.#subject.subject, target: target?.address ?? '', error: run.error },
    })
    const note = edition?.date === undefined ? '' : inForceNote(this.#rule, edition.version, edition.date)
    return note === '' ? text : oneLine(`${text} (${note})`)
  }
}

function emptyJudgement(): Judgement {
  return {
    verdict: 'unknown',
    reason: '',
    edition: undefined,
    target: undefined,
    run: undefined,
    evidence: [],
    isJudged: false,
  }
}

const NO_EVIDENCE: readonly RecordId[] = []

function fill(
  judgement: Judgement,
  verdict: RawVerdict,
  reason: string,
  edition: Edition | undefined,
  target: TargetState | undefined,
  run: Run | undefined,
  isJudged = false,
): Judgement {
  judgement.isJudged = isJudged
  judgement.verdict = verdict
  judgement.reason = reason
  judgement.edition = edition
  judgement.target = target
  judgement.run = run
  judgement.evidence = run?.evidence ?? NO_EVIDENCE
  return judgement
}

/** Why a run is nothing to judge by; '' when it is. */
function refusalOf(run: Run | undefined, maxAge: number, now: number): string {
  if (run === undefined) return 'no observation yet'
  if (now - run.start > maxAge)
    return `the last observation, of ${toTimestamp(run.start)}, is older than ${humanDuration(maxAge)}`
  if (run.start - now > MAX_CLOCK_DIFFERENCE)
    return `the last observation, of ${toTimestamp(run.start)}, lies in the future`
  // A run that our own mistake ended says nothing about the target.
  return run.facts.probe?.code === INTERNAL_ERROR ? run.error : ''
}

/**
 * The worst first; of several that pass the one that was seen longest ago, so that the time of the finding is one since which every
 * target was seen to pass.
 */
function byWeight(a: Judgement, b: Judgement): number {
  if (a.verdict === 'pass' && b.verdict === 'pass') return (a.run?.start ?? 0) - (b.run?.start ?? 0)
  return RANK[b.verdict] - RANK[a.verdict]
}

function because(reason: string, error: string): string {
  return error === '' ? reason : `${reason} (${error})`
}
