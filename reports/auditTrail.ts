import type { AuditEvent } from '../model/auditEvent.ts'
import type { SealedRecord } from '../model/record.ts'
import type { RecordId } from '../model/recordId.ts'
import { toTimestamp } from '../model/time.ts'
import { auditClass } from './auditClasses.ts'
import type { AuditClass } from './auditClasses.ts'
import { BoundedList, clip, listing } from './listing.ts'
import { instant, within } from './period.ts'
import type { Period } from './period.ts'
import type { Report, ReportAuditClass, ReportAuditItem } from './schema.ts'

/** Events listed in each class. */
const MAX_EVENTS = 200
/** Names listed by frequency, and names counted apart: beyond that they share one line (a hostile log invents names). */
const MAX_NAMES = 100
const MAX_COUNTED_NAMES = 10_000
const OTHERS = '(others)'
const MAX_RECORDS = 20
const MAX_NAME = 200
const MAX_TEXT = 300
/** Between the time that an event claims and its arrival in the journal. */
const LATE_MS = 3_600_000
const AHEAD_MS = 300_000

interface NameCount {
  readonly name: string | null
  success: number
  failure: number
  unknown: number
  readonly first: { at: number; record: RecordId }
  last: { at: number; record: RecordId }
}

class ClassCount {
  failures = 0
  readonly events = new BoundedList<ReportAuditItem>(MAX_EVENTS)

  report(): ReportAuditClass {
    return { failures: this.failures, events: this.events.list() }
  }
}

/** Who did what on the CAs in the period, by the time that the CA's own log claims. */
export class AuditTrail {
  readonly #period: Period
  readonly #actions = new Map<string, NameCount>()
  readonly #users = new Map<string, NameCount>()
  readonly #authorities = new Map<string, NameCount>()
  readonly #classes: Record<AuditClass, ClassCount> = {
    failedAuthentications: new ClassCount(),
    revocations: new ClassCount(),
    issuance: new ClassCount(),
    crlCreations: new ClassCount(),
    configuration: new ClassCount(),
    keys: new ClassCount(),
    log: new ClassCount(),
  }
  readonly #outcomes = { success: 0, failure: 0, unknown: 0 }
  readonly #unparsed = new BoundedList<RecordId>(MAX_RECORDS)
  readonly #late = new BoundedList<RecordId>(MAX_RECORDS)
  readonly #ahead = new BoundedList<RecordId>(MAX_RECORDS)
  #longestLate = 0
  #longestAhead = 0
  #events = 0

  constructor(period: Period) {
    this.#period = period
  }

  get failures(): number {
    return this.#outcomes.failure
  }

  add(record: SealedRecord & { kind: 'audit' }): void {
    const event = record.body
    const recorded = instant(record.recorded, 0)
    const at = instant(event['@timestamp'], recorded)
    if (!within(this.#period, at)) return
    this.#events++
    this.#outcomes[event.event.outcome]++
    if (recorded - at > LATE_MS) this.#late.add(() => record.id)
    if (at - recorded > AHEAD_MS) this.#ahead.add(() => record.id)
    this.#longestLate = Math.max(this.#longestLate, recorded - at)
    this.#longestAhead = Math.max(this.#longestAhead, at - recorded)
    if (event.event.action === 'unparsed') this.#unparsed.add(() => record.id)
    const moment = { at, record: record.id }
    const { outcome } = event.event
    tally(this.#actions, event.event.action, outcome, moment)
    tally(this.#users, event.user?.name ?? null, outcome, moment)
    tally(this.#authorities, authorityOf(event), outcome, moment)
    const name = auditClass(event)
    if (name === undefined) return
    if (outcome === 'failure') this.#classes[name].failures++
    this.#classes[name].events.add(() => item(record, at))
  }

  report(): Report['audit'] {
    return {
      events: this.#events,
      outcomes: this.#outcomes,
      actions: names(this.#actions),
      users: names(this.#users),
      authorities: names(this.#authorities),
      failedAuthentications: this.#classes.failedAuthentications.report(),
      revocations: this.#classes.revocations.report(),
      issuance: this.#classes.issuance.report(),
      crlCreations: this.#classes.crlCreations.report(),
      configuration: this.#classes.configuration.report(),
      keys: this.#classes.keys.report(),
      log: this.#classes.log.report(),
      unparsed: this.#unparsed.list(),
      late: { records: this.#late.list(), longest: this.#longestLate },
      ahead: { records: this.#ahead.list(), longest: this.#longestAhead },
    }
  }
}

function tally(
  counts: Map<string, NameCount>,
  name: string | null,
  outcome: AuditEvent['event']['outcome'],
  moment: { at: number; record: RecordId },
): void {
  const short = name === null || name === '' ? null : clip(name, MAX_NAME)
  // The empty name stands for "no name": nobody else can have it.
  let key = short ?? ''
  if (!counts.has(key) && counts.size >= MAX_COUNTED_NAMES) key = OTHERS
  const there = counts.get(key)
  if (there === undefined) {
    const name = key === '' ? null : key
    const count = { name, success: 0, failure: 0, unknown: 0, first: moment, last: moment }
    count[outcome] = 1
    counts.set(key, count)
    return
  }
  there[outcome]++
  there.last = moment
}

function names(counts: Map<string, NameCount>): Report['audit']['actions'] {
  const total = (c: NameCount) => c.success + c.failure + c.unknown
  const sorted = [...counts.values()].sort(
    (a, b) => total(b) - total(a) || ((a.name ?? '') < (b.name ?? '') ? -1 : 1),
  )
  const moment = (m: { at: number; record: RecordId }) => ({ time: toTimestamp(m.at), record: m.record })
  return listing(
    sorted.map((c) => ({ ...c, first: moment(c.first), last: moment(c.last) })),
    MAX_NAMES,
  )
}

/** The id first: it is the inventory's where the CA is known, and one CA's lines do not all give its name. */
function authorityOf({ pki }: AuditEvent): string | null {
  return pki?.caId ?? pki?.caName ?? null
}

function item(record: SealedRecord & { kind: 'audit' }, at: number): ReportAuditItem {
  const event = record.body
  const { pki } = event
  const text = (value: string | undefined | null) =>
    value === undefined || value === null || value === '' ? null : clip(value, MAX_TEXT)
  const reason = pki?.revocationReason === undefined ? undefined : `reason ${pki.revocationReason}`
  const number =
    pki?.crlNumber === undefined || event.message !== undefined ? undefined : `CRL number ${pki.crlNumber}`
  const detail = [reason, number, event.event.reason, event.message].filter((part) => part !== undefined)
  return {
    time: toTimestamp(at),
    recorded: record.recorded,
    record: record.id,
    source: clip(event.position.source, MAX_NAME),
    action: clip(event.event.action, MAX_NAME),
    outcome: event.event.outcome,
    user: text(event.user?.name),
    address: text(event.source?.ip),
    authority: text(authorityOf(event)),
    profile: text(pki?.profile),
    subject: text(pki?.subject),
    serial: text(pki?.serial),
    username: text(pki?.username),
    key: text(pki?.key),
    detail: text(detail.join('; ')),
  }
}
