import type { Finding } from '../model/finding.ts'
import type { RecordId } from '../model/recordId.ts'
import { fromTimestamp, toTimestamp } from '../model/time.ts'
import type { ProbeErrorCode } from '../probes/observe.ts'
import { evaluate, factsRead } from './evaluate.ts'
import type { Rule } from './pack.ts'
import type { RuleSettings } from './parameters.ts'
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

/** Decisions that were returned and have not come back from the journal yet; more are not remembered. */
const MAX_AWAITED = 16

interface PairOptions {
  readonly rule: Rule
  readonly settings: RuleSettings
  readonly subject: WatchedSubject
  readonly applies: NonNullable<ReturnType<typeof applicability>>
  readonly targets: readonly TargetState[]
}

/** What the evidence of one target says. */
interface Judgement {
  readonly verdict: RawVerdict
  /** Why it is unknown or does not apply; '' otherwise. */
  readonly reason: string
  readonly target: TargetState | undefined
  readonly run: Run | undefined
}

/** The judgement on the subject. A pass rests on every target, anything else on the one that decided. */
interface SubjectJudgement extends Judgement {
  readonly evidence: readonly RecordId[]
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
  #standing: Standing | undefined
  #judgement: SubjectJudgement | undefined
  /** A decision that was loaded; it holds until new evidence is judged. */
  #adopted: Finding | undefined
  #awaited: { state: Finding['state']; since: string }[] = []
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
    this.#timeDependent = options.rule.condition.mentionsNow || options.rule.given?.mentionsNow === true
  }

  /** Before this time, in milliseconds, the passing of time alone cannot change the finding. */
  get due(): number {
    return this.#due
  }

  /** Judges by the newest evidence. Returns the finding when its state changed. */
  judge(now: number): Finding | undefined {
    const judgement = this.#worst(now)
    const before = this.#standing
    this.#standing = nextStanding(before, judgement.verdict, this.#settings.for, now)
    this.#due = this.#nextDue(this.#standing, now)
    this.#adopted = undefined
    this.#judgement = judgement
    if (before?.state === this.#standing.state) return undefined
    const finding = this.finding(now)
    this.#awaited = [...this.#awaited, { state: finding.state, since: finding.since }].slice(-MAX_AWAITED)
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
    this.#judgement = undefined
    this.#due = -Infinity
  }

  /** A decision came by in the journal: our own is not news, another's is taken over. */
  heard(decision: Finding): void {
    const own = this.#awaited.findIndex(
      (awaited) => awaited.state === decision.state && awaited.since === decision.since,
    )
    if (own === -1) this.adopt(decision)
    else this.#awaited = this.#awaited.slice(own + 1)
  }

  #worst(now: number): SubjectJudgement {
    if (!this.#applies.applies) return withoutTarget('not_applicable', this.#applies.reason)
    const judgements = this.#targets
      .map((target, i) => this.#judgeTarget(target, this.#maxAge[i] ?? 0, now))
      .toSorted(byWeight)
    const [worst] = judgements
    if (worst === undefined) return withoutTarget('unknown', 'nothing is observed')
    const decisive = worst.verdict === 'pass' ? judgements : [worst]
    return { ...worst, evidence: decisive.flatMap(({ run }) => run?.evidence ?? []) }
  }

  #judgeTarget(target: TargetState, maxAge: number, now: number): Judgement {
    const { run } = target
    if (run === undefined) return { verdict: 'unknown', reason: 'no observation yet', target, run }
    if (now - run.start > maxAge) {
      const reason = `the last observation, of ${toTimestamp(run.start)}, is older than ${humanDuration(maxAge)}`
      return { verdict: 'unknown', reason, target, run }
    }
    if (run.start - now > MAX_CLOCK_DIFFERENCE) {
      const reason = `the last observation, of ${toTimestamp(run.start)}, lies in the future`
      return { verdict: 'unknown', reason, target, run }
    }
    // A run that our own mistake ended says nothing about the target.
    if (run.facts.probe?.code === INTERNAL_ERROR)
      return { verdict: 'unknown', reason: run.error, target, run }
    const verdict = evaluate(this.#rule, run.values, this.#settings.values, new Date(now))
    const reason = verdict.verdict === 'unknown' ? because(verdict.reason, run.error) : ''
    return { verdict: verdict.verdict, reason, target, run }
  }

  /** When time alone could next change the verdict: evidence is not future any more or grows old, a pending finding becomes a failing one. */
  #nextDue(standing: Standing, now: number): number {
    if (!this.#applies.applies) return Infinity
    if (this.#timeDependent) return -Infinity
    let due = Infinity
    this.#targets.forEach((target, i) => {
      const start = target.run?.start ?? -Infinity
      for (const change of [start - MAX_CLOCK_DIFFERENCE, start + (this.#maxAge[i] ?? 0) + 1])
        if (change > now) due = Math.min(due, change)
    })
    if (standing.state === 'pending' && standing.failingSince !== undefined)
      due = Math.min(due, standing.failingSince + this.#settings.for)
    return due
  }

  #render(now: number): Finding {
    const judgement = this.#judgement
    const run = judgement?.run
    const target = judgement?.target
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
      parameters: this.#settings.written,
      evidence: judgement?.evidence ?? [],
    }
  }

  #summary(judgement: Judgement | undefined, now: number): string {
    if (judgement === undefined) return `${this.#rule.title}: unknown, no observation yet`
    const { verdict, reason, run, target } = judgement
    if (verdict === 'pass') return this.#rule.title
    if (verdict === 'not_applicable') return oneLine(`${this.#rule.title}: ${reason}`)
    if (verdict === 'unknown' || run === undefined) return oneLine(`${this.#rule.title}: unknown, ${reason}`)
    return renderSummary(this.#rule.summary, {
      facts: run.values,
      parameters: this.#settings.values,
      now: new Date(now),
      texts: { subject: this.#subject.subject, target: target?.address ?? '', error: run.error },
    })
  }
}

function withoutTarget(verdict: RawVerdict, reason: string): SubjectJudgement {
  return { verdict, reason, target: undefined, run: undefined, evidence: [] }
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
