import type { IncidentRole, IncidentStep, MemberRef } from '../model/action.ts'
import { SEVERITIES } from '../model/finding.ts'
import type { Rule } from '../rules/pack.ts'
import { parseSubject, type SubjectKind } from '../model/subject.ts'
import { causeOf, explainingTroubles, mayStaySymptom, sourcesOf } from './causes.ts'
import { incidentId, type IncidentBook, type Place } from './incident.ts'
import { toTimestamp, type Timestamp } from '../model/time.ts'
import { entityOf, type Topology } from './topology.ts'
import { findingKey, isDue, isWaived, type Trouble } from './trouble.ts'

/** What grouping needs to know of a rule. */
export type GroupedRule = Pick<Rule, 'unknownFor' | 'condition' | 'given'>

/** Members named in one step: keeps a record under some ten kilobytes. */
const MAX_MEMBERS_PER_STEP = 200

/** What is nearer to the root comes first when an incident opens with several findings. */
const NEARER: readonly SubjectKind[] = [
  'intermediate_ca_cert',
  'ca_crl',
  'ocsp_responder_status',
  'service_tls_health',
  'deployed_service_cert',
  'service_cert',
]

interface Situation {
  readonly book: IncidentBook
  /** Everything that does not pass, by finding key. */
  readonly troubles: ReadonlyMap<string, Trouble>
  /** Why a finding that is in no trouble any more is not. */
  readonly over: (key: string) => string
  readonly topology: Topology
  readonly rules: ReadonlyMap<string, GroupedRule>
  /** Milliseconds, on the journal's clock. */
  readonly now: number
}

interface Wanted {
  readonly trouble: Trouble
  readonly about: string
  readonly role: IncidentRole
  readonly reason: string
}

/**
 * The steps that bring the incidents in line with the findings, to be folded into the book in this order. Pure: it changes nothing. Applied
 * to its own result it returns nothing.
 *
 * - A finding that is due (fails, or could not be judged for too long) belongs to the incident about its authority or service.
 * - One that is explained by something that is due at an authority above belongs to the incident about that authority, at once.
 * - Once in an incident it stays until it passes, so that the end of a cause sets nothing off; but it moves to a cause that turns up.
 * - Waived findings are in no incident; they explain others all the same.
 */
export function groupingSteps(situation: Situation): readonly IncidentStep[] {
  const plan = new Plan(situation.book, toTimestamp(situation.now))
  const { book, troubles, over, now } = situation
  const unknownFor = (trouble: Trouble) => situation.rules.get(trouble.finding.rule)?.unknownFor
  const due = (trouble: Trouble) => isDue(trouble, unknownFor(trouble), now)
  const explaining = explainingTroubles(troubles.values(), due)

  const known = new Map<string, ReturnType<typeof sourcesOf>>()
  const sourcesOfRule = (id: string): ReturnType<typeof sourcesOf> => {
    const rule = situation.rules.get(id)
    const sources = known.get(id) ?? (rule === undefined ? [] : sourcesOf(rule))
    known.set(id, sources)
    return sources
  }

  for (const [key, place] of book.places()) {
    const trouble = troubles.get(key)
    if (trouble === undefined) plan.leave(key, place, over(key))
    else if (isWaived(trouble.finding, now)) plan.leave(key, place, 'it is waived')
  }
  for (const [key, trouble] of troubles) {
    if (isWaived(trouble.finding, now)) continue
    const place = book.place(key)
    const sources = sourcesOfRule(trouble.finding.rule)
    const cause = causeOf(trouble, sources, situation.topology, explaining)
    const wanted = wantedPlace(trouble, cause, place, mayStaySymptom(trouble, sources))
    if (place !== undefined && place.about === wanted.about && place.role === wanted.role) continue
    if (place === undefined && cause === undefined && !due(trouble)) continue
    if (cause !== undefined && isOpenedByNobody(book, cause.trouble, now) && !due(trouble)) continue
    plan.move(key, place, wanted)
  }
  return plan.steps()
}

function wantedPlace(
  trouble: Trouble,
  cause: ReturnType<typeof causeOf>,
  place: Place | undefined,
  mayStay: boolean,
): Wanted {
  if (cause !== undefined) {
    const { rule, subject } = cause.trouble.finding
    return {
      trouble,
      about: cause.about,
      role: 'symptom',
      reason: `depends on ${subject}, where ${rule} does not hold`,
    }
  }
  const reason = trouble.finding.state === 'fail' ? 'it fails' : 'it cannot be judged'
  if (place?.role === 'symptom' && mayStay) return { trouble, about: place.about, role: 'symptom', reason }
  return { trouble, about: entityOf(trouble.finding.subject), role: 'cause', reason }
}

/** A cause that is waived, or whose incident somebody closed, opens none: its symptoms alone don't before they are due themselves. */
function isOpenedByNobody(book: IncidentBook, { finding }: Trouble, now: number): boolean {
  return isWaived(finding, now) || book.place(findingKey(finding))?.settled === true
}

/** Collects who leaves and who comes, then makes steps of it. */
class Plan {
  readonly #book: IncidentBook
  readonly #leaving = new Map<string, { member: MemberRef; decision: string | undefined }[]>()
  readonly #coming = new Map<string, Wanted[]>()
  /** Where the last members of an incident went. */
  readonly #moved = new Map<string, string>()

  readonly #at: Timestamp

  constructor(book: IncidentBook, at: Timestamp) {
    this.#book = book
    this.#at = at
  }

  leave(key: string, { incident }: Place, reason: string, decision?: string): void {
    const member = this.#book.member(incident, key)
    if (member === undefined) return
    const { rule, subject, severity, role } = member
    const leaving = this.#leaving.get(incident) ?? []
    leaving.push({ member: { rule, subject, severity, role, reason }, decision })
    this.#leaving.set(incident, leaving)
  }

  move(key: string, from: Place | undefined, to: Wanted): void {
    if (from !== undefined && from.about !== to.about) {
      this.leave(key, from, to.reason, to.trouble.decision)
      this.#moved.set(from.incident, to.about)
    }
    const coming = this.#coming.get(to.about) ?? []
    coming.push(to)
    this.#coming.set(to.about, coming)
  }

  steps(): readonly IncidentStep[] {
    return [...this.#departures(), ...this.#arrivals(), ...this.#closures()]
  }

  *#departures(): Generator<IncidentStep> {
    for (const [id, leaving] of this.#leaving) {
      const root = this.#book.rootOf(id)
      if (root === undefined) continue
      for (const part of chunks(leaving)) {
        const [only] = part
        const detail =
          part.length === 1 && only !== undefined
            ? named(only.member, root, only.member.reason)
            : `${part.length} findings leave`
        const evidence = part.flatMap(({ decision }) => decision ?? [])
        yield this.#step(id, root, 'left', detail, { members: part.map(({ member }) => member), evidence })
      }
    }
  }

  *#arrivals(): Generator<IncidentStep> {
    for (const [about, coming] of this.#coming) {
      const sorted = coming.toSorted(byRoot)
      const [first] = sorted
      if (first === undefined) continue
      let id = this.#book.openAbout(about)
      let root = id === undefined ? undefined : this.#book.rootOf(id)
      let rest = sorted
      if (id === undefined || root === undefined) {
        id = this.#freshId(about, first.trouble.decision)
        const { rule, subject, summary } = first.trouble.finding
        root = { rule, subject, about }
        rest = sorted.slice(1)
        yield this.#step(id, root, 'opened', summary, membersOf([first]))
      }
      for (const part of chunks(rest)) {
        const [only] = part
        const detail =
          part.length === 1 && only !== undefined
            ? named(only.trouble.finding, root, only.reason)
            : `${part.length} findings join`
        yield this.#step(id, root, 'joined', detail, membersOf(part))
      }
    }
  }

  /** Incidents that nobody is in any more when all this is done. */
  *#closures(): Generator<IncidentStep> {
    const candidates = new Set([...this.#leaving.keys(), ...this.#book.empty()])
    for (const id of candidates) {
      const root = this.#book.rootOf(id)
      if (root === undefined || this.#book.openAbout(root.about) !== id) continue
      const leaving = this.#leaving.get(id)?.length ?? 0
      if (leaving < this.#book.present(id) || this.#coming.has(root.about)) continue
      const movedTo = this.#moved.get(id)
      const detail =
        movedTo === undefined
          ? 'none of its findings is in trouble any more'
          : `its findings belong to ${movedTo}`
      yield this.#step(id, root, 'closed', detail, { members: [], evidence: [] })
    }
  }

  #freshId(about: string, decision: string): string {
    let again = 0
    while (this.#book.has(incidentId(about, decision, again))) again++
    return incidentId(about, decision, again)
  }

  #step(
    id: string,
    root: { readonly rule: string; readonly subject: string; readonly about: string },
    status: IncidentStep['status'],
    detail: string,
    parts: Pick<IncidentStep, 'members' | 'evidence'>,
  ): IncidentStep {
    const { rule, subject, about } = root
    const who = { receiver: 'vigil', by: 'vigil' }
    return { kind: 'incident', id, status, rule, subject, about, at: this.#at, ...who, detail, ...parts }
  }
}

function membersOf(coming: readonly Wanted[]): Pick<IncidentStep, 'members' | 'evidence'> {
  const members = coming.map(({ trouble: { finding }, role, reason }) => ({
    rule: finding.rule,
    subject: finding.subject,
    severity: finding.severity,
    role,
    reason,
  }))
  return { members, evidence: coming.map(({ trouble }) => trouble.decision) }
}

/** Causes before symptoms, then what is nearer to the root, then the graver, then the earlier. */
function byRoot(a: Wanted, b: Wanted): number {
  return (
    Number(a.role === 'symptom') - Number(b.role === 'symptom') ||
    nearness(a) - nearness(b) ||
    SEVERITIES.indexOf(b.trouble.finding.severity) - SEVERITIES.indexOf(a.trouble.finding.severity) ||
    a.trouble.badSince - b.trouble.badSince ||
    (findingKey(a.trouble.finding) < findingKey(b.trouble.finding) ? -1 : 1)
  )
}

function nearness({ trouble }: Wanted): number {
  const kind = parseSubject(trouble.finding.subject)?.kind
  const at = kind === undefined ? -1 : NEARER.indexOf(kind)
  return at === -1 ? NEARER.length : at
}

function* chunks<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < all.length; i += MAX_MEMBERS_PER_STEP) yield all.slice(i, i + MAX_MEMBERS_PER_STEP)
}

/** A step names its incident's root anyway. */
function named(
  finding: { readonly rule: string; readonly subject: string },
  root: { readonly rule: string; readonly subject: string },
  text: string,
): string {
  const isRoot = finding.rule === root.rule && finding.subject === root.subject
  return isRoot ? text : `${finding.rule} on ${finding.subject}: ${text}`
}
