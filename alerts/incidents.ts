import type { IncidentStep } from '../model/action.ts'
import type { Finding } from '../model/finding.ts'
import type { NewRecord, SealedRecord } from '../model/record.ts'
import type { RecordId } from '../model/recordId.ts'
import { fromTimestamp, toTimestamp } from '../model/time.ts'
import type { Stored, StoredAction } from '../store/contract.ts'
import { commandStep, type IncidentCommand } from './command.ts'
import { IncidentError } from './error.ts'
import { groupingSteps, type GroupedRule } from './grouping.ts'
import { IncidentBook, type Incident, type Place } from './incident.ts'
import { inJournalOrder } from './journalOrder.ts'
import { entityOf, type Topology } from './topology.ts'
import { begunBy, findingKey, isOver, troubleOf, type Trouble } from './trouble.ts'

interface IncidentsOptions {
  readonly topology: Topology
  /** Those in force now, with the settings of the configuration. */
  readonly rules: () => ReadonlyMap<string, GroupedRule>
  readonly record: (records: readonly NewRecord[]) => Promise<readonly SealedRecord[]>
  /** Told when steps could not be journaled: after a restart they are decided anew. */
  readonly onError?: (error: unknown) => void
}

/** Where the alert of a finding belongs. */
export type AlertPlace = Pick<Place, 'about' | 'role'> & { readonly incident: string | undefined }

/**
 * Groups findings into incidents as decisions come in, and takes what people say about them. Every step is journaled; the book is what the
 * steps tell, in the order of the journal. Its clock is the journal's.
 *
 * Only this object writes steps, so it takes its own at once, and those of people when they are sealed.
 */
export class Incidents {
  readonly #options: IncidentsOptions
  readonly #book = new IncidentBook()
  readonly #troubles = new Map<string, Trouble>()
  /** Why findings that were in an incident are in no trouble any more, until that was said. */
  readonly #over = new Map<string, string>()
  #now = 0
  /** The newest append; each waits for the one before. */
  #writing: Promise<unknown> = Promise.resolve()

  constructor(options: IncidentsOptions) {
    this.#options = options
  }

  /** Takes the state of the store, once, before the first `apply`. `now` in milliseconds. */
  hydrate(state: {
    readonly now: number
    readonly findings: readonly Stored<Finding>[]
    readonly actions: readonly StoredAction[]
  }): void {
    this.#now = state.now
    for (const action of state.actions.toSorted(inJournalOrder))
      if (action.kind === 'incident') this.#book.fold(action)
    for (const finding of state.findings) this.#take(finding, finding.id)
    this.#review()
  }

  /** Feed it every sealed batch. */
  apply(batch: readonly SealedRecord[]): void {
    let due = false
    for (const record of batch) {
      this.#advance(fromTimestamp(record.recorded))
      if (record.kind === 'decision') this.#take(record.body, record.id)
      if (record.kind === 'decision' || record.kind === 'tick') due = true
    }
    if (due) this.#review()
  }

  /** Newest first. */
  list(): readonly Incident[] {
    return this.#book.list()
  }

  counts(): ReturnType<IncidentBook['counts']> {
    return this.#book.counts()
  }

  place(finding: Pick<Finding, 'rule' | 'subject'>): AlertPlace {
    const place = this.#book.place(findingKey(finding))
    if (place !== undefined) return place
    return { about: entityOf(finding.subject), role: 'cause', incident: undefined }
  }

  /** What a person decided. Resolves when it is sealed. Throws IncidentError; nothing is recorded then. */
  async command(command: IncidentCommand): Promise<Incident> {
    const work = this.#writing.then(async () => {
      const step = commandStep(this.#book, command, toTimestamp(this.#now))
      const sealed = await this.#options.record([recordOf(step)])
      if (sealed.length === 0) throw new IncidentError('refused', 'vigil is ending, and it was not recorded')
      this.#book.fold(step)
    })
    this.#writing = work.catch(() => undefined)
    await work
    const incident = this.#book.get(command.id)
    if (incident === undefined) throw new RangeError(`expected the incident ${command.id} in the book`)
    return incident
  }

  /** Resolves when every step is journaled. */
  async settled(): Promise<void> {
    let seen: unknown
    while (seen !== this.#writing) {
      seen = this.#writing
      await seen
    }
  }

  #advance(now: number): void {
    if (now < this.#now)
      for (const [key, trouble] of this.#troubles) this.#troubles.set(key, begunBy(trouble, now))
    this.#now = now
  }

  #take(finding: Finding, decision: RecordId): void {
    const key = findingKey(finding)
    if (isOver(finding)) {
      this.#troubles.delete(key)
      if (this.#book.place(key) !== undefined)
        this.#over.set(key, finding.state === 'pass' ? 'it passes' : 'it does not apply any more')
    } else {
      this.#troubles.set(key, troubleOf(finding, decision, this.#troubles.get(key), this.#now))
    }
  }

  #review(): void {
    const steps = groupingSteps({
      book: this.#book,
      troubles: this.#troubles,
      over: (key) => this.#over.get(key) ?? 'it is not watched any more',
      topology: this.#options.topology,
      rules: this.#options.rules(),
      now: this.#now,
    })
    this.#over.clear()
    if (steps.length === 0) return
    for (const step of steps) this.#book.fold(step)
    this.#writing = this.#writing
      .then(() => this.#options.record(steps.map(recordOf)))
      .catch((error: unknown) => this.#options.onError?.(error))
  }
}

function recordOf(body: IncidentStep): NewRecord {
  return { kind: 'action', time: body.at, body }
}
