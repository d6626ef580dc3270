import { createHash } from 'node:crypto'
import type { IncidentRole, IncidentStep } from '../model/action.ts'
import { SEVERITIES, type Severity } from '../model/finding.ts'
import type { RecordId } from '../model/recordId.ts'
import type { Timestamp } from '../model/time.ts'
import { findingKey } from './trouble.ts'

export type IncidentState = 'open' | 'acknowledged' | 'closed'
export const INCIDENT_STATES: readonly IncidentState[] = ['open', 'acknowledged', 'closed']

export interface IncidentMember {
  readonly rule: string
  readonly subject: string
  readonly severity: Severity
  readonly role: IncidentRole
  /** Why it belongs to the incident. */
  readonly reason: string
  readonly joined: Timestamp
  /** When and why it left: it passes, or something else explains it. */
  readonly left?: { readonly at: Timestamp; readonly reason: string }
}

interface Remark {
  readonly at: Timestamp
  /** As claimed. */
  readonly by: string
  readonly text: string
}

/** Findings with one root cause, and what people did about it. */
export interface Incident {
  readonly id: string
  /** `authority[issuing-1]`, `service[shop,prod]`. */
  readonly about: string
  /** The finding that it began with. */
  readonly root: { readonly rule: string; readonly subject: string }
  readonly state: IncidentState
  /** The highest that any member has had. */
  readonly severity: Severity
  readonly opened: Timestamp
  /** The decision that opened it. */
  readonly decision: RecordId | null
  readonly acknowledged: Remark | null
  readonly owner: string | null
  readonly closed: Remark | null
  readonly members: readonly IncidentMember[]
  /** Members that have left and are not listed any more. */
  readonly moreMembers: number
  readonly comments: readonly Remark[]
}

/** Closed incidents that are remembered; the journal has all. */
const MAX_CLOSED = 500
/** Members of a closed incident that are remembered. */
const MAX_MEMBERS_CLOSED = 200
/** Comments that are remembered of an incident, the newest. */
const MAX_COMMENTS = 200

/** Where a finding belongs. */
export interface Place {
  readonly incident: string
  readonly about: string
  readonly role: IncidentRole
  /** Of its own accord again only after it has passed: somebody closed the incident although it fails. */
  readonly settled: boolean
}

interface Held {
  incident: Omit<Incident, 'members' | 'moreMembers'>
  readonly members: Map<string, IncidentMember>
  /** How many have not left. */
  present: number
  moreMembers: number
}

/**
 * The incidents as their steps tell: feed it every step in the order of the journal, and it says the same after every restart. It
 * decides nothing.
 */
export class IncidentBook {
  readonly #held = new Map<string, Held>()
  readonly #openAbout = new Map<string, string>()
  readonly #places = new Map<string, Place>()

  fold(step: IncidentStep): void {
    const { at } = step
    const held = step.status === 'opened' ? this.#open(step) : this.#held.get(step.id)
    if (held === undefined) return
    switch (step.status) {
      case 'opened':
      case 'joined':
        for (const member of step.members) this.#join(held, { ...member, joined: at })
        break
      case 'left':
        for (const member of step.members)
          this.#leave(held, findingKey(member), { at, reason: member.reason })
        break
      case 'acknowledged':
        if (held.incident.state !== 'open') break
        held.incident = {
          ...held.incident,
          state: 'acknowledged',
          acknowledged: { at, by: step.by, text: step.detail },
        }
        break
      case 'owned':
        held.incident = { ...held.incident, owner: step.detail }
        break
      case 'commented': {
        const comments = [...held.incident.comments, { at, by: step.by, text: step.detail }]
        held.incident = { ...held.incident, comments: comments.slice(-MAX_COMMENTS) }
        break
      }
      case 'closed':
        this.#close(held, { at, by: step.by, text: step.detail })
        break
    }
  }

  /** Newest first. */
  list(): readonly Incident[] {
    return [...this.#held.values()].reverse().map(shown)
  }

  get(id: string): Incident | undefined {
    const held = this.#held.get(id)
    return held === undefined ? undefined : shown(held)
  }

  has(id: string): boolean {
    return this.#held.has(id)
  }

  openAbout(about: string): string | undefined {
    return this.#openAbout.get(about)
  }

  /** Incidents that are open although nothing belongs to them any more. */
  *empty(): Generator<string> {
    for (const id of this.#openAbout.values()) if (this.present(id) === 0) yield id
  }

  /** Members that have not left. */
  present(id: string): number {
    return this.#held.get(id)?.present ?? 0
  }

  rootOf(id: string): (Incident['root'] & { readonly about: string }) | undefined {
    const held = this.#held.get(id)
    return held === undefined ? undefined : { ...held.incident.root, about: held.incident.about }
  }

  place(key: string): Place | undefined {
    return this.#places.get(key)
  }

  places(): IterableIterator<[string, Place]> {
    return this.#places.entries()
  }

  member(id: string, key: string): IncidentMember | undefined {
    return this.#held.get(id)?.members.get(key)
  }

  counts(): Readonly<Record<IncidentState, number>> {
    const counts = { open: 0, acknowledged: 0, closed: 0 }
    for (const { incident } of this.#held.values()) counts[incident.state]++
    return counts
  }

  #open(step: IncidentStep): Held {
    const known = this.#held.get(step.id)
    if (known !== undefined) return known
    const { id, about, rule, subject, evidence } = step
    const held: Held = {
      incident: {
        id,
        about,
        root: { rule, subject },
        state: 'open',
        severity: 'info',
        opened: step.at,
        decision: evidence[0] ?? null,
        acknowledged: null,
        owner: null,
        closed: null,
        comments: [],
      },
      members: new Map(),
      present: 0,
      moreMembers: 0,
    }
    this.#held.set(id, held)
    this.#openAbout.set(about, id)
    return held
  }

  #join(held: Held, member: IncidentMember): void {
    const key = findingKey(member)
    const before = held.members.get(key)
    if (before === undefined || before.left !== undefined) held.present++
    held.members.set(key, member)
    held.incident = { ...held.incident, severity: higher(held.incident.severity, member.severity) }
    const { id, about } = held.incident
    this.#places.set(key, { incident: id, about, role: member.role, settled: false })
  }

  #leave(held: Held, key: string, left: { at: Timestamp; reason: string }): void {
    if (this.#places.get(key)?.incident === held.incident.id) this.#places.delete(key)
    const member = held.members.get(key)
    if (member === undefined || member.left !== undefined) return
    held.members.set(key, { ...member, left })
    held.present--
  }

  #close(held: Held, closed: Remark): void {
    if (held.incident.state === 'closed') return
    held.incident = { ...held.incident, state: 'closed', closed }
    const { id, about } = held.incident
    if (this.#openAbout.get(about) === id) this.#openAbout.delete(about)
    for (const [key, member] of held.members) {
      if (member.left === undefined)
        this.#places.set(key, { incident: id, about, role: member.role, settled: true })
      else if (held.members.size > MAX_MEMBERS_CLOSED) {
        held.members.delete(key)
        held.moreMembers++
      }
    }
    this.#forgetOldest()
  }

  #forgetOldest(): void {
    let closed = this.#held.size - this.#openAbout.size
    for (const [id, { incident, present }] of this.#held) {
      if (closed <= MAX_CLOSED) return
      // What was closed while it failed is remembered until it passes.
      if (incident.state !== 'closed' || present > 0) continue
      this.#held.delete(id)
      closed--
    }
  }
}

/** Follows from the root and the record that opened it: the same after a crash between deciding and journaling. */
export function incidentId(about: string, decision: RecordId, again = 0): string {
  const digest = createHash('sha256').update(`${about}\n${decision}\n${again}`).digest('hex')
  return `inc-${digest.slice(0, 12)}`
}

function higher(a: Severity, b: Severity): Severity {
  return SEVERITIES.indexOf(a) >= SEVERITIES.indexOf(b) ? a : b
}

function shown({ incident, members, moreMembers }: Held): Incident {
  return { ...incident, members: [...members.values()], moreMembers }
}
