import { SIGNING } from '../../collectors/formats/dogtagSignature.ts'
import { UNPARSED } from '../../collectors/formats/unparsed.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { LogConfig } from '../../model/config.ts'
import type { Facts, FactsOf } from '../../model/facts.ts'
import { compareInJournal, parseRecordId, type RecordId } from '../../model/recordId.ts'
import { fromTimestamp, toTimestamp, type Timestamp } from '../../model/time.ts'
import type { MaintenancePlan } from '../maintenance.ts'
import { Bursts } from './bursts.ts'
import {
  administratorIssuer,
  concernsOf,
  isChange,
  isFailedLogin,
  isQueued,
  LOG_CONCERNS,
  SECURITY_CONCERNS,
  type Concern,
} from './concerns.ts'
import { Pauses } from './pauses.ts'
import { counted, NOTHING, tallyFacts, tallyOf, type Tally } from './tally.ts'

const MINUTE = 60_000
const DAY = 86_400_000

/** Silence that is none, in milliseconds. While a log goes on, nothing is said of when it was last heard: so that facts repeat. */
const QUIET = 5 * MINUTE
/** Failed authentications are counted over this time, in milliseconds. */
const LOGIN_WINDOW = 10 * MINUTE
/** What publishers put off is, over this. */
const QUEUE_WINDOW = 60 * MINUTE
/** What happened this long before it was heard of is history (a log that is read for the first time): it counts as of when it happened. */
const HISTORY = 7 * DAY
/** Least step back of a log's own times that counts, in milliseconds: threads write a little out of order. */
const SETBACK = 5_000
/** Files of one log whose times are followed. */
const MAX_FILES = 100
/** A file that we read is followed by the next one, whose times go on. */
const ONE_FILE = ''
/** Names that a list holds. */
const MAX_NAMED = 5
/** Issuers of administrators' certificates that are known. */
const MAX_ISSUERS = 20

export interface HeardRecord {
  readonly id: RecordId
  readonly body: AuditEvent
  readonly recorded: Timestamp
}

/** What is known of one log by what was journaled of it: a projection, which goes on from its own facts. */
export class HeardLog {
  readonly #log: LogConfig
  readonly #tallies = new Map<Concern, Tally>()
  readonly #pauses = new Pauses()
  readonly #logins = new Bursts(LOGIN_WINDOW)
  readonly #allLogins = new Bursts(LOGIN_WINDOW)
  readonly #queue = new Bursts(QUEUE_WINDOW)
  /** By file, the newest time in it. */
  readonly #times = new Map<string, number>()
  /** Records up to this one have gone into the times. */
  #timesUntil: RecordId | undefined
  #plan: MaintenancePlan | undefined
  /** When the newest record was written; before the first one: since when it is awaited. */
  #last: number
  #isHeard = false
  #setback = 0
  #issuers: readonly string[] = []
  #unsignedSince: number | undefined
  /** The newest record that counted. */
  #through: RecordId | undefined

  /** `started` in milliseconds. */
  constructor(log: LogConfig, plan: MaintenancePlan | undefined, started: number) {
    this.#log = log
    this.#plan = plan
    this.#last = started
  }

  /** Changes are planned at these times from now on. */
  reconfigure(plan: MaintenancePlan | undefined): void {
    this.#plan = plan
  }

  /** From the facts that it gave last, with their record. Records up to `through` may be heard again, and do not count twice. */
  restore({ log = {}, security = {} }: Facts, record: RecordId): void {
    for (const name of LOG_CONCERNS) this.#tallies.set(name, tallyOf(name, log))
    for (const name of SECURITY_CONCERNS) this.#tallies.set(name, tallyOf(name, security))
    this.#pauses.restore(log.pauses ?? [])
    this.#isHeard = log.heard ?? false
    if (log.silentSince !== undefined) this.#last = fromTimestamp(log.silentSince)
    if (this.#isHeard && log.silentSince !== undefined && this.#log.beats === undefined) {
      this.#times.set(ONE_FILE, this.#last)
      this.#timesUntil = record
    }
    if (log.unsignedSince !== undefined) this.#unsignedSince = fromTimestamp(log.unsignedSince)
    this.#setback = log.setback ?? 0
    this.#issuers = security.administratorIssuers ?? []
    this.#through = log.through
  }

  hear(record: HeardRecord): void {
    const { body: event, recorded } = record
    const now = fromTimestamp(recorded)
    // A log that is ahead of us is believed up to now.
    const at = Math.min(fromTimestamp(event['@timestamp']), now)
    if (event.event.module !== 'vigil') this.#follow(event, at)
    if (isFailedLogin(event)) this.#failed(event, at)
    if (isQueued(event)) this.#queue.add('', at)
    const concerns = [
      ...concernsOf(event),
      ...this.#ofOrder(record),
      ...this.#ofWho(event),
      ...this.#ofWhen(event, at),
    ]
    if (concerns.length === 0 || !isAfter(record.id, this.#through)) return
    this.#through = record.id
    const when = toTimestamp(now - at > HISTORY ? at : now)
    for (const concern of concerns)
      this.#tallies.set(concern, counted(this.#tally(concern), when, describe(event)))
  }

  /** As of `now`, in milliseconds; the same again as long as nothing is heard that matters. */
  facts(now: number): Facts {
    return { log: this.#logFacts(now), security: this.#securityFacts(now) }
  }

  #logFacts(now: number): FactsOf<'log'> {
    const usual = this.#pauses.usual()
    const isSilent = now - this.#last >= QUIET
    const isUnsigned = this.#unsignedSince !== undefined && now - this.#unsignedSince >= QUIET
    return {
      heard: this.#isHeard,
      silent: isSilent,
      ...(isSilent ? { silentSince: toTimestamp(this.#last) } : {}),
      ...(usual === undefined ? {} : { usualPause: usual }),
      pauses: this.#pauses.lines(),
      ...tallyFacts('unparsed', this.#tally('unparsed')),
      ...tallyFacts('gaps', this.#tally('gaps')),
      ...tallyFacts('setbacks', this.#tally('setbacks')),
      setback: this.#setback,
      ...tallyFacts('losses', this.#tally('losses')),
      ...tallyFacts('alterations', this.#tally('alterations')),
      signable: this.#log.format === 'dogtag',
      ...tallyFacts('badSignatures', this.#tally('badSignatures')),
      ...(isUnsigned ? { unsignedSince: toTimestamp(this.#unsignedSince ?? now) } : {}),
      ...(this.#through === undefined ? {} : { through: this.#through }),
    }
  }

  #securityFacts(now: number): FactsOf<'security'> {
    const logins = this.#logins.counts(now)
    const [[, all] = ['', 0]] = this.#allLogins.counts(now)
    const [[, queued] = ['', 0]] = this.#queue.counts(now)
    return {
      failedLogins: logins[0]?.[1] ?? 0,
      failedLoginsAll: all,
      failedLoginsBy: logins.slice(0, MAX_NAMED).map(([name, count]) => `${name} ${count}`),
      ...tallyFacts('denials', this.#tally('denials')),
      administratorIssuers: this.#issuers,
      ...tallyFacts('newIssuers', this.#tally('newIssuers')),
      ...tallyFacts('violations', this.#tally('violations')),
      changeWindows: this.#plan !== undefined,
      ...tallyFacts('unplannedChanges', this.#tally('unplannedChanges')),
      ...tallyFacts('logChanges', this.#tally('logChanges')),
      ...tallyFacts('keyExports', this.#tally('keyExports')),
      ...tallyFacts('errors', this.#tally('errors')),
      publishesQueued: queued,
    }
  }

  #tally(concern: Concern): Tally {
    return this.#tallies.get(concern) ?? NOTHING
  }

  #follow({ event, pki }: AuditEvent, at: number): void {
    if (this.#isHeard && at > this.#last) this.#pauses.add(at - this.#last, at)
    if (!this.#isHeard || at > this.#last) this.#last = at
    this.#isHeard = true
    if (this.#log.format !== 'dogtag') return
    if (event.action === SIGNING && pki?.signature === 'verified') this.#unsignedSince = undefined
    // A signature covers itself only with the next one.
    else if (event.action !== SIGNING) this.#unsignedSince ??= at
  }

  #failed({ user, source }: AuditEvent, at: number): void {
    for (const name of [user?.name ?? 'somebody', ...(source === undefined ? [] : [source.ip])])
      this.#logins.add(name.slice(0, 200).toWellFormed(), at)
    this.#allLogins.add('', at)
  }

  /** Times of one file that step back. What was not understood, and what we say ourselves, bears no time of the source. */
  #ofOrder({ id, body: { event, position, ...rest } }: HeardRecord): readonly Concern[] {
    if (event.module === 'vigil' || event.action === UNPARSED || !this.#isInOrder()) return []
    if (this.#timesUntil !== undefined && !isAfter(id, this.#timesUntil)) return []
    // Filebeat ships several files side by side.
    const file = this.#log.beats === undefined ? ONE_FILE : position.fingerprint
    const at = fromTimestamp(rest['@timestamp'])
    const before = this.#times.get(file) ?? at
    const step = before - at
    // The lower time counts from here on: a clock that was set back is told of once.
    this.#times.delete(file)
    this.#times.set(file, step >= SETBACK ? at : Math.max(before, at))
    const [oldest] = this.#times.keys()
    if (this.#times.size > MAX_FILES && oldest !== undefined) this.#times.delete(oldest)
    if (step < SETBACK) return []
    this.#setback = step
    return ['setbacks']
  }

  /** Records come as they were written: an export may begin with the newest, an API or index gives them in an order of its own. */
  #isInOrder(): boolean {
    const { format, path, beats } = this.#log
    return format !== 'ejbca-csv' && (path !== undefined || beats !== undefined)
  }

  /** An administrator by an issuer of whom none came before. */
  #ofWho(event: AuditEvent): readonly Concern[] {
    const issuer = administratorIssuer(event)?.slice(0, 200).toWellFormed()
    if (issuer === undefined || this.#issuers.includes(issuer)) return []
    const isFirst = this.#issuers.length === 0
    if (this.#issuers.length < MAX_ISSUERS) this.#issuers = [...this.#issuers, issuer]
    return isFirst ? [] : ['newIssuers']
  }

  /** A change while none is planned. */
  #ofWhen(event: AuditEvent, at: number): readonly Concern[] {
    if (this.#plan === undefined || !isChange(event)) return []
    return this.#plan.at(at).waiver === undefined ? ['unplannedChanges'] : []
  }
}

/** For people: who did what, and what the log says of it. */
function describe({ event, user, source, message, pki }: AuditEvent): string {
  const who = user === undefined ? '' : ` by ${user.name}`
  const where = source === undefined ? '' : ` from ${source.ip}`
  const what = event.reason ?? message ?? pki?.key ?? pki?.profile ?? ''
  return `${event.code ?? event.action}${who}${where}${what === '' ? '' : `: ${what}`}`
}

/** In the journal. A record of a later epoch comes later. */
function isAfter(id: RecordId, other: RecordId | undefined): boolean {
  const [a, b] = [parseRecordId(id), other === undefined ? undefined : parseRecordId(other)]
  if (a === undefined || b === undefined) return true
  return compareInJournal(a, b) > 0
}
